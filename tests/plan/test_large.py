"""Large networks: what planning costs is bounded, counted in work and not in time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from edgebottle import inspection
from edgebottle.inspection import inspect_model
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.pipeline import Model, load
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from edgebottle.plan.work import Work
from quantize.patch import Chosen, choose_schedule
from quantize.patch.costs import COSTS_WORK
from quantize.patch.rows import PLAN_WORK
from quantize.patch.search import orders
from quantize.patch.split import SPLIT_WORK
from tests.plan import large_graphs
from tests.waiting import calls_of

MOST_WORK = PLAN_WORK + COSTS_WORK + SPLIT_WORK + 1_000_000
"""Each budget may be overdrawn by what has begun when it is spent."""

LAYERS = 60
"""Enough to spend the budgets: of 200 layers no more is spent, and it takes twice as long."""


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Collects the units of work that searches spend."""
    units: list[int] = []
    honest = Work.spend

    def counted(work: Work, amount: int) -> None:
        units.append(amount)
        honest(work, amount)

    monkeypatch.setattr(Work, "spend", counted)
    yield units


def assert_planned_within_budget(graph: Graph, spent: list[int]) -> None:
    chosen = choose_schedule(graph, Isa.SCALAR, Schedule.MIN_RAM)
    assert 0 < sum(spent) <= MOST_WORK
    assert chosen.plan.arena_bytes <= make_plan(graph, Isa.SCALAR).arena_bytes


@pytest.mark.parametrize(
    "network",
    [large_graphs.wide, large_graphs.residual, large_graphs.tangle, large_graphs.hourglass],
)
def test_planning_stays_within_its_budgets(
    network: Callable[[int], Graph], spent: list[int]
) -> None:
    assert_planned_within_budget(optimise(network(LAYERS)), spent)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["chain1000", "dag100", "wide24"])
def test_networks_that_once_took_for_ever(name: str, spent: list[int], shared: Path) -> None:
    assert_planned_within_budget(load(str(shared / "cases" / f"{name}.tflite")).graph, spent)


def test_a_plan_does_not_depend_on_what_was_planned_before(spent: list[int]) -> None:
    """What is known of a network saves calls, and changes neither its plans nor their work."""
    graph = optimise(large_graphs.hourglass(40))
    variants = (Isa.DSP, Isa.SCALAR)
    fresh = [choose_schedule(replace(graph), isa, Schedule.MIN_RAM).plan for isa in variants]
    work = list(spent)
    spent.clear()
    assert [choose_schedule(graph, isa, Schedule.MIN_RAM).plan for isa in variants] == fresh
    assert spent == work
    unknown, again = (
        calls_of(partial(orders, g, Isa.PORTABLE))[1] for g in (replace(graph), graph)
    )
    assert again < 0.7 * unknown


def test_inspect_plans_what_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All boards have room for one layer after the other: other kernels need no other plan."""
    made: list[tuple[Isa, Schedule, bool]] = []

    def noted(graph: Graph, isa: Isa, schedule: Schedule, *, row_fed: bool = False) -> Chosen:
        made.append((isa, schedule, row_fed))
        return choose_schedule(graph, isa, schedule, row_fed=row_fed)

    monkeypatch.setattr(inspection, "choose_schedule", noted)
    graph = large_graphs.chain(5)
    found = inspect_model(Model("chain", Path("chain"), b"", "", graph, optimise(graph), "keep"))
    assert {board.schedule for board in found.boards} == {"layers"}
    shown = {(Isa.DSP, Schedule.MIN_RAM, fed) for fed in (False, True)}
    assert {plan for plan in made if plan[1] != Schedule.LAYERS} == shown
    assert len(made) == len(set(made))


def test_a_signal_of_very_many_rows_is_planned() -> None:
    """Its tables would fill the memory: the layers run whole."""
    graph = optimise(large_graphs.long_rows(20))
    assert choose_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM).plan.arena_bytes > 0
