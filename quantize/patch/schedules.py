"""The one way to a plan: which schedule, within which limit, fed how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from quantize.patch.fewest import fewest_packed, less_packed
from quantize.patch.known import known
from quantize.patch.search import (
    Chosen,
    Order,
    cut_orders,
    fastest_plan,
    orders,
    smallest_plan,
)

EXTRA_MACS = 0.01
"""Part of a network's MACs that the smallest arena may cost more."""


def choose_schedule(
    graph: Graph,
    isa: Isa,
    schedule: Schedule = Schedule.AUTO,
    *,
    ram_limit: int | None = None,
    row_fed: bool = False,
    narrow: bool = True,
) -> Chosen:
    """Plans a network; where that saves memory its stages are cut into parts.

    Parts are of columns or of channels (see ``split``). ``min-ram`` spends up to ``EXTRA_MACS``
    on them; within a limit that nothing else fits, they cost what they must. Where memory counts,
    images of one row are stood up (see ``passes.upright``), and tensors of few values stored with
    few bits (see ``passes.narrow``) if the arena is smaller then: no more of them than it takes.
    Those that kernels read as they are stored always are, as that is faster, too.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        schedule: Any but ``PATCHES``. Where nothing fits ``ram_limit``, ``AUTO`` and ``MIN_TIME``
            are the smallest arena.
        ram_limit: Bytes that the arena may have; None for any number.
        row_fed: The input is handed over row by row and never lies in RAM as a whole.
        narrow: Tensors, weights among them, may be stored with fewer than 8 bits.

    Returns:
        The plan and its graph. It may be larger than ``ram_limit`` when nothing fits.

    Raises:
        UnsupportedOp: ``row_fed`` for a network whose first layers do not read rows.
    """
    graph = graph if narrow else known(graph).wide
    plan = partial(_chosen, isa=isa, schedule=schedule, ram_limit=ram_limit, row_fed=row_fed)
    packed = known(graph).packed(isa) if narrow else graph
    fast = as_it_is = plan(packed)
    if schedule != Schedule.MIN_RAM and (ram_limit is None or _arena(fast) <= ram_limit):
        return fast
    if packed is not graph:
        as_it_is = plan(graph)
        if schedule != Schedule.MIN_RAM and _arena(as_it_is) <= (ram_limit or 0):
            return less_packed(graph, fast, ram_limit or 0, isa, plan) or as_it_is
    standing = graph if row_fed or schedule == Schedule.LAYERS else known(graph).standing
    forms = [as_it_is, *([plan(standing)] if standing is not graph else [])]
    best = min(forms, key=_arena)
    enough = 0 if schedule == Schedule.MIN_RAM or ram_limit is None else ram_limit
    for form, wide in zip((graph, standing), forms, strict=False):
        if not narrow or _arena(best) <= enough or known(form).narrowed is form:
            continue
        narrowed = plan(known(form).narrowed)
        if _arena(narrowed) < _arena(best):
            if wide.uncut is not None:
                wide = Chosen(form, _uncut(form, isa, schedule, ram_limit, row_fed=row_fed)[0])
            read = known(form).packed(isa)
            starts = [] if read is form else [fast if form is graph else plan(read)]
            least = max(enough, _arena(narrowed))
            best = fewest_packed([*starts, wide], narrowed, least, isa, plan)
    if _arena(fast) <= _arena(best):
        return fast
    return (best is as_it_is and less_packed(graph, fast, _arena(best), isa, plan)) or best


def _arena(chosen: Chosen) -> int:
    return chosen.plan.arena_bytes


def _chosen(
    graph: Graph, isa: Isa, schedule: Schedule, ram_limit: int | None, *, row_fed: bool
) -> Chosen:
    """``choose_schedule`` of the images as they lie, with tensors as they are."""
    plan, found = _uncut(graph, isa, schedule, ram_limit, row_fed=row_fed)
    uncut = Chosen(graph, plan)
    if schedule == Schedule.LAYERS:
        return uncut
    if schedule != Schedule.MIN_RAM:
        if ram_limit is None or plan.arena_bytes <= ram_limit:
            return uncut
        cut = cut_orders(found, ram_limit + 1, None)
        fitting = fastest_plan(cut, ram_limit, Schedule.MIN_TIME)
        if fitting is not None:
            return fitting
    cut = cut_orders(found, plan.arena_bytes, int(EXTRA_MACS * graph.macs()))
    best = smallest_plan(cut, plan.schedule) if cut else uncut
    return best if best.plan.arena_bytes < plan.arena_bytes else uncut


def make_schedule(
    graph: Graph,
    isa: Isa,
    schedule: Schedule = Schedule.AUTO,
    *,
    ram_limit: int | None = None,
    row_fed: bool = False,
) -> Plan:
    """``choose_schedule`` of the graph as it is: no stage is cut into parts."""
    return _uncut(graph, isa, schedule, ram_limit, row_fed=row_fed)[0]


def _uncut(
    graph: Graph, isa: Isa, schedule: Schedule, ram_limit: int | None, *, row_fed: bool
) -> tuple[Plan, Sequence[Order]]:
    """The plan, and the orders that were looked at, if any."""
    assert schedule != Schedule.PATCHES
    if row_fed and len(graph.inputs) != 1:
        raise UnsupportedOp(
            f"{graph.name} has {len(graph.inputs)} inputs: only a network with one input can be "
            "fed row by row; leave out --input rows"
        )
    limit = UNLIMITED if ram_limit is None else ram_limit
    wanted = Schedule.MIN_TIME if schedule == Schedule.AUTO else schedule
    layers = None if row_fed else known(graph).layers(isa)
    if layers is not None and wanted != Schedule.MIN_RAM:
        if wanted == Schedule.LAYERS:
            return layers, ()
        if layers.arena_bytes <= limit:
            named = Schedule.LAYERS if schedule == Schedule.AUTO else wanted
            return replace(layers, schedule=named), ()
    ample = UNLIMITED if ram_limit is None and wanted != Schedule.MIN_RAM else ram_limit or 0
    found = orders(graph, isa, wanted=ample, row_fed=row_fed)
    if not found:
        raise UnsupportedOp(
            f"{graph.name} cannot be fed row by row: it needs one input of 4 axes and batch 1 that "
            "only layers working on rows read, in one stage"
        )
    chosen = None
    if wanted != Schedule.MIN_RAM:
        chosen = fastest_plan(found, UNLIMITED if wanted == Schedule.LAYERS else limit, wanted)
    if chosen is not None:
        plan = chosen.plan
    else:
        plan = smallest_plan(found, Schedule.MIN_RAM if schedule == Schedule.AUTO else wanted).plan
        bound = min(order.bound for order in found)
        plan = replace(plan, lower_bound=min(bound, plan.arena_bytes))
    if layers is not None and layers.arena_bytes <= plan.arena_bytes:
        plan = replace(layers, schedule=plan.schedule)
    return plan, found
