"""Searches units and offsets together: what the units need at the least is not always reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from edgebottle.plan.work import Work
from quantize.patch.costs import COSTS_WORK, UnitCosts
from quantize.patch.known import known
from quantize.patch.rows import PLAN_WORK, RowGraph
from quantize.patch.schedule import build_plan
from quantize.patch.split import SPLIT_WORK, add_splits, expand
from quantize.patch.units import CHANNELS, Unit

AVOID = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.0, None)
"""Parts of the limit above which a layer should be in a stage, from the fewest stages to many.

None for the fewest units: the least is held whole.
"""

AVOID_LESS = (1.0, 0.6, None)
"""The same, where there are many limits to try."""

CLOSE = 1.01
"""An arena this near to its bound is good enough."""


@dataclass(frozen=True)
class Cut:
    """A stage that is computed in parts.

    Attributes:
        layers: Names of its layers.
        axis: ``columns`` or ``channels``: what each part computes some of.
        parts: How many.
    """

    layers: tuple[str, ...]
    axis: str
    parts: int


@dataclass(frozen=True)
class Chosen:
    """A network as it is computed.

    Attributes:
        graph: The graph; where stages are cut into parts, each part has layers of its own.
        plan: Its plan.
        extra_macs: Multiply-accumulates that are done twice: the halos of columns.
        cuts: The stages in parts.
        uncut: The graph before they were cut, None where there are none.
    """

    graph: Graph
    plan: Plan
    extra_macs: int = 0
    cuts: tuple[Cut, ...] = ()
    uncut: Graph | None = None


@dataclass(frozen=True)
class Order:
    """One order of the nodes, what its units cost, and the least peak they reach.

    Attributes:
        name: Of the order.
        rows: The graph in it.
        costs: Of its units.
        bound: The least peak.
        built: The plans that were made, by units, schedule and goal, and the work they took.
    """

    name: str
    rows: RowGraph
    costs: UnitCosts
    bound: int
    built: dict[tuple[tuple[Unit, ...], Schedule, int], tuple[Chosen, int]] = field(
        default_factory=dict, compare=False, repr=False
    )


def orders(
    graph: Graph,
    isa: Isa,
    *,
    wanted: int = 0,
    row_fed: bool = False,
) -> list[Order]:
    """The orders in which the network can be planned, that of the least peak first.

    Args:
        graph: The graph.
        isa: The kernel variant.
        wanted: Bytes of arena that are there anyway.
        row_fed: The input is handed over row by row.
    """
    found, what = [], known(graph)
    row_steps, work = what.row_nodes(isa), Work(PLAN_WORK)
    for name, nodes in what.orders.items():
        rows = RowGraph(graph, nodes, isa, row_fed=row_fed, nodes=row_steps, work=work)
        costs = UnitCosts(rows, wanted, Work(COSTS_WORK // len(what.orders)), what.facts[name])
        bound = costs.choices.smallest()
        if bound < UNLIMITED:
            found.append(Order(name, rows, costs, bound))
    return sorted(found, key=lambda order: order.bound)


def cut_orders(found: Sequence[Order], below: int, most_extra_macs: int | None) -> list[Order]:
    """The orders in which cutting stages into parts leads to a peak lower than ``below``.

    Args:
        found: From ``orders``; their units grow by stages in parts.
        below: Bytes of arena.
        most_extra_macs: What is computed twice, at most; None for any number.
    """
    cut = []
    for order in found:
        add_splits(order.costs, below, most_extra_macs, work=SPLIT_WORK // len(found))
        bound = order.costs.choices.smallest_within(most_extra_macs)
        if bound < below:
            cut.append(replace(order, bound=bound))
    return sorted(cut, key=lambda order: order.bound)


def smallest_plan(found: Sequence[Order], schedule: Schedule) -> Chosen:
    """The plan with the smallest arena; of equal ones that with the fewest layers in stages."""
    best: Chosen | None = None
    for order in found:
        if best is not None and (order.bound >= best.plan.arena_bytes or order.rows.work.is_spent):
            break
        for chosen in _attempts(order, order.bound, AVOID, schedule):
            best = chosen if best is None else min(best, chosen, key=_arena)
            if best.plan.arena_bytes <= order.bound:
                return best
        assert best is not None
        # Units that need more may be easier to place.
        reached = best.plan.arena_bytes
        for part in range(1, 4) if reached > order.bound * CLOSE else ():
            if order.rows.work.is_spent:
                break
            target = order.bound + (reached - order.bound) * part // 4
            for chosen in _attempts(order, target, AVOID_LESS, schedule):
                best = min(best, chosen, key=_arena)
    assert best is not None
    return best


def _arena(chosen: Chosen) -> int:
    return chosen.plan.arena_bytes


def _attempts(
    order: Order, target: int, parts: Sequence[float | None], schedule: Schedule
) -> Iterator[Chosen]:
    for count, units in enumerate(_selections(order, target, parts)):
        if count and order.rows.work.is_spent:
            return
        yield _build(order, units, schedule)


def _build(order: Order, units: Sequence[Unit], schedule: Schedule, goal: int = 0) -> Chosen:
    """The plan of units, which several targets may choose: it is made once."""
    key, work = (tuple(units), schedule, goal), order.rows.work
    if key in order.built and order.built[key][1] < work.left:
        chosen, spent = order.built[key]
        work.spend(spent)  # as if it were made again: what is tried after it stays the same
        return chosen
    before = work.left
    chosen = _made(order, units, schedule, goal)
    order.built[key] = chosen, before - work.left
    return chosen


def _made(order: Order, units: Sequence[Unit], schedule: Schedule, goal: int) -> Chosen:
    rows, parts = expand(order.rows, units)
    plan = build_plan(rows, parts, schedule, order.name, goal=goal)
    cuts = tuple(
        Cut(
            tuple(order.rows.order[number].name for number in unit.nodes),
            "channels" if unit.split.axis == CHANNELS else "columns",
            unit.split.parts,
        )
        for unit in units
        if unit.split is not None
    )
    extra_macs = sum(unit.extra_macs for unit in units)
    return Chosen(rows.graph, plan, extra_macs, cuts, order.rows.graph if cuts else None)


def fastest_plan(found: Sequence[Order], limit: int, schedule: Schedule) -> Chosen | None:
    """What fits ``limit`` with the fewest extra MACs; None when nothing is found.

    Of equal ones the plan with the fewest layers in stages.
    """
    plans = [plan for order in found if (plan := _fitting(order, limit, schedule)) is not None]
    return min(plans, key=lambda c: (c.extra_macs, streamed_layers(c.plan)), default=None)


def _fitting(order: Order, limit: int, schedule: Schedule) -> Chosen | None:
    """The first plan that fits: a limit below ``limit`` may be easier to place."""
    goal = limit if limit < UNLIMITED else 0
    for part in AVOID:
        for target in _targets(order.bound, limit):
            for units in _selections(order, target, (part,)):
                if order.rows.work.is_spent:
                    return None
                chosen = _build(order, units, schedule, goal)
                if chosen.plan.arena_bytes <= limit:
                    return chosen
    return None


def _targets(bound: int, limit: int) -> list[int]:
    """Peaks to aim at: the limit, and below it where the limit itself cannot be placed."""
    if limit >= UNLIMITED:
        return [UNLIMITED]
    return [limit - (limit - bound) * part // 4 for part in range(4)] if limit >= bound else []


def _selections(order: Order, limit: int, parts: Sequence[float | None]) -> Iterator[list[Unit]]:
    """Choices of units within ``limit``, each once, in the order of ``parts`` (see ``AVOID``)."""
    seen: list[list[Unit]] = []
    for part in parts:
        if part is None:
            units = order.costs.choices.fastest(limit, few_units=True)
        else:
            units = order.costs.choices.fastest(limit, int(limit * part))
        if units is not None and units not in seen:
            seen.append(units)
            yield units


def streamed_layers(plan: Plan) -> int:
    """Layers of ``plan`` that run row by row."""
    return sum(len(step.stage.nodes) for step in plan.steps if step.stage is not None)
