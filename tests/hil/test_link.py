"""The line: opening errors, deadlines, lines in pieces."""

import errno
import os
import socket
from pathlib import Path

import pytest
from fake_board import READY, FakeBoard
from port_server import PortServer

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
        ("socket://127.0.0.1", r"socket://127.0.0.1 is not a port .*it needs a number, HOST:PORT"),
        (
            "rfc2217://127.0.0.1",
            r"rfc2217://127.0.0.1 is not a port .*it needs a number, HOST:PORT",
        ),
        ("rfc2217://127.0.0.1:1?x=1", r"cannot connect to rfc2217://127.0.0.1:1\?x=1: 'x'"),
        ("cp2110://x", r"cp2110://x (is not a port that can be opened|cannot)"),
        ("hwgrep://no such board", r"hwgrep://no such board finds no port: no ports found"),
        ("hwgrep://[", r"hwgrep://\[ finds no port: "),
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


def test_a_port_of_another_computer() -> None:
    """``rfc2217://`` has no deadline for writing, which pyserial answers with an exception."""
    every_byte = bytes(range(256)).replace(b"\n", b"").replace(b"%", b"")
    answers = {"name": b"m-name-dut-[x]\r\n" + READY, "all": every_byte + b"\n"}
    with FakeBoard(answers) as board, PortServer(board.url) as server:
        with Link.open(server.url) as line:
            line.send(b"name%")
            assert line.read_line(deadline(10)) == b"m-name-dut-[x]"
            assert line.read_line(deadline(10)) == b"m-ready"
            line.send(b"all%")
            assert line.read_line(deadline(10)) == every_byte.rstrip(b"\r")
            assert line.read_line(deadline(0.1)) is None
            line.send(b"\xff" * 20000 + b"%name%")  # escaped on its way, and in many pieces
            assert line.read_line(deadline(10)) == b"e-[Unknown command: " + b"\xff" * 20000 + b"]"
        with Link.open(server.url) as line:  # a second client after the first
            line.send(b"name%")
            assert line.read_line(deadline(10)) is not None


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("dtr", r"option 'control'; where the device has no DTR .*:\d+\?ign_set_control does not"),
        ("rts", r"\?timeout=0.5: what listens there has stopped answering$"),
    ],
)
def test_a_server_that_stops_while_its_port_is_opened(last: str, message: str) -> None:
    asked = {"dtr": 0, "rts": 0}

    def hear(line: str) -> None:
        asked[line.split()[0]] += 1
        if asked[last] == 2:  # the server itself sets it first
            server.stopped.set()

    with (
        FakeBoard() as board,
        PortServer(board.url, hear) as server,
        pytest.raises(BoardError, match=r"^cannot connect to rfc2217.*" + message),
    ):
        Link.open(f"{server.url}?timeout=0.5")


@pytest.mark.parametrize(
    ("given", "opened"),
    [("", "?timeout=10"), ("?logging=debug", "?logging=debug&timeout=10"), ("?timeout=2", None)],
)
def test_a_busy_server_has_time_to_answer(
    monkeypatch: pytest.MonkeyPatch, given: str, opened: str | None
) -> None:
    import serial

    urls: list[str] = []
    monkeypatch.setattr(serial, "serial_for_url", lambda url, **_: urls.append(url))
    Link.open(f"rfc2217://h:1{given}")
    assert urls == [f"rfc2217://h:1{given if opened is None else opened}"]


def test_a_port_of_another_computer_that_is_stuck() -> None:
    with FakeBoard() as board, PortServer(board.url) as server, Link.open(server.url) as line:
        server.stopped.set()
        line.send(b"first")  # the server may be waiting for it already
        with pytest.raises(BoardError, match=r"rfc2217.*the board takes no more data$"):
            for _ in range(100):
                line.send(bytes(1 << 20))


def test_a_port_of_another_computer_that_goes() -> None:
    with FakeBoard() as board:
        with PortServer(board.url) as server:
            line = Link.open(server.url)
        with line, pytest.raises(LinkClosed, match=r"rfc2217.*was closed"):
            while True:
                line.send(b"name%")
                line.read_line(deadline(0.2))


@pytest.mark.parametrize("scheme", ("hwgrep://", "HWGREP://"))
def test_a_port_is_searched_for(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    from serial.tools import list_ports

    ours, theirs = os.openpty()
    found = (os.ttyname(theirs), "STM32 STLink", "USB VID:PID=0483:374B SER=066CFF")
    monkeypatch.setattr(list_ports, "grep", lambda pattern: [found] if "066" in pattern else [])
    assert link.local_port(f"{scheme}SER=066") == os.ttyname(theirs)
    with Link.open(f"{scheme}SER=066") as line:
        os.write(ours, b"hello\n")
        assert line.read_line(deadline(5)) == b"hello"
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("url", "device"),
    [("/dev/ttyACM0", "/dev/ttyACM0"), ("COM3", "COM3"), ("rfc2217://h:1", None)],
)
def test_what_is_a_port_of_this_computer(url: str, device: str | None) -> None:
    assert link.local_port(url) == device
