"""``edgebottle build``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.build.flash_files import suffixes_of
from edgebottle.cli.options import (
    CommandTarget,
    board_option,
    check_writable,
    choose,
    json_option,
    memory_options,
    model_argument,
    print_json,
    toolchain_option,
)
from edgebottle.cli.voice import Volume, note, progress_bar, volume
from edgebottle.errors import BadInput

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from edgebottle.fit import Wish
    from edgebottle.pipeline import Built


@click.command("build")
@model_argument
@board_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Folder of the project (default: edgebottle-out/MODEL-BOARD).",
)
@memory_options
@toolchain_option
@click.option(
    "--energy",
    is_flag=True,
    help="For a power meter: MLPerf Tiny's energy mode, a pulse on a pin around the timed runs, "
    "and a serial line of 9600 baud.",
)
@click.option("--explain", is_flag=True, help="Show which kernel each layer got, and why.")
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    out: Path | None,
    toolchain: str | None,
    energy: bool,
    explain: bool,
    as_json: bool,
    wish: Wish,
) -> None:
    """Compile MODEL into firmware for a board: a self-contained PlatformIO project.

    The project holds the model as a library (lib/eb_MODEL, for your own project), the kernels,
    and a bench application around it; for a core (-b cortex-m4) it holds the two libraries alone.
    Without MODEL, edgebottle.toml of this folder names it, else the zoo's default network is
    built. RAM and flash are exact: what the linker says.

    \b
    Examples:
      edgebottle build model.tflite --board stm32f746
      edgebottle build model.tflite -b microbit --ram 12k --out firmware
      edgebottle build model.tflite -b stm32f746 --optimize speed --explain
      edgebottle build model.tflite -b nucleo_l4r5zi --energy
      edgebottle build model.tflite -b cortex-m4  the library alone, for a project of your own
      edgebottle build                            with the edgebottle.toml of this folder
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.energy_mode import in_energy_mode
    from edgebottle.pipeline import build

    chosen = choose(model, io=io, name=name, board=board, toolchain=toolchain, quiet=as_json)
    target = chosen.require_board()
    if energy:
        target = in_energy_mode(target)
    wish = chosen.complete(wish)
    if out is not None and Path.cwd().is_relative_to(out.resolve()):
        raise BadInput(f"--out {out} is the folder you are in, or above it: give one inside it")
    if out is not None and not out.exists():
        check_writable(out)
    loaded = chosen.load(quiet=as_json, first="import")
    if loaded.split is not None and loaded.head is None:
        note(
            f"{loaded.path} is a split network, and whole: it is built as any other; "
            "`edgebottle split cut` makes the head for a device"
        )
    with progress_bar(quiet=as_json) as progress:
        progress(f"compile {loaded.name} for {target.id}", 0, 0)
        built = build(
            loaded,
            target,
            toolchain=chosen.toolchain,
            out=out or Path("edgebottle-out") / f"{loaded.name}-{target.id}",
            wish=wish,
            progress=progress,
        )
    if as_json:
        print_json(_json(built))
    else:
        _show(built, chosen, explain)


def _show(built: Built, chosen: CommandTarget, explain: bool) -> None:
    """What was built, where it is, and what to do with it."""
    from edgebottle.cli.tables import build_table, kernels_table
    from edgebottle.report.terminal import show

    if explain:
        show(kernels_table(built.project.source.kernels))
    if built.board.is_core:
        parts = f"eb_{built.model.name} and edgebottle, for lib/ of your own project"
        show(build_table(built), f"library:  {built.folder / 'lib'} ({parts})")
    else:
        *first, last = suffixes_of(built.board) or ("",)
        beside = f" ({', '.join(first)} and {last} beside it)" if last else ""
        show(build_table(built), f"project:  {built.folder}", f"firmware: {built.elf}{beside}")
    if built.board.has_pulses and built.board.energy is not None:
        pin = built.board.energy
        show(f"pulse:    {pin.pin}, on the board {pin.label}; low for a millisecond")
    if volume() is not Volume.QUIET:
        show(f"next:     {_next(chosen, built.board)}")


def _json(built: Built) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "model": built.model.name,
        "board": built.board.id,
        "project": str(built.folder),
        **_figures(built),
        "schedule": built.plan.schedule,
        "macs": built.model.macs(),
        "extra_macs": built.extra_macs,
        "compiler": built.compiler,
        "flags": built.flags,
        "pulse": asdict(built.board.energy)
        if built.board.has_pulses and built.board.energy
        else None,
        "kernels": [asdict(choice) for choice in built.project.source.kernels],
    }


def _figures(built: Built) -> dict[str, Any]:
    """Image and memory; of a library null what only the program around it knows."""
    bound = {"lower_bound": built.plan.lower_bound}
    if built.board.is_core:
        unknown: dict[str, Any] = {"bytes": None, "stack": None, "static": None}
        return {
            "elf": None,
            "ram": {**unknown, "arena": built.ram.arena, **bound},
            "flash": {"bytes": None, "weights": built.flash.weights, "code": None},
        }
    elf = built.elf
    files = {s[1:]: str(elf.with_suffix(s)) for s in suffixes_of(built.board)}
    return {
        "elf": str(elf),
        **files,
        "ram": {**built.ram.to_json(), **bound},
        "flash": built.flash.to_json(),
    }


def _next(chosen: CommandTarget, board: Board) -> str:
    """The command that proves what was built."""
    words = ["edgebottle", "verify"]
    if chosen.model != chosen.config.model:
        words.append(chosen.model)
    if board.id != chosen.config.board:
        words += ["--board", board.id]
    if chosen.io != (chosen.config.io or "keep"):
        words += ["--io", chosen.io]
    is_configured = chosen.model == chosen.config.model
    if chosen.signature is not None and not (
        is_configured and chosen.signature == chosen.config.signature
    ):
        words += ["--signature", chosen.signature]
    if chosen.name is not None:
        words += ["--name", chosen.name]
    return shlex.join(words)
