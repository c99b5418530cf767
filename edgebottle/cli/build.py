"""``edgebottle build``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import (
    board_option,
    bytes_value,
    check_writable,
    choose,
    json_option,
    model_argument,
    print_json,
    progress_bar,
    toolchain_option,
)
from edgebottle.errors import BadInput


@click.command("build")
@model_argument
@board_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Folder of the project (default: edgebottle-out/MODEL-BOARD).",
)
@toolchain_option
@click.option(
    "--ram", metavar="BYTES", callback=bytes_value, help="The most RAM it may take, such as 64k."
)
@click.option(
    "--flash",
    metavar="BYTES",
    callback=bytes_value,
    help="The most flash it may take, such as 256k.",
)
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    out: Path | None,
    toolchain: str | None,
    ram: int | None,
    flash: int | None,
    as_json: bool,
) -> None:
    """Compile MODEL into firmware for a board: a self-contained PlatformIO project.

    The project holds the model as a library (lib/eb_MODEL, for your own project), the kernels,
    and a bench application around it. Without MODEL, edgebottle.toml of this folder names it,
    else the zoo's default network is built. RAM and flash are exact: what the linker says.

    \b
    Examples:
      edgebottle build model.tflite --board stm32f746
      edgebottle build model.tflite -b microbit --ram 12k --out firmware
      edgebottle build                            with the edgebottle.toml of this folder
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.pipeline import build, load

    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = chosen.require_board()
    budget = (ram or chosen.config.ram_budget, flash or chosen.config.flash_budget)
    if out is not None and Path.cwd().is_relative_to(out.resolve()):
        raise BadInput(f"--out {out} is the folder you are in, or above it: give one inside it")
    if out is not None and not out.exists():
        check_writable(out)
    with progress_bar(quiet=as_json) as progress:
        progress("import", 0, 0)
        loaded = load(chosen.model, io=chosen.io, name=chosen.name)
        progress(f"compile {loaded.name} for {target.id}", 0, 0)
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

    show(build_table(built), f"project:  {built.folder}", f"firmware: {built.elf}")
