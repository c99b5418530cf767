"""Entry point: the group of commands, each loaded only when it is called."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

import click

from edgebottle import __version__
from edgebottle.errors import EdgebottleError

COMMANDS = {
    "demo": "Run the zoo's default network on the virtual board, start to finish.",
    "boards": "List the boards.",
    "inspect": "Show a model: layers, MACs, weights, RAM, and the boards it fits.",
    "build": "Compile a model into firmware for a board.",
    "measure": "Run the firmware on a board, real or virtual, and record the figures.",
    "verify": "Compare LiteRT, NumPy, host C and the virtual board, bit for bit.",
    "report": "Show records as tables and as one HTML file.",
    "init": "Write an edgebottle.toml into this folder.",
    "doctor": "Check toolchains, PlatformIO and serial ports.",
    "zoo": "List or train the networks that come with edgebottle.",
}
"""Name to help line; the command ``x`` is ``edgebottle/cli/x.py``."""

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgebottle")
def cli() -> None:
    """Takes neural networks to microcontrollers, and proves them there.

    \b
    edgebottle demo                               see it work, with nothing but this computer
    edgebottle inspect model.tflite               what is in the model, and where it fits
    edgebottle build model.tflite --board ID      firmware that fits, or one line that says why not
    edgebottle verify model.tflite --board ID     proof that it computes the very same bits

    Exit codes: 0 done, 1 your input, 2 usage, 3 the board or the tools, 70 a bug of ours.
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def main() -> None:
    """Runs the command line; never shows a traceback for a user's mistake."""
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        _fail("interrupted", EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EdgebottleError as error:
        _fail(f"Error: {error}", error.exit_code)
    except BrokenPipeError:
        # The reader (such as `less`) has gone: nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:
        traceback.print_exc()
        _fail(
            "\nThis is a bug in edgebottle, not a mistake of yours. Please report it with the text "
            f"above, the command, and edgebottle {__version__}.",
            EXIT_BUG,
        )
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
