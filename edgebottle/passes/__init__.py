"""The passes: each takes a Graph and returns a Graph with the same results, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

from edgebottle.errors import BadModel
from edgebottle.ir.graph import Graph
from edgebottle.ir.verify import verify
from edgebottle.passes.dead_channels import dead_channels
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.drop_reshapes import drop_reshapes
from edgebottle.passes.find_levels import find_levels
from edgebottle.passes.fold_constants import fold_constants
from edgebottle.passes.fold_heads import fold_heads
from edgebottle.passes.fuse_activation import fuse_activation
from edgebottle.passes.fuse_clamp import fuse_clamp
from edgebottle.passes.fuse_dilation import fuse_dilation
from edgebottle.passes.fuse_pad import fuse_pad
from edgebottle.passes.pool_maxima import pool_maxima
from edgebottle.passes.strip_float_io import strip_float_io

Pass = Callable[[Graph], Graph]

PIPELINE: tuple[Pass, ...] = (
    drop_dead,
    fold_constants,
    fuse_dilation,
    fuse_pad,
    fuse_activation,
    pool_maxima,
    fuse_clamp,
    fold_heads,
    drop_reshapes,
    dead_channels,
    find_levels,
)
"""In the order they run."""


def optimise(graph: Graph, passes: tuple[Pass, ...] = PIPELINE) -> Graph:
    """Runs the passes, with the verifier after each.

    Raises:
        BadModel: the model computes nothing.
    """
    before = None
    for one in passes:
        graph = one(graph)
        verify(graph, one.__name__, before)
        before = graph
    if not graph.nodes:
        raise BadModel("the model computes nothing: it has no operators that an output depends on")
    return graph


__all__ = ["PIPELINE", "Pass", "optimise", "strip_float_io"]
