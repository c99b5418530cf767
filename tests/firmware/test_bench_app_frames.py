"""The bench application and frames: all of the bytes of one, at their place, or none."""

import random
from pathlib import Path

import pytest
from bench_build import ask, build_host

from hil.frames import COMMAND_END, LINE_END, input_frame, output_bytes, stuffed

READY = b"m-ready\r\n"
DATA = bytes(range(10))
EXPECTING = b"m-[Expecting 10 bytes]\r\n" + READY
DONE = b"m-load-done\r\n" + READY


def bad(place: int) -> bytes:
    return b"e-[Bad frame at %d]\r\n" % place + READY


def put(place: int, data: bytes) -> bytes:
    return b"put " + input_frame(place, data) + b"%"


GOOD = put(0, DATA)
HALF, REST = put(0, DATA[:5]), put(5, DATA[5:])


@pytest.fixture(scope="session", params=[0, 12])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    return build_host(folder, request.param, defines=("EB_BENCH_OUTPUT_BYTES=64",))


# What is sent after `db load 10`, and the answers to it.
SENT = [
    ("whole", GOOD, DONE),
    ("in two", HALF + REST, READY + DONE),
    ("with nothing in it", b"put%", bad(0)),
    ("of no bytes", put(0, b""), bad(0)),
    ("half, then asked", HALF + b"put%", READY + bad(5)),
    ("the same twice", HALF + HALF + REST, READY + bad(5) + DONE),
    ("behind its place", REST, bad(0)),
    ("too long", put(0, DATA + b"x") + GOOD, bad(0) + DONE),
    ("after the last", GOOD + put(10, b"x"), DONE + bad(10)),
    ("without its end", GOOD[:-3] + b"%" + GOOD, bad(0) + DONE),
    ("in hex, then a frame", b"db 0001020304%" + REST, READY + DONE),
    ("a frame, then in hex", HALF + b"db 0506070809%", READY + DONE),
    ("behind garbage", b"\xff%" + GOOD, b"e-[Unknown command: ?]\r\n" + READY + DONE),
    ("line ends in it", b"put \r\n\t \x00%" + GOOD, bad(0) + DONE),
    ("twice begun", b"put " + GOOD, bad(0)),
]


@pytest.mark.parametrize(("sent", "answer"), [row[1:] for row in SENT], ids=[r[0] for r in SENT])
def test_what_becomes_of_a_frame(app: Path, sent: bytes, answer: bytes) -> None:
    assert ask(app, b"db load 10%" + sent) == EXPECTING + answer


def test_no_damage_of_one_bit_or_byte_is_taken(app: Path) -> None:
    """Each damaged frame is followed by the good one, which is."""
    frame = GOOD.removeprefix(b"put ").removesuffix(b"%")
    damaged = [frame[:at] + frame[at + 1 :] for at in range(len(frame))]
    for at in range(len(frame)):
        for bit in range(8):
            spoiled = frame[at] ^ 1 << bit
            if spoiled != COMMAND_END:
                damaged.append(frame[:at] + bytes([spoiled]) + frame[at + 1 :])
    sent = b"".join(b"put " + each + b"%" for each in damaged)
    assert ask(app, b"db load 10%" + sent + GOOD) == EXPECTING + bad(0) * len(damaged) + DONE


def test_no_garbage_is_taken(app: Path) -> None:
    rng = random.Random(3)
    noise = [bytes(rng.choices(range(256), k=rng.randrange(600))) for _ in range(300)]
    sent = b"".join(b"put " + each.replace(b"%", b"") + b"%" for each in noise)
    answer = ask(app, b"db load 10%" + sent + GOOD)
    assert answer == EXPECTING + bad(0) * len(noise) + DONE


def test_outputs_in_frames_are_those_in_text(app: Path) -> None:
    load = b"db load 10%" + GOOD + b"in 1%db load 2%" + put(0, b"\1\2") + b"infer 1 0%"
    text, frames = (ask(app, load + each).split(b"m-results-")[1] for each in (b"out%", b"get%"))
    lines = frames.split(b"\r\n")[2:-2]
    assert [line.partition(b" ")[0] for line in lines] == [b"m-get-[0", b"m-get-[1"]
    found = [output_bytes(line.partition(b" ")[2].removesuffix(b"]")) for line in lines]
    assert [
        b"m-out-%d-[%b]" % (i, data.hex().upper().encode()) for i, data in enumerate(found)
    ] == (text.split(b"\r\n")[2:-2])
    assert all(bytes([LINE_END]) not in stuffed(data, LINE_END) for data in found)


def test_a_line_without_a_rate_says_so(app: Path) -> None:
    assert ask(app, b"baud 921600%") == b"e-[No such rate: 921600]\r\n" + READY
