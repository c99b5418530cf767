"""MLCommons' runner against a virtual board: ``python -m tests.bench.mlperf_runner RUNNER``.

``RUNNER`` is ``benchmark/runner`` of their repository ``tiny``, no file of it changed, and
``--python`` a Python that has what it imports (scikit-learn, matplotlib, pyserial, pyusb, pyyaml,
joulescope). The board is at a pseudo terminal, which has no USB numbers: a ``sitecustomize`` beside
the runner says that it is an ST-Link. The same windows are then asked for as ``edgebottle bench
mlperf`` asks, on a board that was booted anew, and must have taken as many microseconds, to one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path

import numpy as np

from edgebottle.boards import load_board
from edgebottle.codegen.task import TASKS, find_task, input_bytes
from edgebottle.drivers import open_session
from edgebottle.pipeline import Built, build, load
from hil.mlperf import WINDOWS, TimedWindow, median_throughput
from hil.virtual.client import VirtualBoard
from tests.hil.port_server import PortServer

RUNS = {"ad01": (1500, 10), "ic01": (20, 5), "kws01": (70, 10), "vww01": (20, 5)}
"""Of a window, and before it: those of the runner's own ``tests_performance.yaml``."""

ANSWER_SECONDS = 600.0
"""How long the runner may take for a task."""

NAMED = """\
from serial.tools import list_ports, list_ports_common
import usb.core

def comports(include_links=False):
    port = list_ports_common.ListPortInfo({device!r})
    port.vid, port.pid, port.description = 0x0483, 0x374B, "ST-Link"
    return [port]

list_ports.comports = comports
usb.core.find = lambda find_all=False: []
"""


def main() -> None:
    """A row a task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner", type=Path, help="benchmark/runner")
    parser.add_argument("--models", type=Path, required=True, help="folder of TASK.tflite")
    parser.add_argument("--out", type=Path, required=True, help="where everything is put")
    parser.add_argument("--python", default="python3", help="that runs the runner")
    parser.add_argument("--board", default="nucleo_l4r5zi")
    parser.add_argument("--task", action="append", choices=list(TASKS), help="may be repeated")
    parser.add_argument("--runs", type=int, help="of a window, where a computer is slow")
    given = parser.parse_args()
    print("| task | runs of a window | runner, inf./s | edgebottle, inf./s | windows as long |")
    print("|---|--:|--:|--:|--:|")
    for task in given.task or list(TASKS):
        runs, warmups = RUNS[task]
        runs = given.runs or runs
        model = load(str(given.models / f"{task}.tflite"))
        built = build(model, load_board(given.board), task=find_task(task))
        folder = given.out / task
        sent = write_data(folder / "datasets" / task, input_bytes(find_task(task), model.graph))
        says = run_runner(given, built, folder, (runs, warmups))
        theirs = [
            TimedWindow(int(count), round(float(seconds) * 1e6) / 1e6)
            for count, seconds in re.findall(r"# Inferences : (\d+)\n +Runtime: ([\d.]+) sec", says)
        ]
        median = re.search(r"Median throughput is +([\d.]+)", says)
        ours = own_windows(built, sent, (runs, warmups))
        alike = sum(is_alike(one, other) for one, other in zip(theirs, ours, strict=True))
        print(
            f"| {task} | {runs} | {median[1] if median else '-'} "
            f"| {median_throughput(ours):.3f} | {alike} of {WINDOWS} |",
            flush=True,
        )


def write_data(folder: Path, size: int) -> list[bytes]:
    """Made-up inputs and their list; what the windows send."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = np.random.default_rng(0)
    sent = [drawn.integers(0, 256, size, dtype=np.uint8).tobytes() for _ in range(WINDOWS)]
    if size % 4 == 0 and folder.name == "ad01":
        sent = [drawn.normal(-10, 6, size // 4).astype("<f4").tobytes() for _ in range(WINDOWS)]
    for number, data in enumerate(sent):
        (folder / f"{number}.bin").write_bytes(data)
    lines = (f"{number}.bin,2,{number % 2},{size},{size}\n" for number in range(WINDOWS))
    (folder / "y_labels.csv").write_text("".join(lines))
    return sent


def run_runner(
    given: argparse.Namespace, built: Built, folder: Path, counts: tuple[int, int]
) -> str:
    """What the runner writes as its results."""
    runs, warmups = counts
    task = folder.name
    (folder / "tests.yaml").write_text(
        f"{task}:\n  name: {task}\n  model: {task}\n  truth_file: y_labels.csv\n  script:\n"
        f"    - loop {WINDOWS}:\n      - download\n      - infer {runs} {warmups}\n"
    )
    runner = given.runner.resolve()
    words = [given.python, str(runner / "main.py"), "-m", "p", "-s", "datasets"]
    words += ["-d", str(runner / "devices_kws_ic_vww.yaml"), "-t", "tests.yaml"]
    with (
        VirtualBoard.boot(built.elf, built.board) as board,
        PortServer(board.url) as server,
        (folder / "runner.log").open("w") as log,
    ):
        (folder / "sitecustomize.py").write_text(NAMED.format(device=server.device))
        environment = {**os.environ, "PYTHONPATH": str(folder.resolve())}
        subprocess.run(
            words, cwd=folder, env=environment, stdout=log, stderr=log, timeout=ANSWER_SECONDS
        )
    results = sorted(folder.glob("sessions/*/results.txt"))
    return results[-1].read_text() if results else ""


def is_alike(one: TimedWindow, other: TimedWindow) -> bool:
    """As many runs, and as long to the microsecond in which the clock is read."""
    return one.runs == other.runs and abs(one.seconds - other.seconds) < 1.5e-6


def own_windows(built: Built, sent: list[bytes], counts: tuple[int, int]) -> list[TimedWindow]:
    """The same windows by our own client."""
    with open_session(built) as session:
        micros = [session.timed(data, *counts).us for data in sent]
    return [TimedWindow(counts[0], us / 1e6) for us in micros]


if __name__ == "__main__":
    main()
