"""Large networks: what planning costs is bounded, counted in work and not in time."""

from collections.abc import Callable

import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
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


@pytest.mark.parametrize(
    "network",
    [large_graphs.wide, large_graphs.residual, large_graphs.tangle, large_graphs.hourglass],
)
def test_planning_stays_within_its_budgets(
    network: Callable[[int], Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = 0
    honest = Work.spend

    def counted(work: Work, units: int) -> None:
        nonlocal spent
        spent += units
        honest(work, units)

    monkeypatch.setattr(Work, "spend", counted)
    graph = optimise(network(LAYERS))
    chosen = choose_schedule(graph, Isa.SCALAR, "min-ram")
    assert 0 < spent <= MOST_WORK
    assert chosen.plan.arena_bytes <= make_plan(graph, Isa.SCALAR).arena_bytes


def test_a_signal_of_very_many_rows_is_planned() -> None:
    """Its tables would fill the memory: the layers run whole."""
    graph = optimise(large_graphs.long_rows(100))
    assert choose_schedule(graph, Isa.PORTABLE, "min-ram").plan.arena_bytes > 0
