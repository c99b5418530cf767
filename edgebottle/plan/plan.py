"""The Plan: what runs when, and where each byte lives. Frozen, with a JSON round trip."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Placement:
    """Where a tensor lives in the arena.

    Attributes:
        tensor: Name.
        offset: First byte in the arena; a multiple of 4, except inside a concatenation.
        nbytes: Bytes of its elements.
        row_stride: Bytes from one row to the next (``rows`` and ``row_elements`` of the tensor).
        pixel_stride: Bytes from one pixel (index of all axes but the last) to the next; more than
            the pixel itself where the tensor is a slice of a concatenation.
        first: Step that writes it first; -1 for inputs and state.
        last: Last step that needs it; ``len(steps)`` for outputs and state.
        shares: Tensor in whose memory it lives (in place, view, slice); None for its own.
    """

    tensor: str
    offset: int
    nbytes: int
    row_stride: int
    pixel_stride: int
    first: int
    last: int
    shares: str | None = None


@dataclass(frozen=True)
class Step:
    """One step of a run: a node, and its scratch in the arena.

    Attributes:
        node: Name of the node.
        scratch_offset: First byte in the arena, a multiple of 4.
        scratch_bytes: 0 for none.
        live_bytes: Bytes in use during the step, scratch included.
        elided: The step does nothing (a view, or a concatenation written in place).
    """

    node: str
    scratch_offset: int
    scratch_bytes: int
    live_bytes: int
    elided: bool = False


@dataclass(frozen=True)
class Plan:
    """The memory plan of one model for one kernel variant.

    Attributes:
        model: Name of the graph.
        isa: Kernel variant the scratch is for (``portable`` or ``dsp``).
        schedule: ``layers``.
        arena_bytes: Size of the arena: exact.
        lower_bound: No placement of these lifetimes, in any order tried, needs less: the largest
            ``live_bytes``.
        strategy: Which ordering and placement won, for the report.
        steps: In execution order.
        placements: Every tensor that lives in the arena.
    """

    model: str
    isa: str
    schedule: str
    arena_bytes: int
    lower_bound: int
    strategy: str
    steps: tuple[Step, ...]
    placements: tuple[Placement, ...]

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
        fields["steps"] = tuple(Step(**item) for item in fields["steps"])
        fields["placements"] = tuple(Placement(**item) for item in fields["placements"])
        return cls(**fields)
