"""A board as a test sees it: load a model, run samples, and look at what came of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np

from edgebottle.bench.taking import NoBoardThere, taken
from edgebottle.boards import Board
from edgebottle.config import parse_bytes
from edgebottle.errors import BadInput, EdgebottleError
from edgebottle.fit import Wish
from edgebottle.ir.graph import Array, Graph
from edgebottle.measure import check_board, measure
from edgebottle.pipeline import Built, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.sample_values import Meaning
from edgebottle.samples import Samples, edge_cases, load_samples, samples_of
from hil.bench.entries import BenchEntry
from hil.flash import check_programmers
from hil.probes import ProbeChoice
from hil.records import Record
from hil.virtual.qemu import check_qemu
from quantize.post.affine import dequantized

DEFAULT_SAMPLES = 4
"""Edge cases and random inputs that are run where a test gives none."""

GivenSamples: TypeAlias = "Samples | str | Path | Array | Mapping[str, Array] | None"
"""Samples as a test may give them; see ``LoadedModel.run``."""


Given = ParamSpec("Given")
Result = TypeVar("Result")


def _plainly(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Errors come without the way that led to them: a test shows its own line, and the message."""

    @functools.wraps(function)
    def plain(*args: Given.args, **options: Given.kwargs) -> Result:
        __tracebackhide__ = True
        try:
            return function(*args, **options)
        except EdgebottleError as error:
            raise error.with_traceback(None) from None

    return plain


class BoardRun:
    """What came of running samples; every output was compared with the reference already.

    Attributes:
        record: The whole measurement, as ``edgebottle measure`` writes it.
        outputs: One array for each output of the network, as stored; the first axis counts the
            samples.
        real_outputs: The same as real values.
    """

    def __init__(self, record: Record, outputs: tuple[Array, ...], graph: Graph) -> None:
        self.record, self.outputs = record, outputs
        self.real_outputs = tuple(
            dequantized(array, graph.tensors[name].quant)
            for array, name in zip(outputs, graph.outputs, strict=True)
        )

    def __repr__(self) -> str:
        """One line, which pytest shows beside an assertion that fails."""
        return (
            f"<{self.record.model} on {self.record.board}: {self.record.samples} samples, "
            f"{self.milliseconds:.3f} ms {self.record.latency_kind}, {self.ram_bytes:,} bytes of "
            f"RAM, {self.flash_bytes:,} bytes of flash>"
        )

    @property
    def classes(self) -> tuple[int, ...]:
        """The class of each sample: the index of the largest element of the first output."""
        return tuple(int(np.argmax(sample)) for sample in self.outputs[0])

    @property
    @_plainly
    def accuracy(self) -> float:
        """Share of samples classified right; raises ``BadInput`` where none has a label."""
        if self.record.accuracy is None:
            raise BadInput("nothing is known of the accuracy: the samples have no labels (y)")
        return self.record.accuracy

    @property
    def milliseconds(self) -> float:
        """Of one run, the median of all samples; modelled on a virtual board."""
        return self.record.latency_us[1] / 1000

    @property
    def slowest_milliseconds(self) -> float:
        """Of the slowest run."""
        return self.record.latency_us[2] / 1000

    @property
    def is_measured(self) -> bool:
        """A chip was timed: neither a model nor an emulator said how long it takes."""
        return self.record.latency_kind == "measured"

    @property
    def cycles(self) -> int | None:
        """CPU cycles of one run; None where nothing counts or models them."""
        return self.record.cycles

    @property
    def instructions(self) -> int | None:
        """Of one run, exact; None on a real board, which does not count them."""
        return self.record.instructions

    @property
    def ram_bytes(self) -> int:
        """Arena, stack and the bench application's variables."""
        return self.record.ram.bytes

    @property
    def arena_bytes(self) -> int:
        """Inputs, outputs, activations, state and scratch: what the network itself takes."""
        return self.record.ram.arena

    @property
    def stack_bytes(self) -> int:
        """The deepest use of the stack."""
        return self.record.ram.stack

    @property
    def flash_bytes(self) -> int:
        """Weights and code."""
        return self.record.flash.bytes


@dataclass(frozen=True, repr=False)
class LoadedModel:
    """A model, compiled for a board that is there.

    Attributes:
        board: The board.
        built: Its firmware.
    """

    board: BoardUnderTest
    built: Built

    def __repr__(self) -> str:
        """Short enough to stand beside an assertion."""
        return f"<{self.built.model.name} for {self.board.name}>"

    @property
    def arena_bytes(self) -> int:
        """Inputs, outputs, activations, state and scratch."""
        return self.built.ram.arena

    @property
    def flash_bytes(self) -> int:
        """Weights and code."""
        return self.built.flash.bytes

    @_plainly
    def run(
        self,
        samples: GivenSamples = None,
        *,
        count: int | None = None,
        meaning: str | None = None,
        runs: int = 1,
        windows: int = 1,
    ) -> BoardRun:
        """Flashes the board, runs every sample, and compares every output with the reference.

        Args:
            samples: A file (``.npz``); an array of samples, or arrays by the names of inputs, with
                labels in ``y``; None: edge cases and random inputs are made up.
            count: The first so many.
            meaning: What the numbers are, ``real`` or ``stored``; None: as their type says.
            runs: Timed runs of each sample.
            windows: How often a real board times all samples.

        Raises:
            Mismatch: an output is wrong.
            BoardError: the board cannot be flashed, or failed.
            BadInput: the samples do not fit the network.
        """
        graph = self.built.model.graph
        taken_samples = _samples(graph, samples, count, meaning)
        outputs: list[tuple[Array, ...]] = []
        record = measure(
            self.built,
            taken_samples,
            runs=runs,
            windows=windows,
            port=self.board.port,
            choice=self.board.choice,
            outputs=outputs.append,
        )
        self.board.measured(record)
        stacked = tuple(map(_stacked, zip(*outputs, strict=True)))
        return BoardRun(record, stacked, graph)


@dataclass(frozen=True, repr=False)
class BoardUnderTest:
    """A board that a test has for itself.

    Attributes:
        name: Of the bench, or its id.
        board: Its board file.
        port: Its port; None for a virtual board.
        choice: How it is flashed.
        measured: Told each measurement.
    """

    name: str
    board: Board
    port: str | None
    choice: ProbeChoice | None
    measured: Callable[[Record], None]

    def __repr__(self) -> str:
        """Short enough to stand beside an assertion."""
        return f"<board {self.name}>"

    @property
    def id(self) -> str:
        """Which board it is, as ``edgebottle boards`` calls it."""
        return self.board.id

    @property
    def is_virtual(self) -> bool:
        """It is a process of this computer: times are modelled."""
        return self.port is None

    @_plainly
    def load(
        self,
        model: str | Path,
        *,
        io: str = "keep",
        schedule: str = "auto",
        optimize: str = "balanced",
        toolchain: str = "zig",
        ram: int | str | None = None,
        flash: int | str | None = None,
    ) -> LoadedModel:
        """Reads a model and compiles it for this board, which takes seconds the first time.

        Args:
            model: A file, or the name of a network of the zoo.
            io: ``int8`` strips floating-point inputs and outputs around an int8 network.
            schedule: As ``--schedule``.
            optimize: ``size``, ``balanced`` or ``speed``.
            toolchain: ``zig`` or ``gcc``.
            ram: The most bytes of RAM it may take, such as 65536 or ``64k``; None: all there are.
            flash: The most bytes of flash.

        Raises:
            EdgebottleError: it cannot be read, does not fit, or does not build.
        """
        _check_one_of("schedule", schedule, tuple(Schedule))
        _check_one_of("optimize", optimize, ("size", "balanced", "speed"))
        _check_one_of("io", io, ("keep", "int8"))
        _check_one_of("toolchain", toolchain, ("zig", "gcc"))
        wish = Wish(Schedule(schedule), ram=_bytes(ram), flash=_bytes(flash), optimize=optimize)
        loaded = load(str(model), io=io)
        return LoadedModel(self, build(loaded, self.board, toolchain=toolchain, wish=wish))


@contextmanager
def held(
    entries: tuple[BenchEntry, ...],
    what: str,
    *,
    quarantined: bool,
    measured: Callable[[Record], None],
) -> Iterator[BoardUnderTest]:
    """Has one of several boards, until the test is over; waits while all of them are in use.

    Args:
        entries: That fit, at least one; a virtual one is taken where no real one is there.
        what: Is done with it, for those who look on.
        quarantined: Boards in quarantine may be taken too.
        measured: Told each measurement.

    Raises:
        NoBoardThere: none is; says why.
        ToolMissing: no installed programmer can flash it.
    """
    with ExitStack() as stack:
        real = tuple(entry for entry in entries if not entry.is_virtual)
        virtual = next((entry for entry in entries if entry.is_virtual), None)
        place = None
        if real:
            try:
                place = stack.enter_context(taken(real, what, quarantined=quarantined))
            except NoBoardThere:
                if virtual is None:
                    raise
        if place is not None:
            board = place.entry.load()
            if not board.is_linux:  # which runs the file that is sent to it
                check_programmers(board, place.port, place.choice)
            yield BoardUnderTest(place.entry.name, board, place.port, place.choice, measured)
        elif virtual is not None:
            board = virtual.load()
            _check_virtual(board)
            yield BoardUnderTest(virtual.name, board, None, None, measured)


def _check_virtual(board: Board) -> None:
    """Raises ``NoBoardThere`` where there is no virtual board of this kind."""
    try:
        check_board(board)
        if board.is_qemu:
            check_qemu(board)
    except EdgebottleError as error:
        raise NoBoardThere(str(error)) from error
    if not (board.virtual or board.is_computer):
        raise NoBoardThere(f"{board.id} has no virtual board")


def _stacked(arrays: tuple[Array, ...]) -> Array:
    """Samples behind each other; a first axis of length 1 is the batch, and becomes theirs."""
    has_batch = arrays[0].ndim > 1 and arrays[0].shape[0] == 1
    return np.concatenate(arrays) if has_batch else np.stack(arrays)


def _samples(graph: Graph, given: GivenSamples, count: int | None, meaning: str | None) -> Samples:
    if isinstance(given, Samples):
        return given
    if given is None:
        return edge_cases(graph, count or DEFAULT_SAMPLES)
    if meaning is not None:
        _check_one_of("meaning", meaning, tuple(one.value for one in Meaning))
    said = None if meaning is None else Meaning(meaning)
    if isinstance(given, str | Path):
        return load_samples(Path(given), graph, count, said)
    arrays = {"x": given} if isinstance(given, np.ndarray) else given
    named = {name: np.asarray(array) for name, array in arrays.items()}
    return samples_of("the samples of the test", named, graph, count, said)


def _check_one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadInput(f"{what} is one of {', '.join(known)}, not {value!r}")


def _bytes(given: int | str | None) -> int | None:
    return parse_bytes(given) if isinstance(given, str) else given
