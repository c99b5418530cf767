"""Servers for tests: with a worker that does what a test says, and how they are asked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from edgebottle.split.addresses import Address
from edgebottle.split.frames import Frame, FrameKind
from edgebottle.split.server import ServerLimits, SplitServer
from edgebottle.split.streams import read_frame
from tests.waiting import HANG_SECONDS

T = TypeVar("T")

MODEL = b"\1\2\3\4"
LONGEST = 1000


class EchoWorker:
    """Answers with the payload that came; waits for ``go`` where a test holds it."""

    def __init__(self, act: Callable[[Frame], bytes] = lambda frame: frame.payload) -> None:
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.go.set()
        self._act = act
        self.is_closed = False

    def answer(self, frame: Frame) -> bytes:
        self.begun.release()
        assert self.go.wait(HANG_SECONDS)
        return self._act(frame)

    def close(self) -> None:
        self.is_closed = True


@asynccontextmanager
async def served(
    *workers: EchoWorker,
    clock: Callable[[], float] | None = None,
    tls: ssl.SSLContext | None = None,
    **limits: float,
) -> AsyncIterator[tuple[SplitServer, Address]]:
    """A server that listens on this computer, until the end of the block."""
    limit = ServerLimits(LONGEST, **limits)  # type: ignore[arg-type]
    more = {} if clock is None else {"clock": clock}
    server = SplitServer({MODEL: "small"}, workers or (EchoWorker(),), limit, **more)
    port, _ = await server.start("127.0.0.1", 0, tls)
    try:
        yield server, Address("127.0.0.1", port)
    finally:
        for worker in workers:
            worker.go.set()
        await server.stop()


def asking(number: int = 1, payload: bytes = b"abcd", model: bytes = MODEL) -> Frame:
    """A request."""
    return Frame(FrameKind.FEATURES, model, number, payload, rate=1)


async def exchange(where: Address, data: bytes, count: int | None = None) -> list[Frame]:
    """Sends bytes, and gives the frames that come: so many, or all until the end."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(data)
    if count is None:
        writer.write_eof()
    found: list[Frame] = []
    while count is None or len(found) < count:
        frame = await read_frame(reader)
        if frame is None:
            break
        found.append(frame)
    writer.close()
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end; what hangs fails."""
    return asyncio.run(asyncio.wait_for(work, HANG_SECONDS))
