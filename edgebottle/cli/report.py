"""``edgebottle report``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from edgebottle.cli.options import check_writable, json_option, print_json
from edgebottle.errors import BadInput


@click.command("report")
@click.argument("records", type=click.Path(path_type=Path, readable=False), nargs=-1, required=True)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Where to write the HTML file (default: beside the first file of records).",
)
@click.option("--open", "open_it", is_flag=True, help="Show the HTML file in the browser.")
@click.option(
    "--published",
    is_flag=True,
    help="Set cycles beside the published MLPerf Tiny results of the same network and chip.",
)
@json_option
def command(
    records: tuple[Path, ...], html: Path | None, open_it: bool, published: bool, as_json: bool
) -> None:
    """Show RECORDS (files of `measure`) as tables, and as one HTML file that opens offline.

    Records of the same model and board are compared with each other; memory over time and the cost
    of each layer are those of the newest. The HTML file shows the newest first, draws its network,
    and says of each layer what it is.

    With --published the newest record of each model, board and compiler stands beside what others
    published for the very same network file (by its SHA-256) and chip. Theirs are measured; ours
    are modelled on a virtual board.

    \b
    Examples:
      edgebottle report edgebottle-out/records.jsonl --open
      edgebottle report yesterday.jsonl today.jsonl --html comparison.html
      edgebottle report records.jsonl --published
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.report.html import write_html
    from edgebottle.report.published import compare_newest
    from hil.records import read

    files = [read(path) for path in records]
    for line in (line for file in files for line in file.broken):
        print(f"Warning: {line}; left out", file=sys.stderr)
    found = sorted((r for file in files for r in file.records), key=lambda record: record.time)
    target = html or records[0].with_suffix(".html")
    check_writable(target)
    if any(target.resolve() == path.resolve() for path in records):
        raise BadInput(f"{target} holds the records: give another file with --html")
    compared = compare_newest(found) if published else ()
    write_html(found, target, compared)
    if as_json:
        data = {"records": [record.to_json() for record in found], "html": str(target)}
        if published:
            data["published"] = [comparison.to_json() for comparison in compared]
        print_json(data)
    else:
        from edgebottle.report.memory import ArenaView
        from edgebottle.report.terminal import (
            comparison_table,
            memory_chart,
            published_parts,
            record_tables,
            show,
        )

        newest = found[-1]
        chart = memory_chart(ArenaView.of(newest.memory, newest.step_names, newest.ram.arena))
        comparison = [comparison_table(found)] if len(found) > 1 else []
        beside = published_parts(compared)
        show(*comparison, *record_tables(newest), chart, "", *beside, f"report: {target}")
    if open_it:
        _show_in_browser(target)


def _show_in_browser(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        print(f"no browser could be started: open {path} yourself", file=sys.stderr)
