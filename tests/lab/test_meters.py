"""Power meters: what each driver makes of a stream that is known, and of faulty ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import ToolMissing
from hil.bench.meters.finding import open_meter
from hil.bench.meters.recording import MeterFault, MeterRecording, MeterSettings
from hil.bench.meters.windows import EnergyWindow, energy_window
from tests.lab.meters import (
    FakeJoulescope,
    FakeLpm01a,
    FakePpk2,
    Supply,
    library,
    metadata_without_end,
)

SECONDS, BUSY, VOLTS = 0.5, 0.020, 3.3
KINDS = ("lpm01a", "ppk2", "joulescope")


def record(
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    supply: Supply | None = None,
    prepare: Callable[[Any], None] = lambda device: None,
    **said: Any,
) -> tuple[MeterSettings, MeterRecording, Any]:
    """Settings, what the driver brought back, and the device."""
    if kind == "ppk2":
        pytest.importorskip("ppk2_api")
    supply = supply or Supply()
    settings = MeterSettings(kind, volts=VOLTS, **said)
    if kind == "joulescope":
        scope = FakeJoulescope(lambda: supply)
        monkeypatch.setitem(sys.modules, "joulescope", library(scope))
        prepare(scope)
        return settings, _recorded(settings, scope.finish), scope
    device: FakeLpm01a | FakePpk2
    with (FakeLpm01a if kind == "lpm01a" else FakePpk2)(lambda: supply) as device:
        prepare(device)
        settings = MeterSettings(kind, port=device.port, volts=VOLTS, **said)
        return settings, _recorded(settings, lambda: None), device


def _recorded(settings: MeterSettings, happens: Callable[[], None]) -> MeterRecording:
    with open_meter(settings) as meter:
        meter.supply()
        meter.start()
        happens()
        return meter.stop()


def window(kind: str, monkeypatch: pytest.MonkeyPatch, *more: Any, **said: Any) -> EnergyWindow:
    settings, recording, _ = record(kind, monkeypatch, *more, **said)
    return energy_window(recording, settings, SECONDS, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_energy_between_the_pulses(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = window(kind, monkeypatch)
    assert found.joules == pytest.approx(BUSY * SECONDS, rel=2e-3)
    assert found.seconds == pytest.approx(SECONDS, abs=1e-5)
    assert found.volts == pytest.approx(VOLTS)
    assert found.peak_amps == pytest.approx(BUSY / VOLTS, rel=2e-3)


def lost_sample_of_text(device: FakeLpm01a) -> None:
    """One of the third second, which its timestamps give away."""
    device.mend = lambda lines: [line for number, line in enumerate(lines) if number != 2500]


def lost_samples(device: FakePpk2) -> None:
    device.mend = lambda data: data[: 4 * 20_000] + data[4 * 20_007 :]


def missing_values(device: FakeJoulescope) -> None:
    def mend(fields: dict[str, np.ndarray]) -> None:
        fields["current"][100_000:100_003] = np.nan

    device.mend = mend


def silent(device: FakeLpm01a) -> None:
    device.answers = False


def other_voltage(device: FakeLpm01a) -> None:
    device.volts = 1.8


def refusing(device: FakeLpm01a) -> None:
    device.refuses = "volt"


def inserted(line: str) -> Callable[[FakeLpm01a], None]:
    def prepare(device: FakeLpm01a) -> None:
        device.mend = lambda lines: [*lines[:300], line, *lines[300:]]

    return prepare


def garbled(device: FakeLpm01a) -> None:
    device.mend = lambda lines: [*lines[:300], "12#4-07", *lines[301:]]


def without(words: str) -> Callable[[FakeLpm01a], None]:
    def prepare(device: FakeLpm01a) -> None:
        device.mend = lambda lines: [line for line in lines if line != words]

    return prepare


LONG = Supply((0.02, 4.02), 4.04)
UNSUPPLIED = Supply(idle=1e-12, busy=0.0)


@pytest.mark.parametrize(
    ("kind", "supply", "prepare", "said"),
    [
        ("lpm01a", None, silent, "does not answer `version`: is it an X-NUCLEO-LPM01A"),
        ("lpm01a", None, refusing, "the meter refuses `volt 3300m`: Error detail: out of range"),
        ("lpm01a", None, other_voltage, "asked for 3.3 V, it says 1.8 V"),
        ("lpm01a", None, inserted("error: voltage drop"), "says: error: voltage drop"),
        (
            "lpm01a",
            None,
            inserted("TimeStamp: 000s 290ms, buff 97%"),
            r"its buffer overflows \(97 %\)",
        ),
        ("lpm01a", None, garbled, "1 of 500 samples between the pulses were lost"),
        ("lpm01a", LONG, lost_sample_of_text, "1 of 4,000 samples between the pulses were lost"),
        ("lpm01a", None, inserted("event 7 ris"), "events 0 to 7: some were lost"),
        ("lpm01a", None, without("event 1 ris"), "saw 1 pulses, and a window has 2"),
        ("ppk2", None, metadata_without_end, "sends no calibration: is it a PPK2, and free?"),
        ("ppk2", None, lost_samples, "7 of 50,000 samples between the pulses were lost"),
        ("joulescope", None, missing_values, r"1 of 5,00\d samples between the pulses were lost"),
        ("joulescope", Supply(volts=0.2), None, "measures 0.2.. V, and bench.toml says 3.3 V"),
        *((kind, Supply(()), None, "saw no pulse: is the board's pin wired") for kind in KINDS),
        *(
            (kind, Supply((0.02, 0.1, 0.52)), None, "saw 3 pulses, and a window has 2")
            for kind in KINDS
        ),
        *(
            (kind, Supply((0.02, 0.42)), None, "s between the pulses by the meter, 0.5000 s by")
            for kind in KINDS
        ),
        ("ppk2", UNSUPPLIED, None, "measures no current: is the board supplied through it"),
    ],
)
def test_faults(
    kind: str,
    supply: Supply | None,
    prepare: Callable[[Any], None] | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hil.bench.meters.lpm01a.ANSWER_SECONDS", 0.3)
    with pytest.raises(MeterFault, match=said):
        settings, recording, _ = record(kind, monkeypatch, supply, prepare or _nothing)
        energy_window(recording, settings, 4.0 if supply is LONG else SECONDS, 0.0)


def _nothing(device: object) -> None:
    pass


def test_without_an_input_the_hosts_clock_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    supply = Supply()
    settings, recording, _ = record("ppk2", monkeypatch, supply, pulse="host")
    ended = recording.ended - (supply.seconds - supply.falls[-1])
    found = energy_window(recording, settings, SECONDS, ended)
    assert found.joules == pytest.approx(BUSY * SECONDS, rel=2e-3)
    with pytest.raises(MeterFault, match="does not cover the window"):
        energy_window(recording, settings, SECONDS, recording.ended + 0.1)


def test_what_a_meter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, lpm = record("lpm01a", monkeypatch)
    assert lpm.heard == [
        "version",
        "htc",
        "acqtime inf",
        "trigdelay 0",
        "trigsrc sw",
        "eventsrc d7 fal",
        "output energy",
        "format ascii_dec",
        "freq 1k",
        "volt 3300m",
        "volt get",
        "pwr on nostatus",
        "start",
        "stop",
    ]
    _, _, scope = record("joulescope", monkeypatch, channel=1)
    assert scope.settings["io_voltage"] == "3.3V" and scope.settings["voltage_lsb"] == "gpi1"
    assert not scope.is_open
    _, _, ppk2 = record("ppk2", monkeypatch, supplies=False)
    assert (0x11, 1) in ppk2.heard and (0x0D, 12, 228) in ppk2.heard and (0x0C, 1) in ppk2.heard


@pytest.mark.parametrize(
    ("devices", "serial", "said"),
    [
        ((), None, "no Joulescope is plugged in"),
        (("1", "2"), None, r"several Joulescopes are plugged in \(1, 2\)"),
        (("1", "2"), "3", "no Joulescope with serial number 3"),
    ],
)
def test_which_joulescope(
    devices: tuple[str, ...], serial: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [FakeJoulescope(Supply, number) for number in devices]
    monkeypatch.setitem(sys.modules, "joulescope", library(*found))
    with pytest.raises(MeterFault, match=said):
        _recorded(MeterSettings("joulescope", serial=serial), lambda: None)


@pytest.mark.parametrize("kind", ["ppk2", "joulescope"])
def test_a_library_that_is_missing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ppk2_api.ppk2_api", "joulescope"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolMissing, match=r"pip install 'edgebottle\[power\]'"):
        _recorded(MeterSettings(kind, port="/dev/null"), lambda: None)
