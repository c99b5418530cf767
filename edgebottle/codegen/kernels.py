"""Which layers get a kernel of their own: a copy of its code, compiled with the layer's sizes.

Most layers share one copy of their kernel, whose innermost loops are the same either way. What a
copy of its own saves, and what it takes, is estimated by the operator (``Operator.inlining``); the
choice is by instructions saved for each byte of flash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.inlining import Inlining

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
        merged: All of its rows are computed as one.
        inlined: It is compiled for this layer alone.
        saved: Instructions of a run that this saves, or would save; estimated.
        nbytes: Bytes of flash that it takes, or would take; estimated.
        constants: Bytes of its weights and tables in flash; those that it shares with an earlier
            layer are counted there.
    """

    layer: str
    kernel: str
    merged: bool
    inlined: bool
    saved: int
    nbytes: int
    constants: int


def inlinings(graph: Graph, isa: Isa) -> dict[str, Inlining]:
    """What a kernel of its own would bring each layer for which there is one, by name."""
    found = {
        node.name: node.inlining(graph.ins(node), graph.outs(node), isa)
        for node in graph.nodes
        if isinstance(node, Operator)
    }
    return {name: gain for name, gain in found.items() if gain is not None}


def inlined_layers(
    graph: Graph, gains: Mapping[str, Inlining], optimize: Optimize
) -> frozenset[str]:
    """The layers that get a kernel of their own, of those that ``inlinings`` has found."""
    least = {
        Optimize.SIZE: float("inf"),
        Optimize.BALANCED: WORTH * _instructions(graph) / 1024,
        Optimize.SPEED: 0.0,
    }[optimize]
    return frozenset(
        name for name, gain in gains.items() if gain.instructions > least * gain.nbytes
    )


def _instructions(graph: Graph) -> int:
    """About as many as a run takes."""
    outputs = sum(graph.tensors[name].size for node in graph.nodes for name in node.outputs)
    return graph.macs() + OUTPUT_INSTRUCTIONS * outputs
