"""Stores tensors that can take few values with few bits, to the last bit the same."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.narrowed import Narrowed
from edgebottle.ops.width import STORED, Width
from edgebottle.passes.channels.ranges import channel_ranges


def narrow_widths(graph: Graph) -> dict[str, Width]:
    """How many bits each int8 tensor between two layers needs, of those that need less than 8.

    By interval analysis over the exact integer arithmetic: clamps, zero points, weights.
    """
    found = {}
    for name, one in channel_ranges(graph).items():
        if graph.producer(name) is None or name in graph.outputs:
            continue
        low, high = int(one.low.min()), int(one.high.max())
        fitting = [bits for bits in sorted(STORED) if high - low < 1 << bits]
        if fitting:
            found[name] = Width(fitting[0], low)
    return found


def narrow(graph: Graph) -> Graph:
    """Every tensor of few values is stored with few bits; its layers unpack and pack it.

    Not those of layers that move or view bytes, nor where it saves no byte.
    """
    widths = {
        name: width
        for name, width in narrow_widths(graph).items()
        if _saves(graph.tensors[name], width)
        and all(map(_computes, (graph.producer(name), *graph.consumers(name))))
    }
    if not widths:
        return graph
    tensors = dict(graph.tensors)
    for name, width in widths.items():
        tensors[name] = width.narrow(tensors[name])
    return graph.with_nodes([_narrowed(node, widths) for node in graph.nodes], tensors)


def _saves(tensor: Tensor, width: Width) -> bool:
    return width.narrow(tensor).nbytes < tensor.nbytes


def _computes(node: Node | None) -> bool:
    """Whether a layer computes an int8 output of what it reads: it can unpack and pack."""
    if not isinstance(node, Operator) or node.VIEW or node.MOVES or node.state_inputs:
        return False
    return len(node.outputs) == 1 and node.assigned is None


def _narrowed(node: Node, widths: dict[str, Width]) -> Node:
    read = tuple(None if name is None else widths.get(name) for name in node.inputs)
    written = widths.get(node.outputs[0])
    if not any(read) and written is None:
        return node
    assert isinstance(node, Operator)
    return Narrowed(
        name=node.name,
        inputs=node.inputs,
        outputs=node.outputs,
        inner=node,
        read=read,
        written=written,
    )
