"""The whole way of energy: firmware on a virtual board, its pulses, a meter, the record."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.energy_mode import in_energy_mode
from hil.virtual.client import VirtualBoard
from tests.cli.command_line import edgebottle
from tests.lab.meters import FakeLpm01a, supply_of

BOARD = "microbit"
BUSY = 0.020
"""Watts, as ``meters.Supply`` has it."""

METER = """
[board.desk.meter]
kind = "lpm01a"
port = "{port}"
volts = 3.0
"""


@contextmanager
def desk(folder: Path, more: str = METER) -> Iterator[FakeLpm01a]:
    """A board of a bench with a meter: the virtual one, with firmware of energy mode."""
    line = ("build", "digits", "-b", BOARD, "--energy", "--out", "o", "--json")
    built = edgebottle(*line, cwd=folder).json()
    assert built["pulse"] == {"pin": "P0.03", "label": "0"}
    board = in_energy_mode(load_board(BOARD))
    with (
        VirtualBoard.boot(folder / built["elf"], board) as virtual,
        FakeLpm01a(supply_of(virtual, board.clock_hz)) as meter,
    ):
        entry = f'[board.desk]\nboard = "{BOARD}"\nport = "{virtual.url}"\nflash = false\n'
        text = f"version = 1\n{entry}{more.format(port=meter.port)}"
        (folder / "bench.toml").write_text(text)
        yield meter


MEASURE = ("measure", "digits", "-b", "desk", "--energy", "--samples", "2", "--windows", "2")


def test_from_the_board_to_the_record(tmp_path: Path) -> None:
    with desk(tmp_path) as meter:
        record = edgebottle(*MEASURE, "--records", "r.jsonl", "--json", cwd=tmp_path).json()
        checked = edgebottle("bench", "check", "--json", cwd=tmp_path).json()
        again = edgebottle(*MEASURE, "--records", "s.jsonl", cwd=tmp_path)
    energy = record["energy"]
    assert energy["meter"] == "X-NUCLEO-LPM01A 1.0.6" and energy["pulses"] == "input"
    assert energy["volts"] == 3.0 and energy["seconds"] >= 1.0 and len(energy["joules"]) == 2
    # All of a run is spent at one power: energy is power times the time that the board itself says.
    expected = BUSY * record["latency_us"][1] / 1e6
    assert energy["joules"] == pytest.approx([expected] * 2, rel=0.02)
    assert energy["mean_amps"] == pytest.approx(BUSY / 3.0, rel=0.01)
    (checked_meter,) = (one for one in checked["boards"]["desk"] if one["part"] == "meter")
    assert checked_meter["is_good"] and checked_meter["words"] == "X-NUCLEO-LPM01A 1.0.6, for 3 V"
    assert "energy" in again.out and " uJ" in again.out and "mA, peak" in again.out
    assert meter.heard.count("start") == 4
    line = ("bench", "compare", "r.jsonl", "s.jsonl", "--json")
    compared = edgebottle(*line, cwd=tmp_path)
    (found,) = compared.json()["energy"]
    assert found["verdict"] == "same" and compared.code == 0
    report = edgebottle("report", "r.jsonl", "--html", "r.html", cwd=tmp_path)
    assert report.code == 0 and " uJ" in (tmp_path / "r.html").read_text()


def test_jobs_and_the_benchmark(tmp_path: Path) -> None:
    jobs = (
        'version = 1\nretries = 0\n[[job]]\nmodels = ["digits"]\nboards = ["desk"]\nenergy = true\n'
    )
    (tmp_path / "jobs.toml").write_text(f"{jobs}samples = [1]\nwindows = 2\n")
    with desk(tmp_path) as meter:
        run = edgebottle("bench", "run", "jobs.toml", "--out", "out", cwd=tmp_path)
        assert run.code == 0, run.err
        meter.mend = lambda lines: [line for line in lines if "event" not in line]
        failed = edgebottle("bench", "run", "jobs.toml", "--out", "two", cwd=tmp_path)
    (record,) = [json.loads(line) for line in (tmp_path / "out/records.jsonl").open()]
    assert len(record["energy"]["joules"]) == 2
    assert f"{record['energy']['joules'][0] * 1e6:,.1f}"[:4] in run.out
    assert failed.code != 0 and "the meter saw no pulse" in failed.out + failed.err


@pytest.mark.parametrize(
    ("meter", "command", "said"),
    [
        ("", MEASURE, "has a meter (docs/bench.md)"),
        ("", ("measure", "digits", "-b", BOARD, "--energy", "--no-bench"), "of a virtual microbit"),
        ("", ("measure", "digits", "-b", "host", "--energy"), "host has no pin for the pulses"),
        (METER.replace("3.0", "3.6"), MEASURE, "volts' is 3.6: of X-NUCLEO-LPM01A 1.8 to 3.3"),
        (METER.replace("lpm01a", "lpm02"), MEASURE, "one of lpm01a, ppk2, joulescope"),
        (METER + "channel = 1", MEASURE, "channel' is 1: a X-NUCLEO-LPM01A has 0 to 0"),
        (METER + "supplies = false", MEASURE, "measures only what it supplies"),
        (METER + 'serial = "1"', MEASURE, "meter.port': its serial number says where it is"),
        (METER.replace("lpm01a", "joulescope"), MEASURE, "meter.port': it has no serial port"),
    ],
)
def test_what_is_refused(tmp_path: Path, meter: str, command: tuple[str, ...], said: str) -> None:
    entry = f'[board.desk]\nboard = "{BOARD}"\nport = "socket://127.0.0.1:9"\nflash = false\n'
    (tmp_path / "bench.toml").write_text(f"version = 1\n{entry}{meter.format(port='/dev/x')}")
    done = edgebottle(*command, cwd=tmp_path)
    assert done.code != 0 and said in done.err and "Traceback" not in done.err
