"""How a command that runs on one board finds it on the bench."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from edgebottle.cli.voice import note, warn

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from hil.bench.entries import Bench, BenchEntry
    from hil.bench.hosts import BenchHost
    from hil.bench.meters.recording import MeterSettings
    from hil.probes import ProbeChoice

F = TypeVar("F", bound=Callable[..., Any])


def bench_choice_options(function: F) -> F:
    """--bench and --no-bench, handed over as the ``bench`` that may be used, or None."""

    @functools.wraps(function)
    def with_bench(*args: Any, bench: Path | None, no_bench: bool, **options: Any) -> Any:
        from hil.bench.entries import bench_path, read_bench

        if no_bench and bench is not None:
            raise click.UsageError("--bench and --no-bench exclude each other.")
        path = None if no_bench else bench_path(bench)
        return function(*args, bench=None if path is None else read_bench(path), **options)

    wrapped: Any = with_bench
    wrapped = click.option(
        "--no-bench", is_flag=True, help="The virtual board, whatever the bench has."
    )(wrapped)
    return click.option(  # type: ignore[no-any-return]
        "--bench",
        metavar="FILE",
        type=click.Path(path_type=Path, readable=False),
        help="A bench whose boards are taken where --board fits, by id or name (default: "
        "$EDGEBOTTLE_BENCH, or bench.toml of this folder).",
    )(wrapped)


def named_board(bench: Bench | None, board: str | None) -> tuple[str | None, BenchEntry | None]:
    """The id of a board that is given by id, or by its name on the bench; and that entry.

    Raises:
        EdgebottleError: it is one of another computer, which cannot be asked or has none of it.
    """
    if bench is not None and board is not None:
        for host in bench.hosts:
            if host.owns(board):
                found = _remote_board(bench, host, board)
                return found.board, found
        for entry in bench.entries:
            if entry.name == board:
                return entry.board, entry
    return board, None


def _remote_board(bench: Bench, host: BenchHost, board: str) -> BenchEntry:
    from hil.bench.remote_boards import ask_hosts, with_boards

    (asked,) = ask_hosts([host])
    if asked.error is not None:
        raise asked.error
    return with_boards(bench, [asked]).entry(board)


def check_is_here(entry: BenchEntry | None) -> None:
    """Raises ``BadInput`` for a board of another computer, where a command needs its line."""
    from edgebottle.errors import BadInput
    from hil.bench.remote_boards import RemoteEntry

    if isinstance(entry, RemoteEntry):
        raise BadInput(
            f"{entry.name} is a board of another computer: run this command there "
            f"(`ssh {entry.host.address}`), for {entry.there}"
        )


class TakenPlace(NamedTuple):
    """Where a board is.

    Attributes:
        port: None for the virtual board.
        choice: How it is flashed.
        meter: What measures its power.
    """

    port: str | None
    choice: ProbeChoice | None
    meter: MeterSettings | None = None


@contextmanager
def taken_place(
    bench: Bench | None,
    entry: BenchEntry | None,
    board: str,
    what: str,
    port: str | None,
    choice: ProbeChoice,
) -> Iterator[TakenPlace]:
    """Where a board is, and how it is flashed, while nobody else has it.

    Args:
        bench: Of whose boards one may be taken; None for none.
        entry: The one that was named.
        board: Its kind, by id.
        what: For others who look at the bench.
        port: Given by hand: nothing of the bench is taken.
        choice: How the board at that port is flashed, and at most at what rate any board's line
            runs.

    Yields:
        The place; its port is None for the virtual board.
    """
    if port is not None:
        yield TakenPlace(port, choice)
        return
    real = _real(bench, entry, board)
    with ExitStack() as held:
        if real:
            yield _place(real, entry is not None, what, choice, held)
        else:
            yield TakenPlace(None, choice)


def _real(bench: Bench | None, entry: BenchEntry | None, board: str) -> list[BenchEntry]:
    """The boards of the bench that may be taken, all but virtual ones."""
    fitting = () if bench is None else bench.of_board(board)
    if entry is not None:
        fitting = (entry,)
    return [one for one in fitting if not one.is_virtual]


def _place(
    real: list[BenchEntry], is_named: bool, what: str, choice: ProbeChoice, held: ExitStack
) -> TakenPlace:
    """One of the boards, held until ``held`` is closed.

    Raises ``BoardError`` where the one that was named is not there; of others the virtual one is
    taken then.
    """
    from edgebottle.bench.taking import NoBoardThere, taken

    try:
        place = held.enter_context(taken(real, what, quarantined=is_named, told=note))
    except NoBoardThere as error:
        if is_named:
            raise
        warn(f"no board of the bench can be used ({error}): the virtual board is")
        return TakenPlace(None, choice)
    note(f"board: {place.entry.name} of the bench, at {place.port}")
    max_baud = min(place.choice.max_baud, choice.max_baud)
    return TakenPlace(place.port, replace(place.choice, max_baud=max_baud), place.entry.meter)


def check_meter(
    bench: Bench | None, entry: BenchEntry | None, target: Board, port: str | None
) -> None:
    """Raises as ``metered`` does, before anything is built in energy mode for no meter at all."""
    is_metered = port is None and any(one.meter for one in _real(bench, entry, target.id))
    if target.has_pulses and not is_metered:
        metered(TakenPlace(port, None), target.id)


def metered(place: TakenPlace, board: str) -> MeterSettings:
    """The meter of a place; raises ``BadInput`` where there is none."""
    from edgebottle.errors import BadInput

    if place.meter is None:
        where = f"the board at {place.port}" if place.port else f"a virtual {board}"
        raise BadInput(
            f"nothing measures the energy of {where}: name a real board of the bench that has a "
            "meter (docs/bench.md)"
        )
    return place.meter
