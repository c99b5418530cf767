"""Stages in parts compute the same bits, need what they say, and are chosen where they save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule, make_schedule
from quantize.patch.check import check_plan
from quantize.patch.grid import PatchStage
from quantize.patch.schedule import build_plan
from quantize.patch.slices import slices
from quantize.patch.split import expand
from quantize.patch.units import CHANNELS, COLUMNS
from tests.graphs import Builder
from tests.quantize.random_graphs import random_row_network
from tests.quantize.random_parts import random_cuts, random_gate
from tests.samples import assert_same, samples
from tests.waiting import calls_of

RANDOM = 45
MAX_CALLS = 17_000_000
"""Functions called, by Python's profiler: about twice what the largest network takes."""


def network(seed: int) -> Graph:
    return random_gate(seed) if seed % 2 else random_row_network(seed)


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_parts(seed: int) -> None:
    graph = network(seed)
    rows, units = random_cuts(graph, Isa.DSP, seed)
    cut, parts = expand(rows, units)
    verify(cut.graph)
    assert cut.graph.macs() - graph.macs() == sum(unit.extra_macs for unit in units)
    plan = build_plan(cut, parts, Schedule.MIN_RAM, "model", rounds=1)
    check_plan(cut.graph, plan)
    joins = {unit.end - 1 for unit in units if unit.split is not None}
    named = {rows.order[number].outputs[0] for number in joins}
    joined = {node.outputs[0]: node.name for node in cut.order if node.outputs[0] in named}
    assert {joined[name] for name in named} <= {step.node for step in plan.steps if step.elided}
    for _, sample in samples(graph, 1):
        assert_same(Interpreter(cut.graph).run(sample), Interpreter(graph).run(sample), graph.name)


def test_random_parts_are_of_columns_and_of_channels() -> None:
    splits = [
        unit.split
        for seed in range(RANDOM)
        for unit in random_cuts(network(seed), Isa.DSP, seed)[1]
        if unit.split is not None
    ]
    axes = [split.axis for split in splits]
    assert min(axes.count(COLUMNS), axes.count(CHANNELS)) > 10
    assert all(split.extra_macs == 0 for split in splits if split.axis == CHANNELS)


@pytest.mark.parametrize("seed", range(0, RANDOM, 3))
def test_needs_of_parts_are_bounded(seed: int) -> None:
    """What a stage in parts is said to need at the most is what its parts need, or more."""
    rows, units = random_cuts(network(seed), Isa.DSP, seed)
    _, parts = expand(rows, units)
    needed = iter(parts)
    for unit in units:
        if unit.split is None:
            next(needed)
            continue
        found = []
        while len(found) < unit.split.parts:
            part = next(needed)
            if part.streamed:
                found.append(part.nbytes)
        next(needed)  # the join
        assert max(found) <= unit.nbytes
    assert next(needed, None) is None


@pytest.mark.parametrize(
    ("channels", "parts", "expected"),
    [
        (16, 2, [(0, 8), (8, 16)]),
        (10, 3, [(0, 4), (4, 8), (8, 10)]),
        (24, 4, [(0, 4), (4, 12), (12, 16), (16, 24)]),
        (8, 3, []),
    ],
)
def test_slices(channels: int, parts: int, expected: list[tuple[int, int]]) -> None:
    b = Builder("slices")
    graph = b.graph(b.conv(b.input(1, 4, 4, 3), channels))
    assert slices(PatchStage.of(graph, ["conv_0"]), parts) == expected


def wide_expansion() -> Graph:
    """A large window over many channels that all have to be there at once, as for a gate."""
    b = Builder("wide_expansion")
    x = b.input(1, 20, 20, 8)
    y = b.depthwise(b.conv(x, 64, (1, 1)), (7, 7))
    return b.graph(y, b.conv(x, 8, (1, 1)))


def wide_rows() -> Graph:
    """Rings of wide rows, after which little is left; the input is needed to the end."""
    b = Builder("wide_rows")
    x = b.input(1, 12, 256, 1)
    y = b.conv(b.depthwise(b.conv(x, 48, (1, 1)), stride=3), 4, (1, 1))
    z = b.conv(b.conv(y, 32), 64)
    return b.graph(z, b.depthwise(x))


@pytest.mark.parametrize(("make", "is_free"), [(wide_expansion, True), (wide_rows, False)])
def test_parts_are_chosen(make: type, is_free: bool) -> None:
    graph = make()
    whole = make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    least = choose_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    check_plan(least.graph, least.plan)
    assert least.plan.arena_bytes < 0.95 * whole.arena_bytes
    assert least.graph.macs() - graph.macs() == least.extra_macs <= graph.macs() / 100
    assert (least.extra_macs == 0) == is_free and least.extra_macs >= 0
    assert {cut.axis for cut in least.cuts} == {"channels" if is_free else "columns"}
    values = samples(graph, 1)[-1][1]
    assert_same(Interpreter(least.graph).run(values), Interpreter(graph).run(values), graph.name)


def test_no_part_reads_constants_alone() -> None:
    b = Builder("constant_columns")
    x = b.input(1, 2, 1, 5)
    joined = b.concat(x, b.constant(1, 2, 6, 5), x, axis=2)
    graph = b.graph(b.pad(joined, (0, 0), (0, 0), (2, 0), (0, 0)))
    chosen = choose_schedule(graph, Isa.SCALAR, Schedule.MIN_RAM)
    check_plan(chosen.graph, chosen.plan)


def test_parts_are_a_last_resort_within_a_limit() -> None:
    graph = wide_expansion()
    whole = make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    least = choose_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    enough = choose_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=whole.arena_bytes)
    assert enough.graph is graph
    tight = choose_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=least.plan.arena_bytes)
    assert tight.plan.arena_bytes <= least.plan.arena_bytes
    assert (tight.plan.schedule, tight.graph is graph) == (Schedule.MIN_TIME, False)
    hopeless = choose_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=100)
    assert hopeless.plan.arena_bytes == least.plan.arena_bytes


@pytest.mark.parametrize("seed", range(20))
def test_never_larger(seed: int) -> None:
    graph = network(100 + seed)
    least = choose_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM)
    check_plan(least.graph, least.plan)
    assert (
        least.plan.arena_bytes <= make_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM).arena_bytes
    )
    assert least.graph.macs() <= 1.01 * graph.macs()


@pytest.mark.shared
def test_mcunetv2_large(shared: Path) -> None:
    """The gates of its late blocks need all channels of an image at once: 7 slices save 14 kB."""
    from edgebottle.pipeline import load

    path = shared / "models" / "mcunet/tinyengine_mcunetv2_large.tflite"
    graph = load(str(path), io="int8").graph
    least, calls = calls_of(lambda: choose_schedule(graph, Isa.DSP, Schedule.MIN_RAM))
    assert calls < MAX_CALLS
    check_plan(least.graph, least.plan)
    assert least.plan.arena_bytes <= 227_204 and least.extra_macs == 0
    assert np.isclose(least.plan.lower_bound, least.plan.arena_bytes, rtol=0.01)
