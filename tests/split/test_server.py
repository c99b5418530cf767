"""The server: what it answers, what it refuses, and how it stops."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from edgebottle.errors import BadInput, BadModel
from edgebottle.litert import LiteRTModel
from edgebottle.split.addresses import Address
from edgebottle.split.durations import coded, seconds_of
from edgebottle.split.frames import PACKED, Frame, FrameKind, ImageForm, RefusalReason
from edgebottle.split.payload import BadPayload
from edgebottle.split.pictures import encoded, pixels
from edgebottle.split.serving import LiteRTWorker, ServedModel, UnknownModel, by_id
from tests.split.serving import LONGEST, MODEL, EchoWorker, asking, exchange, run, served
from tests.split.split_networks import samples, untrained_split

WHOLE = asking().to_bytes()

STREAMS = [
    ("one", WHOLE, [(FrameKind.RESULT, 0)]),
    ("two at once", WHOLE + asking(2).to_bytes(), [(FrameKind.RESULT, 0)] * 2),
    (
        "another network, then one that is there",
        asking(1, model=b"????").to_bytes() + asking(2).to_bytes(),
        [(FrameKind.REFUSAL, RefusalReason.UNKNOWN_MODEL), (FrameKind.RESULT, 0)],
    ),
    (
        "a result is no request",
        Frame(FrameKind.RESULT, MODEL, 1).to_bytes() + WHOLE,
        [(FrameKind.REFUSAL, RefusalReason.BAD_FRAME), (FrameKind.RESULT, 0)],
    ),
    ("nothing", b"", []),
    ("another protocol", b"GET / HTTP/1.1\r\n\r\n" + WHOLE, [(FrameKind.REFUSAL, 1)]),
    ("a later version", WHOLE[:2] + b"\x21" + WHOLE[3:] + WHOLE, [(FrameKind.REFUSAL, 1)]),
    ("a payload that changed", WHOLE[:-1] + b"?" + WHOLE, [(FrameKind.REFUSAL, 1)]),
    ("cut off", WHOLE[:-1], [(FrameKind.REFUSAL, 1)]),
    ("too long", asking(1, bytes(LONGEST + 1)).to_bytes() + WHOLE, [(FrameKind.REFUSAL, 1)]),
]


@pytest.mark.parametrize(
    ("data", "expected"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS]
)
def test_streams(data: bytes, expected: list[tuple[FrameKind, int]]) -> None:
    """Behind what is no frame nothing is answered: the connection is closed."""

    async def ask() -> list[Frame]:
        async with served() as (_, where):
            return await exchange(where, data)

    found = run(ask())
    assert [(one.kind, one.flags if one.kind is FrameKind.REFUSAL else 0) for one in found] == (
        expected
    )
    for one in found:
        assert one.payload == b"abcd" if one.kind is FrameKind.RESULT else one.payload.decode()


def test_requests_that_cannot_wait_are_refused_at_once() -> None:
    async def ask() -> list[Frame]:
        worker = EchoWorker()
        worker.go.clear()
        async with served(worker, waiting=2) as (_, where):
            _, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(asking(0).to_bytes())
            await asyncio.to_thread(worker.begun.acquire)
            writer.close()
            data = b"".join(asking(number).to_bytes() for number in range(1, 5))
            refused = await exchange(where, data, 2)
            worker.go.set()
            return refused

    refused = run(ask())
    assert [one.request for one in refused] == [3, 4]
    assert {one.flags for one in refused} == {RefusalReason.BUSY}


def test_what_has_waited_too_long_is_not_computed() -> None:
    """The clock is one that the test sets forward."""

    async def ask() -> tuple[list[Frame], list[int]]:
        now, computed = [0.0], []

        def act(frame: Frame) -> bytes:
            computed.append(frame.request)
            return b""

        worker = EchoWorker(act)
        worker.go.clear()
        async with served(worker, clock=lambda: now[0], deadline=1.0) as (server, where):
            answers = asyncio.create_task(
                exchange(where, asking(1).to_bytes() + asking(2).to_bytes(), 2)
            )
            await asyncio.to_thread(worker.begun.acquire)
            while not server._queue.qsize():
                await asyncio.sleep(0)
            now[0] = 1.5
            worker.go.set()
            return await answers, computed

    answers, computed = run(ask())
    assert computed == [1]
    assert [one.kind for one in answers] == [FrameKind.RESULT, FrameKind.REFUSAL]
    assert seconds_of(answers[0].flags) == pytest.approx(1.5, rel=0.03)
    assert answers[1].flags == RefusalReason.TOO_LATE


ERRORS = [
    (BadPayload("why"), RefusalReason.BAD_PAYLOAD, b"why"),
    (UnknownModel("which"), RefusalReason.UNKNOWN_MODEL, b"which"),
    (BadModel("it gave up"), RefusalReason.FAILED, b"it gave up"),
    (ZeroDivisionError("no"), RefusalReason.FAILED, b"a bug of the server: ZeroDivisionError: no"),
    (BadPayload("x" * 999), RefusalReason.BAD_PAYLOAD, b"x" * 300),
]


@pytest.mark.parametrize(("error", "kind", "words"), ERRORS, ids=lambda each: str(each)[:20])
def test_worker_that_fails_answers_on(error: Exception, kind: RefusalReason, words: bytes) -> None:
    def act(frame: Frame) -> bytes:
        if frame.request == 1:
            raise error
        return b"well"

    async def ask() -> list[Frame]:
        async with served(EchoWorker(act)) as (_, where):
            return await exchange(where, asking(1).to_bytes() + asking(2).to_bytes())

    first, second = run(ask())
    assert (first.kind, first.flags, first.payload) == (FrameKind.REFUSAL, kind, words)
    assert second.payload == b"well"


def test_one_connection_too_many_is_refused() -> None:
    async def ask() -> tuple[list[Frame], list[Frame]]:
        async with served(connections=1) as (_, where):
            reader, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(WHOLE)
            await reader.readexactly(1)
            refused = await exchange(where, b"")
            writer.close()
            await writer.wait_closed()
            while True:  # the server hears of it a moment later
                found = await exchange(where, WHOLE, 1)
                if found[0].kind is FrameKind.RESULT:
                    return refused, found

    refused, found = run(ask())
    assert [one.flags for one in refused] == [RefusalReason.BUSY]
    assert found[0].payload == b"abcd"


def test_server_that_stops_answers_what_waits() -> None:
    async def ask() -> tuple[list[Frame], bool]:
        worker = EchoWorker()
        worker.go.clear()
        async with served(worker) as (server, where):
            data = b"".join(asking(number).to_bytes() for number in range(3))
            answers = asyncio.create_task(exchange(where, data, 3))
            await asyncio.to_thread(worker.begun.acquire)
            while server._queue.qsize() < 2:
                await asyncio.sleep(0)
            stopping = asyncio.create_task(server.stop())
            await asyncio.sleep(0)
            worker.go.set()
            found = await answers
            await stopping
            return found, worker.is_closed

    found, is_closed = run(ask())
    assert [one.kind for one in found] == [FrameKind.RESULT] * 3
    assert is_closed


def test_frame_that_never_ends_ends_the_connection() -> None:
    async def ask() -> tuple[bytes, dict[str, int]]:
        async with served(frame_seconds=0.05) as (server, where):
            reader, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(WHOLE[:5])
            found = await reader.read()
            writer.close()
            return found, server.metrics.broken

    assert run(ask()) == (b"", {"TooSlow": 1})


def test_port_in_use_is_said() -> None:
    async def ask() -> None:
        async with served() as (server, where):
            with pytest.raises(
                BadInput, match=rf"cannot listen on 127.0.0.1:{where.port}: .*in use"
            ):
                await server.start("127.0.0.1", where.port)

    run(ask())


REQUESTS = [
    (b"GET /health HTTP/1.1\r\n\r\n", b"200 OK", b"well\n"),
    (b"GET /metrics?x=1 HTTP/1.0\r\nHost: x\r\n\r\n", b"200 OK", b"edgebottle_connections 0\n"),
    (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found", b"there are /health and /metrics\n"),
    (b"POST /health HTTP/1.1\r\n\r\n", b"405 Method Not Allowed", b"GET only\n"),
    (b"\r\n\r\n", b"405 Method Not Allowed", b"GET only\n"),
]


@pytest.mark.parametrize(("asked", "status", "words"), REQUESTS)
def test_health_and_metrics(asked: bytes, status: bytes, words: bytes) -> None:
    async def ask() -> bytes:
        async with served() as (server, where):
            await exchange(where, WHOLE)
            status = await server._listen(server._serve_status, "127.0.0.1", 0, None)
            reader, writer = await asyncio.open_connection("127.0.0.1", status)
            writer.write(asked)
            answer = await reader.read()
            writer.close()
            return answer

    answer = run(ask())
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert words in answer
    if b"/metrics?" in asked:
        count = b'edgebottle_requests_total{model="small",kind="features",outcome="result"} 1\n'
        assert count in answer
        assert b'edgebottle_queue_seconds_bucket{model="small",le="+Inf"} 1\n' in answer


@pytest.fixture(scope="module")
def worker() -> object:
    models = by_id([ServedModel("small", untrained_split())])
    found = LiteRTWorker(models)
    yield found
    found.close()


def test_features_and_pictures_give_what_the_network_computes(worker: LiteRTWorker) -> None:
    file = untrained_split()
    code, head = file.split.code, LiteRTModel(file.head)
    whole = LiteRTModel(file.data, reference=False)
    name = file.graph.outputs[0]
    quant = file.graph.tensors[name].quant
    assert quant is not None
    for image in samples(4, seed=2):
        stored = whole.run([image[None]])[0].astype(np.float32)
        expected = ((stored - quant.zero_point[0]) * np.float32(quant.scale[0])).reshape(-1)
        payload, is_packed = code.encode(file.split.levels(head.run([image[None]])[0]), code.rates)
        frame = Frame(FrameKind.FEATURES, file.model, 1, payload, code.rates, PACKED * is_packed)
        assert np.array_equal(np.frombuffer(worker.answer(frame), "<f4"), expected)
        for form in (ImageForm.RAW, ImageForm.PNG):
            picture = encoded(pixels(image[None]), form)
            frame = Frame(FrameKind.IMAGE, file.model, 1, picture, flags=form)
            assert np.array_equal(np.frombuffer(worker.answer(frame), "<f4"), expected)
        for form in (ImageForm.JPEG, ImageForm.WEBP):
            picture = encoded(pixels(image[None]), form, 100)
            frame = Frame(FrameKind.IMAGE, file.model, 1, picture, flags=form)
            assert np.abs(np.frombuffer(worker.answer(frame), "<f4") - expected).max() < 0.1


PICTURE = pixels(samples(1))
BAD = [
    (FrameKind.FEATURES, b"", 0, 0, "rate 0, of 1 to 3"),
    (FrameKind.FEATURES, b"", 4, 0, "rate 4, of 1 to 3"),
    (FrameKind.FEATURES, b"", 1, 2, "flags 0x02"),
    (FrameKind.FEATURES, b"", 1, PACKED, "packed payload of 0, not 36,"),
    (FrameKind.FEATURES, bytes(99), 1, 0, "at most 36"),
    (FrameKind.IMAGE, bytes(99), 0, ImageForm.RAW, "99 values, and the network takes 1,728"),
    (FrameKind.IMAGE, b"", 0, ImageForm.JPEG, "broken picture"),
    (FrameKind.IMAGE, encoded(PICTURE, ImageForm.PNG), 0, ImageForm.JPEG, "broken picture"),
    (FrameKind.IMAGE, encoded(PICTURE, ImageForm.PNG)[:-40], 0, ImageForm.PNG, "broken picture"),
    (FrameKind.IMAGE, encoded(PICTURE[:9], ImageForm.PNG), 0, ImageForm.PNG, "24 x 9 pixels"),
    (FrameKind.IMAGE, b"", 0, 9, "form 9"),
]


@pytest.mark.parametrize(("kind", "payload", "rate", "flags", "words"), BAD)
def test_payload_that_cannot_be(
    worker: LiteRTWorker, kind: FrameKind, payload: bytes, rate: int, flags: int, words: str
) -> None:
    with pytest.raises(BadPayload, match=words):
        worker.answer(Frame(kind, untrained_split().model, 1, payload, rate, flags))


def test_the_same_network_twice_is_said() -> None:
    model = ServedModel("small", untrained_split())
    with pytest.raises(BadInput, match="'small' and 'again' are one network"):
        by_id([model, ServedModel("again", model.file)])


def test_times_of_one_byte() -> None:
    for code in range(256):
        assert coded(seconds_of(code)) == code
    assert (coded(0.0), coded(1e9)) == (0, 255)


ADDRESSES = [
    ("127.0.0.1:7700", Address("127.0.0.1", 7700)),
    ("[::1]:0", Address("::1", 0)),
    (" attic.local:65535 ", Address("attic.local", 65535)),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_address(text: str, expected: Address) -> None:
    assert Address.of_text(text) == expected
    assert Address.of_text(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "7700", ":7700", "a:", "a:65536", "::1:7", "a b:1", "http://a:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadInput, match="is no HOST:PORT"):
        Address.of_text(text)
