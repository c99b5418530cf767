"""Searches units and offsets together: what the units need at the least is not always reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.plan import Plan
from quantize.patch.choose import Costs, Unit
from quantize.patch.rows import NEVER, RowGraph
from quantize.patch.schedule import build_plan

AVOID = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.0, None)
"""Parts of the limit above which a layer should be in a stage, from the fewest stages to many.

None for the fewest units: the least is held whole.
"""

AVOID_LESS = (1.0, 0.6, None)
"""The same, where there are many limits to try."""

CLOSE = 1.01
"""An arena this near to its bound is good enough."""


@dataclass(frozen=True)
class Order:
    """One order of the nodes, what its units cost, and the least peak they reach."""

    name: str
    rows: RowGraph
    costs: Costs
    bound: int


def orders(graph: Graph, isa: Isa, *, wanted: int = 0, row_fed: bool = False) -> list[Order]:
    """The orders in which the network can be planned, that of the least peak first.

    Args:
        graph: The graph.
        isa: The kernel variant.
        wanted: Bytes of arena that are there anyway.
        row_fed: The input is handed over row by row.
    """
    found = []
    for name, nodes in candidate_orders(graph).items():
        rows = RowGraph(graph, nodes, isa, row_fed=row_fed)
        costs = Costs(rows, wanted)
        bound = costs.smallest()
        if bound < NEVER:
            found.append(Order(name, rows, costs, bound))
    return sorted(found, key=lambda order: order.bound)


def smallest_plan(found: Sequence[Order], schedule: str) -> Plan:
    """The plan with the smallest arena; of equal ones that with the fewest layers in stages."""
    best: Plan | None = None
    for order in found:
        if best is not None and order.bound >= best.arena_bytes:
            break
        for plan in _attempts(order, order.bound, AVOID, schedule):
            best = plan if best is None else min(best, plan, key=_arena)
            if best.arena_bytes <= order.bound:
                return best
        assert best is not None
        # Units that need more may be easier to place.
        reached = best.arena_bytes
        for part in range(1, 4) if reached > order.bound * CLOSE else ():
            target = order.bound + (reached - order.bound) * part // 4
            for plan in _attempts(order, target, AVOID_LESS, schedule):
                best = min(best, plan, key=_arena)
    assert best is not None
    bound = min(order.bound for order in found)
    return replace(best, lower_bound=min(bound, best.arena_bytes))


def _arena(plan: Plan) -> int:
    return plan.arena_bytes


def _attempts(
    order: Order, target: int, parts: Sequence[float | None], schedule: str
) -> Iterator[Plan]:
    for units in _selections(order, target, parts):
        yield build_plan(order.rows, units, schedule, order.name)


def fastest_plan(found: Sequence[Order], limit: int, schedule: str) -> Plan | None:
    """The plan with the fewest layers in stages that fits ``limit``; None when none is found."""
    plans = [plan for order in found if (plan := _fitting(order, limit, schedule)) is not None]
    return min(plans, key=streamed_layers, default=None)


def _fitting(order: Order, limit: int, schedule: str) -> Plan | None:
    """The first plan that fits: a limit below ``limit`` may be easier to place."""
    goal = limit if limit < NEVER else 0
    for part in AVOID:
        for target in _targets(order.bound, limit):
            for units in _selections(order, target, (part,)):
                plan = build_plan(order.rows, units, schedule, order.name, goal=goal)
                if plan.arena_bytes <= limit:
                    return plan
    return None


def _targets(bound: int, limit: int) -> list[int]:
    """Peaks to aim at: the limit, and below it where the limit itself cannot be placed."""
    if limit >= NEVER:
        return [NEVER]
    return [limit - (limit - bound) * part // 4 for part in range(4)] if limit >= bound else []


def _selections(order: Order, limit: int, parts: Sequence[float | None]) -> Iterator[list[Unit]]:
    """Choices of units within ``limit``, each once, in the order of ``parts`` (see ``AVOID``)."""
    seen: list[list[Unit]] = []
    for part in parts:
        if part is None:
            units = order.costs.fastest(limit, few_units=True)
        else:
            units = order.costs.fastest(limit, int(limit * part))
        if units is not None and units not in seen:
            seen.append(units)
            yield units


def streamed_layers(plan: Plan) -> int:
    """Layers of ``plan`` that run row by row."""
    return sum(len(step.stage.nodes) for step in plan.steps if step.stage is not None)
