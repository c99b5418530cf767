"""Prints the benchmark table: our figures for each model, schedule and board, peers beside."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from edgebottle.build.toolchains import TOOLCHAINS
from hil.records import Record, append
from tests.bench import peers_view
from tests.bench.figures import measure_all, write
from tests.bench.published import (
    published_boards,
    published_header,
    published_line,
    published_rows,
    published_summary,
)
from tests.bench.readme import write_readme
from tests.bench.rows import BOARDS, MODELS, SCHEDULES, Row, installed_toolchains, run
from tests.bench.table import header, line, peers_lines, to_json


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    options = _parse(arguments)
    if options.readme:
        figures = measure_all()
        write(figures)
        write_readme(figures)
        return 0
    if options.published:
        _print_published(options)
        return 0
    rows = []
    previous = None
    quiet = options.json or options.peers
    if not quiet:
        print(header())
    for row, record in _rows(options):
        rows.append(row)
        if record is not None and options.records is not None:
            append(options.records, record)
        if quiet:
            continue
        if previous not in (None, row.model):
            _print_peers(previous)
        previous = row.model
        print(line(row), flush=True)
    if options.json:
        print(json.dumps(to_json(rows), indent=1))
    elif options.peers:
        print("\n".join(peers_view.tables(rows)))
    elif previous is not None:
        _print_peers(previous)
    return 0


def _rows(options: argparse.Namespace) -> Iterator[tuple[Row, Record | None]]:
    """What the options ask for; with ``--peers`` less, since its tables need less."""
    models = tuple(options.model or (peers_view.NETWORKS if options.peers else MODELS))
    schedules = tuple(options.schedule or (peers_view.SCHEDULES if options.peers else SCHEDULES))
    boards = tuple(options.board or BOARDS)
    default = installed_toolchains(boards[0]) if options.peers else ("zig",)
    toolchains = tuple(options.toolchain or default)
    for schedule in schedules if options.peers else ():
        only = options.plan_only or schedule in peers_view.PLAN_ONLY
        compilers = toolchains[:1] if only else toolchains
        yield from run(models, (schedule,), boards, compilers, plan_only=only)
    if not options.peers:
        yield from run(models, schedules, boards, toolchains, plan_only=options.plan_only)


def _print_published(options: argparse.Namespace) -> None:
    rows = []
    if not options.json:
        print(published_header())
    for row in published_rows(options.model or (), options.board or ()):
        rows.append(row)
        if not options.json:
            print(published_line(row), flush=True)
    if options.json:
        print(json.dumps([row.to_json() for row in rows], indent=1))
    else:
        print(published_summary(rows))


def _print_peers(model: str) -> None:
    for text in peers_lines(model):
        print(text)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS, help="may be repeated")
    parser.add_argument("--schedule", action="append", choices=SCHEDULES, help="may be repeated")
    boards = dict.fromkeys((*BOARDS, *published_boards()))
    parser.add_argument("--board", action="append", choices=boards, help="may be repeated")
    parser.add_argument("--toolchain", action="append", choices=TOOLCHAINS, help="may be repeated")
    parser.add_argument("--plan-only", action="store_true", help="RAM and planning time only")
    parser.add_argument(
        "--published",
        action="store_true",
        help="cycles of MLPerf Tiny's networks beside the best that anyone has published, on each "
        "chip there are results for",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print JSON instead of the table")
    shape.add_argument(
        "--peers",
        action="store_true",
        help="one table per figure and board, engines down, networks across, from every compiler "
        "installed",
    )
    shape.add_argument(
        "--readme",
        action="store_true",
        help="measure what README shows, and write it and tests/golden/figures.toml anew",
    )
    parser.add_argument("--records", type=Path, help="append the measurements to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
