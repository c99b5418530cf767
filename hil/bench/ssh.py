"""Asks the edgebottle of another computer, with the system's own ``ssh``.

A connection is one request. Its first line says, sealed, what is wanted; the answers are sealed
lines until one is the last. The other side says every few seconds that it is alive, so a line that
is dead is noticed even where nothing hangs up.
"""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from edgebottle import __version__
from edgebottle.errors import BoardError, error_named
from edgebottle.operating_system import Child, ending
from hil.bench.hosts import BenchHost
from hil.bench.sealed import Unsealed, sealed, unsealed
from hil.ssh_command import CONNECT_SECONDS, FAILED, OPTIONS, failure_of

PROTOCOL = 2
"""Of requests and answers."""

SILENT_SECONDS = 30.0
"""Until silence is a broken link."""

COMMAND = "bench remote"
"""Behind what starts edgebottle there."""

_SSH = (
    *("ssh", *OPTIONS, "-o", "ClearAllForwardings=yes"),
    # One that a user keeps is shared; ours would end with the request that has opened it.
    *("-o", "ControlMaster=no"),
)


class HostError(BoardError):
    """A host cannot be used as it is set up; trying again does not help."""


class LinkBroken(BoardError):
    """A host cannot be reached now, or the connection ended before the answer did."""


class HostRequest:
    """One request to a host, over a connection of its own.

    A context manager that ends the connection.

    Attributes:
        heard: When it last gave a sign of life, on the clock of ``time.monotonic()``; None: never.
    """

    def __init__(
        self,
        host: BenchHost,
        request: Mapping[str, Any],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Connects and asks.

        Args:
            host: The host.
            request: What is wanted, JSON-ready.
            check: Called while there is nothing to read; may raise.

        Raises:
            HostError: there is no ssh.
        """
        self._host, self._check = host, check
        self.heard: float | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._diagnostics: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        options = [word for option in host.options for word in ("-o", option)]
        command = [*_SSH, *options, host.address, f"{host.edgebottle} {COMMAND}"]
        try:
            self._process: Child[bytes] = Child(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._diagnostics
            )
        except OSError as error:
            self._diagnostics.close()
            raise HostError(f"{host.name}: cannot start ssh: {error.strerror}") from error
        threading.Thread(target=self._listen, daemon=True).start()
        said = {"protocol": PROTOCOL, "edgebottle": __version__, "bench": host.bench, **request}
        self._write(sealed(said).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.end()
        for stream in (self._process.stdin, self._process.stdout, self._diagnostics):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def send(self, path: Path) -> None:
        """Sends the bytes of a file that was asked for."""
        with path.open("rb") as file:
            while data := file.read(1 << 16):
                self._check()
                self._write(data)

    def answers(self) -> Iterator[dict[str, Any]]:
        """Each answer, until whoever reads has what he wants.

        Raises:
            HostError: nobody is let in, or there is no such edgebottle.
            LinkBroken: the host is away, or the connection ended or fell silent.
            EdgebottleError: what the other side could not do, as it says.
        """
        heard, is_first = time.monotonic(), True
        while True:
            try:
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                self._check()
                if time.monotonic() - heard > SILENT_SECONDS:
                    raise LinkBroken(
                        f"{self._host.name}: not a word for {SILENT_SECONDS:g} s"
                    ) from None
                continue
            heard = time.monotonic()
            if line is None:
                raise self._ended()
            try:
                answer = unsealed(line)
            except Unsealed as error:
                raise LinkBroken(f"{self._host.name}: {error}") from error
            if answer is None:
                continue
            self.heard = heard
            if answer.get("alive"):
                continue
            if is_first:
                self._check_version(answer)
                is_first = False
            elif "error" in answer:
                said = answer["error"]
                message = f"{self._host.name}: {said['message']}"
                raise error_named(said["kind"], message, BoardError)
            else:
                yield answer

    def _write(self, data: bytes) -> None:
        """That the other side is gone is seen where its answers are read."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._lines.put(line.decode(errors="replace"))
        self._lines.put(None)

    def _check_version(self, answer: Mapping[str, Any]) -> None:
        theirs = answer.get("edgebottle")
        if theirs != __version__ or answer.get("protocol") != PROTOCOL:
            raise HostError(
                f"{self._host.name} has edgebottle {theirs}, and here is {__version__}: install "
                "the same on both"
            )

    def _ended(self) -> BoardError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CONNECT_SECONDS)
        self._diagnostics.seek(0)
        lines = [one.strip() for one in self._diagnostics.read().splitlines() if one.strip()]
        return host_failure(self._host, self._process.poll(), lines)


def host_failure(host: BenchHost, code: int | None, lines: list[str]) -> BoardError:
    """Why a connection has ended before the answer did.

    Args:
        host: The host.
        code: Exit code of ssh, which is that of the command there unless ssh failed.
        lines: What was said on standard error.
    """
    said, last = "\n".join(lines), lines[-1] if lines else ""
    where = f"{host.name} ({host.address})"
    if code == FAILED:
        known = failure_of(said, host.address)
        if known is not None and known.is_refusal:
            return HostError(f"{where}: {known.words}")
        why = last or "the connection ended" if known is None else known.words
        return LinkBroken(f"{where} cannot be reached: {why}")
    if code in (126, 127) or re.search("not found|No such file", last):
        return HostError(
            f"{where}: there is no edgebottle that `{host.edgebottle}` starts ({last or code}): "
            f"install it there, or say with host.{host.name}.edgebottle how it is started"
        )
    if "No such command" in said or "no such option" in said.lower():
        return HostError(
            f"{where} has an older edgebottle than {__version__}, which is here: install the same "
            "on both"
        )
    if code is not None and code < 0:
        return LinkBroken(f"{where}: ssh was ended: {ending(code)}")
    return HostError(f"{where}: `{host.edgebottle} {COMMAND}` ended with {ending(code)}: {last}")
