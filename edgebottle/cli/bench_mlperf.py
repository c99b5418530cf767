"""``edgebottle bench mlperf``."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.bench_choice import (
    TakenPlace,
    bench_choice_options,
    check_is_here,
    check_meter,
    metered,
    named_board,
    taken_place,
)
from edgebottle.cli.board_options import check_port, port_options
from edgebottle.cli.options import (
    board_option,
    choose,
    json_option,
    memory_options,
    model_argument,
    print_json,
    toolchain_option,
)
from edgebottle.cli.voice import note, progress_bar, warn
from edgebottle.codegen.task import TASKS

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from edgebottle.fit import Wish
    from edgebottle.pipeline import Built
    from hil.bench.entries import Bench
    from hil.mlperf import LabelledFile
    from hil.probes import ProbeChoice

VIRTUAL_SECONDS = 0.02
"""Of a window on a virtual board, which takes a hundred times as long as its clock says."""


@click.command("mlperf", short_help="Measure a network as MLPerf Tiny's rules say.")
@model_argument
@click.option(
    "--task",
    "task_name",
    required=True,
    type=click.Choice(list(TASKS)),
    help="What the runner of MLPerf Tiny calls it.",
)
@click.option(
    "--mode",
    type=click.Choice(["performance", "accuracy", "energy"]),
    default="performance",
    help="Five timed windows, all files of --data, or five windows whose energy is measured by the "
    "meter of a board of the bench (default: performance).",
)
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path, readable=False),
    help="A data folder of the runner, with y_labels.csv.",
)
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N", help="Only the first N files of --data."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.001, max=1000),
    metavar="S",
    help=f"Of each window (default: 10, as a submission must have; {VIRTUAL_SECONDS:g} on a "
    "virtual board).",
)
@board_option
@port_options
@bench_choice_options
@memory_options
@toolchain_option
@json_option
def mlperf(
    model: str | None,
    io: str | None,
    name: str | None,
    task_name: str,
    mode: str,
    data: Path | None,
    samples: int | None,
    seconds: float | None,
    board: str | None,
    port: str | None,
    choice: ProbeChoice,
    bench: Bench | None,
    toolchain: str | None,
    as_json: bool,
    wish: Wish,
) -> None:
    """Build MODEL for a task of MLPerf Tiny, and measure it as the benchmark's rules say.

    The firmware takes and answers what the runner of MLCommons sends and expects: it may be run
    against the same board afterwards, unchanged. What is printed here are the runner's lines.

    \b
    Examples:
      edgebottle bench mlperf kws.tflite --task kws01 -b nucleo_l4r5zi --port /dev/ttyACM0
      edgebottle bench mlperf ad01.tflite --task ad01 -b stm32f746 --mode accuracy --data ad01
      edgebottle bench mlperf kws.tflite --task kws01 -b l4-left --mode energy
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.codegen.task import find_task, input_bytes
    from edgebottle.pipeline import build
    from hil.mlperf import read_labels

    if mode == "accuracy" and data is None:
        raise click.UsageError("Accuracy is that of all files of a folder: give it with --data.")
    board, entry = named_board(bench if port is None else None, board)
    check_is_here(entry)
    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = _target(chosen.require_board(port), mode)
    check_meter(bench, entry, target, port)
    check_port(port, target, choice)
    task = find_task(task_name)
    files = [] if data is None else read_labels(data)[:samples]
    loaded = chosen.load(quiet=as_json)
    with progress_bar(quiet=as_json) as progress:
        built = build(
            loaded,
            target,
            toolchain=chosen.toolchain,
            wish=chosen.complete(wish),
            task=task,
            progress=progress,
        )
    with taken_place(bench, entry, built.board.id, f"{task.name} {mode}", port, choice) as place:
        measured = _Measured(built, place, files, input_bytes(task, loaded.graph), as_json)
        found = measured.of_mode(mode, seconds)
    if as_json:
        print_json({"task": task.name, "mode": mode, "board": target.id, **found})


def _target(board: Board, mode: str) -> Board:
    """The board as its firmware is built."""
    from edgebottle.energy_mode import in_energy_mode
    from edgebottle.measure import check_board

    check_board(board)
    return in_energy_mode(board) if mode == "energy" else board


@dataclass(frozen=True)
class _Measured:
    """What is measured, and where.

    Attributes:
        built: The firmware.
        place: Of the board.
        files: Of the data folder; empty where there is none.
        size: Bytes of an input.
        quiet: Nothing is printed.
    """

    built: Built
    place: TakenPlace
    files: Sequence[LabelledFile]
    size: int
    quiet: bool

    @property
    def is_virtual(self) -> bool:
        """No chip runs it."""
        return self.place.port is None and not self.built.board.is_host

    def of_mode(self, mode: str, seconds: float | None) -> dict[str, Any]:
        """What a mode measures, printed; what ``--json`` prints of it."""
        if mode == "accuracy":
            return self.accuracy()
        return self.energy(seconds) if mode == "energy" else self.performance(seconds)

    def performance(self, seconds: float | None) -> dict[str, Any]:
        """The windows, printed; what ``--json`` prints of them."""
        from edgebottle.drivers import open_session
        from hil.mlperf import SECONDS, WINDOWS, median_throughput, performance, performance_lines

        wanted = seconds or (VIRTUAL_SECONDS if self.is_virtual else SECONDS)
        inputs = self._inputs(WINDOWS)
        with (
            progress_bar(quiet=self.quiet) as progress,
            open_session(self.built, *self.place[:2]) as session,
        ):
            windows = performance(session, inputs, wanted, progress)
        self._say(performance_lines(windows))
        _tell_short(wanted)
        return {
            "windows": [asdict(window) for window in windows],
            "throughput": median_throughput(windows),
        }

    def energy(self, seconds: float | None) -> dict[str, Any]:
        """The energy of the windows, printed; what ``--json`` prints of it."""
        from edgebottle.drivers import open_session
        from edgebottle.energy import supplied
        from hil.bench.meters.windows import WINDOWS, measure_energy
        from hil.mlperf import SECONDS, energy_lines

        wanted = seconds or SECONDS
        settings = metered(self.place, self.built.board.id)
        with (
            progress_bar(quiet=self.quiet) as progress,
            supplied(self.built, self.place.port, settings) as power,
            open_session(self.built, *self.place[:2]) as session,
        ):
            assert power is not None
            found = measure_energy(
                session,
                power.meter,
                settings,
                [[data] for data in self._inputs(WINDOWS)],
                seconds=wanted,
                told=lambda done, total: progress("energy", done, total),
            )
        self._say(energy_lines(found))
        _tell_short(wanted)
        return {**asdict(found), "median_joules": found.median_joules}

    def _inputs(self, count: int) -> list[bytes]:
        """What the windows take, of the data folder where there is one."""
        inputs = [one for file in self.files[:count] for one in file.inputs(self.size)[:1]]
        return inputs or [bytes(self.size)]

    def accuracy(self) -> dict[str, Any]:
        """What all files give, printed; what ``--json`` prints of it."""
        from edgebottle.drivers import open_session
        from hil.mlperf import accuracy, accuracy_lines

        with (
            progress_bar(quiet=self.quiet) as progress,
            open_session(self.built, *self.place[:2]) as session,
        ):
            found = accuracy(session, self.files, self.size, progress)
        self._say(accuracy_lines(found))
        area = None if math.isnan(found.area) else found.area
        return {"files": len(self.files), "right": found.right, "area": area}

    def _say(self, lines: Iterable[str]) -> None:
        """Prints lines as the runner of MLPerf Tiny does, with the time in front."""
        if self.is_virtual:
            note("nothing here is measured: cycles of a virtual board are not those of a chip")
        for line in () if self.quiet else lines:
            print(f"{time.strftime('%m%d.%H%M%S')} ulp-mlperf: {line}")


def _tell_short(seconds: float) -> None:
    """Warns of windows that are too short for a submission."""
    from hil.mlperf import SECONDS

    if seconds < SECONDS:
        warn(f"a submission's windows are of at least {SECONDS:g} s: these are of {seconds:g} s")
