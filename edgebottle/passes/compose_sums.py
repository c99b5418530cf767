"""Gives ADD_N and SQUARE another form: additions and a product, which have int8 arithmetic.

Nothing changes but the order of roundings in floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Tensor, unused_name
from edgebottle.ops.add import Add
from edgebottle.ops.base import Activation
from edgebottle.ops.mul import Mul


def compose_sums(graph: Graph) -> Graph:
    """ADD_N as additions, SQUARE as a product: LiteRT has no int8 kernels of the two."""
    nodes: list[Node] = []
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        make = _FORMS.get(node.OP)
        is_real = tensors[node.outputs[0]].dtype is DType.F32
        nodes += make(node, tensors) if make is not None and is_real else [node]
    return graph.with_nodes(nodes, tensors)


def _additions(node: Node, tensors: dict[str, Tensor]) -> list[Node]:
    """A sum of two after the other."""
    first, *others = (name for name in node.inputs if name is not None)
    result: list[Node] = []
    for number, other in enumerate(others, start=1):
        target = node.outputs[0]
        name = node.name if number == len(others) else f"{node.name}_{number}"
        if number < len(others):
            target = unused_name(f"{target}_{number}", tensors)
            tensors[target] = replace(tensors[node.outputs[0]], name=target)
        made = Add(name=name, inputs=(first, other), outputs=(target,), activation=Activation.NONE)
        result.append(made)
        first = target
    return result


def _product(node: Node, tensors: dict[str, Tensor]) -> list[Node]:
    """The input times itself."""
    inputs = (node.inputs[0], node.inputs[0])
    return [Mul(name=node.name, inputs=inputs, outputs=node.outputs, activation=Activation.NONE)]


_FORMS: Mapping[str, Callable[[Node, dict[str, Tensor]], list[Node]]] = {
    "ADD_N": _additions,
    "SQUARE": _product,
}
