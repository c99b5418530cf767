"""The bench application around a row-fed model, and the client that feeds it row by row."""

import re
from pathlib import Path

import pytest
from bench_build import FAKE, FAKE_ROWS, ask, build_host

from hil.host_board import HostBoard
from hil.protocol import BoardClient, Refused
from hil.session import Session
from tests.hil.url_driver import UrlDriver

READY = b"m-ready\r\n"
DONE = b"m-load-done\r\n" + READY
EXPECTING = b"m-[Expecting 24 bytes]\r\n" + READY
ROWS = [bytes(range(n, n + 6)) for n in (0, 10, 20, 30)]
SUMS = bytes(sum(row) % 256 for row in ROWS)
LOAD = b"db load 24%" + b"".join(b"db " + row.hex().encode() + b"%" for row in ROWS)
LOADED = EXPECTING + READY * 3 + DONE
OUT = b"m-out-0-[" + SUMS.hex().upper().encode() + b"]\r\n" + READY
LOAD_FIRST = b"e-[load the input first]\r\n" + READY
NO_RESULTS = b"e-[infer first: there are no results]\r\n" + READY
USED_UP = b"e-[A run uses up the rows of its input: infer 1 0]\r\n" + READY
RAN = (
    b"m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\n"
    b"m-lap-us-T\r\nm-lap-us-T\r\nm-infer-done\r\n"
    b"m-results-[15.000,75.000,-121.000,-61.000]\r\n" + READY
)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host(tmp_path_factory.mktemp("rows"), 0, model=FAKE_ROWS)


EXCHANGES = [
    ("row by row", LOAD + b"infer 1 0%out%", LOADED + RAN + OUT),
    ("twice", (LOAD + b"infer 1 0%out%") * 2, (LOADED + RAN + OUT) * 2),
    (
        "all in one",
        b"db load 24%db " + b"".join(ROWS).hex().encode() + b"%infer 1 0%out%",
        EXPECTING + DONE + RAN + OUT,
    ),
    (
        "across rows",
        b"db load 24%db "
        + ROWS[0][:4].hex().encode()
        + b"%db "
        + (ROWS[0][4:] + ROWS[1] + ROWS[2][:1]).hex().encode()
        + b"%db "
        + (ROWS[2][1:] + ROWS[3]).hex().encode()
        + b"%infer 1 0%out%",
        EXPECTING + READY * 2 + DONE + RAN + OUT,
    ),
    (
        "a refused command is sent again",
        b"db load 24%db 0001%db 0203zz%db 02030405%"
        + b"".join(b"db " + row.hex().encode() + b"%" for row in ROWS[1:])
        + b"infer 1 0%out%",
        EXPECTING + READY + b"e-[Invalid hex digit 'zz']\r\n" + READY * 4 + DONE + RAN + OUT,
    ),
    (
        "a load that was given up",
        b"db load 24%db " + ROWS[3].hex().encode() + b"%" + LOAD + b"infer 1 0%out%",
        EXPECTING + READY + LOADED + RAN + OUT,
    ),
    ("one load, one run", LOAD + b"infer 1 0%infer 1 0%", LOADED + RAN + LOAD_FIRST),
    ("no load", b"infer 1 0%out%cyc%", LOAD_FIRST + NO_RESULTS * 2),
    ("a part", b"db load 24%db 0001%infer 1 0%", EXPECTING + READY + LOAD_FIRST),
    ("several runs", LOAD + b"infer 2 0%infer%infer 1 0%", LOADED + USED_UP * 2 + RAN),
    (
        "a new load ends the results",
        LOAD + b"infer 1 0%db load 24%out%",
        LOADED + RAN + EXPECTING + NO_RESULTS,
    ),
    (
        "crc",
        LOAD + b"crc%",
        LOADED + b"e-[The steps of a row-fed model do not run one by one]\r\n" + READY,
    ),
    ("print", LOAD + b"db print%", LOADED + b"e-[The rows are handed over, not kept]\r\n" + READY),
    (
        "in",
        b"in 0%in 1%",
        b"m-in-[0 24 rows of 6]\r\n" + READY + b"e-[No such input: 1]\r\n" + READY,
    ),
    ("mem", b"mem%", b"m-mem-[arena=8 stack=0 stack_size=0 canary=ok]\r\n" + READY),
    (
        "too much",
        LOAD + b"db 00%",
        LOADED + b"e-[Too much data: only 0 more bytes expected]\r\n" + READY,
    ),
    ("too large", b"db load 25%", b"e-[Supplied buffer size 25 exceeds maximum of 24]\r\n" + READY),
    (
        "a run that fails",
        b"db load 24%" + b"db 000000000000%" * 3 + b"db 7f0000000000%infer 1 0%out%",
        LOADED
        + b"m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\n"
        + b"e-[The run failed with status 2]\r\n"
        + READY
        + NO_RESULTS,
    ),
]


@pytest.mark.parametrize(
    ("sent", "answer"), [row[1:] for row in EXCHANGES], ids=[row[0] for row in EXCHANGES]
)
def test_exchange(app: Path, sent: bytes, answer: bytes) -> None:
    assert re.sub(rb"m-lap-us-\d+", b"m-lap-us-T", ask(app, sent)) == answer


def test_cycles_are_those_of_the_rows(app: Path) -> None:
    answer = ask(app, LOAD + b"infer 1 0%cyc%")
    laps = [int(text) for text in re.findall(rb"m-lap-us-(\d+)", answer)]
    found = re.search(rb"m-cyc-\[hz=1000000000 steps=0 total=(\d+)\]\r\nm-ready\r\n$", answer)
    assert found
    assert int(found[1]) > 0
    assert laps[1] - laps[0] == int(found[1]) // 1000


def test_a_command_longer_than_the_buffer_is_refused(tmp_path: Path) -> None:
    wide = build_host(tmp_path, 0, model=FAKE_ROWS, defines=("EB_FAKE_ROWS_FEED_BYTES=100",))
    fits, too_long = b"db " + b"01" * 140 + b"%", b"db " + b"01" * 141 + b"%"
    answer = ask(wide, b"db load 400%" + too_long + fits * 2 + b"db " + b"01" * 100 + b"%")
    assert answer == (
        b"m-[Expecting 400 bytes]\r\n"
        + READY
        + b"e-[A command may bring no more than a row]\r\n"
        + READY * 2
        + b"e-[A command may bring no more than a row]\r\n"
        + READY
        + READY
    )


def sample(number: int) -> list[bytes]:
    return [bytes((number * 7 + i) % 100 for i in range(24))]


def test_many_samples_come_back_right(app: Path) -> None:
    with HostBoard(app) as board, Session(UrlDriver(board.url)) as session:
        for number in range(50):
            (output,) = session.run(sample(number)).outputs
            (data,) = sample(number)
            assert output == bytes(sum(data[i : i + 6]) % 256 for i in range(0, 24, 6))
        assert session.attempts == 50


def test_client_waits_after_each_row(app: Path) -> None:
    with HostBoard(app) as board, BoardClient.connect(board.url) as client:
        client.load_input(0, b"".join(ROWS))
        assert client.infer().us >= 0
        assert client.outputs() == [SUMS]
        cycles = client.cycles()
        assert cycles.steps == () and cycles.total > 0
        with pytest.raises(Refused, match="do not run one by one"):
            client.crc()


def test_rows_and_a_kept_input_exclude_each_other(tmp_path: Path) -> None:
    import subprocess

    with pytest.raises(subprocess.CalledProcessError) as caught:
        build_host(tmp_path, 24, model=FAKE_ROWS)
    assert "as a whole" in caught.value.stderr


def test_the_other_build_says_nothing_of_rows(tmp_path: Path) -> None:
    data = build_host(tmp_path, 0, model=FAKE).read_bytes()
    assert b" rows of " not in data and b"row-fed" not in data
