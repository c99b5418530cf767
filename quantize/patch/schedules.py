"""The one way to a plan: which schedule, within which limit, fed how."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from quantize.patch.rows import NEVER
from quantize.patch.search import fastest_plan, orders, smallest_plan

SCHEDULES = ("auto", "layers", "min-ram", "min-time")


def make_schedule(
    graph: Graph,
    isa: Isa,
    schedule: str = "auto",
    *,
    ram_limit: int | None = None,
    row_fed: bool = False,
) -> Plan:
    """Plans a network.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        schedule: ``layers``: one layer after the other. ``min-ram``: the smallest arena.
            ``min-time``: the fewest layers row by row within ``ram_limit``. ``auto``: layers if
            they fit, else the fastest that fits, else the smallest arena.
        ram_limit: Bytes that the arena may have; None for any number.
        row_fed: The input is handed over row by row and never lies in RAM as a whole.

    Returns:
        The plan. It may be larger than ``ram_limit`` when nothing fits.

    Raises:
        UnsupportedOp: ``row_fed`` for a network whose first layers do not read rows.
    """
    assert schedule in SCHEDULES, schedule
    limit = NEVER if ram_limit is None else ram_limit
    wanted = "min-time" if schedule == "auto" else schedule
    layers = None if row_fed else make_plan(graph, isa)
    if layers is not None and wanted != "min-ram":
        if wanted == "layers":
            return layers
        if layers.arena_bytes <= limit:
            return replace(layers, schedule="layers" if schedule == "auto" else wanted)
    ample = NEVER if ram_limit is None and wanted != "min-ram" else ram_limit or 0
    found = orders(graph, isa, wanted=ample, row_fed=row_fed)
    if not found:
        raise UnsupportedOp(
            f"{graph.name} cannot be fed row by row: it needs one input of 4 axes and batch 1 that "
            "only layers working on rows read, in one stage"
        )
    plan = None
    if wanted != "min-ram":
        plan = fastest_plan(found, NEVER if wanted == "layers" else limit, wanted)
    if plan is None:
        plan = smallest_plan(found, "min-ram" if schedule == "auto" else wanted)
    if layers is not None and layers.arena_bytes <= plan.arena_bytes:
        return replace(layers, schedule=plan.schedule)
    return plan
