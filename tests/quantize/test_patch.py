"""Stages row by row: every plan is safe, rings and overlays are as small as they can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule, make_schedule, streamed_layers
from quantize.patch.check import UnsafePlan, check_plan, replay
from quantize.patch.demand import simulate
from quantize.patch.overlay import FREE, distance
from quantize.patch.rows import FED, RowGraph
from quantize.patch.schedule import build_plan
from quantize.patch.table import lines
from quantize.patch.units import Unit
from tests.graphs import Builder
from tests.quantize.random_graphs import random_row_network
from tests.waiting import calls_of

RANDOM = 24
MAX_CALLS = 7_000_000
"""Functions called, by Python's profiler: about twice what the largest network takes."""


def random_units(rows: RowGraph, seed: int) -> list[Unit]:
    """Random cuts: stages of any length that row-local layers allow."""
    random = np.random.default_rng(seed)
    units: list[Unit] = []
    first = 0
    while first < len(rows.order):
        reach = first
        while reach < len(rows.order) and rows.row[reach] is not None:
            reach += 1
        must = 0
        if rows.fed is not None and first == 0:
            must = rows.readers[rows.fed.output][-1] + 1
        length = int(random.integers(0, reach - first + 1)) if random.random() < 0.8 else 0
        end = first + max(length, 1, must)
        units.append(Unit(first, end, length > 0 or must > 0, 0))
        first = end
    return units


def can_be_fed(rows: RowGraph) -> bool:
    """All layers up to the last that reads the input work on rows."""
    name = rows.graph.inputs[0]
    return all(rows.row[n] is not None for n in range(rows.readers[name][-1] + 1))


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_cuts_are_safe_and_tight(seed: int) -> None:
    graph = random_row_network(seed)
    rows = RowGraph(graph, graph.nodes, Isa.DSP, row_fed=False)
    if seed % 3 == 0 and can_be_fed(rows):
        rows = RowGraph(graph, graph.nodes, Isa.DSP, row_fed=True)
    plan = build_plan(rows, random_units(rows, seed), Schedule.MIN_RAM, "model", rounds=1)
    check_plan(graph, plan)
    assert Plan.from_json(plan.to_json()) == plan
    for index, place in enumerate(plan.placements):
        if place.ring_rows > 1:
            places = list(plan.placements)
            places[index] = replace(place, ring_rows=place.ring_rows - 1)
            with pytest.raises(UnsafePlan):
                replay(graph, replace(plan, placements=tuple(places)))


@pytest.mark.parametrize("seed", range(RANDOM))
def test_schedules_are_safe(seed: int) -> None:
    graph = random_row_network(seed)
    layers = make_plan(graph, Isa.DSP)
    check_plan(graph, layers)
    least = make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    check_plan(graph, least)
    assert least.lower_bound <= least.arena_bytes <= layers.arena_bytes
    limit = (least.arena_bytes + layers.arena_bytes) // 2
    fast = make_schedule(graph, Isa.DSP, Schedule.MIN_TIME, ram_limit=limit)
    check_plan(graph, fast)
    assert fast.arena_bytes <= limit


@pytest.mark.parametrize("seed", range(RANDOM))
def test_schedules_fed_row_by_row_are_safe(seed: int) -> None:
    graph = random_row_network(seed)
    rows = RowGraph(graph, graph.nodes, Isa.DSP, row_fed=False)
    for schedule in (Schedule.MIN_RAM, Schedule.LAYERS):
        if can_be_fed(rows):
            check_plan(graph, make_schedule(graph, Isa.DSP, schedule, row_fed=True))
        else:
            with pytest.raises(UnsupportedOp, match="row by row"):
                make_schedule(graph, Isa.DSP, schedule, row_fed=True)


@pytest.mark.parametrize("seed", range(RANDOM))
def test_overlay_is_as_close_as_it_can_be(seed: int) -> None:
    """An output right below its input at the distance found is safe; a byte closer is not."""
    graph = random_row_network(seed)
    rows = RowGraph(graph, graph.nodes, Isa.DSP, row_fed=False)
    count = next((n for n, row in enumerate(rows.row) if row is None), len(rows.order))
    if count == 0:
        pytest.skip("begins with a layer that does not work on rows")
    units = [Unit(0, count, True, 0)]
    units += [Unit(n, n + 1, False, 0) for n in range(count, len(rows.order))]
    plan = build_plan(rows, units, Schedule.MIN_RAM, "model", rounds=1)
    stage = plan.steps[0].stage
    assert stage is not None
    source = graph.inputs[0]
    whole = [p.tensor for p in plan.placements if p.first == 0 and not p.ring_rows]
    if rows.last[source] >= count:
        pytest.skip("the input is needed later")
    # The same steps with everything but the input and one output far apart.
    trace = simulate(rows, range(count), whole)
    for output in whole:
        gap = distance(graph, trace, source, output)
        if gap == FREE:
            continue
        for shift, is_safe in ((0, True), (-1, False)):
            check = _stretched(plan, source, output, gap + shift)
            if is_safe:
                replay(graph, check)
            else:
                with pytest.raises(UnsafePlan):
                    replay(graph, check)


def _stretched(plan: Plan, source: str, output: str, gap: int) -> Plan:
    """The plan with ``source`` ``gap`` bytes above ``output`` and nothing else near them."""
    room = 2 * sum(place.nbytes for place in plan.placements) + 64
    places = []
    # Tensors that share memory stay where they are relative to each other.
    for place in plan.placements:
        base = room if place.tensor in (source, output) else 4 * room
        offset = base + place.offset
        if place.tensor == output:
            offset = room
        if place.tensor == source:
            offset = room + gap
        places.append(replace(place, offset=offset))
    arena = 4 * room + plan.arena_bytes
    steps = []
    for step in plan.steps:
        stage = step.stage
        if stage is not None:
            accumulators = tuple((name, at + 4 * room) for name, at in stage.accumulators)
            stage = replace(
                stage,
                counters_offset=stage.counters_offset + 4 * room,
                accumulators=accumulators,
            )
        steps.append(replace(step, scratch_offset=step.scratch_offset + 4 * room, stage=stage))
    only = replace(plan, placements=tuple(places), steps=tuple(steps), arena_bytes=arena)
    return replace(only, steps=only.steps[:1])


def residual() -> Graph:
    b = Builder("residual")
    x = b.conv(b.input(1, 32, 32, 3), 8)
    for _ in range(2):
        x = b.add(b.conv(b.depthwise(b.conv(x, 24, (1, 1))), 8, (1, 1)), x)
    return b.graph(b.conv(x, 4, stride=2))


def test_a_residual_branch_keeps_the_rows_of_its_delay() -> None:
    graph = residual()
    rows = RowGraph(graph, graph.nodes, Isa.PORTABLE, row_fed=True)
    trace = simulate(rows, [FED, *range(len(graph.nodes))])
    # The depthwise window is 3 rows: one row ahead of the one that is added.
    assert trace.ring_rows(graph.nodes[0].outputs[0]) == 2
    assert trace.ring_rows(graph.nodes[1].outputs[0]) == 3
    assert trace.ring_rows(graph.inputs[0]) == 3


def test_nothing_is_computed_twice() -> None:
    graph = residual()
    rows = RowGraph(graph, graph.nodes, Isa.PORTABLE, row_fed=False)
    trace = simulate(rows, range(len(graph.nodes)))
    for number, times in trace.times.items():
        assert len(times) <= rows.node(number).steps


def test_streaming_saves_memory() -> None:
    graph = residual()
    layers = make_schedule(graph, Isa.DSP, Schedule.LAYERS)
    least = make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)
    assert least.arena_bytes < layers.arena_bytes / 3
    assert make_schedule(graph, Isa.DSP, Schedule.AUTO) == layers
    tight = make_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=layers.arena_bytes - 1)
    assert (tight.schedule, tight.arena_bytes < layers.arena_bytes) == (Schedule.MIN_TIME, True)
    half = make_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=layers.arena_bytes // 2)
    assert 0 == streamed_layers(tight) < streamed_layers(half) <= streamed_layers(least)
    hopeless = make_schedule(graph, Isa.DSP, Schedule.AUTO, ram_limit=100)
    assert hopeless.arena_bytes == least.arena_bytes


def test_networks_that_cannot_be_fed() -> None:
    b = Builder("flat")
    x = b.reshape(b.input(1, 4, 4, 2), 1, 32)
    with pytest.raises(UnsupportedOp, match="row by row"):
        make_schedule(b.graph(b.relu(x)), Isa.DSP, Schedule.MIN_RAM, row_fed=True)


TARGETS = (
    ("mlperf-tiny/pretrainedResnet_quant", 19.5, None),
    ("mlperf-tiny/kws_ref_model", 7.5, None),
    ("mlperf-tiny/vww_96_int8", 31, 18),
    ("mlperf-tiny/ad01_int8", 2, None),
    ("tflite-micro/person_detect", 17, None),
    ("mcunet/tinyengine_vww", 26, None),
    ("mcunet/mcunet-320kb-1mb_imagenet", 105, 66),
    ("mcunet/tinyengine_mcunetv2_large", 250, None),
)
"""kB of arena: of the whole image, and fed row by row."""


@pytest.mark.shared
@pytest.mark.parametrize(("name", "resident", "fed"), TARGETS)
def test_real_networks(shared: Path, name: str, resident: float, fed: float | None) -> None:
    from edgebottle.pipeline import load

    graph = load(str(shared / "models" / f"{name}.tflite"), io="int8").graph
    for row_fed, target in ((False, resident), (True, fed)):
        if target is None:
            continue
        plan, calls = calls_of(
            lambda fed=row_fed: make_schedule(graph, Isa.DSP, Schedule.MIN_RAM, row_fed=fed)
        )
        check_plan(graph, plan)
        assert plan.arena_bytes <= target * 1000
        assert calls < MAX_CALLS


@pytest.mark.shared
def test_table(shared: Path) -> None:
    names = ("min-ram, rows", "min-ram", "layers")
    for line in lines(shared / "models/mlperf-tiny/kws_ref_model.tflite"):
        assert line.startswith("kws_ref_model") and any(name in line for name in names)


@pytest.mark.parametrize(
    "schedule", [schedule for schedule in Schedule if schedule != Schedule.PATCHES]
)
def test_two_inputs_are_not_fed_row_by_row(schedule: Schedule) -> None:
    b = Builder("two")
    graph = b.graph(b.add(b.conv(b.input(1, 8, 8, 4), 4), b.conv(b.input(1, 8, 8, 4), 4)))
    with pytest.raises(UnsupportedOp, match="two has 2 inputs: only a network with one input can"):
        choose_schedule(graph, Isa.DSP, schedule, row_fed=True)
