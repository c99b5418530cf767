"""Layers that work pixel by pixel take all their rows in one call, where memory allows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgebottle.codegen.model import write_model
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.plan.schedules import Schedule
from quantize.patch import make_schedule
from tests.graphs import Builder
from tests.ops.compiled import run_compiled
from tests.quantize.stages import StageBuilder
from tests.samples import assert_same, samples


def windows() -> Graph:
    b = Builder("windows")
    x = b.conv(b.conv(b.input(1, 5, 5, 3), 8), 12, (1, 1))
    return b.graph(b.conv(b.conv(x, 7, (1, 1)), 8, (1, 1), stride=2))


def elementwise() -> Graph:
    b = Builder("elementwise")
    x = b.input(1, 4, 3, 5)
    return b.graph(b.relu(b.add(x, b.conv(x, 5, (1, 1))), same_quant=False))


def batch() -> Graph:
    b = Builder("batch")
    return b.graph(b.conv(b.input(3, 3, 3, 8), 6, (1, 1)))


def slices_of_channels() -> Graph:
    b = StageBuilder("slices_of_channels")
    x = b.input(1, 5, 3, 4)
    parts = [b.conv(x, 3, (1, 1)), b.relu(b.conv(x, 5, (1, 1)), same_quant=False)]
    b.alike(*parts)
    return b.graph(b.conv(b.concat(*parts), 4, (1, 1)))


def slices_of_columns() -> Graph:
    b = StageBuilder("slices_of_columns")
    x = b.input(1, 5, 3, 4)
    parts = [b.conv(x, 4, (1, 1)), b.conv(x, 4, (1, 1))]
    b.alike(*parts)
    return b.graph(b.conv(b.concat(*parts, axis=2), 4, (1, 1)))


def a_constant(*shape: int) -> Callable[[], Graph]:
    def make() -> Graph:
        b = StageBuilder("constant_" + "_".join(map(str, shape)))
        return b.graph(b.times_constant(b.input(1, 4, 3, 5), shape))

    return make


def one_column() -> Graph:
    b = Builder("one_column")
    return b.graph(b.conv(b.input(1, 5, 1, 8), 8, (1, 1)))


def one_row() -> Graph:
    b = Builder("one_row")
    return b.graph(b.conv(b.input(1, 1, 5, 8), 8, (1, 1)))


def padded_behind() -> Graph:
    b = Builder("padded_behind")
    padded = b.pad(b.input(1, 4, 3, 5), (0, 0), (0, 2), (0, 1), (0, 0))
    return optimise(b.graph(b.conv(padded, 6, (1, 1))))


CASES: tuple[tuple[Callable[[], Graph], set[str]], ...] = (
    (windows, {"conv_1", "conv_2"}),
    (elementwise, {"conv_0", "add_0", "relu_0"}),
    (batch, {"conv_0"}),
    (slices_of_channels, {"conv_0", "conv_1", "relu_0", "conv_2"}),
    (slices_of_columns, {"conv_2"}),  # the parts have gaps between their rows
    (a_constant(1, 1, 1, 5), {"mul_0"}),
    (a_constant(5), {"mul_0"}),
    (a_constant(1, 1, 3, 5), set()),
    (a_constant(1, 4, 3, 5), set()),
    (one_row, set()),  # nothing to merge
    (padded_behind, set()),
)


COPIED = {("elementwise", Isa.NEON_DOT): {"conv_0"}}
"""Layers that copy their rows on a core, for which scratch of one row is too small: see
``no_fours``."""


def merged(graph: Graph, isa: Isa, schedule: Schedule) -> set[str]:
    """The layers that the C computes in one call for all rows."""
    source = write_model(graph, make_schedule(graph, isa, schedule))
    text = "".join(source.files.values())
    found = set(re.findall(r"/\* (\w+): .*; all rows at once, as one \*/", text))
    assert {choice.layer for choice in source.kernels if choice.merged} == found
    return found


@pytest.mark.parametrize("isa", Isa)
def test_layers_without_gaps_are_one_row(isa: Isa, tmp_path: Path) -> None:
    graphs = [make() for make, _ in CASES]
    inputs = [[sample for _, sample in samples(graph, 2)] for graph in graphs]
    found = run_compiled(list(zip(graphs, inputs, strict=True)), isa, tmp_path)
    for (_, expected), graph, values, results in zip(CASES, graphs, inputs, found, strict=True):
        wanted = expected - COPIED.get((graph.name, isa), set())
        assert merged(graph, isa, Schedule.LAYERS) == wanted, graph.name
        for sample, result in zip(values, results, strict=True):
            assert_same(result, Interpreter(graph).run(sample), graph.name)


def no_fours() -> Graph:
    b = Builder("no_fours")
    return b.graph(b.conv(b.input(1, 4, 3, 5), 8, (1, 1)))


@pytest.mark.parametrize(("make", "isa"), [(one_column, Isa.DSP), (no_fours, Isa.NEON_DOT)])
def test_scratch_of_one_row_is_too_small_for_more(make: Callable[[], Graph], isa: Isa) -> None:
    assert merged(make(), Isa.PORTABLE, Schedule.LAYERS) == {"conv_0"}
    assert merged(make(), isa, Schedule.LAYERS) == set()


@pytest.mark.parametrize("isa", Isa)
def test_an_output_over_its_input_keeps_to_rows(isa: Isa, tmp_path: Path) -> None:
    """The plan lets the output follow the rows of its input: a longer stride would pass them."""
    b = Builder("overlap")
    graph = b.graph(b.conv(b.input(1, 9, 5, 8), 12, (1, 1)))
    plan = make_schedule(graph, isa, Schedule.MIN_RAM)
    assert plan.arena_bytes < make_schedule(graph, isa, Schedule.LAYERS).arena_bytes
    assert merged(graph, isa, Schedule.LAYERS) == {"conv_0"}
    assert merged(graph, isa, Schedule.MIN_RAM) == set()
    values = [sample for _, sample in samples(graph, 2)]
    (results,) = run_compiled([(graph, values)], isa, tmp_path, [plan])
    for sample, result in zip(values, results, strict=True):
        assert_same(result, Interpreter(graph).run(sample), "overlap")


def test_an_output_is_kept_apart_where_there_is_room() -> None:
    """The first layer needs most; the last would overlap its input for nothing."""
    b = Builder("room")
    y = b.conv(b.conv(b.input(1, 16, 16, 8), 4, stride=2), 8, (1, 1))
    graph = b.graph(b.conv(b.depthwise(y, stride=2), 8, (1, 1)))
    plan = make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    assert plan.arena_bytes < make_schedule(graph, Isa.DSP, Schedule.LAYERS).arena_bytes
    assert [step.stage for step in plan.steps] == [None] * 4
    assert merged(graph, Isa.DSP, Schedule.MIN_RAM) == {"conv_1", "conv_2"}
