"""Options of commands that may run on a real board: where it is, and how it is flashed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgebottle.errors import BadInput
from edgebottle.programmers import all_programmers
from hil.probes import MAX_BAUD

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from hil.probes import ProbeChoice

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--port",
        metavar="PORT",
        help="Serial port of a real board, such as /dev/ttyACM0, COM3, hwgrep://PATTERN or "
        "rfc2217://HOST:PORT, or ssh://USER@HOST where it runs Linux (default: the virtual board).",
    ),
    click.option(
        "--probe",
        metavar="SERIAL",
        help="Serial number of the board's debug probe (default: that of the port, where the two "
        "are one USB device).",
    ),
    click.option(
        "--programmer",
        metavar="NAME",
        help="The program that writes the flash (default: the first that can; `edgebottle doctor` "
        "lists them).",
    ),
    click.option(
        "--recover",
        is_flag=True,
        help="Unlock and erase the whole chip before it is flashed; all that is in it is lost.",
    ),
    click.option(
        "--baud",
        "max_baud",
        type=click.IntRange(1_200, MAX_BAUD),
        metavar="RATE",
        help="What the line to the board may be raised to once it listens (default: 921600, where "
        "its chip and the cable can; 115200 leaves it).",
    ),
    click.option("--no-flash", "keep", is_flag=True, help="The firmware is on the board already."),
)


def port_options(function: F) -> F:
    """--port, and the others, which are handed over as one ``choice``."""

    @functools.wraps(function)
    def with_choice(
        *args: Any,
        port: str | None,
        probe: str | None,
        programmer: str | None,
        recover: bool,
        keep: bool,
        max_baud: int | None,
        **options: Any,
    ) -> Any:
        from hil.probes import ProbeChoice

        given = {
            "--probe": probe,
            "--programmer": programmer,
            "--recover": recover,
            "--no-flash": keep,
        }
        names = [name for name, value in given.items() if value]
        if port is None and names:
            raise click.UsageError(f"{names[0]} is of a real board: give its --port.")
        if keep and names != ["--no-flash"]:
            raise click.UsageError(f"{names[0]} and --no-flash exclude each other.")
        _check_programmer(programmer)
        choice = ProbeChoice(
            programmer, probe, recover, False if keep else None, max_baud=max_baud or MAX_BAUD
        )
        return function(*args, port=port, choice=choice, **options)

    wrapped: Any = with_choice
    for decorator in reversed(_OPTIONS):
        wrapped = decorator(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _check_programmer(name: str | None) -> None:
    known = [item.name for item in all_programmers()]
    if name is not None and name not in known:
        raise click.UsageError(f"--programmer {name}: there are {', '.join(known)}.")


def _check_ssh(port: str | None, board: Board, choice: ProbeChoice) -> None:
    """Refuses what is not of computers that run Linux, and they of what has a serial port."""
    from hil.probes import ProbeChoice
    from hil.ssh import SshAddress, is_ssh

    if not board.is_linux:
        raise BadInput(f"{board.id} runs no Linux: --port is its serial port, not {port}")
    if port is None:
        return
    if not is_ssh(port):
        raise BadInput(f"{board.id} is reached by SSH: --port ssh://USER@HOST, not {port}")
    if choice != ProbeChoice():
        raise BadInput(f"{board.id} has no flash: its program is copied for each run")
    SshAddress.parse(port)


def check_port(port: str | None, board: Board, choice: ProbeChoice) -> None:
    """Raises ``EdgebottleError`` where ``port`` cannot be used: said before the work is done.

    A network URL is not tried: what listens there may take one connection only.
    """
    from hil.ssh import is_ssh

    if board.is_linux or is_ssh(port):
        _check_ssh(port, board, choice)
    elif port is not None:
        from hil.flash import check_programmers
        from hil.iotlab import is_node, node_wish
        from hil.link import Link, local_port

        if is_node(port):
            node_wish(port, board, choice)
            return
        if local_port(port) is not None:
            Link.open(port).close()
        check_programmers(board, port, choice)
