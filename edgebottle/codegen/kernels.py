"""Which layers get a kernel of their own: a copy of its code, compiled with the layer's sizes.

Most layers share one copy of their kernel, whose innermost loops are the same either way. What a
copy of its own saves, and what it takes, is estimated by the operator (``Operator.inlining``); the
choice is by instructions saved for each byte of flash.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Inlining, Isa, Operator

WORTH = 0.008
"""A kernel of its own is worth a kilobyte of flash if it saves this share of all instructions."""

OUTPUT_INSTRUCTIONS = 8
"""Besides one for each multiply-accumulate, about so many for each element of an output."""


class Optimize(Enum):
    """What is spent for what.

    ``SIZE``: the least flash. ``BALANCED``: kernels are shared unless it costs much time.
    ``SPEED``: every kernel that can is compiled for its layer.
    """

    SIZE = "size"
    BALANCED = "balanced"
    SPEED = "speed"

    @property
    def option(self) -> str:
        """The compiler option."""
        return {Optimize.SIZE: "-Oz", Optimize.BALANCED: "-Os", Optimize.SPEED: "-O2"}[self]


@dataclass(frozen=True)
class KernelChoice:
    """How one layer runs.

    Attributes:
        layer: Its name.
        kernel: The C function.
        inlined: It is compiled for this layer alone.
        saved: Instructions of a run that this saves, or would save; estimated.
        nbytes: Bytes of flash that it takes, or would take; estimated.
    """

    layer: str
    kernel: str
    inlined: bool
    saved: int
    nbytes: int


def inlining_of(graph: Graph, node: Operator, isa: Isa) -> Inlining:
    """What a kernel of its own would bring ``node``; nothing where there is no such kernel."""
    found = node.inlining(graph.ins(node), graph.outs(node), isa)
    return found or Inlining(0, 0)


def inlined_layers(graph: Graph, isa: Isa, optimize: Optimize) -> frozenset[str]:
    """The layers that get a kernel of their own."""
    least = {
        Optimize.SIZE: float("inf"),
        Optimize.BALANCED: WORTH * _instructions(graph) / 1024,
        Optimize.SPEED: 0.0,
    }[optimize]
    chosen = set()
    for node in graph.nodes:
        if isinstance(node, Operator):
            gain = inlining_of(graph, node, isa)
            if gain.nbytes and gain.instructions > least * gain.nbytes:
                chosen.add(node.name)
    return frozenset(chosen)


def _instructions(graph: Graph) -> int:
    """About as many as a run takes."""
    outputs = sum(graph.tensors[name].size for node in graph.nodes for name in node.outputs)
    return graph.macs() + OUTPUT_INSTRUCTIONS * outputs
