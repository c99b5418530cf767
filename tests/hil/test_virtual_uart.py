"""The serial port: every byte arrives, one client at a time, no CPU used while idle."""

import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from virtual_helpers import BOARDS, F7, GD32, booted, commands_elf

from edgebottle.boards import Board
from edgebottle.errors import BadBoard, BadInput, BoardError, BuildFailed
from hil.virtual.client import VirtualBoard
from hil.virtual.native import library
from tests.waiting import has_ended, wait_until


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_echo(board: Board) -> None:
    text = bytes(range(32, 123)) * 200
    with booted(board) as link:
        link.port.write(b"{" + text + b"}")
        assert link.port.readline() == text + b"\n"


def test_next_client_after_the_first_has_gone() -> None:
    with booted(F7) as link:
        assert link.ask("e") == [0x12345678]
        for _ in range(3):
            link.port.close()
            link.port = serial.serial_for_url(link.virtual.url, timeout=20)
            assert link.ask("e") == [0x12345678]


def test_second_client_is_told_that_the_port_is_busy() -> None:
    with booted(F7) as link:
        link.ask("e")
        address = ("127.0.0.1", int(link.virtual.url.rsplit(":", 1)[1]))
        with socket.create_connection(address, timeout=20) as second:
            assert second.makefile("rb").read().startswith(b"e-[busy")
        assert link.ask("e") == [0x12345678]


def test_idle_board_sleeps() -> None:
    """A board that does nothing but ask for a byte runs a loop of a few instructions per 20 ms."""
    with booted(F7) as link:
        link.ask("e")
        before = link.virtual.counts().instructions
        time.sleep(0.5)
        assert 0 < link.virtual.counts().instructions - before < 50_000


def test_board_ends_with_its_parent() -> None:
    code = (
        "import sys, os, pickle; from hil.virtual.client import VirtualBoard;"
        "from pathlib import Path; from virtual_helpers import F7;"
        "b = VirtualBoard.boot(Path(sys.argv[1]), F7);"
        "print(b._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(commands_elf(F7))],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parent,
        check=False,
    )
    pid = int(result.stdout)
    wait_until(lambda: has_ended(pid), "the board ends with its parent")


def test_a_killed_board_is_named_so() -> None:
    with booted(F7) as link:
        assert link.virtual.death() is None
        link.virtual._process.kill()
        with pytest.raises(BoardError, match="process ended: killed by SIGKILL"):
            link.virtual.counts()
        assert link.virtual.death() == "the virtual board's process ended: killed by SIGKILL"


def test_requests_after_the_end_say_so() -> None:
    with booted(F7) as link:
        pass
    with pytest.raises(BoardError, match=r"closed|ended"):
        link.virtual.counts()


def test_files_that_are_no_firmware(tmp_path: Path) -> None:
    good = commands_elf(F7).read_bytes()
    cut = tmp_path / "cut.elf"
    for size in (0, 10, 60, 1000, len(good) // 2):
        cut.write_bytes(good[:size])
        with pytest.raises(BadInput, match=r"cut\.elf"):
            VirtualBoard.boot(cut, F7)
    with pytest.raises(BuildFailed, match=r"none\.elf"):
        VirtualBoard.boot(tmp_path / "none.elf", F7)


def test_firmware_for_another_cpu_or_memory() -> None:
    with pytest.raises(BadInput, match="runs riscv"):
        VirtualBoard.boot(commands_elf(F7), GD32)
    small = replace(F7, regions=(replace(F7.region("flash"), size=1024), F7.region("ram")))
    with pytest.raises(BadInput, match="outside the memory"):
        VirtualBoard.boot(commands_elf(F7), small)
    with pytest.raises(BadBoard, match="no virtual board"):
        VirtualBoard.boot(commands_elf(F7), replace(F7, virtual=False))


def test_native_half_is_compiled_once() -> None:
    assert library() is library()
