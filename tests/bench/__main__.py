"""Prints the benchmark table: our figures for each model, schedule and board, peers beside."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hil.records import append
from tests.bench.rows import BOARDS, MODELS, SCHEDULES, run
from tests.bench.table import header, line, peers_lines, to_json


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    options = _parse(arguments)
    rows = []
    previous = None
    if not options.json:
        print(header())
    for row, record in run(
        tuple(options.model or MODELS),
        tuple(options.schedule or SCHEDULES),
        tuple(options.board or BOARDS),
        plan_only=options.plan_only,
    ):
        rows.append(row)
        if record is not None and options.records is not None:
            append(options.records, record)
        if options.json:
            continue
        if previous not in (None, row.model):
            _print_peers(previous)
        previous = row.model
        print(line(row), flush=True)
    if options.json:
        print(json.dumps(to_json(rows), indent=1))
    elif previous is not None:
        _print_peers(previous)
    return 0


def _print_peers(model: str) -> None:
    for text in peers_lines(model):
        print(text)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS, help="may be repeated")
    parser.add_argument("--schedule", action="append", choices=SCHEDULES, help="may be repeated")
    parser.add_argument("--board", action="append", choices=BOARDS, help="may be repeated")
    parser.add_argument("--plan-only", action="store_true", help="RAM and planning time only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--records", type=Path, help="append the measurements to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
