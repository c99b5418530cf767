"""``edgebottle report``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import json_option, print_json


@click.command("report")
@click.argument("records", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Where to write the HTML file (default: beside the first file of records).",
)
@json_option
def command(records: tuple[Path, ...], html: Path | None, as_json: bool) -> None:
    """Show RECORDS (files of `measure`) as tables, and as one HTML file that opens offline.

    Records of the same model and board are compared with each other.
    """
    from edgebottle.report.html import write_html
    from hil.records import read

    found = [record for path in records for record in read(path)]
    target = html or records[0].with_suffix(".html")
    write_html(found, target)
    if as_json:
        print_json({"records": [record.to_json() for record in found], "html": str(target)})
        return
    from edgebottle.report.terminal import comparison_table, record_tables, show

    show(comparison_table(found), *record_tables(found[-1]), f"report: {target}")
