"""Removes what no output depends on."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node


def drop_dead(graph: Graph) -> Graph:
    """Keeps the nodes that an output, or a state read by such a node, needs."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.isdisjoint(node.outputs):
            continue
        kept.append(node)
        needed.update(name for name in node.inputs if name is not None)
    return graph.with_nodes(kept[::-1])
