"""The device's side of the wire: requests with a deadline, to any of several servers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgebottle.split.addresses import Address
from edgebottle.split.connection import (
    ConnectionLost,
    NotConnected,
    ReplyLate,
    RequestRefused,
    ServerConnection,
    ServerReply,
    Transfer,
)
from edgebottle.split.frames import Frame, FrameKind, RefusalReason


class SplitClient:
    """Requests to any of several servers; a context manager that keeps the connections."""

    def __init__(
        self,
        servers: Sequence[Address],
        model: bytes,
        tls: ssl.SSLContext | None = None,
        heard: Callable[[Transfer], None] = lambda transfer: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects to nothing yet.

        Args:
            servers: At least one; all have the network.
            model: Its number.
            tls: How connections are secured; None for clear text.
            heard: Told of every reply, late ones too.
            clock: Gives seconds that only grow.
        """
        self._model, self._clock = model, clock
        self.connections = tuple(ServerConnection(one, tls, heard, clock) for one in servers)
        self._tasks: list[asyncio.Task[None]] = []
        self._next = 0

    async def __aenter__(self) -> SplitClient:
        """Begins to connect, and does not wait for it."""
        self._tasks = [asyncio.create_task(one.run()) for one in self.connections]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_connected(self) -> bool:
        """Some server can be asked."""
        return any(one.is_open for one in self.connections)

    async def connected(self, seconds: float) -> bool:
        """Waits for the first connection; False where there is none by then."""
        waits = [asyncio.create_task(one.opened.wait()) for one in self.connections]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return self.is_connected

    async def request(
        self,
        kind: FrameKind,
        payload: bytes,
        deadline: float,
        *,
        rate: int = 0,
        flags: int = 0,
        hedge: float | None = None,
    ) -> ServerReply:
        """Asks a server; where it fails and there is time, another.

        Args:
            kind: ``FEATURES`` or ``IMAGE``.
            payload: Of the frame.
            deadline: When the reply must be there, by the client's clock.
            rate: Of the frame.
            flags: Of the frame.
            hedge: Seconds without a reply after which a second server is asked as well; None for
                never. The first reply counts.

        Raises:
            NoReply: there is no result; the class says why.
        """
        tried: set[Address] = set()
        while True:
            first = self._choose(tried)
            if first is None:
                raise self._nobody(tried)
            tried.add(first.address)
            try:
                return await self._ask(first, kind, payload, deadline, rate, flags, hedge, tried)
            except (ConnectionLost, NotConnected, RequestRefused) as error:
                if self._choose(tried) is None or self._clock() >= deadline:
                    raise
                if isinstance(error, RequestRefused) and error.kind is RefusalReason.BAD_PAYLOAD:
                    raise  # no other server would think better of it

    def _choose(self, tried: set[Address]) -> ServerConnection | None:
        """The open connection with the fewest requests; in turn, where several have as few."""
        for one in self.connections:
            one.check()
        found = [one for one in self.connections if one.is_open and one.address not in tried]
        if not found:
            return None
        least = min(one.load for one in found)
        found = [one for one in found if one.load == least]
        return found[self._next % len(found)]

    def _nobody(self, tried: set[Address]) -> NotConnected:
        said = [f"{one.address}: {one.trouble}" for one in self.connections]
        return NotConnected("; ".join(said) if not tried else "no other server is connected")

    async def _ask(
        self,
        first: ServerConnection,
        kind: FrameKind,
        payload: bytes,
        deadline: float,
        rate: int,
        flags: int,
        hedge: float | None,
        tried: set[Address],
    ) -> ServerReply:
        self._next = (self._next + 1) & 0xFFFFFFFF
        frame = Frame(kind, self._model, self._next, payload, rate, flags)
        asked = [(first, first.send(frame))]
        last: BaseException | None = None
        try:
            waits = hedge
            while True:
                left = deadline - self._clock()
                due = [future for _, future in asked if not future.done()]
                if not due:
                    assert last is not None
                    raise last
                wait = left if waits is None else min(left, waits)
                done, _ = await asyncio.wait(
                    due, timeout=max(0.0, wait), return_when=asyncio.FIRST_COMPLETED
                )
                for future in done:
                    last = future.exception()
                    if last is None:
                        return _marked(future.result(), first)
                if not done and self._clock() >= deadline:
                    raise ReplyLate(f"no reply from {first.address} in time")
                if not done and waits is not None:
                    waits = None
                    second = self._choose(tried)
                    if second is not None:
                        tried.add(second.address)
                        asked.append((second, second.send(frame)))
        finally:
            for connection, _ in asked:
                with contextlib.suppress(KeyError):
                    connection.give_up(frame.request)


def _marked(reply: ServerReply, first: ServerConnection) -> ServerReply:
    if reply.server == first.address:
        return reply
    return replace(reply, is_hedge=True)
