"""Searches units and offsets together: what the units need at the least is not always reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.plan import Plan
from quantize.patch.choose import Costs, Unit
from quantize.patch.rows import NEVER, RowGraph
from quantize.patch.schedule import ROUNDS, build_plan

AVOID = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.0)
"""Parts of the limit above which a layer should be in a stage, from the fewest stages to many."""

FINAL_ROUNDS = 4 * ROUNDS


@dataclass(frozen=True)
class Order:
    """One order of the nodes, what its units cost, and the least peak they reach."""

    name: str
    rows: RowGraph
    costs: Costs
    bound: int


def orders(graph: Graph, isa: Isa, *, row_fed: bool) -> list[Order]:
    """The orders in which the network can be planned, that of the least peak first."""
    found = []
    for name, nodes in candidate_orders(graph).items():
        rows = RowGraph(graph, nodes, isa, row_fed=row_fed)
        costs = Costs(rows)
        bound = costs.smallest()
        if bound < NEVER:
            found.append(Order(name, rows, costs, bound))
    return sorted(found, key=lambda order: order.bound)


def smallest_plan(found: Sequence[Order], schedule: str) -> Plan:
    """The plan with the smallest arena; of equal ones that with the fewest layers in stages."""
    best: Plan | None = None
    refine: tuple[Order, list[Unit]] | None = None
    for order in found:
        if best is not None and order.bound >= best.arena_bytes:
            break
        for units in _selections(order, order.bound):
            plan = build_plan(order.rows, units, schedule, order.name)
            if best is None or plan.arena_bytes < best.arena_bytes:
                best, refine = plan, (order, units)
            if plan.arena_bytes <= order.bound:
                break
    assert best is not None and refine is not None
    order, units = refine
    if best.arena_bytes > order.bound:
        plan = build_plan(order.rows, units, schedule, order.name, rounds=FINAL_ROUNDS)
        best = min(best, plan, key=lambda plan: plan.arena_bytes)
    return best


def fastest_plan(found: Sequence[Order], limit: int, schedule: str) -> Plan | None:
    """The plan with the fewest layers in stages that fits ``limit``; None when none is found."""
    best: Plan | None = None
    for order in found:
        for target in _targets(order.bound, limit):
            plan = _fitting(order, target, limit, schedule)
            if plan is not None:
                if best is None or streamed_layers(plan) < streamed_layers(best):
                    best = plan
                break
    return best


def _targets(bound: int, limit: int) -> list[int]:
    """Peaks to aim at: the limit, and below it where the limit itself cannot be placed."""
    if limit >= NEVER:
        return [NEVER]
    return [limit - (limit - bound) * part // 4 for part in range(4)] if limit >= bound else []


def _fitting(order: Order, target: int, limit: int, schedule: str) -> Plan | None:
    for units in _selections(order, target):
        goal = limit if limit < NEVER else 0
        plan = build_plan(order.rows, units, schedule, order.name, goal=goal)
        if plan.arena_bytes <= limit:
            return plan
    return None


def _selections(order: Order, limit: int) -> Iterator[list[Unit]]:
    """Choices of units within ``limit``, each once, that with the fewest layers in stages first."""
    seen: list[list[Unit]] = []
    for part in (*AVOID, None):
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
