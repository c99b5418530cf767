"""`measure --port` at ports with a virtual board behind them: of another computer, and searched."""

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from hil.virtual.client import VirtualBoard
from tests.cli.command_line import edgebottle
from tests.hil.port_server import PortServer

BOARD = "microbit"
MEASURE = ("measure", "digits", "-b", BOARD, "--samples", "2", "--records", "r.jsonl", "--json")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PortServer]:
    """A pty, served as rfc2217 too, with a virtual board that runs the image."""
    line = ("build", "digits", "-b", BOARD, "--out", "o", "--json")
    elf = tmp_path / edgebottle(*line, cwd=tmp_path).json()["elf"]
    with VirtualBoard.boot(elf, load_board(BOARD)) as virtual, PortServer(virtual.url) as port:
        yield port


def programmer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only OpenOCD: it logs its arguments."""
    log, script = folder / "openocd.log", folder / "openocd"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(log)!r}, 'a').write(' '.join(sys.argv[1:]))\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return log


def test_a_port_of_another_computer(server: PortServer, tmp_path: Path) -> None:
    record = edgebottle(*MEASURE, "--port", server.url, cwd=tmp_path).json()
    assert record["board"] == BOARD and record["attempts"] == 3  # and one for the cycles of steps
    # It is said to be a real board, and gives itself away.
    assert record["latency_kind"] == record["cycles_kind"] == "emulated"
    assert "as many cycles as instructions" in " ".join(record["remarks"])
    # Its serial port is there, its probe is here: it is flashed where that is said.
    line = (*MEASURE, "--port", server.url, "--programmer", "nrfutil")
    done = edgebottle(*line, cwd=tmp_path)
    assert done.code == 3 and "nrfutil does not flash microbit: openocd, pyocd" in done.err


def test_a_port_that_is_searched(
    server: PortServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serial.tools import list_ports

    log = programmer(tmp_path, monkeypatch)
    found = (server.device, "BBC micro:bit CMSIS-DAP", "USB VID:PID=0D28:0204 SER=9904")
    monkeypatch.setattr(list_ports, "grep", lambda pattern: [found])
    record = edgebottle(*MEASURE, "--port", "hwgrep://9904", cwd=tmp_path).json()
    assert record["board"] == BOARD
    assert "-f target/nrf51.cfg -c program {" in log.read_text()
    log.unlink()
    assert edgebottle(*MEASURE, "--port", "hwgrep://9904", "--no-flash", cwd=tmp_path).code == 0
    assert not log.exists()
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    assert [json.loads(line)["board"] for line in lines] == [BOARD, BOARD]


# options, message of the usage error
WRONG = [
    (("--probe", "7F"), "--probe is of a real board: give its --port"),
    (("--recover",), "--recover is of a real board: give its --port"),
    (
        ("--port", "COM9", "--no-flash", "--probe", "7F"),
        "--probe and --no-flash exclude each other",
    ),
    (("--port", "COM9", "--programmer", "avrdude"), "--programmer avrdude: there are STM32_"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
@pytest.mark.parametrize("command", ("measure", "verify"))
def test_options_that_do_not_fit(
    tmp_path: Path, command: str, options: tuple[str, ...], message: str
) -> None:
    done = edgebottle(command, "digits", "-b", BOARD, *options, cwd=tmp_path)
    assert done.code == 2 and message in done.err
