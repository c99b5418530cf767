"""A built model on a board: host, virtual or real, behind the same serial link."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edgebottle.errors import BoardError
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built
from hil.link import Patience, WallClock
from hil.virtual.state import BlockCount
from hil.virtual.timing.cycles import Cycles


@dataclass(frozen=True)
class StepCounts:
    """Exact instructions of one run on a virtual board: in all, and per layer."""

    instructions: int
    steps: tuple[int, ...]


@dataclass(frozen=True)
class StepCycles:
    """Modelled cycles of one run on a virtual board: in all, and per layer."""

    total: Cycles
    steps: tuple[Cycles, ...]


@dataclass(frozen=True)
class Bench:
    """A board that runs the firmware and can be reached.

    Attributes:
        url: Any pyserial URL.
        image_crc: What the board must answer to ``build%``.
        virtual: A virtual board.
        reset_counts: Starts counting instructions anew; None where they are not counted.
        counts: Instructions since then; None where they are not counted.
        blocks: Basic blocks since then; None where they are not counted.
        cycles: Modelled cycles since then of one of so many runs; None where nothing models them.
        model_memory: Says whether ``cycles`` has the waiting for memory, which takes time to model.
        patience: How long to wait for it.
    """

    url: str
    image_crc: int
    virtual: bool
    reset_counts: Callable[[], None] | None = None
    counts: Callable[[], StepCounts] | None = None
    blocks: Callable[[], tuple[BlockCount, ...]] | None = None
    cycles: Callable[[int], StepCycles] | None = None
    model_memory: Callable[[bool], None] | None = None
    patience: Patience = WallClock


@contextmanager
def open_bench(built: Built, port: str | None = None) -> Iterator[Bench]:
    """Brings the firmware up on its board and keeps it there.

    Args:
        built: The firmware.
        port: Serial port (or URL) of a real board, which is flashed first unless it is a network
            URL; None for the virtual board, or for this computer when the board is ``host``.

    Raises:
        BoardError: the board cannot be flashed, booted or reached, or it faulted.
    """
    if port is not None:
        with _real(built, port) as bench:
            yield bench
    elif built.board.is_host:
        with _host(built) as bench:
            yield bench
    elif built.board.qemu_machine:
        with _qemu(built) as bench:
            yield bench
    else:
        with _virtual(built) as bench:
            yield bench


@contextmanager
def _host(built: Built) -> Iterator[Bench]:
    from hil.host_board import HostBoard, image_crc

    with HostBoard(built.elf) as host:
        try:
            yield Bench(host.url, image_crc(built.elf), virtual=False, patience=host.patience)
        except BoardError as error:
            fault = _soon(host.fault)
            if fault is None:
                raise
            raise BoardError(fault) from error


@contextmanager
def _qemu(built: Built) -> Iterator[Bench]:
    from edgebottle.build.elf import read_elf
    from hil.virtual.qemu import QemuBoard

    with QemuBoard(built.elf, built.board) as qemu:
        try:
            crc = read_elf(built.elf).crc32
            yield Bench(qemu.url, crc, virtual=True, patience=qemu.patience)
        except BoardError as error:
            fault = _soon(qemu.fault)
            if fault is None:
                raise
            raise BoardError(fault) from error


def _soon(ask: Callable[[], str | None], seconds: float = 0.5) -> str | None:
    """Asks until there is an answer: a process is dead a moment before that can be seen."""
    end = time.monotonic() + seconds
    while (answer := ask()) is None and time.monotonic() < end:
        time.sleep(0.01)
    return answer


@contextmanager
def _virtual(built: Built) -> Iterator[Bench]:
    from edgebottle.build.elf import read_elf
    from hil.virtual.client import VirtualBoard

    if not built.board.virtual:
        raise BoardError(f"{built.board.id} has no virtual board: give its serial port with --port")
    elf = read_elf(built.elf)
    source = built.project.source
    layers = {function for _, function in source.steps}
    frame = [f"eb_{built.model.name}_run", f"eb_{built.model.name}_feed_rows"]
    frame += [function for _, function in source.units if function not in layers]
    with VirtualBoard.boot(built.elf, built.board) as virtual:

        def counts() -> StepCounts:
            found = virtual.counts()
            # Behind the layers a row-fed model counts the rows it takes as one step more.
            instructions = sum(found.steps) + sum(found.functions.get(f, 0) for f in frame)
            return StepCounts(instructions, tuple(found.steps)[: len(source.steps)])

        def cycles(runs: int) -> StepCycles:
            from hil.virtual.timing.model import CycleModel

            found = CycleModel(built.board, elf).steps(virtual.blocks(), frame)
            layers = (found.get(step, Cycles()) for step in range(len(source.steps)))
            total = sum(found.values(), Cycles())
            return StepCycles(total.shared(runs), tuple(layer.shared(runs) for layer in layers))

        try:
            yield Bench(
                virtual.url,
                elf.crc32,
                True,
                virtual.reset_counts,
                counts,
                virtual.blocks,
                cycles,
                virtual.model_memory,
                virtual.patience,
            )
        except BoardError as error:
            fault = virtual.fault(timeout=0.2)
            if fault is not None:
                raise BoardError(f"the virtual board faulted: {fault.message}") from error
            death = _soon(virtual.death)
            if death is None:
                raise
            raise BoardError(death) from error


@contextmanager
def _real(built: Built, port: str) -> Iterator[Bench]:
    from edgebottle.build.elf import read_elf
    from hil.flash import flash
    from hil.link import Link

    if "://" not in port:
        Link.open(port).close()  # a port that is not there is said before anything is written
        flash(built.elf, built.board, port)
    yield Bench(port, read_elf(built.elf).crc32, virtual=False)


def to_bytes(arrays: Sequence[Array]) -> list[bytes]:
    """The bytes of each array, as the board takes them."""
    return [array.tobytes() for array in arrays]
