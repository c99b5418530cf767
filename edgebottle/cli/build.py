"""``edgebottle build``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import (
    board_option,
    choose,
    json_option,
    model_argument,
    parse_bytes,
    print_json,
    progress_bar,
    toolchain_option,
)


@click.command("build")
@model_argument
@board_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the project (default: edgebottle-out/MODEL-BOARD).",
)
@toolchain_option
@click.option("--ram", metavar="BYTES", help="Budget, such as 64k.")
@click.option("--flash", metavar="BYTES", help="Budget, such as 256k.")
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    out: Path | None,
    toolchain: str | None,
    ram: str | None,
    flash: str | None,
    as_json: bool,
) -> None:
    """Compile MODEL into firmware for a board: a self-contained PlatformIO project.

    The project holds the model as a library (lib/eb_MODEL, for your own project), the kernels,
    and a bench application around it. Without MODEL, edgebottle.toml of this folder names it,
    else the zoo's default network is built.
    """
    from edgebottle.pipeline import build, load

    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = chosen.require_board()
    budget = (
        parse_bytes(ram) if ram else chosen.config.ram_budget,
        parse_bytes(flash) if flash else chosen.config.flash_budget,
    )
    with progress_bar(quiet=as_json) as progress:
        progress("import", 0, 2)
        loaded = load(chosen.model, io=chosen.io, name=chosen.name)
        progress("compile", 1, 2)
        built = build(
            loaded,
            target,
            toolchain=chosen.toolchain,
            out=out or Path("edgebottle-out") / f"{loaded.name}-{target.id}",
            budget=budget,
        )
    if as_json:
        print_json(
            {
                "model": loaded.name,
                "board": target.id,
                "project": str(built.folder),
                "elf": str(built.elf),
                "ram": {**built.ram.to_json(), "lower_bound": built.plan.lower_bound},
                "flash": built.flash.to_json(),
                "macs": loaded.macs(),
                "compiler": built.compiler,
                "flags": built.flags,
            }
        )
        return
    from edgebottle.cli.tables import build_table
    from edgebottle.report.terminal import show

    show(build_table(built), f"project  {built.folder}", f"firmware {built.elf}")
