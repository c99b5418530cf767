"""Flashing, with programmers that only write down what they were asked."""

import stat
import sys
from pathlib import Path

import pytest

from edgebottle.boards import Board, load_board
from edgebottle.errors import BoardError, ToolMissing
from hil import flash as flashing
from hil.flash import PROGRAMMERS, flash
from tests.waiting import has_ended, wait_until

PORT = "/dev/ttyACM0"
IMAGE = b"\x00\x01\x02image"
HEX = b":00000001FF"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds nothing but fakes, and an ELF file that needs no parsing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    files = {".bin": IMAGE, ".hex": HEX}
    monkeypatch.setattr(flashing, "flash_files", lambda path, board: files)
    return folder


def install(tools: Path, name: str, body: str = "") -> Path:
    """A programmer that writes its arguments and the files among them to a log."""
    log = tools / f"{name}.log"
    script = tools / name
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        f"with open({str(log)!r}, 'w') as log:\n"
        "    for word in sys.argv[1:]:\n"
        "        content = open(word, 'rb').read() if os.path.isfile(word) else b''\n"
        "        print(word.replace(os.path.dirname(word) + '/', '') or word, content, file=log)\n"
        f"{body}\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return log


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"ELF")
    return path


COMMANDS: list[tuple[str, str, list[str]]] = [
    ("st-flash", "stm32f746", ["--reset", "write", f"firmware.bin {IMAGE!r}", "0x08000000"]),
    ("STM32_Programmer_CLI", "nucleo_l4r5zi", ["-w", "firmware.elf b'ELF'", "-rst"]),
    ("nrfjprog", "nrf52840dk", ["--program", "firmware.elf b'ELF'", "--reset"]),
    ("dfu-util", "longan_nano", ["0x08000000:leave", "-D", f"firmware.bin {IMAGE!r}"]),
    ("teensy_loader_cli", "teensy40", ["--mcu=TEENSY40", "-w", f"firmware.hex {HEX!r}"]),
    ("pyocd", "microbit", ["flash", "--target", "firmware.elf b'ELF'"]),
    ("pyocd", "nucleo_g0b1re", ["flash", "--target", "firmware.elf b'ELF'"]),
]


@pytest.mark.parametrize(("tool", "board", "expected"), COMMANDS)
def test_what_a_programmer_is_asked(
    tools: Path, elf: Path, tool: str, board: str, expected: list[str]
) -> None:
    log = install(tools, tool)
    flash(elf, load_board(board), PORT)
    lines = log.read_text().splitlines()
    positions = [i for want in expected for i, line in enumerate(lines) if line.startswith(want)]
    assert len(positions) == len(expected) and positions == sorted(positions), lines


def test_every_upload_method_of_a_board_file_has_a_programmer() -> None:
    from edgebottle.boards import all_boards

    served = frozenset[str]().union(*(item.uploads for item in PROGRAMMERS))
    for board in all_boards():
        by_hand = board.is_host or board.id in ("mps2_an385", "mps3_an547")  # from its SD card
        assert (board.upload == "none") if by_hand else (board.upload in served), board.id


def test_the_first_that_is_installed_is_taken(tools: Path, elf: Path) -> None:
    logs = [install(tools, name) for name in ("pyocd", "st-flash")]
    flash(elf, load_board("stm32f746"), PORT)
    assert [log.exists() for log in logs] == [False, True]


def test_the_image_is_gone_afterwards(tools: Path, elf: Path, tmp_path: Path) -> None:
    where = tmp_path / "where"
    install(tools, "st-flash", f"open({str(where)!r}, 'w').write(sys.argv[3])")
    flash(elf, load_board("stm32f746"), PORT)
    assert where.read_text().endswith(".bin") and not Path(where.read_text()).exists()


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ("stm32f746", r"cannot flash stm32f746 at /dev/ttyACM0: no programmer .*st-flash.*pyocd"),
        ("longan_nano", r"no programmer for 'dfu' is installed \(dfu-util\)\. Install one"),
    ],
)
def test_no_programmer_is_installed(tools: Path, elf: Path, board: str, message: str) -> None:
    with pytest.raises(ToolMissing, match=message) as caught:
        flash(elf, load_board(board), PORT)
    assert caught.value.exit_code == 3


FAILURES = [
    ("print('no probe', file=sys.stderr); sys.exit(1)", "could not flash stm32f746: no probe$"),
    ("print('on stdout'); sys.exit(2)", "could not flash stm32f746: on stdout$"),
    ("sys.exit(7)", "could not flash stm32f746: exit code 7$"),
    ("print('\\n'.join('abcde'), file=sys.stderr); sys.exit(1)", r": c \| d \| e$"),
    ("sys.stderr.buffer.write(b'\\xff\\xfe'); sys.exit(1)", "could not flash stm32f746: "),
    ("os.kill(os.getpid(), 9)", "could not flash stm32f746: killed by SIGKILL$"),
]


@pytest.mark.parametrize(("body", "message"), FAILURES, ids=range(len(FAILURES)))
def test_a_programmer_that_fails(tools: Path, elf: Path, body: str, message: str) -> None:
    install(tools, "st-flash", body)
    with pytest.raises(BoardError, match=message) as caught:
        flash(elf, load_board("stm32f746"), PORT)
    assert "\n" not in str(caught.value)


def test_a_programmer_that_hangs_is_ended_with_its_children(
    tools: Path, elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    body = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "child.wait()"
    )
    install(tools, "st-flash", body)
    monkeypatch.setattr(flashing, "DEADLINE_S", 1.5)
    with pytest.raises(BoardError, match=r"st-flash did not finish in 1\.5 s"):
        flash(elf, load_board("stm32f746"), PORT)
    wait_until(lambda: has_ended(int(pid.read_text())), "the programmer's child ends")


def test_a_programmer_that_cannot_be_started(tools: Path, elf: Path) -> None:
    script = tools / "st-flash"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(ToolMissing, match="cannot start st-flash: "):
        flash(elf, load_board("stm32f746"), PORT)


def test_the_host_is_not_flashed(tools: Path, elf: Path) -> None:
    host: Board = load_board("host")
    with pytest.raises(ToolMissing, match="cannot flash host"):
        flash(elf, host, PORT)
