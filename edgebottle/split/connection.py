"""A connection from a device to a server, which is kept, and what replies tell.

Connections are opened again when they break, after a pause that doubles up to half a second. One
on which nothing comes although something is due is taken for dead: after an outage, a new
connection works long before TCP repeats on the old one what was lost.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgebottle.errors import EdgebottleError
from edgebottle.files import reason
from edgebottle.ir.graph import Array
from edgebottle.split.addresses import Address
from edgebottle.split.durations import seconds_of
from edgebottle.split.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    FrameKind,
    RefusalReason,
)
from edgebottle.split.streams import read_frame

CONNECT_SECONDS = 1.0
"""A connection that takes longer to open is tried anew."""

SILENT_SECONDS = 1.0
"""How long a reply may be due, and nothing come, on a connection that is kept."""

FIRST_PAUSE, LAST_PAUSE = 0.05, 0.5
"""Seconds between two tries to connect."""

LONGEST_REPLY = 64 << 10

_MAX_FORGOTTEN = 256
"""Requests that were given up, whose replies still say how the link is."""


class NoReply(EdgebottleError):
    """A request has no result; its class says why."""

    exit_code = 3


class NotConnected(NoReply):
    """There is no connection to any server."""


class ConnectionLost(NoReply):
    """The connection broke while the reply was due."""


class ReplyLate(NoReply):
    """The deadline was over first."""


class RequestRefused(NoReply):
    """The server said why not.

    Attributes:
        kind: Why; None for a reason that is not known here.
    """

    def __init__(self, message: str, kind: RefusalReason | None) -> None:
        """Keeps the reason."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Transfer:
    """What a reply tells of the link.

    Attributes:
        at: When it came, by the client's clock.
        sent: Bytes of the request's frame.
        ahead: Bytes of earlier requests that had no reply yet when it was sent.
        seconds: From the request to the reply, without what the server took.
    """

    at: float
    sent: int
    ahead: int
    seconds: float


@dataclass(frozen=True)
class ServerReply:
    """A result.

    Attributes:
        values: The network's outputs, float32, one behind the other.
        server: Which server it came from.
        seconds: From the request to the reply.
        queue: Seconds of it that the request waited at the server.
        compute: Seconds of it that the server computed.
        sent: Bytes of the request's frame.
        received: Bytes of the reply's frame.
        is_hedge: It came from the second server that was asked.
    """

    values: Array
    server: Address
    seconds: float
    queue: float
    compute: float
    sent: int
    received: int
    is_hedge: bool = False

    @property
    def link(self) -> float:
        """Seconds of it that the link took."""
        return max(0.0, self.seconds - self.queue - self.compute)


@dataclass
class _Pending:
    """A request that was sent."""

    future: asyncio.Future[ServerReply]
    sent_at: float
    sent: int
    ahead: int


class ServerConnection:
    """A connection to one server that opens itself again and again."""

    def __init__(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        heard: Callable[[Transfer], None],
        clock: Callable[[], float],
    ) -> None:
        """Not open yet: ``run`` opens it."""
        self.address, self._tls, self._heard, self._clock = address, tls, heard, clock
        self._writer: asyncio.StreamWriter | None = None
        self._pending: dict[int, _Pending] = {}
        self._forgotten: dict[int, _Pending] = {}
        self._last_heard = 0.0
        self._unsettled = 0
        self.opened = asyncio.Event()
        self.trouble = "not connected yet"

    @property
    def is_open(self) -> bool:
        """Requests can be sent."""
        return self._writer is not None and not self._writer.transport.is_closing()

    @property
    def load(self) -> int:
        """Requests whose replies are due."""
        return len(self._pending)

    async def run(self) -> None:
        """Opens it, hears replies, and opens it anew when it breaks; until it is cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(
                        self.address.host, self.address.port, ssl=self._tls
                    )
            except (OSError, TimeoutError) as error:
                late = isinstance(error, TimeoutError)
                self.trouble = f"cannot connect: {'no answer' if late else reason(error)}"
            else:
                if await self._hear(reader, writer):
                    pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Replies until the connection breaks; whether there were any."""
        self._writer, self._last_heard, has_heard = writer, self._clock(), False
        self._unsettled = 0
        self.opened.set()
        self.trouble = "the server closed the connection"
        try:
            while (frame := await read_frame(reader, LONGEST_REPLY)) is not None:
                has_heard = True
                self._last_heard = self._clock()
                if not self._take(frame):
                    break
        except (OSError, FrameError, TimeoutError) as error:
            self.trouble = f"the connection broke: {error or type(error).__name__}"
        finally:
            self._writer = None
            self.opened.clear()
            writer.transport.abort()
            self._fail(ConnectionLost(f"{self.address}: {self.trouble}"))
        return has_heard

    def _take(self, frame: Frame) -> bool:
        """A reply; False where it says that the stream cannot be trusted any more."""
        now = self._clock()
        pending = self._pending.pop(frame.request, None)
        known = pending or self._forgotten.pop(frame.request, None)
        if known is not None:
            self._unsettled -= known.sent
        if frame.kind is FrameKind.REFUSAL:
            words = frame.payload.decode(errors="replace")
            kind = next((one for one in RefusalReason if one == frame.flags), None)
            if pending is None and kind in (RefusalReason.BAD_FRAME, RefusalReason.BUSY):
                self.trouble = f"the server refuses: {words}"
                return False
            if pending is not None and not pending.future.done():
                pending.future.set_exception(RequestRefused(f"{self.address}: {words}", kind))
            return True
        if frame.kind is not FrameKind.RESULT or known is None:
            return True
        queue, compute = seconds_of(frame.rate), seconds_of(frame.flags)
        seconds = now - known.sent_at
        self._heard(Transfer(now, known.sent, known.ahead, max(0.0, seconds - queue - compute)))
        if pending is not None and not pending.future.done():
            values = np.frombuffer(frame.payload[: len(frame.payload) & ~3], "<f4")
            received = HEADER_BYTES + len(frame.payload)
            pending.future.set_result(
                ServerReply(values, self.address, seconds, queue, compute, known.sent, received)
            )
        return True

    def _fail(self, error: NoReply) -> None:
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(error)
        self._pending.clear()
        self._forgotten.clear()

    def send(self, frame: Frame) -> asyncio.Future[ServerReply]:
        """Sends a request; the reply comes in the future, or ``NoReply``."""
        future: asyncio.Future[ServerReply] = asyncio.get_running_loop().create_future()
        if self._writer is None or not self.is_open:
            future.set_exception(NotConnected(f"{self.address}: {self.trouble}"))
            return future
        data, now = frame.to_bytes(), self._clock()
        self._pending[frame.request] = _Pending(future, now, len(data), self._unsettled)
        self._unsettled += len(data)
        self._writer.write(data)
        return future

    def give_up(self, request: int) -> None:
        """Nobody waits for this reply any more; where nothing at all comes, connects anew."""
        pending = self._pending.pop(request, None)
        if pending is None:
            return
        pending.future.cancel()
        self._forgotten[request] = pending
        if len(self._forgotten) > _MAX_FORGOTTEN:
            self._unsettled -= self._forgotten.pop(next(iter(self._forgotten))).sent
        self.check()

    def check(self) -> None:
        """Breaks the connection where replies are due and nothing comes."""
        due = [*self._forgotten.values(), *self._pending.values()]
        if self._writer is None or not due:
            return
        since = max(self._last_heard, min(one.sent_at for one in due))
        if self._clock() - since > SILENT_SECONDS:
            self.trouble = f"no reply for {SILENT_SECONDS:g} s"
            self._writer.transport.abort()
