"""`measure --port` with boards that misbehave: each is one clear message and exit code 3."""

import json
import os
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.cli.command_line import edgebottle, environment, installed
from tests.hil.fake_board import READY, Answer, FakeBoard

BOARD = "microbit"
BANNER = b"m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\n" + READY
HANG_UP = lambda board, command: None  # noqa: E731 - a value of the table below
STALE = b"m-build-[00000001]\r\n" + READY


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines of the protocol, shorter."""
    from hil import exchange, protocol

    connect = protocol.BoardClient.connect
    monkeypatch.setattr(exchange, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(protocol.BoardClient, "connect", partial(connect, boot_seconds=0.5))


@pytest.fixture(scope="session")
def crc(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What the image answers to ``build%``."""
    from edgebottle.build.elf import read_elf

    folder = tmp_path_factory.mktemp("image")
    data = edgebottle("build", "digits", "-b", BOARD, "--out", "o", "--json", cwd=folder).json()
    return read_elf(folder / data["elf"]).crc32


LOADS: dict[str, Answer] = {
    "db load 64": b"m-[Expecting 64 bytes]\r\n" + READY,
    "db": b"m-load-done\r\n" + READY,
}
ROWS: list[tuple[str, dict[str, Answer], str]] = [
    ("silent", {"": b"", **{f"sync-{i}": b"" for i in range(9)}}, "sent nothing at all"),
    ("stale image", {"build": STALE}, "runs another image .CRC 00000001.*flash it again"),
    ("garbage", {"db load 64": b"\xff\xfe\x00zz\r\n" + READY}, r"answered garbage while .*\\xff"),
    ("resets", {**LOADS, "infer": b"m-warm" + BANNER}, "the board reset|answered"),
    ("dies midway", {**LOADS, "infer": HANG_UP}, "connection to the board was closed"),
    ("falls silent", {"db load 64": b"m-[Exp"}, r"fell silent .*m-\[Exp"),
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("name", "answers", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_a_board_that_fails(
    tmp_path: Path, crc: int, name: str, answers: dict[str, Answer], message: str
) -> None:
    good: dict[str, Answer] = {"build": f"m-build-[{crc:08x}]\r\n".encode() + READY}
    with FakeBoard({**good, **answers}) as board:
        line = ("measure", "digits", "-b", BOARD, "--port", board.url, "--json")
        done = edgebottle(*line, "--records", "r.jsonl", cwd=tmp_path)
    assert done.code == json.loads(done.out)["error"]["exit_code"] == 3, done
    assert re.search(message, done.err) and done.err.startswith("Error: "), done.err
    assert done.err.count("\n") == 1 and "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_busy_port(tmp_path: Path) -> None:
    from hil.link import Link

    ours, theirs = os.openpty()
    with Link.open(os.ttyname(theirs)):
        line = ("measure", "digits", "-b", BOARD, "--port", os.ttyname(theirs))
        done = edgebottle(*line, cwd=tmp_path)
    os.close(ours)
    os.close(theirs)
    assert done.code == 3 and "is busy: another program" in done.err


def test_a_real_board_without_a_programmer(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    line = ("measure", "digits", "-b", BOARD, "--port", os.ttyname(theirs))
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")  # SCons needs it
    done = installed(*line, cwd=tmp_path, env=environment(PATH=str(tmp_path)))
    os.close(ours)
    os.close(theirs)
    assert done.code == 3 and re.search("no programmer for .* is installed", done.err), done.err
