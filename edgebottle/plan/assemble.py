"""Writes the Plan down, once it is known where every block lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.graph import Int
from edgebottle.ops.base import Isa
from edgebottle.plan.lifetimes import covered_bytes
from edgebottle.plan.place import Packing
from edgebottle.plan.plan import Placement, Plan, Stage, Step
from edgebottle.plan.schedules import Schedule
from edgebottle.plan.storage import Storage


@dataclass(frozen=True)
class RingPlace:
    """The ring of a tensor.

    Attributes:
        tensor: Its name.
        rows: Rows held at a time.
        offset: First byte in the arena.
    """

    tensor: str
    rows: int
    offset: int


@dataclass(frozen=True)
class SharedRows:
    """A tensor of a stage whose rows are in the memory of another one.

    Attributes:
        tensor: Its name.
        host: The tensor that has a place of its own.
        shares: That which overwrites its rows.
    """

    tensor: str
    host: str
    shares: str


@dataclass(frozen=True)
class StepMemory:
    """What a step takes of the arena besides the tensors held whole.

    Attributes:
        node: Name of its (last) node.
        spans: All of it: first bytes, and those after the last.
        scratch_offset: First byte of its scratch.
        scratch_bytes: 0 for none.
        stage: The stage, None for a single node.
        rings: Of a stage.
        shared: Of a stage, in the order in which they have a place.
    """

    node: str
    spans: tuple[tuple[int, int], ...] = ()
    scratch_offset: int = 0
    scratch_bytes: int = 0
    stage: Stage | None = None
    rings: tuple[RingPlace, ...] = ()
    shared: tuple[SharedRows, ...] = ()


def assemble(
    storage: Storage,
    isa: Isa,
    packing: Packing,
    steps: Sequence[StepMemory],
    *,
    schedule: Schedule,
    order: str,
    bound: int,
    row_fed: bool = False,
) -> Plan:
    """The Plan.

    Args:
        storage: Which tensors share memory.
        isa: The kernel variant.
        packing: Where the blocks of ``storage`` lie, and what comes after them.
        steps: What each step needs besides.
        schedule: The schedule.
        order: Name of the order.
        bound: What no placement of these lifetimes can go below.
        row_fed: The input is handed over row by row.
    """
    blocks = storage.blocks
    starts = packing.offsets[: len(blocks)]
    lives = np.array([(block.first, block.last) for block in blocks]).reshape(-1, 2)
    places = zip(blocks, starts, strict=True)
    spans = np.array([(start, start + block.nbytes) for block, start in places]).reshape(-1, 2)

    def alive(number: int, own: Sequence[tuple[int, int]]) -> Int:
        is_alive = (lives[:, 0] <= number) & (lives[:, 1] >= number)
        return np.concatenate([spans[is_alive], np.array(own, dtype=int).reshape(-1, 2)])

    return Plan(
        model=storage.graph.name,
        isa=isa.value,
        schedule=schedule,
        arena_bytes=packing.nbytes,
        lower_bound=min(bound, packing.nbytes),
        strategy=f"order: {order}, placement: {packing.strategy}",
        steps=tuple(
            Step(
                node=step.node,
                scratch_offset=step.scratch_offset,
                scratch_bytes=step.scratch_bytes,
                live_bytes=covered_bytes(alive(number, step.spans)),
                elided=step.node in storage.elided,
                stage=step.stage,
            )
            for number, step in enumerate(steps)
        ),
        placements=_placements(storage, starts, steps),
        row_fed=row_fed,
    )


def _placements(
    storage: Storage, starts: Sequence[int], steps: Sequence[StepMemory]
) -> tuple[Placement, ...]:
    """Those of the tensors held whole, then those of each step."""
    found = {place.tensor: place for place in storage.placements(starts)}
    for number, step in enumerate(steps):
        life = number, number
        for ring in step.rings:
            layout = storage.graph.tensors[ring.tensor].layout
            if layout.row_axis is not None:
                layout = layout.slice(layout.row_axis, 0, ring.rows)
            found[ring.tensor] = Placement.of(
                ring.tensor, layout, ring.offset, life, ring_rows=ring.rows
            )
        for part in step.shared:
            found[part.tensor] = replace(
                found[part.host], tensor=part.tensor, first=number, last=number, shares=part.shares
            )
    return tuple(found.values())
