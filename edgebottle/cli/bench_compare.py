"""``edgebottle bench compare``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.options import json_option, print_json

if TYPE_CHECKING:
    from hil.bench.regression import (
        EnergyChange,
        EnergySummary,
        LatencySummary,
        TimingChange,
    )
    from hil.records import Record

RECORDS = "records.jsonl"
"""Of a run's folder."""


@click.command("compare")
@click.argument("old", type=click.Path(path_type=Path, readable=False))
@click.argument("new", type=click.Path(path_type=Path, readable=False))
@json_option
def compare(old: Path, new: Path, as_json: bool) -> None:
    """Say what has become slower from OLD to NEW, two files of records or folders of a run.

    Networks are compared on boards of one kind, by the median of all windows (`--windows`). Slower
    is what takes more than 1 % more, and more than three standard deviations; exit code 1 then.
    Energy, where a meter measured it, is judged likewise.

    \b
    Examples:
      edgebottle bench compare yesterday.jsonl today.jsonl
      edgebottle bench compare out/earlier/2026-11-29T020000Z out
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from hil.bench.regression import MORE, SLOWER, changes, energy_changes

    before, after = _read(old), _read(new)
    found, energy = changes(before, after), energy_changes(before, after)
    is_slower = any(one.verdict == SLOWER for one in found)
    takes_more = any(one.verdict == MORE for one in energy)
    if as_json:
        print_json(
            {
                "slower": is_slower,
                "changes": [{**asdict(one), "change": one.change} for one in found],
                "more_energy": takes_more,
                "energy": [{**asdict(one), "change": one.change} for one in energy],
            }
        )
    else:
        _show(found)
        _show_energy(energy)
    sys.exit(1 if is_slower or takes_more else 0)


def _read(path: Path) -> tuple[Record, ...]:
    from edgebottle.cli.voice import warn
    from hil.records import read

    file = read(path / RECORDS if path.is_dir() else path)
    for line in file.broken:
        warn(f"{line}; left out")
    return file.records


def _show(found: tuple[TimingChange, ...]) -> None:
    from edgebottle.report.terminal import Part, add_row, new_table, show
    from hil.bench.regression import UNCERTAIN

    head = ("model", "board", "schedule?", "before, ms>", "after, ms>", "change>", "RAM?>")
    table = new_table("Before and after", *head, "flash?>", "")
    for one in found:
        change = one.change
        add_row(
            table,
            one.model,
            one.board,
            one.schedule,
            _milliseconds(one.old),
            _milliseconds(one.new),
            "-" if change is None else f"{change:+.2%}",
            _bytes(one, "ram"),
            _bytes(one, "flash"),
            one.verdict,
        )
    said: list[Part] = [table]
    if any(one.verdict == UNCERTAIN for one in found):
        said.append("uncertain: nobody knows how far its times spread; measure with --windows 5")
    show(*said)


def _show_energy(found: tuple[EnergyChange, ...]) -> None:
    from edgebottle.report.terminal import add_row, new_table, show

    if not found:
        return
    head = ("model", "board", "schedule?", "before, uJ>", "after, uJ>", "change>", "")
    table = new_table("Energy of a run, before and after", *head)
    for one in found:
        change = "-" if one.change is None else f"{one.change:+.2%}"
        cells = (one.model, one.board, one.schedule, _microjoules(one.old), _microjoules(one.new))
        add_row(table, *cells, change, one.verdict)
    show(table)


def _microjoules(energy: EnergySummary | None) -> str:
    if energy is None:
        return "-"
    spread = f" ± {energy.deviation * 1e6:.3f}" if energy.deviation else ""
    return f"{energy.joules * 1e6:.3f}{spread}"


def _milliseconds(timing: LatencySummary | None) -> str:
    if timing is None:
        return "-"
    spread = f" ± {timing.deviation / 1000:.3f}" if timing.deviation else ""
    return f"{timing.us / 1000:.3f}{spread}"


def _bytes(one: TimingChange, name: str) -> str:
    if one.old is None or one.new is None:
        return "-"
    difference = getattr(one.new, name) - getattr(one.old, name)
    return f"{difference:+,}" if difference else "="
