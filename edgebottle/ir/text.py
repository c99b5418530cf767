"""Writes a Graph as text: deterministic, one line per node, for ``--dump`` and golden tests."""

from dataclasses import fields

from edgebottle.ir.graph import Graph, Node, Tensor


def dump(graph: Graph) -> str:
    """Returns the graph as text."""
    lines = [f"graph {graph.name}"]
    lines += [f"  input  {_tensor(graph.tensors[name])}" for name in graph.inputs]
    lines += [f"  state  {_state(tensor)}" for tensor in graph.tensors.values() if tensor.state]
    for node in graph.nodes:
        outputs = ", ".join(_tensor(tensor) for tensor in graph.outs(node))
        lines.append(f"  {outputs} = {node.OP}({_arguments(graph, node)}){_attributes(node)}")
    lines += [f"  output %{name}" for name in graph.outputs]
    return "\n".join(lines) + "\n"


def _tensor(tensor: Tensor) -> str:
    shape = "x".join(str(dim) for dim in tensor.shape) or "scalar"
    told = f"{_quant(tensor)}{_levels(tensor)}{_bounds(tensor)}"
    return f"%{tensor.name}: {shape} {tensor.dtype.label}{told}"


def _state(tensor: Tensor) -> str:
    return _tensor(tensor) + ("" if tensor.initial is None else " with values to begin with")


def _quant(tensor: Tensor) -> str:
    if tensor.quant is None:
        return ""
    if tensor.quant.axis is not None and len(tensor.quant.scale) > 1:
        return f" q[{len(tensor.quant.scale)} scales, axis {tensor.quant.axis}]"
    return f" q[{tensor.quant.scale[0]:.9g}, {tensor.quant.zero_point[0]}]"


def _levels(tensor: Tensor) -> str:
    levels = tensor.levels
    return "" if levels is None else f" {levels.bits} bits[{levels.lowest} + {levels.step}n]"


def _bounds(tensor: Tensor) -> str:
    return "" if tensor.bounds is None else f" within {tensor.bounds[0]}..{tensor.bounds[1]}"


def _arguments(graph: Graph, node: Node) -> str:
    parts = []
    for name in node.inputs:
        if name is None:
            parts.append("none")
        elif graph.tensors[name].data is not None:
            parts.append("const " + _tensor(graph.tensors[name]).removeprefix("%"))
        else:
            parts.append(f"%{name}")
    return ", ".join(parts)


def _attributes(node: Node) -> str:
    own = [field.name for field in fields(node) if field.name not in ("name", "inputs", "outputs")]
    values = []
    for name in own:
        value = getattr(node, name)
        values.append(f"{name}={getattr(value, 'name', value)}")
    return " {" + ", ".join(values) + "}" if values else ""
