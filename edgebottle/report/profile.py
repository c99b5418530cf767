"""What a profile says: layer by layer how near it comes to its core, and where its loops are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgebottle.boards import Board
from edgebottle.loops import ExecutedLoop
from edgebottle.report.columns import FittedTable
from edgebottle.report.terminal import Part, add_row, new_table, number
from hil.records import LayerRecord

BAR = 20
"""Characters of a bar that reaches the limit."""


def mac_limit(board: Board) -> int:
    """The most multiply-accumulates of int8 or int16 that the core does in a cycle.

    Two with SMLAD of the DSP extension, which also is the most per instruction; one without. Loads,
    unpacking and requantization come on top, so that no real layer reaches it.
    """
    return 2 if board.processor.dsp else 1


@dataclass(frozen=True)
class LayerProfile:
    """A layer and its loops.

    Attributes:
        layer: With exact instructions.
        loops: And what functions execute outside of loops; most instructions first.
    """

    layer: LayerRecord
    loops: tuple[ExecutedLoop, ...]

    @property
    def instructions(self) -> int:
        """Executed in the layer."""
        return self.layer.instructions or 0

    @property
    def rate(self) -> float | None:
        """MACs per instruction; None for a layer that does not multiply."""
        return (
            self.layer.macs / self.instructions
            if self.layer.macs and self.layer.instructions
            else None
        )


@dataclass(frozen=True)
class Profile:
    """One run of a model on a virtual board, exact.

    Attributes:
        model: Name.
        board: Board id.
        compiler: Name and version.
        schedule: Of the plan.
        limit: See ``mac_limit``.
        macs: Of one run.
        instructions: Of one run, with what runs between layers.
        layers: In the order of the run.
    """

    model: str
    board: str
    compiler: str
    schedule: str
    limit: int
    macs: int
    instructions: int
    layers: tuple[LayerProfile, ...]

    def loops(self) -> list[tuple[LayerProfile, ExecutedLoop]]:
        """All loops, and rests of functions, with their layers, most instructions first."""
        found = [(layer, loop) for layer in self.layers for loop in layer.loops]
        return sorted(found, key=lambda pair: -pair[1].instructions)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, shares and rates included."""
        return {
            "model": self.model,
            "board": self.board,
            "compiler": self.compiler,
            "schedule": self.schedule,
            "mac_limit": self.limit,
            "macs": self.macs,
            "instructions": self.instructions,
            "layers": [
                {
                    "name": item.layer.name,
                    "op": item.layer.op,
                    "macs": item.layer.macs,
                    "instructions": item.instructions,
                    "share": share(item.instructions, self.instructions),
                    "macs_per_instruction": item.rate,
                    "loops": [
                        {
                            **asdict(loop),
                            "instructions_per_iteration": loop.per_iteration,
                            "share": share(loop.instructions, item.instructions),
                        }
                        for loop in item.loops
                    ],
                }
                for item in self.layers
            ],
        }


def kind(loop: ExecutedLoop) -> str:
    """A loop, or what a function does outside of its loops."""
    return "loop" if loop.is_loop else "function"


def share(part: int, whole: int) -> float:
    """``part`` of ``whole``, 0 .. 1."""
    return part / whole if whole else 0.0


def profile_tables(profile: Profile, loops: int) -> tuple[Part, ...]:
    """For the terminal: the layers under the roof of the core, then the hottest places.

    Args:
        profile: The profile.
        loops: How many places, at most.
    """
    return _layers(profile), _loops(profile, profile.loops()[:loops]), summary(profile)


def summary(profile: Profile) -> str:
    """The whole run in two sentences."""
    least = profile.macs / profile.limit
    between = profile.instructions - sum(item.instructions for item in profile.layers)
    rate = profile.macs / profile.instructions if profile.instructions else 0.0
    return (
        f"{profile.instructions:,} instructions (exact), {between:,} of them between layers; "
        f"{rate:.2f} MACs per instruction. The core does at most {profile.limit} per cycle: "
        f"{least:,.0f} cycles for the multiplications alone."
    )


def _layers(profile: Profile) -> FittedTable:
    columns = ("layer", "operator?", "MACs?>", "instructions>", "share>", "MAC/instr.>")
    title = f"{profile.model} on virtual {profile.board} ({profile.compiler})"
    table = new_table(title, *columns, f"of {profile.limit}, the core's limit?")
    for item in profile.layers:
        add_row(
            table,
            item.layer.name,
            item.layer.op,
            number(item.layer.macs),
            number(item.instructions),
            f"{share(item.instructions, profile.instructions):.1%}",
            "-" if item.rate is None else f"{item.rate:.2f}",
            "" if item.rate is None else _bar(item.rate / profile.limit),
        )
    return table


def _bar(part: float) -> str:
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    full, empty = "█░" if encoding.startswith("utf") else "#-"
    filled = min(round(part * BAR), BAR)
    return f"{full * filled}{empty * (BAR - filled)} {part:.0%}"


def _loops(profile: Profile, loops: Sequence[tuple[LayerProfile, ExecutedLoop]]) -> FittedTable:
    title = "Hottest loops, without inner loops, and functions outside of their loops"
    columns = ("layer?", "kind?", "function", "addresses", "times?>", "instr. each?>", "of layer?>")
    table = new_table(title, *columns, "of run>")
    for item, loop in loops:
        add_row(
            table,
            item.layer.name,
            kind(loop),
            loop.function,
            f"{loop.first:#x}-{loop.end:#x}",
            number(loop.iterations),
            f"{loop.per_iteration:.1f}",
            f"{share(loop.instructions, item.instructions):.1%}",
            f"{share(loop.instructions, profile.instructions):.1%}",
        )
    return table
