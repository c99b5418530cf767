"""``edgebottle bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.bench_options import bench_option, required_bench
from edgebottle.cli.bench_run import run
from edgebottle.cli.options import json_option, print_json

if TYPE_CHECKING:
    from hil.bench.entries import BenchEntry


@click.group("bench")
def command() -> None:
    """Many boards at once: which there are, whether they work, and jobs for all of them."""


command.add_command(run)


@command.command("list")
@bench_option
@json_option
def list_boards(bench: Path | None, as_json: bool) -> None:
    """List the boards of the bench: where each is, and whether it is there, in use or left out.

    \b
    Examples:
      edgebottle bench list
      edgebottle bench list --bench lab/bench.toml --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from hil.bench.entries import read_bench
    from hil.bench.state import state_of

    found = read_bench(required_bench(bench))
    rows = [(entry, state_of(entry)) for entry in found.entries]
    if as_json:
        print_json({"boards": [{**_json(entry), "state": state} for entry, state in rows]})
        return
    from edgebottle.report.terminal import add_row, new_table, show

    table = new_table(f"Bench ({found.path})", "name", "board", "where?", "state~")
    for entry, state in rows:
        add_row(table, entry.name, entry.board, entry.place, state)
    show(table)


def _json(entry: BenchEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "board": entry.board,
        "driver": entry.driver,
        "port": entry.port,
        "usb": entry.usb,
        "serial": entry.serial,
        "probe": entry.probe,
        "power": entry.power is not None,
    }
