"""Entry point: the group of commands, each loaded only when it is called."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from edgebottle import __version__
from edgebottle.cli.voice import common_options
from edgebottle.errors import BadInput, EdgebottleError, ToolMissing
from edgebottle.operating_system import reader_has_gone

COMMANDS = {
    "demo": "See it work: the zoo's default network on a virtual board.",
    "boards": "List the boards.",
    "inspect": "Show a model: layers, MACs, weights, RAM, and the boards it fits.",
    "fit": "Say whether a model fits a board or a budget; exit code 1 where it does not.",
    "quantize": "Make an int8 network of a float one, and show what it costs.",
    "train": "Train a float Keras network down to few bits, 1 to 8, and show its accuracy.",
    "split": "Split a network between a device and a server, with few bytes between.",
    "search": "Search a network for a board: layers, bits and schedule together.",
    "build": "Compile a model into firmware for a board.",
    "measure": "Run it on a board, real or virtual, and record the figures.",
    "bench": "Many boards at once: which there are, and jobs for all of them.",
    "serve": "Compute the rest of split networks for devices that ask.",
    "profile": "Show where the instructions go: layers, hot loops, the limit of the core.",
    "verify": "Compare LiteRT, NumPy, host C and the board, bit for bit.",
    "report": "Show records as tables, pictures and one HTML file.",
    "init": "Write an edgebottle.toml into this folder.",
    "doctor": "Check toolchains, PlatformIO and serial ports.",
    "cache": "Show what is kept for the next time, and remove it.",
    "zoo": "List or train the networks that come with edgebottle.",
}
"""Name to help line; the command ``x`` is ``edgebottle/cli/x.py``."""

EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_ENVIRONMENT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENOMEM, errno.EIO}
"""What no program can help: a full disk and its like."""

_NAMES = {errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES}
"""What is wrong with a path that the user gave."""


class LazyGroup(click.Group):
    """Loads a command's module when it is called; the list of commands needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a newcomer's way."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Imports ``edgebottle.cli.<name>`` and returns its ``command``."""
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"edgebottle.cli.{name}").command
        assert isinstance(command, click.Command)
        if not any(param.name == "quiet" for param in command.params):
            for each in (command, *getattr(command, "commands", {}).values()):
                common_options(each)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests the nearest name for a mistyped one."""
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; a reader that has gone (such as ``head``) is no failure."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            if not reader_has_gone(error):
                raise
            _forget_reader()
        return result

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        """As ``invoke``, for ``--help`` and ``--version``, which answer before a command runs."""
        try:
            return super().make_context(*words, **more)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"No such option '{error.option_name}' here: those of a command stand behind its "
                "name, as in `edgebottle boards --json`.",
                error.ctx,
            ) from error
        except OSError as error:
            if not reader_has_gone(error):
                raise
            _forget_reader()


def _forget_reader() -> NoReturn:
    """Standard output has no reader any more: nothing can be said, at exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise click.exceptions.Exit(0)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
def cli() -> None:
    """Takes neural networks to microcontrollers, and proves them there.

    \b
    edgebottle demo                             see it work, with nothing but this computer
    edgebottle inspect model.tflite             what is in the model, and where it fits
    edgebottle build model.tflite --board ID    firmware that fits, or why it does not
    edgebottle verify model.tflite --board ID   proof that it computes the very same bits

    Exit codes: 0 done, 1 your input, 2 usage, 3 the board or the tools, 70 a bug of ours.
    """  # noqa: D301 - click reads the backspace as "keep these lines"


common_options(cli)


def main() -> None:
    """Runs the command line; never shows a traceback for a user's mistake."""
    _prepare_streams()
    try:
        code = cli.main(prog_name="edgebottle", standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        _fail("Interrupted", "interrupted", EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        _print_error("Usage", error.format_message(), error.exit_code)
        sys.exit(error.exit_code)
    except EdgebottleError as error:
        _fail(type(error).__name__, str(error), error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _ENVIRONMENT | _NAMES:
            where = f"{error.filename}: " if error.filename else ""
            kind = BadInput if error.errno in _NAMES else ToolMissing
            _fail(kind.__name__, f"{where}{error.strerror}", kind.exit_code)
        traceback.print_exc()
        print(
            "\nThis is a bug in edgebottle, not a mistake of yours. Please report it with the text "
            f"above, the command, and edgebottle {__version__}.",
            file=sys.stderr,
        )
        _print_error("Bug", f"{type(error).__name__}: {error}", EXIT_BUG)
        sys.exit(EXIT_BUG)
    sys.exit(code if isinstance(code, int) else 0)


def _prepare_streams() -> None:
    """Output may be closed (``>&-``), and may have no sign for every character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w")  # noqa: SIM115 - stands in until the end
            setattr(sys, name, stream)
        stream.reconfigure(errors="replace")


def _fail(kind: str, message: str, code: int) -> NoReturn:
    """Says why on standard error, for machines on standard output as well, and ends."""
    text = message if code == EXIT_INTERRUPTED else f"Error: {message}"
    print("".join(c if c.isprintable() or c == "\n" else "�" for c in text), file=sys.stderr)
    _print_error(kind, message, code)
    if code == ToolMissing.exit_code:
        # Standard output may be what failed: do not let Python fail on it once more at exit.
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _print_error(kind: str, message: str, code: int) -> None:
    """The one object on standard output of a command with --json that failed."""
    if "--json" not in sys.argv[1:]:
        return
    error = {"kind": kind, "message": message, "exit_code": code}
    with contextlib.suppress(OSError):  # what cannot be written may be why it failed
        print(json.dumps({"error": error}, indent=1), flush=True)


if __name__ == "__main__":
    main()
