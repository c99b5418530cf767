"""`edgebottle bench list`, `add`, `check` and `watch`, and `measure` on a board of the bench."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from hil import revive
from hil.bench.board_lock import BoardLock
from hil.bench.entries import BenchEntry, read_bench
from hil.protocol import BoardClient
from tests.cli.command_line import SCRIPT, edgebottle, environment
from tests.lab.desk import Desk, each_time
from tests.waiting import wait_until


@dataclass
class UsbSerial:
    """What pyserial says of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    product: str | None = "STM32 STLink"
    description: str = ""
    location: str = "1-1:1.2"


STLINK = UsbSerial("/dev/ttyACM0", 0x0483, 0x374B, "066CFF31")
OTHER = UsbSerial("/dev/ttyACM1", 0x0483, 0x374B, "066CFF99")
MICROBIT = UsbSerial("/dev/ttyACM2", 0x0D28, 0x0204, "990123456789", "BBC micro:bit CMSIS-DAP")
CABLE = UsbSerial("/dev/ttyUSB0", 0x1A86, 0x7523, None, "USB Serial")
BUILT_IN = UsbSerial("/dev/ttyS0", None, None, None)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[UsbSerial]:
    """What is plugged in; a test adds to it and takes away."""
    from serial.tools import list_ports

    found: list[UsbSerial] = [BUILT_IN]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    return found


def test_boards_are_added_as_they_are_plugged_in(tmp_path: Path, plugged: list[UsbSerial]) -> None:
    plugged.append(STLINK)
    done = edgebottle("bench", "add", "-b", "nucleo_l4r5zi", cwd=tmp_path)
    assert done.out == (
        "wrote bench.toml: nucleo_l4r5zi is a nucleo_l4r5zi at USB 0483:374B serial 066CFF31\n"
    )
    (tmp_path / "bench.toml").open("a").write("# the left one\n")
    plugged.append(MICROBIT)  # which says itself what it is
    assert edgebottle("bench", "add", "--json", cwd=tmp_path).json()["board"] == "microbit"
    plugged.append(OTHER)
    assert edgebottle("bench", "add", "-b", "nucleo_l4r5zi", cwd=tmp_path).code == 0
    plugged.append(CABLE)
    url = ("--port", "rfc2217://attic:4001", "--probe", "7F")
    assert edgebottle("bench", "add", "attic", "-b", "microbit", *url, cwd=tmp_path).code == 0
    assert edgebottle("bench", "add", "cable", "-b", "longan_nano", cwd=tmp_path).code == 0
    line = ("bench", "add", "double", "-b", "stm32f746", "--virtual")
    assert edgebottle(*line, cwd=tmp_path).code == 0
    assert [(entry.name, entry.place) for entry in read_bench(tmp_path / "bench.toml").entries] == [
        ("nucleo_l4r5zi", "USB 0483:374B serial 066CFF31"),
        ("microbit", "USB 0D28:0204 serial 990123456789"),
        ("nucleo_l4r5zi-2", "USB 0483:374B serial 066CFF99"),
        ("attic", "rfc2217://attic:4001"),
        ("cable", "/dev/ttyUSB0"),
        ("double", "virtual"),
    ]
    assert "# the left one\n" in (tmp_path / "bench.toml").read_text()


# what is plugged in, arguments, exit code, message
WRONG = [
    ([], ("-b", "microbit"), 1, "no such board is plugged in; nothing with a serial port is plug"),
    ([], ("-b", "micobit"), 1, "no board 'micobit': did you mean 'microbit'"),
    ([], ("a/b", "-b", "microbit"), 1, "'a/b' is no name of a board"),
    ([STLINK], (), 2, "Say which board it is with --board ID"),
    ([STLINK], ("-b", "nucleo_l4r5zj"), 1, "no board 'nucleo_l4r5zj'.*nucleo_l4r5zi"),
    ([STLINK, OTHER], ("-b", "microbit"), 1, r"several .* ttyACM0 .*ttyACM1 .*; choose with --ser"),
    ([MICROBIT], (), 1, "/dev/ttyACM2 belongs to 'here' already"),
    ([MICROBIT, OTHER], ("--serial", "9"), 1, "no such board is plugged in; there is .*ttyACM2"),
    ([OTHER], ("here", "-b", "stm32f746"), 1, r"would not be valid TOML: .*here"),
    ([OTHER], ("all", "-b", "stm32f746"), 1, "no board may be called 'all'"),
    ([], ("-b", "microbit", "--virtual", "--port", "COM3"), 2, "--virtual is of no real board"),
]


@pytest.mark.parametrize(("ports", "words", "code", "message"), WRONG)
def test_what_cannot_be_added(
    tmp_path: Path,
    plugged: list[UsbSerial],
    ports: list[UsbSerial],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    plugged += ports
    path = tmp_path / "bench.toml"
    path.write_text('version = 1\n[board.here]\nboard = "microbit"\nserial = "990123456789"\n')
    before = path.read_text()
    done = edgebottle("bench", "add", *words, cwd=tmp_path)
    assert done.code == code and re.search(message.replace(" .* ", ".*"), done.err), done.err
    assert path.read_text() == before


def two(folder: Path) -> Path:
    path = folder / "bench.toml"
    path.write_text(
        'version = 1\n[board.left]\nboard = "nucleo_l4r5zi"\nserial = "066CFF31"\n'
        '[board.sick]\nboard = "microbit"\nserial = "9901"\n'
        'quarantine = { reason = "cable", until = 9999-12-31 }\n'
    )
    return path


def states(folder: Path) -> dict[str, str]:
    boards = edgebottle("bench", "list", "--json", cwd=folder).json()["boards"]
    return {one["name"]: one["state"] for one in boards}


def test_how_boards_are(tmp_path: Path, plugged: list[UsbSerial]) -> None:
    entry = read_bench(two(tmp_path)).entries[0]
    left_out = "quarantined until 9999-12-31: cable"
    absent = "absent: left (USB serial 066CFF31) is not plugged in"
    assert states(tmp_path) == {"left": absent, "sick": left_out}
    plugged.append(STLINK)
    assert states(tmp_path) == {"left": "free", "sick": left_out}
    lock = BoardLock(entry)
    assert lock.try_take()
    lock.tell("digits auto: run 3/10")
    used = f"in use: digits auto: run 3/10 (process {os.getpid()})"
    assert states(tmp_path)["left"] == used
    # The lock belongs to the probe: another name of it is no other board.
    assert not BoardLock(BenchEntry("other", "microbit", port="x", probe="066CFF31")).try_take()
    lock.let_go()
    assert states(tmp_path)["left"] == "free"


def test_no_bench_here(tmp_path: Path) -> None:
    done = edgebottle("bench", "list", cwd=tmp_path)
    assert done.code == 1 and "there is no bench.toml here: `edgebottle bench add`" in done.err
    elsewhere = environment(EDGEBOTTLE_BENCH=str(two(tmp_path)))
    (tmp_path / "sub").mkdir()
    assert "066CFF31" in edgebottle("bench", "list", cwd=tmp_path / "sub", env=elsewhere).out
    done = edgebottle("bench", "run", cwd=tmp_path / "sub", env=elsewhere)
    assert done.code == 1 and "there is no jobs.toml here: name another file" in done.err


def test_watching_says_what_changes(tmp_path: Path) -> None:
    entry = read_bench(two(tmp_path)).entries[0]
    with subprocess.Popen(
        [str(SCRIPT), "bench", "watch", "--json"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [json.loads(process.stdout.readline()) for _ in range(2)]
        lock = BoardLock(entry)
        wait_until(lock.try_take, "the board is free")
        lock.tell("tried")
        said.append(json.loads(process.stdout.readline()))
        lock.let_go()
        process.kill()
    assert [one["board"] for one in said] == ["left", "sick", "left"]
    assert said[2]["state"].startswith("in use:")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path, {"one": each_time(None)(), "two": each_time(None)()}) as found:
        yield found


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A probe that sees something: the images it was given; and a board has a second to answer."""
    from hil import pyocd_core

    images: list[Path] = []

    def looked_into(board: object, serial: object, elf: Path) -> str:
        images.append(elf)
        return "the core is in main"

    monkeypatch.setattr(pyocd_core, "looked_into", looked_into)
    monkeypatch.setattr(revive, "ANSWER_SECONDS", 1.0)
    connect = BoardClient.connect
    monkeypatch.setattr(BoardClient, "connect", partial(connect, boot_seconds=2.0))
    return images


def test_checking(tmp_path: Path, desk: Desk, core: list[Path]) -> None:
    done = edgebottle("bench", "check", "--json", cwd=tmp_path, env=desk.environment())
    parts = json.loads(done.out)["boards"]["one"]
    assert done.code == 0 and [(one["part"], one["is_good"]) for one in parts] == [
        ("programmer", True),
        ("power", True),
        ("port", True),
        ("firmware", True),
    ]
    # Nothing has been flashed yet, so that there is nothing to look for in its core.
    assert [one["step"] for one in parts[-1]["steps"]] == ["line", "probe", "power"]
    assert desk.boards["one"].heard == ["reset", "off", "on"] and core == []
    (tmp_path / "switch").unlink()
    (tmp_path / "openocd").unlink()
    desk.boards["one"].close()
    done = edgebottle("bench", "check", "one", cwd=tmp_path, env=environment(PATH=str(tmp_path)))
    assert done.code == 3 and done.out.count("WRONG") == 3
    assert "there is no program" in done.out and "refused" in done.out
    done = edgebottle("bench", "check", "oen", cwd=tmp_path)
    assert done.code == 1 and "no board is called 'oen': did you mean 'one'" in done.err


CYCLED = [
    ("line", "asked the board whether it listens"),
    ("core", "looked into its core"),
    ("probe", "a reset by openocd"),
    ("power", "power off and on"),
]
"""What is done about a board that only its power brings back."""


def test_a_silent_board_is_looked_into_and_restarted(tmp_path: Path, core: list[Path]) -> None:
    """By `measure`, whose record says so, and by `check`, which knows what was flashed."""

    def done_of(steps: list[dict[str, str]]) -> list[tuple[str, str]]:
        assert [one["saw"] for one in steps][1] == "the core is in main"
        assert steps[-1]["saw"] == "the board answers" and "no answer in" in steps[-2]["saw"]
        return [(one["step"], one["did"]) for one in steps]

    with Desk(tmp_path, {"one": each_time("dead")()}) as desk:
        env = desk.environment()
        record = edgebottle(*MEASURE, "-b", "one", cwd=tmp_path, env=env).json()
        assert done_of(record["recovery"]) == CYCLED
        assert record["remarks"][0] == (
            "the board was silent at first: power off and on brought the board back"
        )
        assert desk.boards["one"].heard == ["flash", "reset", "off", "on"]
        desk.boards["one"].hush()
        checked = edgebottle("bench", "check", "--json", cwd=tmp_path, env=env).json()
        (firmware,) = (one for one in checked["boards"]["one"] if one["part"] == "firmware")
        assert done_of(firmware["steps"]) == CYCLED
        assert firmware["words"] == "power off and on brought the board back"
        desk.boards["one"].hush()
        shown = edgebottle("bench", "check", cwd=tmp_path, env=env).out
        assert re.search(r"- core +looked into its core: the core is in main", shown)
    built, *kept = core
    folders = [path.parent.parent.name for path in (built, *kept)]
    assert folders[1:] == ["bench"] * 2 and folders[0] != "bench"
    page = tmp_path / "page.html"
    edgebottle("report", "r.jsonl", "--html", page, cwd=tmp_path)
    assert "The board was silent" in page.read_text()
    assert "recovery" in edgebottle("report", "r.jsonl", cwd=tmp_path).out


def test_power_is_switched_when_asked(tmp_path: Path, desk: Desk, core: list[Path]) -> None:
    line = ("bench", "check", "two", "--power")
    assert "power cycle" in edgebottle(*line, cwd=tmp_path, env=desk.environment()).out
    assert desk.boards["two"].heard == ["off", "on", "reset"] and desk.boards["one"].heard == []


MEASURE = ("measure", "digits", "--samples", "1", "--records", "r.jsonl", "--json")


def test_measuring_takes_a_board_of_the_bench(tmp_path: Path, desk: Desk) -> None:
    def kind(*words: str) -> tuple[str, str]:
        done = edgebottle(*MEASURE, *words, cwd=tmp_path, env=desk.environment())
        return done.json()["latency_kind"], done.err

    assert kind("-b", "microbit")[0] == "emulated"  # a real board, which gives itself away
    lock = BoardLock(read_bench(tmp_path / "bench.toml").entry("one"))
    assert lock.try_take()
    assert "board: two of the bench" in kind("-b", "microbit")[1]
    lock.let_go()
    assert [board.heard for board in desk.boards.values()] == [["flash"], ["flash"]]
    line = (*MEASURE, "-b", "one", "--windows", "3")  # by its name
    record = edgebottle(*line, cwd=tmp_path, env=desk.environment()).json()
    assert len(record["windows_us"]) == 3 and min(record["windows_us"]) > 0
    assert record["attempts"] == 4  # a window each, and the cycles of steps
    assert [board.heard for board in desk.boards.values()] == [["flash", "flash"], ["flash"]]
    assert kind("-b", "microbit", "--no-bench")[0] == "modelled"
    assert kind("-b", "nrf52840dk") == ("modelled", "")  # which the bench has none of


def test_measuring_without_the_board(tmp_path: Path, plugged: list[UsbSerial]) -> None:
    two(tmp_path)
    done = edgebottle(*MEASURE, "-b", "microbit", cwd=tmp_path)
    assert done.json()["latency_kind"] == "modelled"
    assert done.err == (
        "Warning: no board of the bench can be used (quarantined until 9999-12-31: cable): the "
        "virtual board is\n"
    )
    done = edgebottle(*MEASURE, "-b", "left", cwd=tmp_path)
    assert done.code == 3 and "left (USB serial 066CFF31) is not plugged in" in done.err
