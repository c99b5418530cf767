"""Random choices of stages and of how they are cut into parts."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Isa
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.plan.limits import UNLIMITED
from quantize.patch.costs import UnitCosts
from quantize.patch.rows import RowGraph
from quantize.patch.split import add_splits, expand
from quantize.patch.units import CHANNELS, Unit
from tests.quantize.stages import StageBuilder


def random_cuts(graph: Graph, isa: Isa, seed: int) -> tuple[RowGraph, list[Unit]]:
    """Units at random, in parts wherever any can be, of channels rather than of columns."""
    rows = RowGraph(graph, graph.nodes, isa, row_fed=False)
    costs, random = UnitCosts(rows), np.random.default_rng(seed)
    add_splits(costs, UNLIMITED, only_gains=False)
    units: list[Unit] = []
    end = len(rows.order)
    while end:
        cut = [unit for unit in costs.choices.units[end] if unit.split is not None]
        channels = [unit for unit in cut if unit.split and unit.split.axis == CHANNELS]
        found = channels or cut or costs.choices.units[end]
        units.insert(0, found[int(random.integers(len(found)))])
        end = units[0].first
    return rows, units


def random_parts(graph: Graph, isa: Isa, seed: int) -> tuple[RowGraph, list[Unit] | None]:
    """The graph with stages cut at random, and its units; None where none can be cut."""
    rows, units = random_cuts(graph, isa, seed)
    if all(unit.split is None for unit in units):
        return rows, None
    return expand(rows, units)


def random_gate(seed: int) -> Graph:
    """A random network with many channels that layers keep apart, all needed at once."""
    b = StageBuilder(f"gate_{seed}", seed)
    random = b.random
    height, width = (int(size) for size in random.integers(4, 14, 2))
    x = b.input(1, height, width, int(random.integers(1, 9)))
    size, stride = int(random.integers(1, 4)), int(random.integers(1, 3))
    y = b.conv(x, int(random.integers(5, 24)), (size, size), stride)
    for _ in range(int(random.integers(1, 4))):
        kind = random.choice(["depthwise", "depthwise", "max", "average", "relu"])
        if kind == "depthwise":
            y = b.weighted(DepthwiseConv2D, y)
        elif kind == "relu":
            y = b.relu(y, same_quant=False)
        else:
            y = b.pooled(MaxPool2D if kind == "max" else AveragePool2D, y)
    return b.graph(y, b.conv(y, 3, (1, 1)))
