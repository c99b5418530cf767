"""Schedules for tests: every kind, with what is free about it drawn at random."""

from __future__ import annotations

from enum import Enum

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import make_schedule
from tests.codegen.streaming import plain_plan


class Kind(Enum):
    """What sort of schedule.

    Attributes:
        LAYERS: One layer after the other.
        MIN_RAM: The smallest arena.
        MIN_TIME: The fastest within a limit drawn between the smallest arena and that of layers.
        CUT: Stages cut at random, by a planner that shares no memory.
        ROW_FED: The input comes row by row: in the smallest arena, or else cut at random.
    """

    LAYERS = "layers"
    MIN_RAM = "min-ram"
    MIN_TIME = "min-time"
    CUT = "cut at random"
    ROW_FED = "row-fed"


def drawn_plan(kind: Kind, graph: Graph, isa: Isa, random: np.random.Generator) -> Plan | None:
    """A schedule of ``kind``; None where the input cannot be fed row by row."""
    if kind is Kind.LAYERS:
        return make_plan(graph, isa)
    if kind is Kind.MIN_RAM:
        return make_schedule(graph, isa, Schedule.MIN_RAM)
    if kind is Kind.CUT:
        return plain_plan(graph, isa, random)
    if kind is Kind.ROW_FED:
        try:
            return make_schedule(graph, isa, Schedule.MIN_RAM, row_fed=True)
        except UnsupportedOp:
            return plain_plan(graph, isa, random, row_fed=True)
    least = make_schedule(graph, isa, Schedule.MIN_RAM).arena_bytes
    most = make_plan(graph, isa).arena_bytes
    limit = int(random.integers(least, max(least, most) + 1))
    return make_schedule(graph, isa, Schedule.MIN_TIME, ram_limit=limit)
