"""``edgebottle inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import (
    board_option,
    choose,
    json_option,
    model_argument,
    print_json,
)


@click.command("inspect")
@model_argument
@board_option
@click.option(
    "--dump",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    help="Write imported.txt, graph.txt and plan.json there.",
)
@json_option
def command(
    model: str | None,
    io: str | None,
    name: str | None,
    board: str | None,
    dump: Path | None,
    as_json: bool,
) -> None:
    """Show what is in MODEL: operators, shapes, MACs, weights, RAM, and the boards it fits.

    MODEL is a .tflite file, a network of Keras (.keras, .h5), the folder of a SavedModel, or the
    name of a network of the zoo. RAM is planned for --board (default: a Cortex-M with DSP
    instructions) and is exact. A board that the model fits is one that `build` succeeds for;
    "maybe" stands where only a build can tell, since nothing is compiled here and the code's size
    has bounds. An output of u4, u2 or u1 takes so few values that it needs no more bits; those
    marked "packed" are stored so in the smallest arena.

    \b
    Examples:
      edgebottle inspect model.tflite
      edgebottle inspect model.tflite --board microbit
      edgebottle inspect digits --dump stages     every stage, to look at
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.inspection import inspect_model, write_dump

    chosen = choose(model, io=io, name=name, board=board, quiet=as_json)
    loaded = chosen.load(quiet=as_json)
    found = inspect_model(loaded, chosen.board)
    if dump is not None:
        write_dump(loaded, found.plan, dump)
    if as_json:
        from edgebottle.cli.tables import inspection_json

        print_json(inspection_json(found))
        return
    from edgebottle.arena_blocks import memory_blocks
    from edgebottle.cli.tables import inspection_tables
    from edgebottle.report.terminal import show

    show(*inspection_tables(found, memory_blocks(found.plan)))
