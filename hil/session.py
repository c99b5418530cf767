"""One session with a board: samples go in, outputs, times, counts and memory come out.

A ``Driver`` brings a board up and knows what it can count; whatever measures or compares goes
through a ``Session`` over it, so that every answer is checked in the same way.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from edgebottle.errors import BoardError
from hil.answers import BoardCycles, BoardFrame, Checksums, CpuCounters, InferResult, Memory
from hil.link import BAUD, Patience
from hil.protocol import RUN_SECONDS, BoardClient
from hil.recovery import RecoveryStep
from hil.virtual.state import BlockCount
from hil.virtual.timing.cycles import Cycles


@dataclass(frozen=True)
class Watcher:
    """Whoever looks on while a board is brought up and used.

    Attributes:
        step: Called with what begins, such as ``port``, ``flash``, ``boot``, ``run``.
        lost: Called with how a real board failed, before it is looked into and restarted, which
            takes time.
        run_seconds: The longest that he waits for one run.
    """

    step: Callable[[str], None] = lambda name: None
    lost: Callable[[BoardError], None] = lambda error: None
    run_seconds: float = RUN_SECONDS


NOBODY = Watcher()
"""Nobody looks on, and a run may take as long as it usually may."""


class WrongImage(BoardError):
    """The board runs another image than the one that was built."""


@dataclass(frozen=True)
class StepCounts:
    """Exact instructions of one run on a virtual board: in all, and per layer."""

    instructions: int
    steps: tuple[int, ...]

    def shared(self, runs: int) -> Self:
        """The part of one of so many runs."""
        return type(self)(self.instructions // runs, tuple(step // runs for step in self.steps))


@dataclass(frozen=True)
class StepCycles:
    """Modelled cycles of one run on a virtual board: in all, and per layer."""

    total: Cycles
    steps: tuple[Cycles, ...]


class Counter(Protocol):
    """What counts the instructions of a virtual board."""

    def begin(self, inputs: Sequence[bytes]) -> None:
        """Starts counting anew, before the bytes of each input are loaded."""

    def counts(self, runs: int) -> StepCounts:
        """Instructions since then of one of so many runs."""

    def blocks(self) -> tuple[BlockCount, ...]:
        """Basic blocks since then."""

    def cycles(self, runs: int) -> StepCycles | None:
        """Modelled cycles since then of one of so many runs; None where nothing models them."""

    def model_memory(self, on: bool) -> None:
        """Says whether ``cycles`` has the waiting for memory, which takes time to model."""


class Driver(Protocol):
    """A board that runs the firmware and can be reached."""

    @property
    def url(self) -> str:
        """Any pyserial URL."""

    @property
    def image_crc(self) -> int | None:
        """What the board must answer to ``build%``; None where any image may run."""

    @property
    def patience(self) -> Patience:
        """How long to wait for it."""

    @property
    def counter(self) -> Counter | None:
        """What counts its instructions; None where nothing does."""

    def explain(self) -> str | None:
        """What is known of how the board failed, asked once it did; None for nothing."""


@dataclass(frozen=True)
class Run:
    """What a board made of one sample.

    Attributes:
        outputs: The bytes of each output.
        micros: Microseconds of a run, on the board's own clock.
        memory: After the run; the stack's high-water mark only grows.
        seconds: From the command to the answer of all its runs, on this computer's clock.
        counts: Instructions of a run; None where they were not asked for, or are not counted.
        blocks: Basic blocks of all runs; none where ``counts`` is None.
        modelled: Cycles of a run; None where they were not asked for, or nothing models them.
        boxes: Corners, score and label of each box; None where they were not asked for.
    """

    outputs: list[bytes]
    micros: float
    memory: Memory
    seconds: float = 0.0
    counts: StepCounts | None = None
    blocks: tuple[BlockCount, ...] = ()
    modelled: StepCycles | None = None
    boxes: tuple[tuple[int, ...], ...] | None = None


class Session:
    """A connection to the firmware of a board.

    Attributes:
        driver: The board.
        remarks: What a reader of the figures should know of this session, in sentences.
        recovery: What had to be done about the board before it answered, and was seen.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        baud: int = BAUD,
        max_baud: int = 0,
        set_rate: Callable[[int], None] | None = None,
        run_seconds: float = RUN_SECONDS,
        has_pulses: bool = False,
    ) -> None:
        """Connects.

        Args:
            driver: The board.
            baud: Symbols per second of the line.
            max_baud: What it may be raised to, where board and line can.
            set_rate: What tells a virtual board the rate of its line.
            run_seconds: The longest that one run may take.
            has_pulses: The firmware is that of energy mode.

        Raises:
            BoardError: The board is silent, or runs another image.
        """
        self.driver = driver
        self.remarks: list[str] = []
        self.recovery: tuple[RecoveryStep, ...] = ()
        self._client = BoardClient.connect(
            driver.url,
            baud=baud,
            run_seconds=run_seconds,
            patience=driver.patience,
            has_pulses=has_pulses,
            set_rate=set_rate,
        )
        try:
            if driver.image_crc is not None:
                check_build(self._client, driver.image_crc)
            self._client.raise_rate(max_baud)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the line."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def baud(self) -> int | None:
        """Symbols per second of the line now; None where it has no rate."""
        return self._client.baud if self._client.has_rate else None

    @property
    def line(self) -> tuple[str, ...]:
        """What a reader of the figures should know of the line, in sentences."""
        return tuple(self._client.line)

    @property
    def attempts(self) -> int:
        """How often an input had to be sent, at best once per sample and input."""
        return self._client.load_attempts

    def run(
        self,
        inputs: Sequence[bytes],
        runs: int = 1,
        *,
        count: bool = False,
        model: bool = False,
        boxes: bool = False,
    ) -> Run:
        """Runs the network on one sample.

        Args:
            inputs: The bytes of each input.
            runs: Timed runs.
            count: Instructions and basic blocks are wanted, where something counts them.
            model: Modelled cycles are wanted as well, where something models them.
            boxes: Boxes are wanted, of a detector.

        Raises:
            BoardError: The board is silent, faults, answers garbage, resets, or its canaries or
                its stack show that memory was overrun.
        """
        counter = self.driver.counter if count or model else None
        if counter is not None:
            counter.model_memory(model)
            counter.begin(inputs)  # before loading: a row-fed network computes as it is loaded
        self.load(inputs)
        started = time.monotonic()
        micros = self._client.infer(runs, 0).us / runs
        seconds = time.monotonic() - started
        counts: StepCounts | None = None
        blocks: tuple[BlockCount, ...] = ()
        modelled: StepCycles | None = None
        if counter is not None:
            counts, blocks = counter.counts(runs), counter.blocks()
            modelled = counter.cycles(runs) if model else None
            counter.model_memory(False)
        outputs = self._client.outputs()
        found = self._client.boxes() if boxes else None
        memory = self._client.mem()
        check_memory(memory)
        return Run(outputs, micros, memory, seconds, counts, blocks, modelled, found)

    def frame(self, rate: int, request: int = 0) -> BoardFrame:
        """The frame of the last run, of the head of a split network.

        Args:
            rate: 1 to that of the head.
            request: 0 to 2^31 - 1.

        Raises:
            BoardError: There is no such rate, or what ``run`` raises.
        """
        return self._client.frame(rate, request)

    def timed(self, data: bytes, runs: int, warmups: int) -> InferResult:
        """Loads the only input, and runs the network ``warmups`` + ``runs`` times.

        Args:
            data: As the firmware takes it.
            runs: That are timed together.
            warmups: That come before.

        Raises:
            BoardError: The board is silent, faults, answers garbage or resets.
        """
        self.load([data])
        return self.infer(runs, warmups)

    def load(self, inputs: Sequence[bytes]) -> None:
        """Loads the bytes of each input; raises as ``timed`` does."""
        for index, data in enumerate(inputs):
            self._client.load_input(index, data)

    def infer(self, runs: int, warmups: int) -> InferResult:
        """Runs the network on what is loaded, as ``timed`` does."""
        return self._client.infer(runs, warmups)

    def outputs(self) -> list[bytes]:
        """The bytes of each output of the last run; raises as ``timed`` does."""
        return self._client.outputs()

    def reset(self) -> None:
        """Lets the network forget its runs, as before the first one; only of one with state."""
        self._client.reset()

    def cycles(self, inputs: Sequence[bytes]) -> BoardCycles:
        """Ticks of each step of a run on one sample, as the board counts them."""
        self.load(inputs)
        return self._client.cycles()

    def counters(self) -> CpuCounters | None:
        """What the CPU of a computer with Linux counted in the last runs; None for nothing."""
        return self._client.counters()

    def checksums(self, inputs: Sequence[bytes]) -> Checksums:
        """CRC-32 of what each step of a run on one sample writes."""
        self.load(inputs)
        return self._client.crc()


def check_build(client: BoardClient, expected: int) -> None:
    """Makes sure that the board runs the image that was just built.

    Raises:
        WrongImage: It runs another one.
    """
    found = client.build()
    if found != expected:
        raise WrongImage(
            f"the board runs another image (CRC {found:08x}) than the one built "
            f"(CRC {expected:08x}): flash it again"
        )


def check_memory(memory: Memory) -> None:
    """Makes sure that nothing wrote past the arena or the stack.

    Raises:
        BoardError: Something did.
    """
    if not memory.canary_ok:
        raise BoardError(
            f"a canary of the arena ({memory.arena} bytes) was overwritten: the network wrote "
            "outside of its memory"
        )
    if memory.stack_size and memory.stack >= memory.stack_size:
        raise BoardError(
            f"the stack overflowed: all of its {memory.stack_size} bytes have been used; make it "
            "larger in the board file"
        )
