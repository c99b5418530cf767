"""The client feeds a row-fed network one command at a time, and none goes beyond a row."""

import re

import pytest
from fake_board import READY, FakeBoard

from edgebottle.errors import BoardError
from hil.link import Link
from hil.protocol import CHUNK_BYTES, LOAD_ATTEMPTS, BoardClient


def board(total: int, row: int, *, done: bytes = b"m-load-done\r\n") -> FakeBoard:
    received = 0

    def db(_: FakeBoard, command: str) -> bytes:
        nonlocal received
        if command.startswith("db load"):
            received = 0
            return b"m-[Expecting %d bytes]\r\n" % total + READY
        received += len(command.removeprefix("db ")) // 2
        return (done if received == total else b"") + READY

    suffix = b" rows of %d" % row if row else b""
    return FakeBoard({"in 0": b"m-in-[0 %d" % total + suffix + b"]\r\n" + READY, "db": db})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of each piece that was sent without waiting, from `db load` on."""
    pieces: list[list[str]] = []
    send = Link.send

    def record(self: Link, data: bytes) -> None:
        commands = data.decode().split("%")[:-1]
        if commands[0].startswith("db"):
            pieces.append(commands)
        send(self, data)

    monkeypatch.setattr(Link, "send", record)
    return pieces


@pytest.mark.parametrize(
    ("total", "row", "chunks"),
    [
        (24, 6, [6, 6, 6, 6]),
        (1200, 600, [CHUNK_BYTES, 600 - CHUNK_BYTES] * 2),
        (CHUNK_BYTES * 2, CHUNK_BYTES, [CHUNK_BYTES] * 2),
        (5, 5, [5]),
    ],
)
def test_one_command_at_a_time(
    sent: list[list[str]], total: int, row: int, chunks: list[int]
) -> None:
    data = bytes(i % 251 for i in range(total))
    with board(total, row) as fake, BoardClient.connect(fake.url) as client:
        client.load_input(0, data)
    assert all(len(commands) == 1 for commands in sent)
    found = [re.fullmatch("db ([0-9a-f]+)", commands[0]) for commands in sent[1:]]
    parts = [bytes.fromhex(match[1]) for match in found if match]
    assert [len(part) for part in parts] == chunks
    assert b"".join(parts) == data


def test_others_get_everything_at_once(sent: list[list[str]]) -> None:
    with board(1200, 0) as fake, BoardClient.connect(fake.url) as client:
        client.load_input(0, bytes(1200))
    assert [len(commands) for commands in sent] == [4]


def test_a_load_that_does_not_end_is_tried_again(sent: list[list[str]]) -> None:
    with board(24, 6, done=b"") as fake, BoardClient.connect(fake.url) as client:
        with pytest.raises(BoardError, match="loading 24 bytes"):
            client.load_input(0, bytes(24))
        assert client.load_attempts == LOAD_ATTEMPTS
    assert [commands[0] for commands in sent].count("db load 24") == LOAD_ATTEMPTS
