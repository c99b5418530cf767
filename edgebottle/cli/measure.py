"""``edgebottle measure``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.bench_choice import (
    TakenPlace,
    bench_choice_options,
    check_meter,
    metered,
    named_board,
    taken_place,
)
from edgebottle.cli.board_options import check_port, port_options
from edgebottle.cli.options import (
    board_option,
    check_writable,
    choose,
    json_option,
    memory_options,
    model_argument,
    print_json,
    toolchain_option,
)
from edgebottle.cli.share_options import share_options
from edgebottle.cli.voice import note, progress_bar, warn

RECORDS = Path("edgebottle-out") / "records.jsonl"

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from edgebottle.cli.measure_remote import MeasureWish
    from edgebottle.cli.options import CommandTarget
    from edgebottle.fit import Wish
    from edgebottle.pipeline import Built, Model
    from edgebottle.samples import Samples
    from edgebottle.shared_runs import Share
    from hil.bench.entries import Bench
    from hil.bench.meters.recording import MeterSettings
    from hil.probes import ProbeChoice
    from hil.records import Record


DEFAULT_SAMPLES = 4
"""Edge cases and random inputs that are run where no file is given."""


@click.command("measure")
@model_argument
@board_option
@port_options
@bench_choice_options
@click.option(
    "--inputs",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="An .npz file: x (samples) and, for accuracy, y (classes).",
)
@click.option(
    "--data",
    metavar="SOURCE",
    help="Of a detector: images labelled with boxes, a folder or a ZIP archive in the layout of "
    "PASCAL VOC.",
)
@click.option(
    "--part", metavar="NAME", default="test", help="The part of --data that is run (default: test)."
)
@click.option(
    "--as",
    "meaning",
    type=click.Choice(["real", "stored"]),
    help="What the numbers of --inputs are: real values, or those that the network stores, x - 128 "
    "for uint8 (default: floating point is real, int8 stored, uint8 pixels).",
)
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N", help="Run only the first N samples."
)
@click.option(
    "--runs",
    type=click.IntRange(min=1, max=1_000_000),
    default=1,
    metavar="N",
    help="Timed runs of each sample (default 1).",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1, max=1000),
    default=1,
    metavar="N",
    help="How often a real board times all samples (default 1): the record says how far that "
    "spreads, and `edgebottle bench compare` goes by it.",
)
@share_options
@click.option(
    "--energy",
    is_flag=True,
    help="Measure the energy of a run as well: of a board of the bench that has a meter, with "
    "firmware of energy mode.",
)
@click.option(
    "--records",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    default=RECORDS,
    help=f"File the record is appended to (default: {RECORDS}).",
)
@memory_options
@toolchain_option
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    port: str | None,
    choice: ProbeChoice,
    bench: Bench | None,
    inputs: Path | None,
    data: str | None,
    part: str,
    meaning: str | None,
    samples: int | None,
    runs: int,
    windows: int,
    share: Share,
    energy: bool,
    records: Path,
    toolchain: str | None,
    as_json: bool,
    wish: Wish,
) -> None:
    """Run MODEL on a board, check every output, and record the figures.

    Without --port a board of the bench that fits is taken (`edgebottle bench list`), or else the
    virtual board (--no-bench): instructions are exact, cycles and milliseconds modelled.
    With --port the real board is flashed (at a network URL with --probe or --programmer alone), and
    its latency is measured. Without --inputs a few edge-case and random inputs are used.

    \b
    Examples:
      edgebottle measure model.tflite -b stm32f746 --inputs test.npz --samples 100
      edgebottle measure detector.tflite -b stm32f746 --data VOC2007.zip --part val
      edgebottle measure model.tflite -b stm32f746 --port /dev/ttyACM0 --runs 10
      edgebottle measure model.tflite -b l4-left --energy --windows 5
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.cli.measure_remote import MeasureWish, measured_there
    from edgebottle.measure import check_runs
    from hil.bench.remote_boards import RemoteEntry
    from hil.records import append

    board, entry = named_board(bench if port is None else None, board)
    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = _target(chosen.require_board(port), energy)
    check_port(port, target, choice)
    check_writable(records)
    wish = chosen.complete(wish)
    check_runs(runs, wish.row_fed)
    _check_sources(data, inputs)
    asked = MeasureWish(inputs, samples, runs, windows, data, part, meaning, energy)
    if isinstance(entry, RemoteEntry):
        share.check_here(entry.name)
        record = measured_there(entry, chosen, wish, asked, quiet=as_json)
    else:
        check_meter(bench, entry, target, port)
        todo = replace(_prepared(chosen, target, wish, asked, quiet=as_json), share=share)
        with taken_place(bench, entry, target.id, todo.what, port, choice) as place:
            record = todo.at(place, metered(place, target.id) if energy else None)
    append(records, record)
    _show(record, records, as_json)


def _prepared(
    chosen: CommandTarget, target: Board, wish: Wish, asked: MeasureWish, *, quiet: bool
) -> _Measurement:
    """Reads model and samples, and builds."""
    from edgebottle.pipeline import build

    loaded = chosen.load(quiet=quiet)
    file, images = (asked.inputs, asked.meaning), (asked.data, asked.part)
    samples = _taken(loaded, file, images, asked.samples)
    _tell(samples, quiet)
    with progress_bar(quiet=quiet) as progress:
        built = build(loaded, target, toolchain=chosen.toolchain, wish=wish, progress=progress)
    return _Measurement(built, samples, asked.runs, asked.windows, quiet)


@dataclass(frozen=True)
class _Measurement:
    """What is measured, wherever that is."""

    built: Built
    samples: Samples
    runs: int
    windows: int
    quiet: bool
    share: Share | None = None

    @property
    def what(self) -> str:
        """Told to others who wait for the board."""
        return f"measure {self.built.model.name}"

    def at(self, place: TakenPlace, meter: MeterSettings | None) -> Record:
        """Where a board is, with what measures its energy."""
        from edgebottle.measure import measure
        from edgebottle.shared_runs import ALONE

        with progress_bar(quiet=self.quiet) as progress:
            return measure(
                self.built,
                self.samples,
                runs=self.runs,
                windows=self.windows,
                share=self.share or ALONE,
                port=place.port,
                choice=place.choice,
                meter=meter,
                progress=progress,
            )


def _show(record: Record, records: Path, as_json: bool) -> None:
    if as_json:
        print_json(record.to_json())
        return
    from edgebottle.report.terminal import record_tables, show

    show(*record_tables(record), f"record: {records} (`edgebottle report {records}` shows more)")


def _target(board: Board, energy: bool) -> Board:
    """A board that can be measured, in the mode that is asked for."""
    from edgebottle.energy_mode import in_energy_mode
    from edgebottle.measure import check_board

    check_board(board)
    return in_energy_mode(board) if energy else board


def _tell(samples: Samples, quiet: bool) -> None:
    """Says what is run."""
    for text in () if quiet else samples.taken:
        note(f"inputs: {text}")


def _check_sources(data: str | None, inputs: Path | None) -> None:
    if data is not None and inputs is not None:
        raise click.UsageError("--data and --inputs are two sources of samples: leave one out.")


def _taken(
    loaded: Model,
    file: tuple[Path | None, str | None],
    images: tuple[str | None, str],
    samples: int | None,
) -> Samples:
    """What is run: of a file, and what its numbers are; or of a part of a source of images."""
    data, part = images
    return (
        _samples(loaded, file[0], samples, file[1])
        if data is None
        else _boxed(loaded, data, part, samples)
    )


def _boxed(loaded: Model, data: str, part: str, samples: int | None) -> Samples:
    """Images with true boxes; warns of labels that are left out."""
    from edgebottle.boxed_samples import boxed_samples

    found = boxed_samples(data, part, loaded, samples)
    for text in found.warnings:
        warn(text)
    return found


def _samples(
    loaded: Model, inputs: Path | None, samples: int | None, meaning: str | None
) -> Samples:
    """What is run: edge cases, or what a file holds; warns of values that look wrong."""
    from edgebottle.sample_values import Meaning
    from edgebottle.samples import edge_cases, load_samples

    if inputs is None:
        return edge_cases(loaded.graph, samples or DEFAULT_SAMPLES)
    data = load_samples(inputs, loaded.graph, samples, Meaning(meaning) if meaning else None)
    for text in data.warnings:
        warn(text)
    return data
