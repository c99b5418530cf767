"""The server's half: frames in, frames out, over many connections, and nothing kept between two.

A request waits in a queue of bounded length, so that a server that cannot keep up says so at once
(BUSY) and not late; what has waited too long is not computed any more (TOO_LATE). Replies come in
the order in which they are done. As no request depends on another, any number of such servers may
stand behind any load balancer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from edgebottle.errors import BadInput, EdgebottleError
from edgebottle.files import reason
from edgebottle.split.durations import coded
from edgebottle.split.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    FrameKind,
    RefusalReason,
)
from edgebottle.split.metrics import ServerMetrics, answer_http
from edgebottle.split.payload import BadPayload
from edgebottle.split.serving import FrameWorker, UnknownModel
from edgebottle.split.streams import FRAME_SECONDS, read_frame

_REFUSALS: tuple[tuple[type[EdgebottleError], RefusalReason], ...] = (
    (UnknownModel, RefusalReason.UNKNOWN_MODEL),
    (BadPayload, RefusalReason.BAD_PAYLOAD),
    (EdgebottleError, RefusalReason.FAILED),
)
"""The first that an error is."""

_ASKS = (FrameKind.FEATURES, FrameKind.IMAGE)

_MAX_WORDS = 300
"""Bytes of a refusal's text."""

HANDSHAKE_SECONDS = 10.0

MAX_UNREAD = 64 << 10
"""Bytes of replies that a peer has not read yet."""


@dataclass(frozen=True)
class ServerLimits:
    """What a server takes.

    Attributes:
        longest: Bytes of a payload.
        waiting: Requests that wait; one more is refused.
        deadline: Seconds that a request may have waited when its turn comes.
        connections: At once; one more is refused and closed.
        per_connection: Requests of one connection at once; its further ones are not read.
        frame_seconds: How long a frame that has begun may take.
        stop_seconds: How long requests that wait are still answered once the server is to stop.
    """

    longest: int
    waiting: int = 64
    deadline: float = 1.0
    connections: int = 256
    per_connection: int = 32
    frame_seconds: float = FRAME_SECONDS
    stop_seconds: float = 5.0


class _Connection:
    """One peer."""

    def __init__(self, writer: asyncio.StreamWriter, limits: ServerLimits) -> None:
        self.writer = writer
        self.room = asyncio.Semaphore(limits.per_connection)
        self._limits = limits

    def send(self, data: bytes) -> None:
        """Writes a frame, and waits for nobody: a peer that reads no replies is cut off."""
        if self.writer.is_closing():
            return
        self.writer.write(data)
        if self.writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self.writer.transport.abort()

    async def all_answered(self) -> None:
        """Waits for the replies to what came, as far as they come in time; takes all room."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.deadline + self._limits.stop_seconds):
                for _ in range(self._limits.per_connection - 1):
                    await self.room.acquire()


@dataclass(frozen=True)
class _Waiting:
    """A request in the queue."""

    frame: Frame
    connection: _Connection
    since: float


class SplitServer:
    """Answers frames; see the module."""

    def __init__(
        self,
        names: Mapping[bytes, str],
        workers: Sequence[FrameWorker],
        limits: ServerLimits,
        clock: Callable[[], float] = time.monotonic,
        executor: Executor | None = None,
    ) -> None:
        """Serves nothing yet.

        Args:
            names: Of the networks, by their numbers.
            workers: Each is used by one thread; they are closed when the server stops.
            limits: What it takes.
            clock: Gives seconds that only grow.
            executor: In which workers work; None for threads of the server's own.
        """
        self.metrics, self.limits = ServerMetrics(), limits
        self._names, self._workers, self._clock = names, workers, clock
        self._pool = executor or ThreadPoolExecutor(len(workers), "edgebottle-serve")
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._connections: set[_Connection] = set()
        self._is_stopping = False

    async def start(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        status: tuple[str, int] | None = None,
    ) -> tuple[int, int | None]:
        """Listens.

        Args:
            host: Address of this computer.
            port: 0 for any that is free.
            tls: How connections are secured; None for clear text.
            status: Host and port of health and metrics; None for none.

        Returns:
            The port, and that of health and metrics.

        Raises:
            BadInput: a port is in use, or an address is not of this computer.
        """
        for worker in self._workers:
            self._keep(self._work(worker))
        found = await self._listen(self._serve, host, port, tls)
        if status is None:
            return found, None
        return found, await self._listen(self._serve_status, *status, None)

    async def _listen(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], asyncio.Future[None]],
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
    ) -> int:
        try:
            server = await asyncio.start_server(
                serve, host, port, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None
            )
        except (OSError, OverflowError) as error:
            said = str(error)
            if isinstance(error, OSError):  # asyncio's own words for it name no cause first
                said = (
                    os.strerror(error.errno) if error.errno and error.errno > 0 else reason(error)
                )
            raise BadInput(f"cannot listen on {host}:{port}: {said}") from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Takes no more, answers what waits (``stop_seconds`` long), and closes everything."""
        self._is_stopping = True
        if self._servers:
            self._servers[0].close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.stop_seconds):
                await self._queue.join()
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.writer.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._workers:
            worker.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _serve_status(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> asyncio.Future[None]:
        self.metrics.waiting = self._queue.qsize()
        self.metrics.connections = len(self._connections)
        return self._keep(answer_http(reader, writer, self.metrics, lambda: not self._is_stopping))

    def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> asyncio.Future[None]:
        return self._keep(self._hear(reader, writer))

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All frames of one connection."""
        connection = _Connection(writer, self.limits)
        self.metrics.connections_total += 1
        try:
            if len(self._connections) >= self.limits.connections:
                self._refuse(connection, None, RefusalReason.BUSY, "too many connections")
                return
            self._connections.add(connection)
            while not self._is_stopping:
                await connection.room.acquire()
                frame = await read_frame(reader, self.limits.longest, self.limits.frame_seconds)
                if frame is None:
                    await connection.all_answered()
                    break
                self.metrics.received += HEADER_BYTES + len(frame.payload)
                self._take(_Waiting(frame, connection, self._clock()))
        except FrameError as error:
            self.metrics.broke(type(error).__name__)
            self._refuse(connection, None, RefusalReason.BAD_FRAME, str(error))
        except TimeoutError:
            self.metrics.broke("TooSlow")
        except OSError:
            self.metrics.broke("ConnectionLost")
        finally:
            self._connections.discard(connection)
            writer.close()

    def _take(self, request: _Waiting) -> None:
        if request.frame.kind not in _ASKS:
            said = f"a {request.frame.kind.name.lower()} is no request"
            self._done(request, RefusalReason.BAD_FRAME, said)
        elif request.frame.model not in self._names:
            said = f"no network of number {request.frame.model.hex()} is served here"
            self._done(request, RefusalReason.UNKNOWN_MODEL, said)
        elif self._is_stopping or self._queue.qsize() >= self.limits.waiting:
            said = "the server stops" if self._is_stopping else "too many requests wait"
            self._done(request, RefusalReason.BUSY, said)
        else:
            self._queue.put_nowait(request)

    async def _work(self, worker: FrameWorker) -> None:
        """Answers what waits, one after the other, for as long as the server runs."""
        loop = asyncio.get_running_loop()
        while True:
            request = await self._queue.get()
            start = self._clock()
            waited = start - request.since
            try:
                if waited > self.limits.deadline:
                    said = f"it has waited for {waited:.2f} s"
                    self._done(request, RefusalReason.TOO_LATE, said)
                    continue
                try:
                    payload = await loop.run_in_executor(self._pool, worker.answer, request.frame)
                except EdgebottleError as error:
                    kind = next(found for base, found in _REFUSALS if isinstance(error, base))
                    self._done(request, kind, str(error))
                except Exception as error:  # a bug of ours must not end the worker
                    said = f"a bug of the server: {type(error).__name__}: {error}"
                    self._done(request, RefusalReason.FAILED, said)
                else:
                    self._result(request, payload, waited, self._clock() - start)
            finally:
                self._queue.task_done()

    def _result(self, request: _Waiting, payload: bytes, waited: float, computed: float) -> None:
        frame = request.frame
        reply = Frame(
            FrameKind.RESULT, frame.model, frame.request, payload, coded(waited), coded(computed)
        )
        data = reply.to_bytes()
        model, kind = self._labels(frame)
        self.metrics.answered(model, kind, "result")
        self.metrics.took(model, kind, waited, computed)
        self.metrics.sent += len(data)
        request.connection.send(data)
        request.connection.room.release()

    def _done(self, request: _Waiting, kind: RefusalReason, words: str) -> None:
        """Refuses a request of a stream that can be trusted."""
        self.metrics.answered(*self._labels(request.frame), kind.name.lower())
        self._refuse(request.connection, request.frame, kind, words)
        request.connection.room.release()

    def _refuse(
        self, connection: _Connection, frame: Frame | None, kind: RefusalReason, words: str
    ) -> None:
        model, number = (frame.model, frame.request) if frame else (b"\0\0\0\0", 0)
        text = words.encode()[:_MAX_WORDS].decode(errors="ignore").encode()
        data = Frame(FrameKind.REFUSAL, model, number, text, flags=kind).to_bytes()
        self.metrics.sent += len(data)
        connection.send(data)

    def _labels(self, frame: Frame) -> tuple[str, str]:
        return self._names.get(frame.model, "unknown"), frame.kind.name.lower()
