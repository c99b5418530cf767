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
from quantize.patch.schedule import Placed, Works, place_units
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
        works: What its units need, as far as it is known.
        built: The drafts that were made, by units and goal, and the work they took.
    """

    name: str
    rows: RowGraph
    costs: UnitCosts
    bound: int
    works: Works = field(compare=False, repr=False)
    built: dict[tuple[tuple[Unit, ...], int], tuple[Draft, int]] = field(
        default_factory=dict, compare=False, repr=False
    )


@dataclass(frozen=True)
class Draft:
    """What a plan would be: where everything lies is known, but not yet written down.

    Attributes:
        order: Whose units they are.
        units: The units, whole.
        placed: The same with stages cut into parts.
    """

    order: Order
    units: tuple[Unit, ...]
    placed: Placed

    @property
    def arena_bytes(self) -> int:
        """Bytes of the arena."""
        return self.placed.arena_bytes

    @property
    def extra_macs(self) -> int:
        """Multiply-accumulates that are done twice."""
        return sum(unit.extra_macs for unit in self.units)

    @property
    def streamed(self) -> int:
        """Layers that run row by row."""
        return sum(len(unit.nodes) for unit in self.placed.units if unit.streamed)

    def chosen(self, schedule: Schedule) -> Chosen:
        """It written down."""
        graph = self.order.rows.graph
        cuts = tuple(
            Cut(
                tuple(self.order.rows.order[number].name for number in unit.nodes),
                "channels" if unit.split.axis == CHANNELS else "columns",
                unit.split.parts,
            )
            for unit in self.units
            if unit.split is not None
        )
        plan = self.placed.plan(schedule, self.order.name)
        uncut = graph if cuts else None
        return Chosen(self.placed.rows.graph, plan, self.extra_macs, cuts, uncut)


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
            found.append(Order(name, rows, costs, bound, Works(rows)))
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
    return _smallest(found).chosen(schedule)


def _smallest(found: Sequence[Order]) -> Draft:
    best: Draft | None = None
    for order in found:
        if best is not None and (order.bound >= best.arena_bytes or order.rows.work.is_spent):
            break
        for draft in _attempts(order, order.bound, AVOID):
            best = draft if best is None else min(best, draft, key=_arena)
            if best.arena_bytes <= order.bound:
                return best
        assert best is not None
        # Units that need more may be easier to place.
        reached = best.arena_bytes
        for part in range(1, 4) if reached > order.bound * CLOSE else ():
            if order.rows.work.is_spent:
                break
            target = order.bound + (reached - order.bound) * part // 4
            for draft in _attempts(order, target, AVOID_LESS):
                best = min(best, draft, key=_arena)
    assert best is not None
    return best


def _arena(draft: Draft) -> int:
    return draft.arena_bytes


def _attempts(order: Order, target: int, parts: Sequence[float | None]) -> Iterator[Draft]:
    for count, units in enumerate(_selections(order, target, parts)):
        if count and order.rows.work.is_spent:
            return
        yield _build(order, units)


def _build(order: Order, units: Sequence[Unit], goal: int = 0) -> Draft:
    """The draft of units, which several targets may choose: it is made once."""
    key, work = (tuple(units), goal), order.rows.work
    if key in order.built and order.built[key][1] < work.left:
        draft, spent = order.built[key]
        work.spend(spent)  # as if it were made again: what is tried after it stays the same
        return draft
    before = work.left
    rows, parts = expand(order.rows, units)
    known = order.works if rows is order.rows else None
    draft = Draft(order, tuple(units), place_units(rows, parts, goal=goal, known=known))
    order.built[key] = draft, before - work.left
    return draft


def fastest_plan(found: Sequence[Order], limit: int, schedule: Schedule) -> Chosen | None:
    """What fits ``limit`` with the fewest extra MACs; None when nothing is found.

    Of equal ones the plan with the fewest layers in stages.
    """
    drafts = [draft for order in found if (draft := _fitting(order, limit)) is not None]
    best = min(drafts, key=lambda draft: (draft.extra_macs, draft.streamed), default=None)
    return None if best is None else best.chosen(schedule)


def _fitting(order: Order, limit: int) -> Draft | None:
    """The first plan that fits: a limit below ``limit`` may be easier to place."""
    goal = limit if limit < UNLIMITED else 0
    for part in AVOID:
        for target in _targets(order.bound, limit):
            for units in _selections(order, target, (part,)):
                if order.rows.work.is_spent:
                    return None
                draft = _build(order, units, goal)
                if draft.arena_bytes <= limit:
                    return draft
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
