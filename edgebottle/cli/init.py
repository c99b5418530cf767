"""``edgebottle init``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edgebottle.cli.options import board_option, json_option, print_json


@click.command("init")
@click.argument("model", required=False)
@board_option
@click.option("--force", is_flag=True, help="Write over an existing edgebottle.toml.")
@json_option
def command(model: str | None, board: str | None, force: bool, as_json: bool) -> None:
    """Write an edgebottle.toml into this folder, so that commands need no arguments.

    MODEL is a model file or the name of a network of the zoo.

    \b
    Examples:
      edgebottle init model.tflite --board nucleo_l4r5zi
      edgebottle init                             the zoo's default network, for stm32f746
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.boards import load_board
    from edgebottle.config import FILE, template
    from edgebottle.errors import BadInput
    from edgebottle.model_files import find_model
    from edgebottle.zoo import DEFAULT

    path = Path.cwd() / FILE
    if path.exists() and not force:
        raise BadInput(f"{path} exists already: edit it, or write over it with --force")
    model = model or DEFAULT
    find_model(model)
    board = load_board(board or "stm32f746").id
    text = template(model.replace(os.sep, "/"), board)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
    if as_json:
        print_json({"config": str(path), "model": model, "board": board})
    else:
        print(f"wrote {path}: model {model}, board {board}. Next: edgebottle build")
