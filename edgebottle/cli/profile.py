"""``edgebottle profile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

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
from edgebottle.cli.voice import progress_bar

if TYPE_CHECKING:
    from edgebottle.fit import Wish


def _no_port(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "A real board does not count its loops: profile takes no --port. `edgebottle measure "
            "--port` shows the cycles of each layer.",
            ctx,
        )


@click.command("profile")
@model_argument
@board_option
@click.option(
    "--loops",
    type=click.IntRange(min=0),
    default=10,
    metavar="N",
    help="How many of the hottest loops and functions to show (default 10; --json has all).",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write the profile, with a picture, to this HTML file as well.",
)
@click.option("--port", hidden=True, expose_value=False, callback=_no_port)
@memory_options
@toolchain_option
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    loops: int,
    html: Path | None,
    toolchain: str | None,
    as_json: bool,
    wish: Wish,
) -> None:
    """Show where the instructions of MODEL go: layer by layer, and the hottest loops.

    Runs once on the virtual board, which counts every instruction. Beside each layer stands the
    roof of the core: with the DSP instructions (SMLAD) it does two multiply-accumulates per cycle,
    else one. What is missing to the roof goes into loads, unpacking, requantization and loop
    control.

    The loops say where: the function and its addresses (for the disassembler), how often a loop
    ran, and its instructions each time, without those of loops inside of it. What a function does
    outside of its loops stands among them: a small one may be called from a hot loop. Begin with
    the layer that has a large share and a short bar.

    \b
    Examples:
      edgebottle profile model.tflite --board nucleo_l4r5zi
      edgebottle profile model.tflite -b stm32f746 --toolchain gcc --loops 30
      edgebottle profile model.tflite -b stm32f746 --html profile.html
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.pipeline import build
    from edgebottle.profile import check_board, profile

    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = chosen.require_board()
    check_board(target)
    if html is not None:
        check_writable(html)
    loaded = chosen.load(quiet=as_json)
    with progress_bar(quiet=as_json) as progress:
        progress(f"compile {loaded.name} for {target.id}", 0, 0)
        built = build(
            loaded,
            target,
            toolchain=chosen.toolchain,
            wish=chosen.complete(wish),
            progress=progress,
        )
        progress(f"run it on the virtual {target.id}", 0, 0)
        found = profile(built)
    if html is not None:
        from edgebottle.report.profile_page import write_profile

        write_profile(found, html)
    if as_json:
        print_json(found.to_json())
        return
    from edgebottle.report.profile import profile_tables
    from edgebottle.report.terminal import show

    show(*profile_tables(found, loops), *([f"profile: {html}"] if html else []))
