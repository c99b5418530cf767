"""A virtual board that is a machine of QEMU, for cores that Unicorn does not know.

QEMU counts instructions as time: the board's clock advances by one step an instruction, so that
figures are the same in every run. Nothing is counted per layer from outside; the firmware's own
cycle counter is read instead, as on a real board.
"""

import contextlib
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from edgebottle.boards import Board
from edgebottle.build.toolchains import QEMU, qemu_path
from edgebottle.errors import BoardError
from edgebottle.operating_system import Child, Patience, can_pass_files, ending

STEP = 5
"""log2 of the nanoseconds of an instruction: 32 ns, a cycle at 31.25 MHz."""


class QemuBoard:
    """A running virtual board; a context manager that ends it.

    Attributes:
        url: Serial port, as ``serial.serial_for_url`` takes it.
    """

    def __init__(self, elf: Path, board: Board) -> None:
        """Starts the board.

        Args:
            elf: The firmware.
            board: The board it was built for, with a ``qemu_machine``.

        Raises:
            ToolMissing: QEMU is not installed.
            BoardError: it cannot be started.
        """
        if not can_pass_files():
            raise BoardError(
                f"the virtual {board.id} is a machine of QEMU, which edgebottle cannot start on "
                "Windows: take a board of another core, or run edgebottle under WSL"
            )
        emulator = qemu_path()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        # QEMU is handed a socket that listens already: nobody else can take its port.
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.url = f"socket://127.0.0.1:{server.getsockname()[1]}"
            command = [emulator, "-machine", board.qemu_machine, "-display", "none"]
            command += ["-monitor", "none", "-icount", f"shift={STEP},sleep=off"]
            chardev = f"socket,id=uart,fd={server.fileno()},server=on,wait=off"
            command += ["-chardev", chardev, "-serial", "chardev:uart", "-kernel", str(elf)]
            try:
                self._process: Child[bytes] = Child(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=self._stderr,
                    stderr=self._stderr,
                    pass_fds=[server.fileno()],
                )
            except OSError as error:
                self._stderr.close()
                raise BoardError(f"cannot start {QEMU}: {error}") from error

    def fault(self) -> str | None:
        """How QEMU died, None while it runs."""
        if self._process.poll() is None:
            return None
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        how = ending(self._process.returncode)
        return f"{QEMU} ended: {how}: {lines[-1]}" if lines else f"{QEMU} ended: {how}"

    def patience(self, seconds: float) -> Patience:
        """How long to wait for the board: as long as it gets on."""
        return Patience(self._process, seconds)

    def close(self) -> None:
        """Ends it; a second time does nothing."""
        if self._stderr.closed:
            return
        self._process.end()
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
