"""Whether what a board at a port says can come from the chip: an emulator answers as politely.

Two things betray one. The virtual board counts the instructions of each layer of the very same
image, so each layer is a loop of known length: a chip needs more cycles than instructions where it
branches and loads, and other factors for other loops; an emulator that counts instructions has the
same number. And a board cannot answer before the time has passed that it says a run took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from edgebottle.cpus import find_cpu
from edgebottle.drivers import open_session, to_bytes
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built
from hil.answers import BoardCycles
from hil.session import StepCounts

EMULATED, DOUBTFUL, MEASURED = "emulated", "doubtful", "measured"
"""Kinds of a record's times."""

CALL_INSTRUCTIONS = 64
"""Between two readings of the cycle counter, beside the layer itself, at most."""

EQUAL = 0.002
"""Cycles and instructions that differ by a smaller share are one number."""

LONG = 2000
"""A loop of so many instructions is long enough to tell."""

EARLY = 0.98
"""Share of a run's time after which the answer may come: crystals and clocks are not that wrong."""

EARLY_SECONDS = 0.002
"""Resolution of the clocks of both sides."""


@dataclass(frozen=True)
class Plausibility:
    """What is to be thought of a board's times.

    Attributes:
        kind: ``measured``; ``emulated`` where instructions are counted instead of cycles;
            ``doubtful`` where they cannot be those of this chip at this clock.
        remark: Why, or what speaks for them, in a sentence.
    """

    kind: str
    remark: str


_known: dict[tuple[str, int, tuple[bytes, ...]], StepCounts | None] = {}
"""Of the images that this process has judged last, by board, image and sample: boards of one kind
run the same ones, and some of them twice."""

MAX_KNOWN = 32


def known_loops(built: Built, sample: Sequence[Array]) -> StepCounts | None:
    """Instructions of each layer on the virtual board; None where nothing counts them."""
    board = built.board
    if not board.virtual or board.is_qemu or board.is_linux:
        return None
    data = to_bytes(sample)
    key = (built.board.id, read_elf(built.elf).crc32, tuple(data))
    if key not in _known:
        with open_session(built) as session:
            counts = session.run(data, count=True).counts
        while len(_known) >= MAX_KNOWN:
            del _known[next(iter(_known))]
        _known[key] = counts
    return _known[key]


def judge(
    board: Board,
    macs: int,
    cycles: BoardCycles | None,
    counts: StepCounts | None,
    claimed_seconds: float | None,
    passed_seconds: float,
) -> Plausibility:
    """Judges the times of a board.

    Args:
        board: What it is said to be.
        macs: Multiply-accumulates of one run.
        cycles: Of its layers, as it counts them itself; None where it has not said.
        counts: Instructions of the same layers.
        claimed_seconds: What all its runs have taken, as it says; None where answers may come
            earlier, as of a network that computes while its input comes.
        passed_seconds: How long it took to answer, on this computer's clock.
    """
    pairs = _pairs(board, cycles, counts)
    slack = CALL_INSTRUCTIONS + 2 * board.cycle_divider
    if pairs and all(abs(ticks - known) <= slack + EQUAL * known for ticks, known in pairs):
        return Plausibility(
            EMULATED,
            f"it counts as many cycles as instructions in each of {len(pairs)} loops of known "
            "length: an emulator",
        )
    if claimed_seconds is not None and passed_seconds + EARLY_SECONDS < claimed_seconds * EARLY:
        return Plausibility(
            DOUBTFUL,
            f"it answered after {passed_seconds * 1000:.1f} ms and says that it computed for "
            f"{claimed_seconds * 1000:.1f} ms: an emulator, or a clock that is not "
            f"{board.clock_hz / 1e6:g} MHz",
        )
    if not pairs:
        return Plausibility(MEASURED, "nothing tells whether it is a chip or an emulator of one")
    total, known = (sum(column) for column in zip(*pairs, strict=True))
    rate = total / known
    least = 1 / find_cpu(board.cpu).issue_width
    if rate < least * (1 - EQUAL):
        return Plausibility(
            DOUBTFUL,
            f"{rate:.2f} cycles for an instruction are fewer than a {board.cpu} needs: an "
            "emulator, or a cycle counter that is set up wrongly",
        )
    per_mac = f", {total / macs:.2f} for a multiply-accumulate" if macs else ""
    return Plausibility(
        MEASURED, f"plausible: {rate:.2f} cycles for an instruction{per_mac}, as of a chip"
    )


def _pairs(
    board: Board, cycles: BoardCycles | None, counts: StepCounts | None
) -> list[tuple[int, int]]:
    """CPU cycles and instructions of each layer that is long enough, or of all of them at once."""
    if cycles is None or counts is None:
        return []
    ticks, known = cycles.steps, counts.steps
    if len(ticks) != len(known):  # a row-fed network has run before it can be counted
        ticks, known = (cycles.total,), (counts.instructions,)
    divider = board.cycle_divider
    return [(t * divider, n) for t, n in zip(ticks, known, strict=True) if n >= LONG]
