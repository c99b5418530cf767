"""What the schedules of a network cost, and which part of it decides how small it can be."""

from __future__ import annotations

from dataclasses import dataclass

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Plan, Step
from quantize.patch.schedules import make_schedule


@dataclass(frozen=True)
class ScheduleRow:
    """What one schedule costs.

    Attributes:
        schedule: ``layers``, ``min-time`` or ``min-ram``.
        row_fed: The input comes row by row.
        arena_bytes: Size of the arena, all included.
        extra_macs: Multiply-accumulates done twice: none, with rows.
        stages: The layers of each stage.
    """

    schedule: str
    row_fed: bool
    arena_bytes: int
    extra_macs: int
    stages: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Smallest:
    """The least arena of a network.

    Attributes:
        arena_bytes: Its size.
        layers: The layers that set it: a stage, or one layer.
        row_fed: With the input fed row by row.
    """

    arena_bytes: int
    layers: tuple[str, ...]
    row_fed: bool

    def __str__(self) -> str:
        """The layers in words."""
        if len(self.layers) == 1:
            return self.layers[0]
        return f"the stage {self.layers[0]} .. {self.layers[-1]}"


def compare_schedules(
    graph: Graph, isa: Isa, *, ram_limit: int | None = None, row_fed: bool | None = None
) -> list[ScheduleRow]:
    """The schedules of a network side by side.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        ram_limit: Bytes of arena for ``min-time``, which is left out without a limit.
        row_fed: Only with the input fed row by row, or only without; None for both where the
            network can be fed row by row.

    Returns:
        One row per schedule, ``min-time`` only where it fits.
    """
    rows = []
    for fed in (False, True) if row_fed is None else (row_fed,):
        names = ["layers", "min-ram"] if ram_limit is None else ["layers", "min-time", "min-ram"]
        for name in names:
            try:
                plan = make_schedule(graph, isa, name, ram_limit=ram_limit, row_fed=fed)
            except UnsupportedOp:
                if row_fed:
                    raise
                continue
            if name != "min-time" or ram_limit is None or plan.arena_bytes <= ram_limit:
                rows.append(_row(name, plan))
    return rows


def smallest(graph: Graph, isa: Isa, *, row_fed: bool = False) -> Smallest:
    """The least arena that any schedule reaches, and what sets it."""
    plan = make_schedule(graph, isa, "min-ram", row_fed=row_fed)
    return Smallest(plan.arena_bytes, peak_layers(plan), row_fed)


def peak_layers(plan: Plan) -> tuple[str, ...]:
    """The layers of the step that uses the most bytes."""
    step = max(plan.steps, key=lambda step: step.live_bytes)
    return _layers(step)


def _layers(step: Step) -> tuple[str, ...]:
    return (step.node,) if step.stage is None else step.stage.nodes


def _row(name: str, plan: Plan) -> ScheduleRow:
    stages = tuple(step.stage.nodes for step in plan.steps if step.stage is not None)
    return ScheduleRow(name, plan.row_fed, plan.arena_bytes, 0, stages)
