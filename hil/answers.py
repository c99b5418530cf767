"""What a board answers to commands of the serial protocol."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InferResult:
    """What ``infer`` answers: microseconds of all timed runs together, and the results."""

    us: int
    results: tuple[float, ...]


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
class Checksums:
    """CRC-32 of what each step wrote, in order, and of output 0."""

    steps: tuple[int, ...]
    output: int
