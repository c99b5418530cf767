"""Computes at compile time what does not depend on the input."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.graph import Graph, Node

MAX_BYTES = 1 << 24
"""A larger result is no constant for a microcontroller; its operator stays, and will not fit."""


def fold_constants(graph: Graph) -> Graph:
    """Replaces nodes whose inputs are all constants by their value.

    A node that computes an output of the network stays, so that every output lives in the arena.
    """
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        ins = [None if name is None else tensors[name] for name in node.inputs]
        constant = all(tensor is None or tensor.data is not None for tensor in ins)
        large = sum(tensors[name].nbytes for name in node.outputs) > MAX_BYTES
        if not constant or large or any(name in graph.outputs for name in node.outputs):
            nodes.append(node)
            continue
        values = [None if tensor is None else tensor.data for tensor in ins]
        outs = [tensors[name] for name in node.outputs]
        for tensor, value in zip(outs, node.reference(values, ins, outs), strict=True):
            tensors[tensor.name] = replace(tensor, data=value)
    return graph.with_nodes(nodes, tensors)
