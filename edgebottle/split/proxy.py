"""A link that is simulated between two sockets, for tests and demonstrations.

What comes on one side leaves on the other when a link of that shape would have delivered it. All
connections share the line. So much is on the way at most, as in a modem's buffer; then the sender
has to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from edgebottle.split.addresses import Address
from edgebottle.split.link import LinkShape, ShapedLine, ShapedWay

BUFFER = 64 << 10
"""Bytes that are on the way at most, of a connection."""

CHUNK = 1448


class LinkProxy:
    """Listens, and connects each connection with the target over the link."""

    def __init__(
        self,
        target: Address,
        shape: LinkShape,
        seed: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Listens to nothing yet.

        Args:
            target: Where connections lead.
            shape: Of both directions.
            seed: Of losses and jitter.
            clock: Gives seconds; None for the event loop's, from 0 at the start.
        """
        self.target = target
        self._lines = ShapedLine(shape, 2 * seed), ShapedLine(shape, 2 * seed + 1)
        self._clock, self._tasks = clock, set[asyncio.Task[None]]()
        self._server: asyncio.Server | None = None
        self.sent = self.received = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Address:
        """Listens; returns where."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        if self._clock is None:
            self._clock = lambda: loop.time() - start
        self._server = await asyncio.start_server(self._accept, host, port)
        return Address(host, int(self._server.sockets[0].getsockname()[1]))

    async def stop(self) -> None:
        """Closes all connections."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reshape(self, shape: LinkShape) -> None:
        """Another link from now on, for what is not on the way yet."""
        for line in self._lines:
            line.shape = shape

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other: asyncio.StreamWriter | None = None
        try:
            back, other = await asyncio.open_connection(self.target.host, self.target.port)
            up, down = (ShapedWay(line) for line in self._lines)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, other, up, is_up=True))
                group.create_task(self._carry(back, writer, down, is_up=False))
        except* (OSError, EOFError):
            pass  # one side has gone, so that the other goes too
        finally:
            for each in (writer, other):
                if each is not None:
                    each.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: ShapedWay,
        *,
        is_up: bool,
    ) -> None:
        """One direction of a connection, until it ends."""
        assert self._clock is not None
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(BUFFER // CHUNK)
        delivering = asyncio.create_task(self._deliver(due, writer))
        try:
            while data := await reader.read(CHUNK):
                if is_up:
                    self.sent += len(data)
                else:
                    self.received += len(data)
                await due.put((way.arrival(self._clock(), len(data)), data))
            await due.join()
            raise EOFError
        finally:
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivering

    async def _deliver(
        self, due: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        assert self._clock is not None
        while True:
            at, data = await due.get()
            await asyncio.sleep(at - self._clock())
            if not writer.is_closing():
                writer.write(data)
            due.task_done()
