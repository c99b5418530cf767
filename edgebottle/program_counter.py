"""Counts the instructions of a program for Linux in an emulator beside the one that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgebottle.build.elf import read_elf
from edgebottle.pipeline import Built
from hil.session import Session, StepCounts, StepCycles
from hil.virtual.linux_program import LinuxProgram, WhileRunning
from hil.virtual.qemu_counter import CountingPlugin
from hil.virtual.state import BlockCount, Counts


def can_count(built: Built) -> bool:
    """Whether the instructions of a program can be counted: of 64 bits, on one thread."""
    is_known = built.board.is_linux and built.board.processor.arch == "aarch64"
    return is_known and built.project.source.threads == 1


def frame_functions(built: Built) -> list[str]:
    """The functions of the network around its layers."""
    name, source = built.model.name, built.project.source
    layers = {function for _, function in source.steps}
    between = [function for _, function in source.units if function not in layers]
    calls = [f"eb_{name}_run", f"eb_{name}_feed_rows"]
    return [*calls, *(f"{call}_in" for call in calls), *between]


def model_counts(built: Built, found: Counts) -> StepCounts:
    """What of the instructions of a program is the network's: its layers, and what calls them."""
    frame = frame_functions(built)
    # Behind the layers a row-fed model counts the rows it takes as one step more.
    instructions = sum(found.steps) + sum(found.functions.get(function, 0) for function in frame)
    return StepCounts(instructions, tuple(found.steps)[: len(built.project.source.steps)])


@dataclass(frozen=True)
class _CountedProgram:
    """A program as the board of a session; it is the file that was loaded, whatever its CRC."""

    program: LinuxProgram
    image_crc: None = None
    counter: None = None

    @property
    def url(self) -> str:
        return self.program.url

    def patience(self, _: float) -> WhileRunning:
        return WhileRunning(self.program)

    def explain(self) -> str | None:
        return self.program.fault()


@dataclass
class ProgramCounter:
    """Runs the program once more for each sample that is counted, from the state of its start.

    The emulator that runs programs of Linux counts nothing, and is fast; this one counts.

    Attributes:
        built: The program, which ``can_count`` allows.
    """

    built: Built
    _inputs: list[bytes] = field(default_factory=list)

    def begin(self, inputs: Sequence[bytes]) -> None:
        """See ``Counter``."""
        self._inputs = list(inputs)

    def counts(self, runs: int) -> StepCounts:
        """See ``Counter``."""
        return self.run()[0]

    def run(self) -> tuple[StepCounts, list[bytes]]:
        """Instructions and outputs of a run.

        Raises:
            BoardError: The program ends.
        """
        with (
            LinuxProgram(read_elf(self.built.elf), self.built.board) as program,
            Session(_CountedProgram(program)) as session,
        ):
            program.reset_counts()  # before loading: a row-fed network computes as it is loaded
            session.load(self._inputs)
            session.infer(1, 0)
            return model_counts(self.built, program.counts()), session.outputs()

    def blocks(self) -> tuple[BlockCount, ...]:
        """None."""
        return ()

    def cycles(self, runs: int) -> StepCycles | None:
        """Nothing models them."""
        return None

    def model_memory(self, on: bool) -> None:
        """Nothing does."""


@dataclass(frozen=True)
class MachineCounter:
    """What a machine of QEMU has executed, by the plugin that counts it.

    Attributes:
        built: The firmware.
        plugin: Of the machine that runs it.
    """

    built: Built
    plugin: CountingPlugin

    def begin(self, inputs: Sequence[bytes]) -> None:
        """See ``Counter``."""
        self.plugin.reset()

    def counts(self, runs: int) -> StepCounts:
        """See ``Counter``."""
        frame, steps = self.plugin.counts()
        # Behind the layers a row-fed model counts the rows it takes as one step more.
        layers = steps[: len(self.built.project.source.steps)]
        return StepCounts(frame + sum(steps), layers).shared(runs)

    def blocks(self) -> tuple[BlockCount, ...]:
        """None."""
        return ()

    def cycles(self, runs: int) -> StepCycles | None:
        """Nothing models them."""
        return None

    def model_memory(self, on: bool) -> None:
        """Nothing does."""
