"""Brings a built model up on its board: this computer, a virtual board, or a real one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgebottle.boards import Board
from edgebottle.build.elf import Elf, read_elf
from edgebottle.errors import BoardError
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built
from edgebottle.program_counter import (
    MachineCounter,
    ProgramCounter,
    can_count,
    frame_functions,
    model_counts,
)
from hil.answers import CpuCounters
from hil.iotlab import is_node
from hil.link import BAUD, Deadline, LinkClosed, Patience, WallClock
from hil.probes import MAX_BAUD, ProbeChoice
from hil.protocol import Refused, Silent
from hil.recovery import BoardLost
from hil.session import NOBODY, Driver, Session, StepCounts, StepCycles, Watcher, WrongImage
from hil.virtual.client import VirtualBoard
from hil.virtual.state import BlockCount
from hil.virtual.timing.cycles import Cycles

if TYPE_CHECKING:
    from hil.revive import ResetWay, Revival
    from hil.ssh import RemoteComputer
    from hil.system_record import SystemRecord


class Faulted(BoardError):
    """The firmware failed, as whoever runs it saw: nothing is wrong with the line."""


Told = Callable[[str], None]
"""Called with the step that begins: ``port``, ``flash``, ``boot``, ``run``."""


@contextmanager
def open_session(
    built: Built,
    port: str | None = None,
    choice: ProbeChoice | None = None,
    watcher: Watcher = NOBODY,
    on_qemu: bool = False,
) -> Iterator[Session]:
    """Brings the firmware up on its board, keeps it there, and talks to it.

    Args:
        built: The firmware.
        port: Serial port (or URL) of a real board, which is flashed first as ``choice`` says; None
            for the virtual board, or for this computer when the board is ``host``.
        choice: How a real board is flashed; None: one at a local port with the first programmer
            that can.
        watcher: Looks on.
        on_qemu: Instead of the virtual board a machine of QEMU runs, as ``check_qemu`` allows.

    Raises:
        BoardError: the board cannot be flashed, booted or reached, or it faulted.
    """
    step, choice = watcher.step, choice or ProbeChoice()
    opened = _qemu(built) if on_qemu else _open_driver(built, port, choice, step)
    with opened as driver:
        try:
            step("boot")
            with _started(driver, built.board, choice.max_baud, watcher) as session:
                step("run")
                yield session
        except BoardError as error:
            told = _explained(driver, error, watcher)
            if told is None:
                raise
            raise told from error


def _started(
    driver: Driver, board: Board, max_baud: int = MAX_BAUD, watcher: Watcher = NOBODY
) -> Session:
    """A session; of a real board that is silent too, where it can be restarted."""
    set_rate = driver.virtual.set_line_rate if isinstance(driver, _VirtualDriver) else None

    def start() -> Session:
        return Session(
            driver,
            baud=baud_of(board),
            # In energy mode the rate is one of the rules of the benchmark.
            max_baud=0 if board.has_pulses else max_baud,
            set_rate=set_rate,
            run_seconds=watcher.run_seconds,
            has_pulses=board.has_pulses,
        )

    try:
        return start()
    except Silent as error:
        if not isinstance(driver, _RealDriver):
            raise
        revival = _revived(driver, error, watcher)
        if revival is None:
            raise
        if not revival.answers:
            raise BoardLost(f"{error}; {revival}", revival.steps) from error
        watcher.step("boot")
        session = start()
        session.remarks.append(f"the board was silent at first: {revival.words}")
        session.recovery = revival.steps
        return session


def baud_of(board: Board) -> int:
    """Symbols per second of a board's line."""
    return BAUD if board.uart is None else board.uart.baud


def _explained(driver: Driver, error: BoardError, watcher: Watcher = NOBODY) -> BoardError | None:
    """What is raised instead of ``error``, which ended a session; None for nothing else."""
    if not isinstance(driver, _RealDriver):
        reason = driver.explain()
        return None if reason is None else Faulted(reason)
    if isinstance(error, Silent | Refused | WrongImage) or isinstance(error.__cause__, Silent):
        return None  # it was tried, or the board listens
    revival = _revived(driver, error, watcher)  # so that whoever is next finds it alive
    return None if revival is None else revival.lost(error)


def _revived(driver: _RealDriver, error: BoardError, watcher: Watcher) -> Revival | None:
    """Restarts a board that was lost by ``error``, where that can be done and is needed."""
    from hil.revive import PortGone

    watcher.lost(error)
    try:
        return driver.revive()
    except PortGone as gone:
        if isinstance(error, LinkClosed):
            return None  # that says as much
        raise PortGone(f"{error}; then {gone}") from error


def _open_driver(
    built: Built, port: str | None, choice: ProbeChoice, step: Told
) -> AbstractContextManager[Driver]:
    if port is not None and built.board.is_linux:
        return _remote(built, port, step)
    if port is not None:
        open_driver = _node if is_node(port) else _real
        return open_driver(built, port, choice, step)
    step("boot")
    if built.board.is_computer:
        return _computer(built)
    return _qemu(built) if built.board.is_qemu else _virtual(built)


class _Process(Protocol):
    """A board that is a process of this computer."""

    @property
    def url(self) -> str:
        """Where pyserial finds it."""

    def fault(self) -> str | None:
        """What stopped it."""

    def patience(self, seconds: float) -> Deadline:
        """How long to wait for it."""


@dataclass(frozen=True)
class _ProcessDriver:
    """This computer, a virtual board that counts nothing, or a computer that runs Linux."""

    process: _Process
    image_crc: int
    counter: ProgramCounter | MachineCounter | None = None
    computer: RemoteComputer | None = None

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def patience(self) -> Patience:
        return self.process.patience

    def explain(self) -> str | None:
        return _soon(self.process.fault)


@contextmanager
def _computer(built: Built) -> Iterator[Driver]:
    """This computer, or a Linux board whose program an emulator runs here."""
    from edgebottle.build.toolchains import qemu_user_path
    from hil.host_board import HostBoard, image_crc

    board, command = built.board, list[str]()
    if board.is_linux:
        command = [qemu_user_path(board), "-cpu", board.processor.qemu, str(built.elf.resolve())]
    counter = ProgramCounter(built) if can_count(built) else None
    with HostBoard(built.elf, command) as host:
        yield _ProcessDriver(host, image_crc(built.elf), counter)


@contextmanager
def _remote(built: Built, port: str, step: Told) -> Iterator[Driver]:
    from hil.host_board import image_crc
    from hil.ssh import RemoteBoard, RemoteComputer

    step("port")
    with RemoteComputer(port, built.board.processor.arch) as computer:
        step("flash")
        with RemoteBoard(computer, built.elf) as board:
            yield _ProcessDriver(board, image_crc(built.elf), computer=computer)


def system_of(driver: Driver, counted: CpuCounters | None) -> SystemRecord | None:
    """What is known of the computer that runs Linux; None of any other board.

    Args:
        driver: Of the session that measured, which is still open.
        counted: What its CPU counted in one run.
    """
    from hil.system_record import SystemRecord

    computer = driver.computer if isinstance(driver, _ProcessDriver) else None
    if computer is None:
        return None
    return SystemRecord.of(computer.url, computer.facts, computer.state(), counted)


@contextmanager
def _qemu(built: Built) -> Iterator[Driver]:
    from hil.virtual.qemu import QemuBoard, counting_plugin

    image = read_elf(built.elf)
    # A second, foreign emulator has to compute the same, and nothing more.
    frame = frame_functions(built)
    plugin = counting_plugin(built.board, image, frame) if built.board.is_qemu else None
    with QemuBoard(built.elf, built.board, plugin) as qemu:
        counter = None if plugin is None else MachineCounter(built, plugin)
        yield _ProcessDriver(qemu, image.crc32, counter)


@contextmanager
def _virtual(built: Built) -> Iterator[Driver]:
    if not built.board.virtual:
        raise BoardError(f"{built.board.id} has no virtual board: give its serial port with --port")
    with VirtualBoard.boot(built.elf, built.board) as virtual:
        yield _VirtualDriver(virtual, VirtualCounter(virtual, built, read_elf(built.elf)))


@contextmanager
def _real(built: Built, port: str, choice: ProbeChoice, step: Told) -> Iterator[Driver]:
    from hil.flash import flash
    from hil.flashed_images import remember_image
    from hil.link import Link, local_port

    step("port")
    is_local = local_port(port) is not None
    if is_local:
        Link.open(port).close()  # a port that is not there is said before anything is written
    if choice.writes(is_local):
        step("flash")
        flash(built.elf, built.board, port, choice)
        remember_image(built.elf, built.board, port, choice)
    yield _RealDriver(port, read_elf(built.elf).crc32, built.board, choice, elf=built.elf)


@contextmanager
def _node(built: Built, port: str, choice: ProbeChoice, step: Told) -> Iterator[Driver]:
    """A node of IoT-LAB, booked for this session."""
    from hil.iotlab import booked, node_wish, serial_line
    from hil.revive import ResetWay

    wish = node_wish(port, built.board, choice)
    step("book")
    with booked(wish) as node:
        step("flash")
        node.flash(built.elf)
        step("boot")
        with serial_line(node) as url:
            crc = read_elf(built.elf).crc32
            way = ResetWay("probe", "a reset by IoT-LAB", node.reset)
            try:
                yield _RealDriver(url, crc, built.board, choice, ways=(way,))
            except BoardError as error:
                state = node.state()
                if state in ("Running", "unknown"):
                    raise
                raise LinkClosed(
                    f"{error}; experiment {node.experiment} of IoT-LAB is {state}: it was booked "
                    f"for {wish.minutes} minutes"
                ) from error


@dataclass(frozen=True)
class _RealDriver:
    """A real board, which can be restarted: in some ways, or those of its port and probe."""

    url: str
    image_crc: int
    board: Board
    choice: ProbeChoice
    ways: tuple[ResetWay, ...] | None = None
    patience: Patience = WallClock
    counter: None = None
    elf: Path | None = None

    def explain(self) -> str | None:
        """Nothing more than the line says."""
        return None

    def revive(self) -> Revival | None:
        """Restarts it where it does not answer; see ``hil.revive``."""
        from hil.revive import revive, seen_by_probe, ways_of

        where = (self.board, self.url, self.choice)
        ways = ways_of(*where) if self.ways is None else self.ways
        look = partial(seen_by_probe, *where, self.elf)
        return revive(self.url, baud_of(self.board), ways, look)


@dataclass(frozen=True)
class _VirtualDriver:
    """A virtual board that counts."""

    virtual: VirtualBoard
    counter: VirtualCounter

    @property
    def url(self) -> str:
        return self.virtual.url

    @property
    def image_crc(self) -> int:
        return self.counter.image.crc32

    @property
    def patience(self) -> Patience:
        return self.virtual.patience

    def explain(self) -> str | None:
        fault = self.virtual.fault(timeout=0.2)
        if fault is not None:
            return f"the virtual board faulted: {fault.message}"
        return _soon(self.virtual.death)


@dataclass(frozen=True)
class VirtualCounter:
    """What a virtual board counts, layer by layer of the model that it runs.

    Attributes:
        virtual: The board.
        built: The firmware.
        image: Its ELF file.
    """

    virtual: VirtualBoard
    built: Built
    image: Elf

    def begin(self, inputs: Sequence[bytes]) -> None:
        """See ``Counter``."""
        self.virtual.reset_counts()

    def counts(self, runs: int) -> StepCounts:
        """See ``Counter``."""
        return model_counts(self.built, self.virtual.counts()).shared(runs)

    def blocks(self) -> tuple[BlockCount, ...]:
        """See ``Counter``."""
        return self.virtual.blocks()

    def cycles(self, runs: int) -> StepCycles:
        """See ``Counter``."""
        from hil.virtual.timing.model import CycleModel

        frame = frame_functions(self.built)
        found = CycleModel(self.built.board, self.image).steps(self.virtual.blocks(), frame)
        steps = range(len(self.built.project.source.steps))
        layers = (found.get(step, Cycles()) for step in steps)
        total = sum(found.values(), Cycles())
        return StepCycles(total.shared(runs), tuple(layer.shared(runs) for layer in layers))

    def model_memory(self, on: bool) -> None:
        """See ``Counter``."""
        self.virtual.model_memory(on)


def _soon(ask: Callable[[], str | None], seconds: float = 0.5) -> str | None:
    """Asks until there is an answer: a process is dead a moment before that can be seen."""
    end = time.monotonic() + seconds
    while (answer := ask()) is None and time.monotonic() < end:
        time.sleep(0.01)
    return answer


def to_bytes(arrays: Sequence[Array]) -> list[bytes]:
    """The bytes of each array, as the board takes them."""
    return [array.tobytes() for array in arrays]
