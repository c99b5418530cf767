"""`edgebottle bench mlperf --mode energy`, from its command to its lines: all at ptys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.task import find_task
from edgebottle.energy_mode import in_energy_mode
from edgebottle.pipeline import build, load
from hil.virtual.client import VirtualBoard
from tests.cli.command_line import edgebottle
from tests.conftest import SHARED, long
from tests.hil.port_server import PortServer
from tests.lab.meters import FakeLpm01a, Supply, supply_of

BOARD = in_energy_mode(load_board("nucleo_l4r5zi"))
KWS = SHARED / "models/mlperf-tiny/kws_ref_model.tflite"
BENCH = """\
version = 1
[board.l4-left]
board = "nucleo_l4r5zi"
port = "{port}"
flash = false
[board.l4-left.meter]
kind = "lpm01a"
port = "{meter}"
volts = 3.0
"""


@contextmanager
def bench(folder: Path, model: str) -> Iterator[FakeLpm01a]:
    """A bench of one board that runs the firmware already, and of the meter that supplies it."""
    built = build(load(model), BOARD, task=find_task("kws01"))
    with (
        VirtualBoard.boot(built.elf, BOARD) as virtual,
        PortServer(virtual.url) as line,
        FakeLpm01a(supply_of(virtual, BOARD.clock_hz)) as meter,
    ):
        (folder / "bench.toml").write_text(BENCH.format(port=line.device, meter=meter.port))
        yield meter


MLPERF = ("bench", "mlperf", "--task", "kws01", "-b", "l4-left", "--mode", "energy")


# network, windows that were recorded: the runs of the first are too few where the pulses make up
# much of the run that they are planned by
ROWS = [("digits", 6), long(str(KWS), 5)]


@pytest.mark.parametrize(("model", "windows"), ROWS)
def test_from_the_command_to_the_lines(tmp_path: Path, model: str, windows: int) -> None:
    if model != "digits" and not KWS.is_file():
        pytest.skip(f"{KWS} is absent")
    words = (*MLPERF, model, "--seconds", "0.05")
    with bench(tmp_path, model) as meter:
        found = edgebottle(*words, "--json", cwd=tmp_path).json()
        assert meter.heard.count("start") == meter.heard.count("stop") == windows
        done = edgebottle(*words, cwd=tmp_path)
        meter.mend = lambda lines: [line for line in lines if "event" not in line]
        unwired = edgebottle(*words, cwd=tmp_path)
    assert (found["task"], found["mode"], found["board"]) == ("kws01", "energy", BOARD.id)
    assert found["meter"] == "X-NUCLEO-LPM01A 1.0.6" and found["pulses"] == "input"
    assert found["volts"] == 3.0 and found["seconds"] >= 0.05 and len(found["joules"]) == 5
    # All of a window is spent at one power, and a window is so many runs.
    expected = Supply().busy * found["seconds"] / found["runs"]
    assert found["joules"] == pytest.approx([expected] * 5, rel=0.02)
    assert done.code == 0, done.err
    (said,) = re.findall(r"ulp-mlperf: Median energy cost is ([0-9.]+) uJ/inf\.", done.out)
    assert float(said) == pytest.approx(found["median_joules"] * 1e6, rel=0.02)
    assert "a submission's windows are of at least 10 s: these are of 0.05 s" in done.err
    assert unwired.code == 3 and "the meter saw no pulse" in unwired.err


def test_a_meter_is_needed(tmp_path: Path) -> None:
    text = BENCH.partition("[board.l4-left.meter]")[0]
    (tmp_path / "bench.toml").write_text(text.format(port="socket://127.0.0.1:9"))
    done = edgebottle(*MLPERF, "digits", cwd=tmp_path)
    assert done.code == 1 and "name a real board of the bench that has a meter" in done.err
