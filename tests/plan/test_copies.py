"""Constants that are copied to RAM that is left: where that pays, that it is safe and right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.model import write_model
from edgebottle.fit import Wish, fit
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.memory_timing import MemoryPath, Timing
from edgebottle.ops.base import Isa
from edgebottle.ops.read_again import ReadAgain
from edgebottle.plan.copies import saved_cycles, with_copies
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch.check import UnsafePlan, check_plan
from tests.graphs import Builder
from tests.ops.compiled import run_compiled
from tests.quantize.random_graphs import random_row_network
from tests.samples import assert_same, samples

SLOW = Timing(MemoryPath(9, 9), MemoryPath(50, 50, line_bytes=4, sets=1, ways=1, read_bytes=4))
"""No cache, and so long waits that a copy pays for layers of a few pixels."""

RANDOM = 15


def copied(plan: Plan) -> list[str]:
    return [step.node for step in plan.steps if step.copy_bytes]


@pytest.mark.parametrize("seed", range(RANDOM))
def test_copies_are_safe(seed: int) -> None:
    graph = random_row_network(seed)
    plan = make_plan(graph, Isa.DSP)
    wide = with_copies(graph, plan, SLOW, None)
    check_plan(graph, wide)
    assert Plan.from_json(wide.to_json()) == wide
    assert plan.arena_bytes <= wide.arena_bytes and wide.lower_bound <= wide.arena_bytes
    for limit in (plan.arena_bytes, (plan.arena_bytes + wide.arena_bytes) // 2):
        within = with_copies(graph, plan, SLOW, limit)
        check_plan(graph, within)
        assert plan.arena_bytes <= within.arena_bytes <= limit
        assert set(copied(within)) <= set(copied(wide))
    assert with_copies(graph, plan, SLOW, plan.arena_bytes - 1) == plan
    assert with_copies(graph, plan, None, None) == plan


def test_copies_over_what_is_needed_are_found() -> None:
    graph = two_layers()
    plan = with_copies(graph, make_plan(graph, Isa.DSP), SLOW, None)
    assert copied(plan) == ["conv_0", "conv_1"]
    for number, step in enumerate(plan.steps):
        for place in plan.placements:
            if place.first <= number <= place.last:
                steps = list(plan.steps)
                steps[number] = replace(step, copy_offset=place.offset)
                with pytest.raises(UnsafePlan):
                    check_plan(graph, replace(plan, steps=tuple(steps), arena_bytes=1 << 16))


def two_layers() -> Graph:
    builder = Builder("two_layers")
    return builder.graph(builder.conv(builder.conv(builder.input(1, 9, 9, 5), 10), 7, (1, 1)))


def strided() -> Graph:
    builder = Builder("strided")
    x = builder.conv(builder.input(1, 12, 7, 8), 6, (3, 2), stride=2)
    return builder.graph(builder.conv(builder.depthwise(x), 9, (2, 2)))


def batch() -> Graph:
    builder = Builder("batch")
    return builder.graph(builder.conv(builder.input(3, 5, 5, 4), 4))


def test_layers_with_copies_compute_the_same(tmp_path: Path) -> None:
    cases = (
        (two_layers(), ["conv_0", "conv_1"], Optimize.BALANCED),
        (two_layers(), ["conv_0", "conv_1"], Optimize.SPEED),
        (strided(), ["conv_0", "conv_1"], Optimize.BALANCED),
        (batch(), [], Optimize.BALANCED),  # its rows are called one by one
    )
    graphs, plans = [graph for graph, *_ in cases], []
    for graph, expected, optimize in cases:
        plans.append(with_copies(graph, make_plan(graph, Isa.DSP), SLOW, None))
        assert copied(plans[-1]) == expected
        source = write_model(graph, plans[-1], optimize)
        kernels = {choice.layer: choice.kernel for choice in source.kernels}
        assert [name for name in kernels if "copied" in kernels[name]] == expected
    runs = [(graph, [sample for _, sample in samples(graph, 3)]) for graph in graphs]
    optimized = [optimize for *_, optimize in cases]
    found = run_compiled(runs, Isa.DSP, tmp_path, plans, optimized)
    for (graph, values), results in zip(runs, found, strict=True):
        for sample, result in zip(values, results, strict=True):
            assert_same(result, Interpreter(graph).run(sample), graph.name)


@pytest.mark.parametrize(
    ("board", "nbytes", "times", "saved"),
    [
        ("nucleo_l4r5zi", 1024, 10, 9 * 128 * 5 - 64 * 16 - 40),
        ("nucleo_l4r5zi", 1024, 1, -64 * 16 - 40),
        ("nucleo_l4r5zi", 256, 1000, None),  # its cache holds them
        ("stm32f746", 4096, 1000, None),
        ("stm32f746", 8192, 3, 2 * 256 * 12 - 512 * 16 - 40),
        ("nucleo_u575zi", 8192, 1000, None),
        ("nucleo_h7a3zi", 65536, 1000, None),  # its RAM waits as well
        ("nrf52840dk", 64, 100, 99 * 16 * 2 - 4 * 16 - 40),  # without a cache for data
    ],
)
def test_cycles_that_a_copy_saves(board: str, nbytes: int, times: int, saved: int | None) -> None:
    timing = load_board(board).timing
    assert timing is not None
    found = saved_cycles(ReadAgain(nbytes, times), timing)
    assert found == (-nbytes if saved is None else saved)


@pytest.mark.parametrize(
    ("board", "wish", "count"),
    [
        ("nucleo_l4r5zi", Wish(), 2),
        ("nucleo_l4r5zi", Wish(schedule=Schedule.MIN_TIME), 2),
        ("nucleo_l4r5zi", Wish(schedule=Schedule.LAYERS), 0),
        ("nucleo_l4r5zi", Wish(schedule=Schedule.MIN_RAM), 0),
        ("nucleo_l4r5zi", Wish(optimize="size"), 0),
        ("nucleo_l4r5zi", Wish(copies=False), 0),
        ("nucleo_g0b1re", Wish(), 0),  # another kernel
        ("cortex-m4", Wish(), 0),  # nobody knows its flash
        ("host", Wish(), 0),
    ],
)
def test_copies_where_time_counts(board: str, wish: Wish, count: int) -> None:
    plan = fit(wide_layers(), load_board(board), wish).plan
    assert len(copied(plan)) == count


def test_copies_stay_within_the_budget() -> None:
    board, graph = load_board("nucleo_l4r5zi"), wide_layers()
    plain, all_of_it = (fit(graph, board, Wish(copies=copies)).plan for copies in (False, True))
    beside = board.stack_size + 4096
    for ram in range(plain.arena_bytes + beside, all_of_it.arena_bytes + beside, 512):
        plan = fit(graph, board, Wish(ram=ram)).plan
        assert plan.arena_bytes <= max(plain.arena_bytes, ram - board.stack_size)
        assert len(copied(plan)) <= 2


def wide_layers() -> Graph:
    builder = Builder("wide_layers")
    x = builder.conv(builder.input(1, 10, 10, 16), 24)
    return builder.graph(builder.conv(x, 16, (1, 1)))
