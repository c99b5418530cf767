"""Device, link and servers together, on a clock that passes only while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from edgebottle.ir.graph import Array
from edgebottle.split.addresses import Address
from edgebottle.split.client import SplitClient
from edgebottle.split.connection import ConnectionLost, NoReply, ReplyLate
from edgebottle.split.frames import Frame, FrameKind, ImageForm
from edgebottle.split.link import LinkShape, RateStep
from edgebottle.split.policy import PolicyRules, SplitMode, Way
from edgebottle.split.proxy import LinkProxy
from edgebottle.split.server import ServerLimits, SplitServer
from edgebottle.split.session import (
    AnsweredBy,
    DeviceFeatures,
    Fallback,
    SplitAnswer,
    SplitSession,
)
from tests.split.serving import LONGEST, MODEL, EchoWorker
from tests.split.virtual_time import TimedExecutor, VirtualLoop, run_virtually

IMAGE = np.zeros((1, 2, 2, 1), np.int8)
FEATURES, PICTURE, WHOLE = 1.0, 2.0, 3.0
"""What an answer says of where it comes from."""

WAYS = (
    Way("local", SplitMode.LOCAL, 0.2),
    Way("jpeg", SplitMode.OFFLOAD, 0.005, 920, 0.002, form=ImageForm.JPEG),
    Way("split 1", SplitMode.SPLIT, 0.02, 120, 0.002, rate=1),
)
SECONDS = {"local": 0.2, "features": 0.02, "picture": 0.005}
"""Of the device."""

FAST = LinkShape.steady(25e6, 0.01)
SPLIT_ONLY = (WAYS[0], WAYS[2])


class EasyDevice:
    """Answers with where it does so; ``SECONDS`` says how long that takes."""

    exit: Array | None = None

    def features(self, image: Array, rate: int) -> DeviceFeatures:
        return DeviceFeatures(bytes(100), False, 0.02, 0.0, self.exit)

    def picture(self, image: Array, form: ImageForm) -> bytes:
        return bytes(900)

    def local(self, image: Array) -> Array:
        return np.array([WHOLE], np.float32)


def act(frame: Frame) -> bytes:
    value = FEATURES if frame.kind is FrameKind.FEATURES else PICTURE
    return np.array([value], "<f4").tobytes()


@dataclass
class Bench:
    """Servers, each behind a link of its own, and a session with all of them."""

    loop: VirtualLoop
    session: SplitSession
    client: SplitClient
    proxies: list[LinkProxy]
    servers: dict[int, SplitServer] = field(default_factory=dict)
    answers: list[SplitAnswer] = field(default_factory=list)

    async def start_server(self, number: int) -> None:
        port = self.proxies[number].target.port if number < len(self.proxies) else 0
        server = SplitServer(
            {MODEL: "small"},
            [EchoWorker(act)],
            ServerLimits(LONGEST),
            self.loop.time,
            TimedExecutor(self.loop, {"answer": 0.002}),
        )
        await server.start("127.0.0.1", port)
        self.servers[number] = server

    async def kill_server(self, number: int) -> None:
        """As a process that dies: connections break, and nobody listens."""
        server = self.servers.pop(number)
        for connection in tuple(server._connections):
            connection.writer.transport.abort()
        server._queue = asyncio.Queue()
        await server.stop()

    async def ask(self, count: int, period: float = 0.05) -> list[SplitAnswer]:
        """Requests one behind the other."""
        found = []
        for _ in range(count):
            due = self.loop.time() + period
            found.append(await self.session.answer(IMAGE))
            await asyncio.sleep(max(0.0, due - self.loop.time()))
        self.answers += found
        return found


@asynccontextmanager
async def bench(
    loop: VirtualLoop,
    shape: LinkShape = FAST,
    servers: int = 1,
    ways: tuple[Way, ...] = WAYS,
    fallback: Fallback = Fallback.DEADLINE,
    deadline: float = 0.5,
    hedge: float | None = None,
) -> AsyncIterator[Bench]:
    session = SplitSession(
        EasyDevice(),
        ways,
        PolicyRules(deadline),
        fallback,
        hedge=hedge,
        clock=loop.time,
        executor=TimedExecutor(loop, SECONDS),
    )
    found = Bench(loop, session, SplitClient([], MODEL), [])
    for number in range(servers):
        await found.start_server(number)
        server = found.servers[number]._servers[0]
        target = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        found.proxies.append(LinkProxy(target, shape, number))
    where = [await proxy.start() for proxy in found.proxies]
    found.client = SplitClient(where, MODEL, heard=session.heard, clock=loop.time)
    session.client = found.client
    async with found.client:
        assert await found.client.connected(5.0)
        yield found
        await session.close()
    for proxy in found.proxies:
        await proxy.stop()
    for server in found.servers.values():
        await server.stop()


def modes(answers: list[SplitAnswer]) -> set[str]:
    return {answer.by.value for answer in answers}


def test_answer_says_how_it_came_about() -> None:
    async def work(loop: VirtualLoop) -> list[SplitAnswer]:
        async with bench(loop, LinkShape.steady(250e3, 0.02), ways=SPLIT_ONLY) as found:
            return await found.ask(10)

    for answer in run_virtually(work):
        assert answer.by is AnsweredBy.SERVER
        assert (answer.way, answer.fallback, answer.is_late) == ("split 1", "", False)
        assert answer.values.tolist() == [FEATURES]
        assert (answer.sent, answer.received) == (120, 24)
        # There and back 40 ms; 186 and 90 bytes with those of TCP at 250 kbit/s.
        assert answer.phases.link == pytest.approx(0.04 + 8 * (186 + 90) / 250e3, abs=0.002)
        assert answer.seconds == pytest.approx(answer.phases.link + 0.022, abs=0.002)


def test_early_exit_sends_nothing() -> None:
    async def work(loop: VirtualLoop) -> tuple[SplitAnswer, int]:
        async with bench(loop, ways=SPLIT_ONLY) as found:
            found.session._device.exit = np.array([9.0], np.float32)  # type: ignore[attr-defined]
            answer = await found.session.answer(IMAGE)
            return answer, found.proxies[0].sent

    answer, sent = run_virtually(work)
    assert (answer.by, answer.values.tolist(), sent) == (AnsweredBy.EXIT, [9.0], 0)


FALLBACKS = [
    (Fallback.DEADLINE, AnsweredBy.DEVICE, 0.5, "not there in time"),
    (Fallback.HEDGED, AnsweredBy.DEVICE, 0.21, "the device was first"),
    (Fallback.ERROR, AnsweredBy.DEVICE, 0.71, "no reply from"),
]


@pytest.mark.parametrize(("fallback", "by", "within", "why"), FALLBACKS)
def test_fallback_when_the_link_is_gone(
    fallback: Fallback, by: AnsweredBy, within: float, why: str
) -> None:
    async def work(loop: VirtualLoop) -> SplitAnswer:
        async with bench(loop, fallback=fallback, ways=SPLIT_ONLY) as found:
            await found.ask(5)
            found.proxies[0].reshape(LinkShape((RateStep(0, 0.0),)))
            return await found.session.answer(IMAGE)

    answer = run_virtually(work)
    assert (answer.by, answer.values.tolist()) == (by, [WHOLE])
    assert why in answer.fallback
    assert answer.seconds <= within


def test_without_fallback_the_error_is_told() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with bench(loop, fallback=Fallback.NEVER, ways=SPLIT_ONLY) as found:
            await found.ask(5)
            found.proxies[0].reshape(LinkShape((RateStep(0, 0.0),)))
            with pytest.raises(ReplyLate):
                await found.session.answer(IMAGE)

    run_virtually(work)


def test_split_again_within_two_seconds_of_an_outage() -> None:
    """However long it was: the old connection would wait for TCP to try again."""

    async def work(loop: VirtualLoop) -> dict[float, float]:
        back = {}
        for outage in (0.5, 3.0, 10.0, 30.0):
            async with bench(loop, ways=SPLIT_ONLY) as found:
                assert modes(await found.ask(40)) == {"server"}
                found.proxies[0].reshape(LinkShape((RateStep(0, 0.0),)))
                begin = loop.time()
                while loop.time() < begin + outage:
                    assert len(await found.ask(1)) == 1
                found.proxies[0].reshape(FAST)
                begin = loop.time()
                while modes(await found.ask(1)) != {"server"}:
                    assert loop.time() < begin + 10
                back[outage] = loop.time() - begin
        return back

    assert max(run_virtually(work).values()) < 2.0


def test_split_again_within_two_seconds_of_a_servers_return() -> None:
    async def work(loop: VirtualLoop) -> float:
        async with bench(loop, ways=SPLIT_ONLY) as found:
            await found.ask(20)
            await found.kill_server(0)
            assert modes(await found.ask(100)) == {"device"}
            await found.start_server(0)
            begin = loop.time()
            while modes(await found.ask(1)) != {"server"}:
                assert loop.time() < begin + 10
            return loop.time() - begin

    assert run_virtually(work) < 2.0


def test_requests_of_a_server_that_dies_go_to_another() -> None:
    async def work(loop: VirtualLoop) -> list[SplitAnswer]:
        async with bench(loop, servers=2, ways=SPLIT_ONLY) as found:
            await found.ask(20)
            asking = asyncio.ensure_future(found.ask(40))
            await asyncio.sleep(0.505)
            await found.kill_server(0)
            return await asking

    answers = run_virtually(work)
    assert modes(answers) == {"server"}
    assert len({answer.server for answer in answers[:10]}) == 2
    assert len({answer.server for answer in answers[20:]}) == 1


def test_second_server_is_asked_where_the_first_is_slow() -> None:
    async def work(loop: VirtualLoop) -> list[SplitAnswer]:
        async with bench(loop, servers=2, ways=SPLIT_ONLY, hedge=0.06) as found:
            await found.ask(20)
            found.proxies[0].reshape(LinkShape.steady(25e6, 0.15))
            return await found.ask(20)

    answers = run_virtually(work)
    assert modes(answers) == {"server"}
    assert max(answer.seconds for answer in answers) < 0.11  # 0.02 + 0.06 + 0.022


def test_client_without_a_server_says_why() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with bench(loop) as found:
            await found.kill_server(0)
            with pytest.raises((NoReply, ConnectionLost)) as said:
                for _ in range(3):
                    await found.client.request(FrameKind.FEATURES, b"", loop.time() + 1, rate=1)
            assert str(found.client.connections[0].address) in str(said.value)

    run_virtually(work)


async def chaos(found: Bench, seconds: float, seed: int) -> None:
    """Outages, losses, rate steps, and servers that die and come back, drawn by lot."""
    draw = np.random.default_rng(seed)
    end = found.loop.time() + seconds
    while found.loop.time() < end:
        await asyncio.sleep(float(draw.uniform(0.3, 2.0)))
        proxy = found.proxies[int(draw.integers(len(found.proxies)))]
        number = int(draw.integers(len(found.proxies)))
        event = draw.choice(["outage", "loss", "rate", "good", "kill", "start"])
        if event == "outage":
            proxy.reshape(LinkShape((RateStep(0, 0.0),)))
        elif event == "loss":
            proxy.reshape(LinkShape.steady(1e6, 0.02, 0.02, float(draw.uniform(0, 0.3))))
        elif event == "rate":
            proxy.reshape(LinkShape.steady(float(draw.choice([50e3, 250e3, 25e6])), 0.01))
        elif event == "good":
            proxy.reshape(FAST)
        elif event == "kill" and number in found.servers:
            await found.kill_server(number)
        elif event == "start" and number not in found.servers:
            await found.start_server(number)


@pytest.mark.parametrize("seed", range(2))
def test_no_request_is_lost_in_chaos(seed: int) -> None:
    """Two minutes, on links and servers that fail all the time."""

    async def work(loop: VirtualLoop) -> list[SplitAnswer]:
        async with bench(loop, servers=2, deadline=0.4) as found:
            trouble = asyncio.ensure_future(chaos(found, 120, seed))
            found.answers.clear()
            while not trouble.done():
                await found.ask(1, 0.1)
            with contextlib.suppress(OSError):
                await trouble
            return found.answers

    answers = run_virtually(work)
    assert len(answers) > 600
    assert {answer.values.tolist()[0] for answer in answers} == {FEATURES, PICTURE, WHOLE}
    assert sum(bool(answer.fallback) for answer in answers) > 10
    assert float(np.quantile([answer.seconds for answer in answers], 0.99)) <= 0.4 * 1.1
