"""Requests from the input to the answer, whatever the link does; each says how it was answered.

The policy chooses the way; the device computes its part; the client asks a server; and where no
reply comes the device computes the rest by itself, as the fallback says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from edgebottle.ir.graph import Array
from edgebottle.split.connection import (
    NoReply,
    ReplyLate,
    RequestRefused,
    ServerReply,
    Transfer,
)
from edgebottle.split.frames import HEADER_BYTES, PACKED, FrameKind, ImageForm, RefusalReason
from edgebottle.split.policy import (
    Decision,
    PolicyRules,
    PolicyState,
    Way,
    decide,
    missed,
    refused,
    replied,
)

T = TypeVar("T")

BUSY_SECONDS = 0.5
"""How long servers that refused are left alone."""

SPARE_SHARE, SPARE_SECONDS = 1.25, 0.005
"""When the device begins to compute by itself: so many times what it takes, and that, before."""

LEARNING = 0.1
"""Weight of the newest request in what a way usually takes."""


class Fallback(StrEnum):
    """When the device computes by itself what it has asked a server for."""

    NEVER = "never"
    ERROR = "error"
    DEADLINE = "deadline"
    HEDGED = "hedged"


class AnsweredBy(StrEnum):
    """Where an answer was computed."""

    DEVICE = "device"
    EXIT = "exit"
    SERVER = "server"


@dataclass(frozen=True)
class DeviceFeatures:
    """What the device's part gives.

    Attributes:
        payload: Of the frame.
        is_packed: The payload has a fixed number of bits for each value.
        head: Seconds of the network's part.
        encode: Seconds of the coder.
        exit: The early exit's output, if that is sure enough; None otherwise.
        capture: Seconds until the device had the input.
    """

    payload: bytes
    is_packed: bool
    head: float
    encode: float
    exit: Array | None = None
    capture: float = 0.0


class DeviceHalf(Protocol):
    """What computes on the device; used by one thread at a time."""

    def features(self, image: Array, rate: int) -> DeviceFeatures:
        """The network's first part, and its payload of that rate."""

    def picture(self, image: Array, form: ImageForm) -> bytes:
        """The input as a picture's file."""

    def local(self, image: Array) -> Array:
        """The whole network's outputs, float32, one behind the other."""


class RequestSender(Protocol):
    """What asks servers: a ``SplitClient``."""

    @property
    def is_connected(self) -> bool:
        """Some server can be asked."""

    def request(
        self,
        kind: FrameKind,
        payload: bytes,
        deadline: float,
        *,
        rate: int = 0,
        flags: int = 0,
        hedge: float | None = None,
    ) -> Awaitable[ServerReply]:
        """See ``SplitClient``."""


@dataclass(frozen=True)
class PhaseSeconds:
    """Where the time of a request went; 0 for what was not done.

    Attributes:
        capture: Until the device had the input.
        head: The device's part of the network.
        encode: The payload, or the picture's file.
        link: Both ways.
        queue: At the server.
        tail: The server's part, or all of it.
        local: The whole network on the device, with its input.
    """

    capture: float = 0.0
    head: float = 0.0
    encode: float = 0.0
    link: float = 0.0
    queue: float = 0.0
    tail: float = 0.0
    local: float = 0.0


@dataclass(frozen=True)
class SplitAnswer:
    """An answer, and how it came about.

    Attributes:
        values: The network's outputs, float32, one behind the other.
        by: Where they were computed.
        way: The way that was chosen.
        why: Why that one.
        fallback: Why the device computed what a server was asked for; "" where it did not.
        seconds: From the input to the answer.
        is_late: That was more than the deadline.
        phases: Where the time went.
        sent: Bytes of the request's frame; 0 where nothing was sent for this answer.
        received: Bytes of the reply's frame.
        server: Which one answered; "" for none.
    """

    values: Array
    by: AnsweredBy
    way: str
    why: str
    fallback: str
    seconds: float
    is_late: bool
    phases: PhaseSeconds
    sent: int = 0
    received: int = 0
    server: str = ""


@dataclass
class _Sending:
    """What is known of a request while it is under way."""

    capture: float = 0.0
    head: float = 0.0
    encode: float = 0.0
    sent: int = 0
    exit: Array | None = None


class SplitSession:
    """Answers inputs, one after the other or several at once."""

    def __init__(
        self,
        device: DeviceHalf,
        ways: Sequence[Way],
        rules: PolicyRules,
        fallback: Fallback = Fallback.DEADLINE,
        *,
        hedge: float | None = None,
        local_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        executor: Executor | None = None,
    ) -> None:
        """Has no servers yet: ``client`` is to be set.

        Args:
            device: The device's half.
            ways: What the policy chooses from.
            rules: Of the policy.
            fallback: When the device computes by itself.
            hedge: Seconds without a reply after which a second server is asked; None for never.
            local_seconds: What the whole network takes on the device; None: as the ways say.
            clock: Gives seconds that only grow; the same as the client's.
            executor: In which the device's half runs; None for threads of the event loop.
        """
        self.ways, self.state = tuple(ways), PolicyState()
        self.client: RequestSender
        self._device, self._rules, self._fallback = device, rules, fallback
        self._hedge, self._clock, self._executor = hedge, clock, executor
        local = min((way.device for way in ways if way.is_local), default=0.0)
        self._local_took = local if local_seconds is None else local_seconds
        self._beside: set[asyncio.Task[ServerReply | None]] = set()

    def heard(self, transfer: Transfer) -> None:
        """A reply came: to be handed to the client."""
        count = transfer.sent + transfer.ahead
        self.state = replied(self.state, transfer.at, count, transfer.seconds)

    async def close(self) -> None:
        """Ends what was asked only to find out."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)

    async def answer(self, image: Array) -> SplitAnswer:
        """The answer to one input; raises ``NoReply`` where there is no fallback.

        Args:
            image: The network's input, with its batch.
        """
        start = self._clock()
        self.state, decision = decide(
            self.state, self.ways, self._rules, start, self.client.is_connected
        )
        if not decision.way.is_local:
            return await self._asked(image, decision, start)
        values, took = await self._local(image)
        if decision.beside is not None:
            self._ask_beside(image, decision.beside)
        return self._device_answer(values, took, decision, start, "")

    def _ask_beside(self, image: Array, way: Way) -> None:
        end = self._clock() + max(self._rules.deadline, BUSY_SECONDS)
        self._keep(asyncio.ensure_future(self._ask(image, way, end, _Sending())))

    def _keep(self, task: asyncio.Task[ServerReply | None]) -> None:
        self._beside.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[ServerReply | None]) -> None:
        self._beside.discard(task)
        if not task.cancelled():
            task.exception()  # what went wrong is known to the policy already

    async def _asked(self, image: Array, decision: Decision, start: float) -> SplitAnswer:
        """Asks a server, and falls back."""
        sending, end = _Sending(), start + self._rules.deadline
        asked = asyncio.ensure_future(self._ask(image, decision.way, end, sending))
        why = ""
        if self._fallback is Fallback.DEADLINE:
            spare = self._local_took * SPARE_SHARE + SPARE_SECONDS
            await asyncio.wait([asked], timeout=max(0.0, end - spare - self._clock()))
            why = "" if asked.done() else "the reply was not there in time"
        elif self._fallback is Fallback.HEDGED:
            why = "both were asked, and the device was first"
        else:
            await asyncio.wait([asked])
        if not asked.done():
            computing = asyncio.ensure_future(self._local(image))
            await asyncio.wait([asked, computing], return_when=asyncio.FIRST_COMPLETED)
            if not _has_result(asked):
                values, took = await computing
                if not _has_result(asked):
                    if asked.done():
                        why = str(asked.exception())
                    self._keep(asked)
                    return self._device_answer(values, took, decision, start, why)
            else:
                computing.cancel()
        error = asked.exception()
        if isinstance(error, NoReply) and self._fallback is not Fallback.NEVER:
            values, took = await self._local(image)
            return self._device_answer(values, took, decision, start, str(error))
        return self._server_answer(await asked, decision, start, sending)

    async def _ask(
        self, image: Array, way: Way, end: float, sending: _Sending
    ) -> ServerReply | None:
        """Computes the device's part and asks a server; tells the policy what went wrong.

        None where the early exit was sure enough, so that nobody was asked.
        """
        kind, payload, flags = await self._payload(image, way, sending)
        if sending.exit is not None:
            return None
        sending.sent = HEADER_BYTES + len(payload)
        begun = self._clock()
        try:
            reply = await self.client.request(
                kind, payload, end, rate=way.rate, flags=flags, hedge=self._hedge
            )
        except RequestRefused as error:
            if error.kind in (RefusalReason.BUSY, RefusalReason.TOO_LATE):
                self.state = refused(self.state, self._clock(), BUSY_SECONDS)
            raise
        except ReplyLate:
            now = self._clock()
            self.state = missed(self.state, now, sending.sent, now - begun)
            raise
        except NoReply:
            self.state = missed(self.state, self._clock(), 0, 0.0)
            raise
        server = reply.queue + reply.compute
        device = sending.capture + sending.head + sending.encode
        self._learn(way, device, sending.sent, server)
        return reply

    async def _payload(
        self, image: Array, way: Way, sending: _Sending
    ) -> tuple[FrameKind, bytes, int]:
        """Kind, payload and flags of a request's frame."""
        if way.form is not None:
            start = self._clock()
            payload = await self._run(self._device.picture, image, way.form)
            sending.encode = self._clock() - start
            return FrameKind.IMAGE, payload, int(way.form)
        found = await self._run(self._device.features, image, way.rate)
        sending.head, sending.encode, sending.exit = found.head, found.encode, found.exit
        sending.capture = found.capture
        return FrameKind.FEATURES, found.payload, PACKED if found.is_packed else 0

    async def _local(self, image: Array) -> tuple[Array, float]:
        """The whole network on the device, and its seconds."""
        start = self._clock()
        values = await self._run(self._device.local, image)
        took = self._clock() - start
        self._local_took += LEARNING * (took - self._local_took)
        for way in self.ways:
            if way.is_local:
                self._learn(way, took, 0, 0.0)
        return values, took

    def _run(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _learn(self, way: Way, device: float, sent: float, server: float) -> None:
        """What a way takes changes: slowly, as single requests say little."""

        def nearer(old: float, new: float) -> float:
            return old + LEARNING * (new - old)

        self.ways = tuple(
            replace(
                one,
                device=nearer(one.device, device),
                sent=nearer(one.sent, sent),
                server=nearer(one.server, server),
            )
            if one.name == way.name
            else one
            for one in self.ways
        )

    def _device_answer(
        self, values: Array, took: float, decision: Decision, start: float, fallback: str
    ) -> SplitAnswer:
        seconds = self._clock() - start
        return SplitAnswer(
            values,
            AnsweredBy.DEVICE,
            decision.way.name,
            decision.why,
            fallback,
            seconds,
            seconds > self._rules.deadline,
            PhaseSeconds(local=took),
        )

    def _server_answer(
        self, reply: ServerReply | None, decision: Decision, start: float, sending: _Sending
    ) -> SplitAnswer:
        """Of a server, or of the early exit."""
        seconds = self._clock() - start
        late = seconds > self._rules.deadline
        way, why = decision.way.name, decision.why
        phases = PhaseSeconds(sending.capture, sending.head, sending.encode)
        if reply is None:
            assert sending.exit is not None
            return SplitAnswer(sending.exit, AnsweredBy.EXIT, way, why, "", seconds, late, phases)
        phases = replace(phases, link=reply.link, queue=reply.queue, tail=reply.compute)
        return SplitAnswer(
            reply.values,
            AnsweredBy.SERVER,
            way,
            why,
            "",
            seconds,
            late,
            phases,
            reply.sent,
            reply.received,
            str(reply.server),
        )


def _has_result(task: asyncio.Future[ServerReply | None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
