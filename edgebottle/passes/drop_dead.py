"""Removes what no output depends on."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node


def drop_dead(graph: Graph) -> Graph:
    """Keeps the nodes that an output, or a state read by such a node, needs."""
    needed = set(graph.outputs)
    before = -1
    while before != (before := len(needed)):  # what is assigned is read by the next run
        for node in reversed(graph.nodes):
            if _is_needed(node, needed):
                needed.update(name for name in node.inputs if name is not None)
    return graph.with_nodes([node for node in graph.nodes if _is_needed(node, needed)])


def _is_needed(node: Node, needed: set[str]) -> bool:
    is_read = node.assigned is not None and node.inputs[0] in needed
    return is_read or not needed.isdisjoint(node.outputs)
