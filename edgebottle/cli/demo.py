"""``edgebottle demo``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import check_writable, json_option, print_json
from edgebottle.cli.voice import progress_bar

BOARD = "stm32f746"


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    default=Path("edgebottle-out"),
    help="Folder for the record and the report (default: edgebottle-out).",
)
@json_option
def command(out: Path, as_json: bool) -> None:
    """Take the zoo's default network to a virtual STM32F746 and prove it there.

    Builds the firmware with PlatformIO, boots it on the virtual board, runs every bundled sample
    over the serial link, and checks each output, bit for bit, against LiteRT.

    \b
    Examples:
      edgebottle demo
      edgebottle demo --out /tmp/demo
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.boards import load_board
    from edgebottle.measure import measure
    from edgebottle.pipeline import build, load
    from edgebottle.report.html import write_html
    from edgebottle.samples import bundled_samples
    from edgebottle.zoo import DEFAULT
    from hil.records import append

    records, report = out / "demo.jsonl", out / "demo.html"
    for path in (records, report):
        check_writable(path)
    loaded = load(DEFAULT)
    samples = bundled_samples(DEFAULT, loaded.graph)
    with progress_bar(quiet=as_json) as progress:
        progress(f"compile {DEFAULT} for {BOARD}", 0, 0)
        built = build(loaded, load_board(BOARD), progress=progress)
        record = measure(built, samples, progress=progress)
    append(records, record)
    write_html([record], report)
    if as_json:
        print_json({**record.to_json(), "records": str(records), "report": str(report)})
        return
    from edgebottle.report.terminal import record_tables, show

    show(*record_tables(record), f"report: {report.resolve()}")
