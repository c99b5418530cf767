"""What the commands share: arguments, defaults from ``edgebottle.toml``, and how they speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edgebottle.boards import Board, load_board
from edgebottle.config import Config, load_config
from edgebottle.errors import BadInput

F = TypeVar("F", bound=Callable[..., Any])

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""


def model_argument(function: F) -> F:
    """MODEL and the options that say how it is read."""
    function = click.argument("model", required=False)(function)
    function = click.option(
        "--io",
        type=click.Choice(["keep", "int8"]),
        help="Floating-point inputs and outputs around an int8 network: keep or strip them.",
    )(function)
    return click.option("--name", help="Name of the model in C (default: the file's name).")(
        function
    )


def board_option(function: F) -> F:
    """--board."""
    return click.option("--board", "-b", metavar="ID", help="See `edgebottle boards`.")(function)


def toolchain_option(function: F) -> F:
    """--toolchain."""
    return click.option(
        "--toolchain",
        type=click.Choice(["zig", "gcc"]),
        help="Cross compiler: zig (comes with edgebottle, default) or an installed gcc.",
    )(function)


def json_option(function: F) -> F:
    """--json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else."
    )(function)


@dataclass(frozen=True)
class Chosen:
    """The model, board and toolchain a command works with, and where they come from."""

    model: str
    io: str
    name: str | None
    board: Board | None
    toolchain: str
    config: Config

    def require_board(self) -> Board:
        """The board; raises a usage error where none was given."""
        if self.board is None:
            raise click.UsageError("give a board with --board ID (`edgebottle boards` lists them)")
        return self.board


def choose(
    model: str | None,
    *,
    io: str | None = None,
    name: str | None = None,
    board: str | None = None,
    toolchain: str | None = None,
    quiet: bool = False,
) -> Chosen:
    """Completes the arguments from ``edgebottle.toml``, then from the zoo, and says which."""
    from edgebottle.zoo import DEFAULT

    config = load_config(Path.cwd())
    source = ""
    if model is None and config.model is not None:
        model, source = config.model, f"from {config.path}"
    if model is None:
        model, source = DEFAULT, "the default network of the zoo"
    if source and not quiet:
        print(f"model: {model} ({source})", file=sys.stderr)
    board = board or config.board
    return Chosen(
        model=model,
        io=io or config.io or "keep",
        name=name,
        board=load_board(board) if board else None,
        toolchain=toolchain or config.toolchain or "zig",
        config=config,
    )


def print_json(data: dict[str, Any]) -> None:
    """The one JSON object of ``--json``."""
    print(json.dumps(data, indent=1))


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error, when that is a terminal; silence otherwise."""
    if quiet or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total or None
        )


def parse_bytes(text: str) -> int:
    """Bytes from ``65536``, ``64k`` or ``1M``; raises ``BadInput``."""
    factors = {"k": 1024, "K": 1024, "M": 1024 * 1024}
    number, factor = (text[:-1], factors[text[-1]]) if text[-1:] in factors else (text, 1)
    if not number.isdigit():
        raise BadInput(f"'{text}' is not a number of bytes such as 65536 or 64k")
    return int(number) * factor
