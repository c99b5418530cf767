"""The Plan: what runs when, and where each byte lives. Frozen, with a JSON round trip."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from edgebottle.ir.layout import Layout
from edgebottle.plan.schedules import Schedule

COUNTER_BYTES = 2
"""The generated code counts the row steps of a layer of a stage in a uint16."""

MAX_STEPS = (1 << 8 * COUNTER_BYTES) - 1
"""Row steps of such a layer."""


@dataclass(frozen=True)
class Placement:
    """Where a tensor lives in the arena.

    Attributes:
        tensor: Name.
        offset: First byte in the arena; a multiple of 4, except inside a concatenation.
        nbytes: Bytes of its elements; of the rows held at a time, for a ring.
        row_stride: Bytes from one row to the next (``rows`` and ``row_elements`` of the tensor).
        pixel_stride: Bytes from one pixel (index of all axes but the last) to the next; more than
            the pixel itself where the tensor is a slice of a concatenation.
        first: Step that writes it first; -1 for inputs and state.
        last: Last step that needs it; ``len(steps)`` for outputs and state.
        shares: Tensor in whose memory it lives (in place, view, slice, or a ring of the same
            rows); None for its own.
        ring_rows: Rows held at a time: row ``r`` lives at ``offset + (r % ring_rows) *
            row_stride``. 0 for a tensor that is held whole.
    """

    tensor: str
    offset: int
    nbytes: int
    row_stride: int
    pixel_stride: int
    first: int
    last: int
    shares: str | None = None
    ring_rows: int = 0

    @classmethod
    def of(
        cls,
        tensor: str,
        layout: Layout,
        start: int,
        life: tuple[int, int],
        *,
        shares: str | None = None,
        ring_rows: int = 0,
    ) -> Placement:
        """The placement of what lies as ``layout`` says, from byte ``start`` of the arena on."""
        return cls(
            tensor=tensor,
            offset=start + layout.offset,
            nbytes=layout.nbytes,
            row_stride=layout.row_stride,
            pixel_stride=layout.pixel_stride,
            first=life[0],
            last=life[1],
            shares=shares,
            ring_rows=ring_rows,
        )


@dataclass(frozen=True)
class Loop:
    """``count`` times what ``body`` says: names of nodes ("compute the next row"), or loops."""

    count: int
    body: tuple[str | Loop, ...]


@dataclass(frozen=True)
class Stage:
    """Layers that run row by row, interleaved.

    Attributes:
        nodes: Names of its nodes, in the order of the graph.
        program: What runs, folded into loops: each name means "the next row of this node". The
            name of a network's input means "wait for its next row" (row-fed input only).
        counters_offset: First byte in the arena of the nodes' row counters (``COUNTER_BYTES``
            each, in the order of ``nodes``), a multiple of 4.
        accumulators: For each node that accumulates rows, its name and the first byte in the
            arena of its accumulator, a multiple of 4.
    """

    nodes: tuple[str, ...]
    program: tuple[str | Loop, ...]
    counters_offset: int
    accumulators: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a run: a node, or a stage of nodes row by row, and the scratch in the arena.

    Attributes:
        node: Name of the node; of the last node for a stage.
        scratch_offset: First byte in the arena, a multiple of 4.
        scratch_bytes: 0 for none.
        live_bytes: Bytes in use during the step, scratch and copies included.
        elided: The step does nothing (a view, or a concatenation written in place).
        stage: The stage, None for a single node.
        copy_offset: First byte in the arena of the constants that the step copies there before it
            reads them, a multiple of 4.
        copy_bytes: 0 for none.
    """

    node: str
    scratch_offset: int
    scratch_bytes: int
    live_bytes: int
    elided: bool = False
    stage: Stage | None = None
    copy_offset: int = 0
    copy_bytes: int = 0


@dataclass(frozen=True)
class Plan:
    """The memory plan of one model for one kernel variant.

    Attributes:
        model: Name of the graph.
        isa: Kernel variant the scratch is for (``portable``, ``scalar`` or ``dsp``).
        schedule: Any but ``AUTO``, which stands for another one.
        arena_bytes: Size of the arena: exact.
        lower_bound: No placement of these lifetimes, in any order tried, needs less: the largest
            ``live_bytes``.
        strategy: Which ordering and placement won, for the report.
        steps: In execution order.
        placements: Every tensor that lives in the arena.
        row_fed: The (one) input is handed over row by row and never lies in RAM as a whole.
    """

    model: str
    isa: str
    schedule: Schedule
    arena_bytes: int
    lower_bound: int
    strategy: str
    steps: tuple[Step, ...]
    placements: tuple[Placement, ...]
    row_fed: bool = False

    def placement(self, tensor: str) -> Placement:
        """The placement of ``tensor``."""
        return next(item for item in self.placements if item.tensor == tensor)

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Reads what ``to_json`` wrote."""
        fields = json.loads(text)
        fields["schedule"] = Schedule(fields["schedule"])
        fields["steps"] = tuple(_step(item) for item in fields["steps"])
        fields["placements"] = tuple(Placement(**item) for item in fields["placements"])
        return cls(**fields)


def _step(item: dict[str, Any]) -> Step:
    stage = item.pop("stage")
    if stage is not None:
        stage["nodes"] = tuple(stage["nodes"])
        stage["program"] = _program(stage["program"])
        stage["accumulators"] = tuple((name, offset) for name, offset in stage["accumulators"])
        stage = Stage(**stage)
    return Step(**item, stage=stage)


def _program(items: list[Any]) -> tuple[str | Loop, ...]:
    return tuple(
        item if isinstance(item, str) else Loop(item["count"], _program(item["body"]))
        for item in items
    )
