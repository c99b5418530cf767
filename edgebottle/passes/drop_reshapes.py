"""Removes operators that only give the same bytes another shape, or do nothing at all."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.rewrite import bypass, rename_inputs


def drop_reshapes(graph: Graph) -> Graph:
    """Merges chains of reshapes, drops those that change nothing.

    A transpose that only moves axes of length 1 is a reshape. What remains shares the memory of
    its input in the plan and costs nothing.
    """
    graph = graph.with_nodes([_as_reshape(graph, node) for node in graph.nodes])
    graph = _skip_chains(graph)
    for node in graph.nodes:
        if _does_nothing(graph, node):
            graph = bypass(graph, node) or graph
    return graph


def _is_view(node: Node | None) -> bool:
    return isinstance(node, Operator) and node.VIEW


def _as_reshape(graph: Graph, node: Node) -> Node:
    if not isinstance(node, Transpose):
        return node
    source = graph.ins(node)[0]
    assert source is not None
    moved = [axis for axis in node.permutation if source.shape[axis] != 1]
    if moved != sorted(moved):
        return node
    target = graph.outs(node)[0]
    return Reshape(
        name=node.name, inputs=(node.inputs[0],), outputs=node.outputs, shape=target.shape
    )


def _skip_chains(graph: Graph) -> Graph:
    """Lets the second of two views read what the first one reads."""
    source: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if _is_view(node):
            node = rename_inputs(node, source)
            assert node.inputs[0] is not None
            if node.outputs[0] not in graph.outputs:
                source[node.outputs[0]] = node.inputs[0]
        nodes.append(node)
    used = {name for node in nodes for name in node.inputs} | set(graph.outputs)
    alive = [node for node in nodes if not _is_view(node) or node.outputs[0] in used]
    return graph.with_nodes(alive)


def _does_nothing(graph: Graph, node: Node) -> bool:
    if not _is_view(node):
        return False
    source, target = graph.ins(node)[0], graph.outs(node)[0]
    assert isinstance(source, Tensor)
    return source.shape == target.shape and source.quant == target.quant
