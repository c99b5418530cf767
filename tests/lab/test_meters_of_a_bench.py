"""Meters that are plugged in are found, and energies of two records are compared."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hil.bench.entries import read_bench
from hil.bench.meters.recording import MeterSettings
from hil.bench.regression import energy_changes
from hil.energy_record import EnergyRecord
from hil.records import Record, append
from tests.cli.command_line import edgebottle
from tests.lab.test_bench_commands import MICROBIT, STLINK, UsbSerial
from tests.lab.test_compare import BASE

SHIELD = UsbSerial("/dev/ttyACM3", 0x0483, 0x5740, "2061398A4D43", "PowerShield")
PPK2 = UsbSerial("/dev/ttyACM4", 0x1915, 0xC00A, "D0FF", "PPK2", location="1-3:1.1")
PPK2_SECOND = UsbSerial("/dev/ttyACM5", 0x1915, 0xC00A, "D0FF", "PPK2", location="1-3:1.3")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[UsbSerial]:
    """What is plugged in."""
    from serial.tools import list_ports

    found: list[UsbSerial] = []
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    return found


def test_a_board_is_added_with_its_meter(tmp_path: Path, plugged: list[UsbSerial]) -> None:
    plugged += [SHIELD, MICROBIT]  # the meter's port is not taken for a board
    done = edgebottle("bench", "add", "--meter", "3.0", cwd=tmp_path)
    assert "microbit is a microbit at USB 0D28:0204" in done.out
    assert done.out.endswith(", measured by lpm01a\n")
    plugged += [STLINK, PPK2, PPK2_SECOND]  # the first meter belongs to a board now
    line = ("bench", "add", "-b", "nucleo_l4r5zi", "--meter", "3.3", "--json")
    assert edgebottle(*line, cwd=tmp_path).json()["meter"]["kind"] == "ppk2"
    assert [entry.meter for entry in read_bench(tmp_path / "bench.toml").entries] == [
        MeterSettings("lpm01a", serial="2061398A4D43", volts=3.0),
        MeterSettings("ppk2", serial="D0FF", volts=3.3),
    ]


@pytest.mark.parametrize(
    ("ports", "words", "said"),
    [
        ((MICROBIT,), ("--meter", "3"), "no new meter with a serial port is plugged in"),
        ((MICROBIT, SHIELD, PPK2), ("--meter", "3"), "several meters are new: .*ttyACM3.*ttyACM4"),
        ((MICROBIT, SHIELD), ("--meter", "5"), "volts' is 5: of X-NUCLEO-LPM01A 1.8 to 3.3"),
        ((SHIELD,), ("-b", "microbit"), "no such board is plugged in"),
        ((), ("-b", "microbit", "--virtual", "--meter", "3"), "--virtual takes no energy"),
    ],
)
def test_what_cannot_be_added(
    tmp_path: Path,
    plugged: list[UsbSerial],
    ports: tuple[UsbSerial, ...],
    words: tuple[str, ...],
    said: str,
) -> None:
    plugged += ports
    done = edgebottle("bench", "add", *words, cwd=tmp_path)
    assert done.code != 0 and re.search(said, done.err), (done.out, done.err)
    assert not (tmp_path / "bench.toml").exists()


def test_a_meter_that_is_not_there(tmp_path: Path, plugged: list[UsbSerial]) -> None:
    text = 'version = 1\n[board.here]\nboard = "microbit"\nport = "socket://127.0.0.1:9"\n'
    meter = '[board.here.meter]\nkind = "ppk2"\nserial = "D0FF"\nvolts = 3.0\n'
    (tmp_path / "bench.toml").write_text(text + meter)
    done = edgebottle("bench", "check", "--json", cwd=tmp_path)
    (found,) = [one for one in json.loads(done.out)["boards"]["here"] if one["part"] == "meter"]
    assert found["words"] == (
        "no Power Profiler Kit II (USB 1915:C00A) with serial number D0FF is plugged in"
    )
    assert done.code == 3


def energy(*joules: float, volts: float = 3.3) -> Record:
    found = EnergyRecord("m", "input", 10, 1.0, volts, 0.01, 0.02, 0.001, joules)
    return replace(BASE, energy=found)


QUIET, LOUD = (0.999, 1.0, 1.001), (0.9, 1.0, 1.1)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (energy(*QUIET), energy(*QUIET), "same"),
        (energy(*QUIET), energy(1.019, 1.02, 1.021), "more"),
        (energy(*QUIET), energy(0.979, 0.98, 0.981), "less"),
        (energy(*LOUD), energy(1.1, 1.2, 1.3), "same"),
        (energy(1.0), energy(1.5), "uncertain"),
        (energy(*QUIET), energy(*QUIET, volts=1.8), "other voltage"),
        (BASE, energy(*QUIET), "new"),
        (energy(*QUIET), BASE, "gone"),
    ],
)
def test_verdicts_on_energy(tmp_path: Path, old: Record, new: Record, verdict: str) -> None:
    (found,) = energy_changes([old], [new])
    assert found.verdict == verdict
    append(tmp_path / "a.jsonl", old)
    append(tmp_path / "b.jsonl", new)
    done = edgebottle("bench", "compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert verdict in done.out and done.code == (1 if verdict == "more" else 0)


def test_nothing_is_said_of_energy_where_none_was_measured() -> None:
    assert energy_changes([BASE], [BASE]) == ()
