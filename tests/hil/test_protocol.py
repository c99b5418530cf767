"""The client of the protocol: what it reads, and what it says when a board misbehaves."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from fake_board import READY, Answer, FakeBoard

from edgebottle.errors import BoardError
from hil import exchange, protocol
from hil.answers import BoardCycles, Checksums, InferResult, Memory
from hil.protocol import BoardClient, Refused
from hil.session import (
    Session,
    StepCounts,
    StepCycles,
    check_build,
    check_memory,
)
from hil.virtual.state import BlockCount
from hil.virtual.timing.cycles import Cycles
from tests.hil.url_driver import UrlDriver

BANNER = b"m-timestamp-mode-performance\r\nm-lap-us-7\r\nm-init-done\r\nm-ready\r\n"
INFER = (
    b"m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\nm-lap-us-100\r\nm-lap-us-350\r\n"
    b"m-infer-done\r\nm-results-[0.500,-1.250]\r\n"
) + READY
GOOD: dict[str, Answer] = {
    "name": b"m-name-dut-[stm32f746]\r\n" + READY,
    "profile": b"m-profile-[P]\r\nm-model-[kws]\r\n" + READY,
    "build": b"m-build-[00c0ffee]\r\n" + READY,
    "infer": INFER,
    "results": b"m-results-[0.500,-1.250]\r\n" + READY,
    "out": b"m-out-0-[01FF]\r\nm-out-1-[]\r\n" + READY,
    "mem": b"m-mem-[arena=1000 stack=200 stack_size=2048 canary=ok]\r\n" + READY,
    "cyc": b"m-cyc-[hz=16000000 steps=2 total=33]\r\nm-cyc-step-[0 11]\r\nm-cyc-step-[1 22]\r\n"
    + READY,
    "crc": b"m-crc-step-[0 0000000A]\r\nm-crc-step-[1 DEADBEEF]\r\nm-crc-[DEADBEEF]\r\n" + READY,
    "in 1": b"m-in-[1 2]\r\n" + READY,
    "db load 2": b"m-[Expecting 2 bytes]\r\n" + READY,
    "db 0102": b"m-load-done\r\n" + READY,
}
READS: list[tuple[str, Callable[[BoardClient], object], object]] = [
    ("name", BoardClient.name, "stm32f746"),
    ("profile", BoardClient.profile, ("P", "kws")),
    ("build", BoardClient.build, 0xC0FFEE),
    ("infer", BoardClient.infer, InferResult(250, (0.5, -1.25))),
    ("results", BoardClient.results, (0.5, -1.25)),
    ("outputs", BoardClient.outputs, [b"\x01\xff", b""]),
    ("mem", BoardClient.mem, Memory(1000, 200, 2048, True)),
    ("cycles", BoardClient.cycles, BoardCycles(16_000_000, (11, 22), 33)),
    ("crc", BoardClient.crc, Checksums((10, 0xDEADBEEF), 0xDEADBEEF)),
    ("load", lambda client: client.load_input(0, b"\1\2"), None),
    ("load second", lambda client: client.load_input(1, b"\1\2"), None),
]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(exchange, "SYNC_SECONDS", 0.2)
    monkeypatch.setattr(exchange, "MAX_LINES", 100)


@pytest.mark.parametrize(("call", "value"), [row[1:] for row in READS], ids=[r[0] for r in READS])
def test_reads(call: Callable[[BoardClient], object], value: object) -> None:
    with FakeBoard(GOOD, BANNER) as board, BoardClient.connect(board.url) as client:
        assert call(client) == value


def test_data_are_sent_in_chunks_without_waiting() -> None:
    data = bytes(range(256)) * 5
    chunks = [data[i : i + protocol.CHUNK_BYTES].hex() for i in range(0, 1280, 512)]
    answers: dict[str, Answer] = {
        "db": READY,
        "db load 1280": b"m-[Expecting 1280 bytes]\r\n" + READY,
    }
    answers[f"db {chunks[-1]}"] = b"m-load-done\r\n" + READY
    with FakeBoard(answers) as board, BoardClient.connect(board.url) as client:
        client.load_input(0, data)
        assert board.commands[-4:] == ["db load 1280", *(f"db {chunk}" for chunk in chunks)]


def test_a_byte_lost_on_the_line_is_sent_again() -> None:
    def once(board: FakeBoard, command: str) -> bytes:
        board.answers["db 0102"] = GOOD["db 0102"]
        return b"e-[Insufficent number of hex digits]\r\n" + READY

    with FakeBoard({**GOOD, "db 0102": once}) as board, BoardClient.connect(board.url) as client:
        client.load_input(0, b"\1\2")
        assert client.load_attempts == 2


HANG_UP = lambda board, command: None  # noqa: E731 - a value of the table below
FAULT = b"\r\ne-[fault pc=0x08001234 lr=0x08000001 cfsr=0x00000400]\r\n"
BAD: list[tuple[str, Answer, str]] = [
    ("silent", b"", r"fell silent \(nothing for 0.3 s\) while reading the outputs"),
    ("stops in a line", b"m-out-0-[01", r"fell silent .*\| m-out-0-\[01\.\.\."),
    ("stops before ready", b"m-out-0-[01]\r\n", r"fell silent .*m-out-0-\[01\]"),
    ("hangs up", HANG_UP, r"connection to the board was closed .*while reading the outputs"),
    ("garbage", b"\xff\xfe\x00zz\r\n" + READY, r"answered garbage while .*\\xff\\xfe"),
    ("a reset", b"m-out-0-[0\r\n" + BANNER, r"the board reset while reading the outputs"),
    ("a fault", FAULT, r"processor faulted: fault pc=0x08001234 .*while reading the outputs"),
    ("a refusal", b"e-[infer first]\r\n" + READY, r"refused while reading the outputs: e-\[infer"),
    ("half a byte", b"m-out-0-[012]\r\n" + READY, r"wrong form while reading the outputs"),
    ("another number", b"m-out-1-[01]\r\n" + READY, r"wrong form"),
    ("another answer", b"m-name-dut-[x]\r\n" + READY, r"wrong form"),
    ("nothing but ready", READY, r"wrong form"),
    ("no end", b"m-out-0-[01]\r\n" * 50 + b"\r\n" * 50 + READY, "answer does not end"),
    ("control bytes", b"m-out-0-[\x1b[2J\x07]\r\n" + READY, r"form while .*\\x1b\[2J\\x07"),
]


@pytest.mark.parametrize(("answer", "message"), [row[1:] for row in BAD], ids=[r[0] for r in BAD])
def test_a_bad_answer_is_one_clear_error(answer: Answer, message: str) -> None:
    with FakeBoard({**GOOD, "out": answer}) as board, BoardClient.connect(board.url) as client:
        with pytest.raises(BoardError, match=message) as caught:
            client.outputs()
        assert "\n" not in str(caught.value)
        assert board.url in str(caught.value)


DIGITS = b"9" * 30_000
WRONG_FORM: list[tuple[str, Callable[[BoardClient], object], bytes]] = [
    ("mem", BoardClient.mem, b"m-mem-[arena=x stack=1 stack_size=1 canary=ok]\r\n"),
    ("mem", BoardClient.mem, b"m-mem-[arena=-1 stack=1 stack_size=1 canary=ok]\r\n"),
    ("mem", BoardClient.mem, b"m-mem-[arena=%b stack=1 stack_size=1 canary=ok]\r\n" % DIGITS),
    ("cyc", BoardClient.cycles, b"m-cyc-[hz=1 steps=%b total=3]\r\n" % DIGITS),
    ("cyc", BoardClient.cycles, b"m-cyc-[hz=1 steps=1 total=3]\r\nm-cyc-step-[0 %b]\r\n" % DIGITS),
    ("infer", BoardClient.infer, INFER.replace(b"us-350", b"us-" + DIGITS).removesuffix(READY)),
    ("infer", BoardClient.infer, INFER.replace(b"us-100", b"us--100").removesuffix(READY)),
    ("in 1", lambda client: client.load_input(1, b"\1\2"), b"m-in-[1 2 rows of %b]\r\n" % DIGITS),
    ("build", BoardClient.build, b"m-build-[xyz]\r\n"),
    ("cyc", BoardClient.cycles, b"m-cyc-[hz=1 steps=2 total=3]\r\nm-cyc-step-[0 1]\r\n"),
    ("crc", BoardClient.crc, b"m-crc-step-[1 00000000]\r\nm-crc-[00000000]\r\n"),
    ("crc", BoardClient.crc, b""),
    ("results", BoardClient.results, b"m-results-[0.5,,]\r\n"),
    ("infer", BoardClient.infer, INFER.replace(b"start-1", b"start-9").removesuffix(READY)),
    ("infer", BoardClient.infer, INFER.replace(b"us-350", b"us-10").removesuffix(READY)),
    ("profile", BoardClient.profile, b"m-profile-[P]\r\n"),
    ("db load 2", lambda client: client.load_input(0, b"\1\2"), b"m-[Expecting 3 bytes]\r\n"),
    ("db 0102", lambda client: client.load_input(0, b"\1\2"), b""),
]


@pytest.mark.parametrize(("command", "call", "answer"), WRONG_FORM)
def test_answers_are_parsed_strictly(
    command: str, call: Callable[[BoardClient], object], answer: bytes
) -> None:
    answers = {**GOOD, command: answer + READY}
    with FakeBoard(answers) as board, BoardClient.connect(board.url) as client:
        with pytest.raises(BoardError):
            call(client)
        assert client.name() == "stm32f746"


def test_a_refusal_leaves_the_board_usable() -> None:
    answers = {**GOOD, "db load 3": b"e-[Supplied buffer size 3 exceeds maximum of 2]\r\n" + READY}
    with FakeBoard(answers) as board, BoardClient.connect(board.url) as client:
        with pytest.raises(Refused, match=r"loading 3 bytes into input 0: .*exceeds maximum of 2"):
            client.load_input(0, b"abc")
        client.load_input(0, b"\1\2")


@pytest.mark.parametrize(
    ("answers", "banner", "message"),
    [
        ({"": b"", "sync-1": b"", "sync-2": b"", "sync-3": b""}, b"", "sent nothing at all"),
        ({"": b"login: \r\n", "sync-1": b"", "sync-2": b""}, b"", r"last lines: login: "),
        ({"": lambda board, command: None}, b"", "closed"),
    ],
)
def test_a_board_without_our_firmware(
    answers: dict[str, Answer], banner: bytes, message: str
) -> None:
    with FakeBoard(answers, banner) as board, pytest.raises(BoardError, match=message):
        BoardClient.connect(board.url, boot_seconds=0.4)


def test_connecting_skips_what_was_on_its_way() -> None:
    stale = b"m-results-[1]\r\nm-ready\r\n\xff\xfe\r\n" + BANNER
    with FakeBoard(GOOD, stale) as board, BoardClient.connect(board.url) as client:
        assert client.name() == "stm32f746"


def test_a_session_runs_samples() -> None:
    with (
        FakeBoard(GOOD, BANNER) as board,
        Session(UrlDriver(board.url, 0xC0FFEE)) as session,
    ):
        runs = [session.run([b"\1\2", b"\1\2"]) for _ in range(3)]
        assert session.attempts == 6
    assert [run.outputs for run in runs] == [[b"\x01\xff", b""]] * 3
    assert [run.micros for run in runs] == [250, 250, 250]
    assert runs[0].counts is runs[0].modelled is None


class FakeCounter:
    """Counts ten instructions for each sample it is asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def begin(self, inputs: Sequence[bytes]) -> None:
        self.asked.append(f"begin with {len(inputs)} inputs")

    def counts(self, runs: int) -> StepCounts:
        self.asked.append(f"counts of {runs}")
        return StepCounts(10, (6, 4))

    def blocks(self) -> tuple[BlockCount, ...]:
        return ()

    def cycles(self, runs: int) -> StepCycles:
        self.asked.append(f"cycles of {runs}")
        return StepCycles(Cycles(), ())

    def model_memory(self, on: bool) -> None:
        self.asked.append(f"memory {on}")


def test_a_session_counts_what_it_is_asked_to() -> None:
    counter = FakeCounter()
    with FakeBoard(GOOD, BANNER) as board:
        driver = replace(UrlDriver(board.url), counter=counter)  # type: ignore[arg-type]
        with Session(driver) as session:
            plain, counted = (session.run([b"\1\2"] * 2, count=count) for count in (False, True))
            modelled = session.run([b"\1\2"] * 2, count=True, model=True)
    assert plain.counts is None
    assert counted.counts == StepCounts(10, (6, 4)) and counted.modelled is None
    assert modelled.counts == counted.counts and modelled.modelled is not None
    assert StepCounts(11, (6, 5)).shared(2) == StepCounts(5, (3, 2))
    assert counter.asked == [
        *("memory False", "begin with 2 inputs", "counts of 1", "memory False"),
        *("memory True", "begin with 2 inputs", "counts of 1", "cycles of 1", "memory False"),
    ]


def test_a_stale_image_is_an_error() -> None:
    with (
        FakeBoard(GOOD) as board,
        BoardClient.connect(board.url) as client,
        pytest.raises(BoardError, match=r"another image .*00c0ffee.* 00000001.*flash it again"),
    ):
        check_build(client, 1)


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (Memory(1000, 10, 2048, False), "canary"),
        (Memory(1000, 2048, 2048, True), "stack overflowed"),
    ],
)
def test_overrun_memory_is_an_error(memory: Memory, message: str) -> None:
    check_memory(Memory(1000, 0, 0, True))
    with pytest.raises(BoardError, match=message):
        check_memory(memory)
