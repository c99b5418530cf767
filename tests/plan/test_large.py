"""Large networks: what planning costs is bounded, counted in work and not in time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.pipeline import load
from edgebottle.plan.planner import make_plan
from edgebottle.plan.work import Work
from quantize.patch import choose_schedule
from quantize.patch.choose import COSTS_WORK
from quantize.patch.rows import PLAN_WORK
from quantize.patch.split import SPLIT_WORK
from tests.plan import large_graphs

MOST_WORK = PLAN_WORK + COSTS_WORK + SPLIT_WORK + 1_000_000
"""Each budget may be overdrawn by what has begun when it is spent."""

LAYERS = 200


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
    chosen = choose_schedule(graph, Isa.SCALAR, "min-ram")
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


def test_a_signal_of_very_many_rows_is_planned() -> None:
    """Its tables would fill the memory: the layers run whole."""
    graph = optimise(large_graphs.long_rows(100))
    assert choose_schedule(graph, Isa.PORTABLE, "min-ram").plan.arena_bytes > 0
