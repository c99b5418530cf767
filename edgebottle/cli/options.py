"""What the commands share: arguments, defaults from ``edgebottle.toml``, and how they speak."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from edgebottle.boards import HOST, Board, load_board, target_ids
from edgebottle.cli.voice import note, progress_bar
from edgebottle.config import Config, load_config, parse_bytes
from edgebottle.errors import BadInput, BoardNotFound
from edgebottle.files import check_creatable, check_plain, reason
from edgebottle.plan.schedules import SCHEDULES, Schedule

if TYPE_CHECKING:
    from edgebottle.conversion import Reading
    from edgebottle.fit import Wish
    from edgebottle.pipeline import Model

F = TypeVar("F", bound=Callable[..., Any])


def bytes_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Callback of an option that takes bytes, such as ``65536``, ``64k`` or ``1M``."""
    try:
        return None if value is None else parse_bytes(value)
    except BadInput as error:
        raise click.BadParameter(str(error), ctx, param) from error


_READING = f"{__name__}.reading"
"""Where the context of a command keeps how its model is read: the keywords of ``Reading``."""


def _shape_option(function: F) -> F:
    """--shape, kept in the context of the command for ``choose``."""

    def keep(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> None:
        shapes = {}
        for value in values:
            name, _, dims = value.rpartition("=")
            sizes = dims.lower().split("x")
            if not name or not all(re.fullmatch(r"[1-9][0-9]{0,8}", size) for size in sizes):
                raise click.BadParameter(
                    f"{value!r} is no NAME=SHAPE such as image=1x3x96x96", ctx, param
                )
            shapes[name] = tuple(map(int, sizes))
        ctx.meta.setdefault(_READING, {})["shapes"] = shapes

    return click.option(
        "--shape",
        metavar="NAME=SHAPE",
        multiple=True,
        callback=keep,
        expose_value=False,
        help="Shape of an input of an ONNX file that leaves it open, such as image=1x3x96x96 "
        "(a free batch is 1).",
    )(function)


def _layout_option(function: F) -> F:
    """--layout, kept in the context of the command for ``choose``."""

    def keep(ctx: click.Context, param: click.Parameter, value: str) -> None:
        ctx.meta.setdefault(_READING, {})["keep_layout"] = value == "keep"

    return click.option(
        "--layout",
        type=click.Choice(["channels-last", "keep"]),
        default="channels-last",
        callback=keep,
        expose_value=False,
        help="Inputs and outputs of an ONNX file: images with their channels last (default), or "
        "as the file has them.",
    )(function)


def model_argument(function: F) -> F:
    """MODEL and the options that say how it is read."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from edgebottle.zoo import NETWORKS

        networks = [CompletionItem(name) for name in NETWORKS if name.startswith(incomplete)]
        return [*networks, CompletionItem(incomplete, type="file")]

    function = click.argument("model", required=False, shell_complete=complete)(function)
    function = reading_options(function)
    function = click.option(
        "--io",
        type=click.Choice(["keep", "int8"]),
        help="Inputs and outputs of float32 or uint8 around an int8 network: keep (default), or "
        "int8 to have them as the network computes.",
    )(function)
    return click.option(
        "--name", metavar="NAME", help="Name of the model in C (default: the file's name)."
    )(function)


def reading_options(function: F) -> F:
    """--signature, --shape and --layout: what a file leaves open. Kept for ``choose``."""
    for option in (_shape_option, _layout_option):
        function = option(function)
    return click.option(
        "--signature",
        metavar="NAME",
        expose_value=False,
        callback=_keep_signature,
        help="Which signature of a .tflite file that has several (default: serving_default).",
    )(function)


_SIGNATURE = f"{__name__}.signature"


def _keep_signature(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keeps --signature for ``choose``: it says no more than which network MODEL is."""
    ctx.meta[_SIGNATURE] = value


def board_option(function: F) -> F:
    """--board."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return [board for board in target_ids() if board.startswith(incomplete)]

    return click.option(
        "--board",
        "-b",
        metavar="ID",
        shell_complete=complete,
        help="Which board, or which core (the library alone); `edgebottle boards` lists them.",
    )(function)


def toolchain_option(function: F) -> F:
    """--toolchain."""
    return click.option(
        "--toolchain",
        type=click.Choice(["zig", "gcc"]),
        help="Compiler: zig (default, comes with edgebottle) or an installed gcc.",
    )(function)


_MEMORY_OPTIONS = (
    click.option(
        "--schedule",
        type=click.Choice([schedule.value for schedule in SCHEDULES]),
        default=Schedule.AUTO.value,
        help="auto (default)"
        + ". ".join(f"{name}: {what}" for name, what in SCHEDULES.items()).removeprefix("auto")
        + ".",
    ),
    click.option(
        "--input",
        "input_form",
        type=click.Choice(["whole", "rows"]),
        default="whole",
        help="rows: the input is handed over row by row, as a camera's DMA does, and never "
        "lies in RAM as a whole (default: whole).",
    ),
    click.option(
        "--optimize",
        type=click.Choice(["size", "balanced", "speed"]),
        default="balanced",
        help="size: the least flash. balanced (default): layers share kernels unless one of "
        "its own saves much time. speed: kernels are compiled for each layer.",
    ),
    click.option(
        "--narrow/--no-narrow",
        default=True,
        help="Where memory is short, tensors that can take few values are stored with 1, 2 or "
        "4 bits (default), or always with 8.",
    ),
    click.option(
        "--copies/--no-copies",
        default=True,
        help="Where flash makes the core wait, weights that a layer reads for every pixel are "
        "copied to RAM that is left (default; with the schedules auto and min-time), or never.",
    ),
    click.option(
        "--ram",
        metavar="BYTES",
        callback=bytes_value,
        help="The most RAM it may take, such as 64k (default: all of the board).",
    ),
    click.option(
        "--flash",
        metavar="BYTES",
        callback=bytes_value,
        help="The most flash it may take, such as 256k (default: all of the board).",
    ),
    click.option(
        "--threads",
        metavar="N",
        type=click.IntRange(min=1, max=64),
        default=1,
        help="On a computer: threads that share the rows of a layer (default: 1). The outputs are "
        "the same with any number.",
    ),
)
"""What the user asks of memory and time."""


def memory_options(function: F) -> F:
    """--schedule, --input, --optimize, --narrow, --copies, budgets, --threads: one ``wish``."""

    @functools.wraps(function)
    def with_wish(
        *args: Any,
        schedule: str,
        input_form: str,
        optimize: str,
        narrow: bool,
        copies: bool,
        ram: int | None,
        flash: int | None,
        threads: int,
        **options: Any,
    ) -> Any:
        from edgebottle.fit import Wish

        is_fed = input_form == "rows"
        wish = Wish(Schedule(schedule), is_fed, ram, flash, optimize, narrow, threads, copies)
        return function(*args, wish=wish, **options)

    wrapped: Any = with_wish
    for decorator in reversed(_MEMORY_OPTIONS):
        wrapped = decorator(wrapped)
    return wrapped  # type: ignore[no-any-return]


def data_option(function: F) -> F:
    """--data, of what learns."""
    return click.option(
        "--data",
        required=True,
        metavar="SOURCE",
        help="Samples with their classes: an .npz file, a folder of images (folder/class/*.png), "
        "or module:name, a Python function that returns them.",
    )(function)


def json_option(function: F) -> F:
    """--json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else."
    )(function)


@dataclass(frozen=True)
class CommandTarget:
    """The model, board and toolchain a command works with, and how the model is read."""

    model: str
    io: str
    name: str | None
    board: Board | None
    toolchain: str
    config: Config
    reading: Reading
    signature: str | None = None

    def load(self, *, quiet: bool, first: str = "") -> Model:
        """Reads the model, and shows it where that takes long; raises as ``pipeline.load`` does.

        Args:
            quiet: Say nothing.
            first: What is shown from the beginning.
        """
        from edgebottle.pipeline import load

        with progress_bar(quiet=quiet) as progress:
            if first:
                progress(first, 0, 0)
            model = load(
                self.model,
                io=self.io,
                name=self.name,
                signature=self.signature,
                reading=self.reading,
                progress=progress,
            )
        if model.other_signatures and self.signature is None and not quiet:
            others = ", ".join(model.other_signatures)
            note(f"signature: {model.signature} (--signature chooses another: {others})")
        if model.onnx is not None and not quiet:
            for what, name, ours, theirs in model.turned():
                shapes = ("x".join(map(str, shape)) for shape in (ours, theirs))
                note("{} {} is {} here, {} in the file (see --layout)".format(what, name, *shapes))
        return model

    def complete(self, wish: Wish) -> Wish:
        """``wish`` with the budgets of ``edgebottle.toml`` where the command line gave none."""
        return replace(
            wish,
            ram=wish.ram or self.config.ram_budget,
            flash=wish.flash or self.config.flash_budget,
        )

    def require_board(self, port: str | None = None) -> Board:
        """The board; raises a usage error where none was given, or it has no such ``port``."""
        if self.board is None:
            raise click.UsageError("Give a board with --board ID; `edgebottle boards` lists them.")
        if port is not None and self.board.id == HOST:
            raise click.UsageError("The board 'host' is this computer: it takes no --port.")
        if port is not None and self.board.is_core:
            raise click.UsageError(
                f"{self.board.id} is a core and no board: it takes no --port. `edgebottle boards` "
                "lists the boards."
            )
        return self.board


def choose(
    model: str | None,
    *,
    io: str | None = None,
    name: str | None = None,
    board: str | None = None,
    toolchain: str | None = None,
    quiet: bool = False,
) -> CommandTarget:
    """Completes the arguments from ``edgebottle.toml``, then from the zoo, and says which."""
    from edgebottle.conversion import Reading
    from edgebottle.zoo import DEFAULT

    config = load_config(Path.cwd())
    source, signature = "", click.get_current_context().meta.get(_SIGNATURE)
    if model is None and config.model is not None:
        model, source = config.model, f"from {config.path}"
        signature = signature or config.signature
        _check_configured_model(config)
    if model is None:
        model, source = DEFAULT, "the default network of the zoo"
    if source and not quiet:
        note(f"model: {model} ({source})")
    return CommandTarget(
        model=model,
        io=io or config.io or "keep",
        name=name,
        board=_board(board, config),
        toolchain=toolchain or config.toolchain or "zig",
        config=config,
        reading=Reading(**click.get_current_context().meta.get(_READING, {})),
        signature=signature,
    )


def _check_configured_model(config: Config) -> None:
    from edgebottle.model_files import find_model

    try:
        find_model(str(config.model))
    except BadInput as error:
        raise BadInput(f"{config.path}: {error}") from error


def _board(board: str | None, config: Config) -> Board | None:
    if board is not None:
        return load_board(board)
    try:
        return load_board(config.board) if config.board else None
    except BoardNotFound as error:
        raise BoardNotFound(f"{config.path}: {error}") from error


def check_writable(path: Path) -> None:
    """Raises ``BadInput`` if a file cannot be written to ``path``: said before the work is done."""
    if path.is_dir():
        raise BadInput(f"cannot write {path}: it is a folder")
    if path.exists():
        if not path.is_char_device():  # such as /dev/null
            check_plain(path, "write")
        try:
            path.open("ab").close()
        except OSError as error:
            raise BadInput(f"cannot write {path}: {reason(error)}") from error
    else:
        check_creatable(path)


def print_json(data: dict[str, Any]) -> None:
    """The one JSON object of ``--json``."""
    print(json.dumps(data, indent=1))
