"""The line: opening errors, deadlines, lines in pieces."""

import errno
import os
import socket
from pathlib import Path

import pytest
from fake_board import READY, FakeBoard

from edgebottle.errors import BoardError
from hil import link
from hil.link import Link, LinkClosed
from tests.waiting import deadline


def test_lines_come_whole_however_they_arrive() -> None:
    ours, theirs = os.openpty()
    import tty

    tty.setraw(theirs)
    with Link.open(os.ttyname(theirs)) as line:
        os.write(ours, b"one\r\ntw")
        assert line.read_line(deadline(1)) == b"one"
        assert line.read_line(deadline(0.05)) is None
        assert line.pending() == b"tw"
        os.write(ours, b"o\n\r\n" + b"x" * 3000 + b"\r\n")
        assert line.read_line(deadline(1)) == b"two"
        assert line.read_line(deadline(1)) == b""
        assert line.read_line(deadline(1)) == b"x" * 3000
        line.send(b"answer%")
        assert os.read(ours, 100) == b"answer%"
    line.close()
    os.close(ours)
    os.close(theirs)


def test_a_busy_port_is_named() -> None:
    ours, theirs = os.openpty()
    with Link.open(os.ttyname(theirs)), pytest.raises(BoardError, match="is busy: another program"):
        Link.open(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/dev/no-such-port", r"there is no port /dev/no-such-port; (ports that|no serial port)"),
        ("nonsense://x", r"nonsense://x is not a port that can be opened"),
        ("socket://127.0.0.1", r"cannot connect to socket://127.0.0.1"),
    ],
)
def test_a_port_that_is_none(url: str, message: str) -> None:
    with pytest.raises(BoardError, match=message):
        Link.open(url)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BoardError, match=r"cannot connect to socket.*refused; is the board"):
        Link.open(f"socket://127.0.0.1:{port}")


def test_no_permission_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import serial

    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    port = tmp_path / "ttyACM0"
    port.touch()
    with pytest.raises(BoardError, match=r"no permission to open port .*usermod -aG \w+ \$USER"):
        Link.open(str(port))


def test_a_file_that_is_no_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(BoardError, match="cannot be opened"):
        Link.open(str(path))


def test_the_other_side_goes() -> None:
    with FakeBoard({"bye": lambda board, command: None}) as board, Link.open(board.url) as line:
        line.send(b"bye%")
        with pytest.raises(LinkClosed, match="was closed"):
            line.read_line(deadline(2))


def test_an_endless_line_is_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LINE_BYTES", 1000)
    # Not as a banner: what arrives before the line is open is thrown away, as it should be.
    with FakeBoard({"noise": b"\xff" * 2000}) as board, Link.open(board.url) as line:
        line.send(b"noise%")
        with pytest.raises(BoardError, match="endless line"):
            line.read_line(deadline(10))


def test_lines_without_a_descriptor_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_descriptor", lambda port, url: None)
    answers = {"name": b"m-name-dut-[x]\r\n" + READY}
    with FakeBoard(answers) as board, Link.open(board.url) as line:
        line.send(b"name%")
        assert line.read_line(deadline(2)) == b"m-name-dut-[x]"
        assert line.read_line(deadline(2)) == b"m-ready"
        assert line.read_line(deadline(0.1)) is None
