"""Computes at compile time what does not depend on the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgebottle.ir.graph import Graph, Node, Tensor, Tensors

MAX_BYTES = 1 << 24
"""A larger result is no constant for a microcontroller; its operator stays, and will not fit."""


def folded(node: Node, ins: Tensors, outs: Sequence[Tensor]) -> tuple[Tensor, ...] | None:
    """The outputs of a node with their values; None where an input is no constant, or too large.

    Raises:
        UnsupportedOp: the node cannot compute these types.
    """
    constant = all(tensor is None or tensor.data is not None for tensor in ins)
    if not constant or sum(tensor.nbytes for tensor in outs) > MAX_BYTES:
        return None
    node.check(ins, outs)
    values = node.reference([None if one is None else one.data for one in ins], ins, outs)
    return tuple(replace(one, data=value) for one, value in zip(outs, values, strict=True))


def fold_constants(graph: Graph) -> Graph:
    """Replaces nodes whose inputs are all constants by their value.

    A node that computes an output of the network stays, so that every output lives in the arena.
    """
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        ins = [None if name is None else tensors[name] for name in node.inputs]
        constants = None
        if not any(name in graph.outputs for name in node.outputs):
            constants = folded(node, ins, [tensors[name] for name in node.outputs])
        if constants is None:
            nodes.append(node)
        else:
            tensors.update({tensor.name: tensor for tensor in constants})
    return graph.with_nodes(nodes, tensors)
