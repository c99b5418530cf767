"""The computer itself as a board: an executable whose standard input and output are the UART.

It is reached like every other board, over a socket that pyserial opens by URL.
"""

import contextlib
import socket
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from edgebottle.errors import BoardError
from edgebottle.operating_system import Child, Patience, ending
from hil.link import Deadline

STOP_SECONDS = 2.0


def image_crc(executable: Path) -> int:
    """What ``build%`` answers for a host board: the CRC-32 of its executable file."""
    return zlib.crc32(executable.read_bytes())


class HostBoard:
    """Runs a bench application built for this computer, until closed."""

    def __init__(self, executable: Path, command: Sequence[str] | None = None) -> None:
        """Starts the executable.

        Args:
            executable: The file.
            command: What runs it, where this computer does not by itself.

        Raises:
            BoardError: It cannot be started.
        """
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._server = socket.create_server(("127.0.0.1", 0))
        try:
            self._process: Child[bytes] = Child(
                command or [str(executable.resolve())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
            )
        except OSError as error:
            self._server.close()
            self._stderr.close()
            reason = error.strerror or str(error)
            raise BoardError(f"the host board {executable} cannot be started: {reason}") from error
        self._client: socket.socket | None = None
        self._lock = threading.Lock()
        self._closing = False
        for work in (self._take_input, self._give_output):
            threading.Thread(target=work, daemon=True).start()

    @property
    def url(self) -> str:
        """Where pyserial finds the board."""
        return f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def pid(self) -> int:
        """The process that is the board."""
        return self._process.pid

    def fault(self) -> str | None:
        """How the process died, with the sanitizer's word on it where there is one, or None."""
        code = self.ended()
        if code is None or code == 0:
            return None
        lines = self.said().decode(errors="replace").strip().splitlines()
        first = next((line for line in lines if "ERROR" in line or "runtime error" in line), "")
        return f"the host board's process ended: {ending(code)}: {first}".rstrip(": ")

    def ended(self) -> int | None:
        """What the process ended with, None while it runs or where it was ended here."""
        return None if self._closing else self._process.poll()

    def said(self) -> bytes:
        """All that the process wrote to its standard error."""
        self._stderr.seek(0)
        return self._stderr.read()

    def patience(self, seconds: float) -> Deadline:
        """How long to wait for the board: as long as it gets on."""
        return Patience(self._process, seconds)

    def close(self) -> None:
        """Ends the process; a second time does nothing."""
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._server.close()
        self._drop_client()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._process.end()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drop_client(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    def _take_input(self) -> None:
        """Socket to process; one client after the other."""
        stdin = self._process.stdin
        assert stdin is not None
        while not self._closing:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._client = client
            with contextlib.suppress(OSError, ValueError):
                while data := client.recv(65536):
                    view = memoryview(data)
                    while view:
                        view = view[stdin.write(view) or 0 :]
            self._drop_client()
            if self._process.poll() is not None:
                self._server.close()
                return

    def _give_output(self) -> None:
        """Process to socket; what nobody listens to is lost, as on a UART."""
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while data := stdout.read(65536):
                with self._lock:
                    client = self._client
                if client is not None:
                    with contextlib.suppress(OSError):
                        client.sendall(data)
        self._drop_client()
