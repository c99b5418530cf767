"""The whole bench on this computer: client, link, host board and the bench application."""

import os
import signal
import struct
import time
import zlib
from pathlib import Path

import pytest
from bench_build import build_host

from edgebottle.errors import BoardError
from hil.answers import Memory
from hil.host_board import HostBoard, image_crc
from hil.protocol import BoardClient, Refused
from hil.session import Session
from tests.hil.url_driver import UrlDriver
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host(tmp_path_factory.mktemp("bench"), 12)


def sample(number: int) -> list[bytes]:
    return [bytes((number * 7 + i) % 100 for i in range(10)), bytes([number % 50, 3])]


def expected(number: int) -> list[bytes]:
    first, second = sample(number)
    total = struct.pack("<f", (second[0] + second[1]) * 0.5)
    return [bytes(value + 1 for value in first[:4]), total]


def test_many_samples_come_back_right(executable: Path) -> None:
    with HostBoard(executable) as board:
        with Session(UrlDriver(board.url, image_crc(executable))) as session:
            runs = [session.run(sample(n)) for n in range(200)]
            assert session.attempts == 400
        assert board.fault() is None
    assert [run.outputs for run in runs] == [expected(n) for n in range(200)]
    assert runs[-1].memory == Memory(28, 0, 0, True)


def test_a_board_keeps_its_state_when_the_line_is_opened_again(executable: Path) -> None:
    with HostBoard(executable) as board:
        with BoardClient.connect(board.url) as client:
            for index, data in enumerate(sample(5)):
                client.load_input(index, data)
            assert client.infer(3, 2).us >= 0
        with BoardClient.connect(board.url) as client:
            assert client.outputs() == expected(5)
            crcs = client.crc()
            assert crcs.output == zlib.crc32(expected(5)[0])
            assert len(crcs.steps) == 2
            assert client.cycles().hz == 1_000_000_000


def test_a_half_sent_command_of_somebody_else_does_no_harm(executable: Path) -> None:
    import socket

    with HostBoard(executable) as board:
        with socket.create_connection(("127.0.0.1", int(board.url.rsplit(":")[-1]))) as other:
            other.sendall(b"db load 10%db 0102")
            time.sleep(0.1)
        with BoardClient.connect(board.url) as client:
            with pytest.raises(Refused, match="load the input first"):
                client.infer()
            assert client.name() == "edgebottle"


def test_a_board_that_dies_is_an_error_at_once(executable: Path) -> None:
    with HostBoard(executable) as board, BoardClient.connect(board.url) as client:
        os.kill(board.pid, signal.SIGKILL)
        with pytest.raises(BoardError, match=r"was closed .* while asking its name"):
            client.name()
        # The line closes a moment before the process has ended.
        wait_until(lambda: board.fault() is not None, "the fault of a board that died")
        assert board.fault() == "the host board's process ended: killed by SIGKILL"


@pytest.mark.parametrize("content", [None, b"not an executable"])
def test_a_file_that_cannot_be_run(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "firmware"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BoardError, match="cannot be started"):
        HostBoard(path)
