"""The line to a board: any pyserial URL, with a deadline on every wait.

``/dev/ttyACM0``, ``COM3``, ``hwgrep://``, ``socket://host:port`` and ``rfc2217://host:port`` all
work; virtual boards and the host board are reached by a socket URL like any other.
"""

import contextlib
import os
import re
import select
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from edgebottle.errors import BoardError
from edgebottle.operating_system import can_wait_for_files, owning_group

BAUD = 115200
POLL_SECONDS = 0.05
WRITE_SECONDS = 10.0
WRITE_BYTES = 4096  # per call of the driver, each with its own WRITE_SECONDS
LINE_BYTES = 1 << 20  # longer than any answer: what has no line end until then is garbage
SEARCH = "hwgrep://"  # of pyserial: the first local port whose description fits a pattern
REMOTE = "rfc2217://"  # of RFC 2217: see is_remote
REMOTE_SECONDS = 10.0  # for an answer of its server: pyserial's 3 s are too few for a busy one


class Deadline(Protocol):
    """Something that is over at some time."""

    def is_over(self) -> bool:
        """True from then on."""
        ...


class WallClock:
    """A deadline in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        """True once they have passed."""
        return time.monotonic() >= self._end


Patience = Callable[[float], Deadline]
"""What a wait of so many seconds means for a board; more than that, where it is an emulator."""


class LinkClosed(BoardError):
    """The other side of the line is gone."""


class Link:
    """An open line: bytes out, lines in."""

    def __init__(self, port: Any, url: str) -> None:
        self._port = port
        self._buffer = bytearray()
        self._scanned = 0
        self._fd = _descriptor(port, url)
        self._set_rate: Callable[[int], None] | None = None
        self.url = url

    @classmethod
    def open(cls, url: str, baud: int = BAUD) -> Self:
        """Opens the line.

        Args:
            url: What ``serial.serial_for_url`` takes.
            baud: Symbols per second, where the line has such a thing.

        Raises:
            BoardError: There is no such port, it is busy, or it may not be used.
        """
        import serial

        url = local_port(url) or url
        # pyserial refuses a deadline there; its socket has one of its own, of 5 s.
        writing = {} if is_remote(url) else {"write_timeout": WRITE_SECONDS}
        try:
            port = serial.serial_for_url(
                _patient(url), baudrate=baud, timeout=POLL_SECONDS, exclusive=True, **writing
            )
        except (
            serial.SerialException,
            OSError,
            ValueError,
            NotImplementedError,  # a kind of port that has no such setting
            ImportError,  # one that needs a package more
        ) as error:
            raise BoardError(_opening_failed(url, error)) from error
        return cls(port, url)

    def close(self) -> None:
        """Closes the line; a second time does nothing."""
        with contextlib.suppress(OSError):  # unplugged: it is closed all the same
            self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Sends all of ``data``.

        Raises:
            LinkClosed: The other side is gone.
            BoardError: The other side takes nothing any more.
        """
        import serial

        try:
            for start in range(0, len(data), WRITE_BYTES):
                self._port.write(data[start : start + WRITE_BYTES])
        except (serial.SerialException, OSError) as error:
            late = isinstance(error.__context__, TimeoutError)  # the socket of a remote port
            if late or isinstance(error, serial.SerialTimeoutException):
                raise BoardError(f"{self.url}: the board takes no more data") from error
            raise self._closed(error) from error

    @property
    def has_rate(self) -> bool:
        """Whether bytes pass at a rate that can be set; a socket has none of its own."""
        is_port = "://" not in self.url or is_remote(self.url)
        return is_port or self._set_rate is not None

    def give_rate(self, set_rate: Callable[[int], None]) -> None:
        """What is behind the socket is told of each rate by ``set_rate``."""
        self._set_rate = set_rate

    def set_baud(self, baud: int) -> None:
        """Sets the rate, and drops what has arrived at the one before.

        Raises:
            BoardError: The port cannot have it.
        """
        import serial

        try:
            if self._set_rate is None:
                self._port.baudrate = baud
            else:
                self._set_rate(baud)
        except (serial.SerialException, OSError, ValueError) as error:
            raise BoardError(f"{self.url}: the port cannot run at {baud} baud: {error}") from error
        self._buffer.clear()
        self._scanned = 0

    def send_break(self, seconds: float) -> None:
        """Holds the line at its break level for so long; raises ``OSError`` where it cannot."""
        self._port.send_break(seconds)

    def pulse_dtr(self, seconds: float) -> None:
        """Takes DTR away for so long; raises ``OSError`` where there is none."""
        self._port.dtr = False
        time.sleep(seconds)
        self._port.dtr = True

    def read_line(self, deadline: float) -> bytes | None:
        """Returns the next line without its line end, or None when there is none in time.

        Args:
            deadline: On the clock of ``time.monotonic()``.

        Raises:
            LinkClosed: The other side is gone.
            BoardError: A line without an end.
        """
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._buffer[:end]).rstrip(b"\r")
                del self._buffer[: end + 1]
                self._scanned = 0
                return line
            self._scanned = len(self._buffer)
            if self._scanned > LINE_BYTES:
                raise BoardError(f"{self.url}: the board sends an endless line of garbage")
            left = deadline - time.monotonic()
            data = self._receive(min(max(left, 0.0), 1.0))  # what has come counts, even if late
            if not data and left <= 0:
                return None
            self._buffer += data

    def pending(self) -> bytes:
        """What has been received of a line that has no end yet."""
        return bytes(self._buffer)

    def _receive(self, seconds: float) -> bytes:
        """What has arrived, b"" when nothing does within ``seconds``."""
        import serial

        try:
            if self._fd is None:
                first: bytes = self._port.read(1)  # at most POLL_SECONDS
                return first + self._port.read(self._port.in_waiting) if first else b""
            if not select.select([self._fd], [], [], seconds)[0]:
                return b""
            data = os.read(self._fd, 65536)
        except (serial.SerialException, OSError) as error:
            raise self._closed(error) from error
        if not data:
            raise self._closed("end of file")
        return data

    def _closed(self, why: object) -> LinkClosed:
        return LinkClosed(f"{self.url}: the connection to the board was closed ({why})")


def local_port(url: str) -> str | None:
    """The device behind ``url`` where that is a port of this computer; None for all others.

    Raises:
        BoardError: ``hwgrep://`` finds none.
    """
    if "://" not in url:
        return url
    if not url.lower().startswith(SEARCH):
        return None
    from serial.urlhandler.protocol_hwgrep import Serial

    try:
        return str(Serial().from_url(url))
    except (OSError, ValueError, re.error) as error:  # SerialException is an OSError
        raise BoardError(f"{url} finds no port: {error}; {_ports_there_are()}") from error


def is_remote(url: str) -> bool:
    """Whether a port is one of another computer, with its rate and its control lines."""
    return url.lower().startswith(REMOTE)


def _patient(url: str) -> str:
    """The URL, with a time for answers where a remote port's says none of its own."""
    if not is_remote(url) or "timeout=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}timeout={REMOTE_SECONDS:g}"


def _descriptor(port: Any, url: str) -> int | None:
    """The file behind the port where it can be waited for, which is far faster than pyserial."""
    if not can_wait_for_files() or ("://" in url and not url.startswith("socket://")):
        return None
    try:
        return int(port.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def _opening_failed(url: str, error: Exception) -> str:
    """One sentence: what is wrong with the port, and what to do."""
    number = getattr(error, "errno", None)
    text = str(error)
    if "://" in url:
        if "NoneType" in text:  # pyserial compares what is not there
            return f"{url} is not a port that can be opened: it needs a number, HOST:PORT"
        if isinstance(error, ValueError | NotImplementedError | ImportError):
            return f"{url} is not a port that can be opened: {text}"
        if "does not seem to support RFC2217" in text:
            return (
                f"cannot connect to {url}: what listens there does not speak RFC 2217, or has "
                "stopped answering"
            )
        if "timeout while waiting for option 'control'" in text:
            return (
                f"cannot connect to {url}: {_reason(text)}; where the device has no DTR and RTS, "
                f"{url.partition('?')[0]}?ign_set_control does not wait for them"
            )
        if "timeout while waiting" in text or "does not accept parameter change" in text:
            return f"cannot connect to {url}: what listens there has stopped answering"
        return f"cannot connect to {url}: {_reason(text)}; is the board (or its server) running?"
    if number == 16 or "exclusively lock" in text or "resource busy" in text.lower():
        return f"port {url} is busy: another program (a serial monitor?) has it open; close that"
    if number == 13 or isinstance(error, PermissionError) or "PermissionError" in text:
        return f"no permission to open port {url}: {_permission_remedy(url)}"
    if number in (2, 6, 19) or "FileNotFoundError" in text:
        return f"there is no port {url}; {_ports_there_are()}"
    return f"port {url} cannot be opened: {_reason(text)}; {_ports_there_are()}"


def _reason(text: str) -> str:
    """The end of a message of pyserial, which repeats the port in front of it."""
    last = text.rsplit(": ", 1)[-1].rstrip(".")
    return re.sub(r"^\[Errno \d+\] ", "", last) or "unknown reason"


def _permission_remedy(url: str) -> str:
    if not can_wait_for_files():
        return "another program may have it open"
    group = owning_group(url) or "dialout"
    return f"add yourself to its group (sudo usermod -aG {group} $USER), log out and in again"


def _ports_there_are() -> str:
    from serial.tools import list_ports

    ports = sorted(port.device for port in list_ports.comports())
    return "ports that exist: " + ", ".join(ports) if ports else "no serial port exists here"
