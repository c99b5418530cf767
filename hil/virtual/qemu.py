"""A machine of QEMU that runs a board's firmware: an emulator that nobody of this project wrote.

It is the virtual board of cores that Unicorn does not know, and a second opinion on others. QEMU
counts instructions as time: the board's clock advances by one step an instruction, so that
figures are the same in every run. Instructions of each layer are counted by a plugin, where QEMU
takes one.
"""

import contextlib
import functools
import re
import socket
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from edgebottle.boards import Board, load_board, target_ids
from edgebottle.build.elf import Elf
from edgebottle.build.toolchains import QEMU, qemu_path
from edgebottle.errors import BadInput, BoardError, ToolMissing
from edgebottle.operating_system import Child, Patience, can_pass_files, ending
from hil.virtual.qemu_counter import CountingPlugin, plugin_for

STEP = 5
"""log2 of the nanoseconds of an instruction: 32 ns, a cycle at 31.25 MHz."""

_ANSWER_SECONDS = 60
"""For its version and its list of machines, on a very busy computer."""


def check_qemu(board: Board) -> str:
    """Makes sure that QEMU can run the firmware of ``board``.

    Returns:
        Its name, its version and the machine: ``QEMU 7.2.22 (microbit)``.

    Raises:
        BadInput: no machine fits this board; names those that have one.
        ToolMissing: QEMU is not installed, does not run, or is too old to have the machine.
        BoardError: this operating system cannot start it as it has to be.
    """
    if board.qemu is None:
        fitting = ", ".join(id for id in target_ids() if load_board(id).qemu is not None)
        raise BadInput(
            f"QEMU has no machine that runs the firmware of {board.id} as it is; it has one for "
            f"{fitting}"
        )
    _check_system(board)
    version, machines = _qemu_of(qemu_path())
    if board.qemu.machine not in machines:
        since = f", which came with version {board.qemu.since}" if board.qemu.since else ""
        raise ToolMissing(
            f"QEMU {version} has no machine {board.qemu.machine}{since}: install a newer {QEMU}"
        )
    return f"QEMU {version} ({board.qemu.machine})"


def counting_plugin(board: Board, elf: Elf, frame: Collection[str]) -> CountingPlugin | None:
    """What counts the layers of an image; None where this QEMU takes no plugin.

    Args:
        board: The board.
        elf: The image.
        frame: Names of the functions of the network around its layers.

    Raises:
        ToolMissing: QEMU is not installed, or does not run.
        BoardError: this operating system cannot start it as it has to be.
    """
    _check_system(board)
    path = qemu_path()
    version, _ = _qemu_of(path)
    plugin = plugin_for(path, version)
    return None if plugin is None else CountingPlugin(plugin, elf, frame)


@functools.cache
def _qemu_of(path: str) -> tuple[str, frozenset[str]]:
    """The version of a QEMU, and its machines; raises ``ToolMissing`` where it does not say."""
    version = re.search(r"version (\S+)", _said(path, "--version"))
    if version is None:
        raise ToolMissing(f"{path} does not say its version: is it {QEMU}?")
    lines = _said(path, "-machine", "help").splitlines()
    return version[1], frozenset(line.split()[0] for line in lines[1:] if line.strip())


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissing(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        raise ToolMissing(
            f"{command[0]} does not run: {_cause(done.stderr) or ending(done.returncode)}"
        )
    return done.stdout


def _check_system(board: Board) -> None:
    if not can_pass_files():
        raise BoardError(
            f"{board.id} would run on a machine of QEMU, which edgebottle cannot start on "
            "Windows: take another board's virtual one, or run edgebottle under WSL"
        )


def _cause(stderr: str) -> str:
    """The line of QEMU's that says why it ended: advice and registers come behind, warnings before.

    Returns:
        "" where there is none.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if "warning:" not in line]
    return (telling or lines or [""])[0].removeprefix(f"{QEMU}: ")


class QemuBoard:
    """A running machine; a context manager that ends it.

    Attributes:
        url: Serial port, as ``serial.serial_for_url`` takes it.
    """

    def __init__(self, elf: Path, board: Board, counting: CountingPlugin | None = None) -> None:
        """Starts the board.

        Args:
            elf: The firmware.
            board: The board it was built for, which has a machine.
            counting: Counts its instructions, and is closed with it.

        Raises:
            ToolMissing: QEMU is not installed.
            BoardError: it cannot be started.
        """
        assert board.qemu is not None, board.id
        _check_system(board)
        emulator = qemu_path()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._counting = counting
        # QEMU is handed a socket that listens already: nobody else can take its port.
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.url = f"socket://127.0.0.1:{server.getsockname()[1]}"
            command = [emulator, "-machine", board.qemu.machine, "-display", "none"]
            command += ["-monitor", "none", "-icount", f"shift={STEP},sleep=off"]
            chardev = f"socket,id=uart,fd={server.fileno()},server=on,wait=off"
            command += ["-chardev", chardev, *("-serial", "null") * board.qemu.serial]
            command += ["-serial", "chardev:uart", "-kernel", str(elf)]
            handed = [server.fileno()]
            if counting is not None:
                command += counting.arguments
                handed.append(counting.descriptor)
            try:
                self._process: Child[bytes] = Child(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=self._stderr,
                    stderr=self._stderr,
                    pass_fds=handed,
                )
            except OSError as error:
                self._stderr.close()
                raise BoardError(f"cannot start {QEMU}: {error}") from error
        if counting is not None:
            counting.started()

    def fault(self) -> str | None:
        """How QEMU died, None while it runs."""
        if self._process.poll() is None:
            return None
        self._stderr.seek(0)
        cause = _cause(self._stderr.read().decode(errors="replace"))
        how = ending(self._process.returncode)
        return f"{QEMU} ended: {how}: {cause}" if cause else f"{QEMU} ended: {how}"

    def patience(self, seconds: float) -> Patience:
        """How long to wait for the board: as long as it gets on."""
        return Patience(self._process, seconds)

    def close(self) -> None:
        """Ends it; a second time does nothing."""
        if self._stderr.closed:
            return
        self._process.end()
        if self._counting is not None:
            self._counting.close()
        with contextlib.suppress(OSError):
            self._stderr.close()

    def __enter__(self) -> Self:
        """Returns the board itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the board."""
        self.close()
