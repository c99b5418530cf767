"""The verifier: what every Graph must satisfy, checked after the importer and after each pass."""

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.ir.graph import Graph, Node, Tensor


def verify(graph: Graph, stage: str = "import", before: Graph | None = None) -> None:
    """Checks SSA form, execution order, shapes, types and quantization.

    Args:
        graph: The graph.
        stage: What just produced it, named in the message.
        before: A graph that was verified. Of nodes that it has as well, with the very same tensors,
            only the order is looked at.

    Raises:
        BadModel: the graph is malformed.
        UnsupportedOp: a node does not support its types or attributes.
    """
    known = set(graph.inputs)
    for name, tensor in graph.tensors.items():
        if name != tensor.name:
            raise BadModel(f"after {stage}: tensor '{tensor.name}' is filed under '{name}'")
        if any(dim < (tensor.data is None) for dim in tensor.shape):
            raise BadModel(f"after {stage}: tensor '{name}' has the shape {list(tensor.shape)}")
        if tensor.data is not None:
            if tensor.data.shape != tensor.shape or tensor.data.dtype != np.dtype(
                tensor.dtype.numpy
            ):
                raise BadModel(f"after {stage}: the data of constant '{name}' contradicts its type")
            known.add(name)
        if tensor.state:
            _verify_state(tensor, stage)
            known.add(name)
    verified = {} if before is None else {node.name: node for node in before.nodes}
    layers: set[str] = set()
    for node in graph.nodes:
        if node.name in layers:
            raise BadModel(f"after {stage}: two nodes have the name '{node.name}'")
        layers.add(node.name)
        _verify_order(graph, node, known, stage)
        if before is None or not _is_same(graph, node, before, verified.get(node.name)):
            _verify_node(graph, node, stage)
    for name in graph.outputs:
        if name not in known:
            raise BadModel(f"after {stage}: output '{name}' is never computed")


def _verify_state(tensor: Tensor, stage: str) -> None:
    found = tensor.initial
    if found is not None and (
        found.shape != tensor.shape or found.dtype != np.dtype(tensor.dtype.numpy)
    ):
        raise BadModel(f"after {stage}: the beginning of state '{tensor.name}' has another type")


def _is_same(graph: Graph, node: Node, before: Graph, old: Node | None) -> bool:
    """Whether a node and its tensors are the very objects that another graph has."""
    names = (*node.inputs, *node.outputs)
    return node is old and all(
        graph.tensors[name] is before.tensors.get(name) for name in names if name is not None
    )


def _verify_order(graph: Graph, node: Node, known: set[str], stage: str) -> None:
    for name in node.inputs:
        if name is not None and name not in known:
            raise BadModel(
                f"after {stage}: {node.name} ({node.OP}) reads '{name}' before it is computed"
            )
    for name in node.outputs:
        if name in known:
            raise BadModel(f"after {stage}: '{name}' is computed twice")
        if name not in graph.tensors:
            raise BadModel(f"after {stage}: {node.name} ({node.OP}) writes the unknown '{name}'")
        known.add(name)
    if node.assigned is not None and node.inputs[0] is not None:
        known.discard(node.inputs[0])  # its old value is gone


def _verify_node(graph: Graph, node: Node, stage: str) -> None:
    expected = node.infer(graph.ins(node))
    actual = tuple((tensor.shape, tensor.dtype) for tensor in graph.outs(node))
    if expected != actual:
        raise BadModel(
            f"after {stage}: {node.name} ({node.OP}) must give "
            + ", ".join(f"{list(shape)} {dtype.label}" for shape, dtype in expected)
            + ", but the model says "
            + ", ".join(f"{list(shape)} {dtype.label}" for shape, dtype in actual)
        )
    node.check(graph.ins(node), graph.outs(node))
