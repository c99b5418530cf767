"""What a board answers to commands of the serial protocol."""

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class InferResult:
    """What ``infer`` answers.

    Attributes:
        us: Microseconds of all timed runs together, on the board's clock.
        results: Real values of all outputs.
        ended: In energy mode, when the last run ended, on the clock of ``time.monotonic()``.
    """

    us: int
    results: tuple[float, ...]
    ended: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Memory:
    """Bytes of the arena and of the stack (high-water mark and size), and the arena's canaries.

    A host board does not know its stack: both numbers are 0 there.
    """

    arena: int
    stack: int
    stack_size: int
    canary_ok: bool


@dataclass(frozen=True)
class BoardCycles:
    """Ticks of one run and of each step of another run, and how many there are in a second."""

    hz: int
    steps: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class CpuCounters:
    """What the CPU of a computer counted in all timed runs of the last ``infer``."""

    cycles: int
    instructions: int

    def shared(self, runs: int) -> Self:
        """The part of one of so many runs."""
        return type(self)(self.cycles // runs, self.instructions // runs)


@dataclass(frozen=True)
class Checksums:
    """CRC-32 of what each step wrote, in order, and of output 0."""

    steps: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class BoardFrame:
    """What the head of a split network made of a run.

    Attributes:
        data: The frame.
        exit: The class that its early exit answers; None where there is none, or it is not sure.
    """

    data: bytes
    exit: int | None
