"""How a command that runs on one board finds it on the bench."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from edgebottle.cli.voice import note, warn

if TYPE_CHECKING:
    from hil.bench.board_lock import BoardLock
    from hil.bench.entries import Bench, BenchEntry
    from hil.bench.meters.recording import MeterSettings
    from hil.probes import ProbeChoice

F = TypeVar("F", bound=Callable[..., Any])

WAIT_SECONDS = 0.5
"""Between two attempts to get a board that is in use."""


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
    """The id of a board that is given by id, or by its name on the bench; and that entry."""
    if bench is not None and board is not None:
        for entry in bench.entries:
            if entry.name == board:
                return entry.board, entry
    return board, None


@dataclass(frozen=True)
class BenchPlace:
    """A board of the bench, held by its lock.

    Attributes:
        entry: The board.
        port: Where it is now.
    """

    entry: BenchEntry
    port: str

    @property
    def choice(self) -> ProbeChoice:
        """How it is flashed."""
        return self.entry.choice


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
def taken(
    entries: Sequence[BenchEntry], *, is_named: bool, what: str
) -> Iterator[BenchPlace | None]:
    """Has the first board that is there, and waits where all of those are in use.

    Args:
        entries: The real boards that fit.
        is_named: The one entry was asked for by its name: it must be there.
        what: Is done with it, for those who look on.

    Yields:
        The board; None where none is there.

    Raises:
        BoardError: the board that was named cannot be used.
    """
    from hil.bench.board_lock import BoardLock

    locks = {entry.name: BoardLock(entry) for entry in entries}
    place = _first(entries, locks, is_named=is_named)
    if place is None:
        yield None
        return
    note(f"board: {place.entry.name} of the bench, at {place.port}")
    lock = locks[place.entry.name]
    lock.tell(what)
    try:
        yield place
    finally:
        lock.let_go()


def _first(
    entries: Sequence[BenchEntry], locks: dict[str, BoardLock], *, is_named: bool
) -> BenchPlace | None:
    import datetime

    from edgebottle.errors import BoardError
    from hil.bench.attached import port_of

    today, is_said = datetime.date.today(), False
    while True:
        absent = {}
        for entry in entries:
            quarantine = entry.quarantine
            if quarantine is not None and quarantine.holds(today) and not is_named:
                absent[entry.name] = str(quarantine)
                continue
            if not locks[entry.name].try_take():
                continue
            try:
                return BenchPlace(entry, port_of(entry))
            except BoardError as error:
                locks[entry.name].let_go()
                absent[entry.name] = str(error)
        if len(absent) == len(entries):
            reasons = "; ".join(absent.values())
            if is_named:
                raise BoardError(reasons)
            if absent:
                warn(f"no board of the bench can be used ({reasons}): the virtual board is")
            return None
        if not is_said:
            busy = ", ".join(
                f"{entry.name} is in use: {locks[entry.name].holder()}"
                for entry in entries
                if entry.name not in absent
            )
            note(f"waits: {busy}")
            is_said = True
        time.sleep(WAIT_SECONDS)


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
        choice: How the board at that port is flashed.

    Yields:
        The place; its port is None for the virtual board.
    """
    if port is not None:
        yield TakenPlace(port, choice)
        return
    fitting = () if bench is None else bench.of_board(board)
    if entry is not None:
        fitting = (entry,)
    real = [one for one in fitting if not one.is_virtual]
    with taken(real, is_named=entry is not None and bool(real), what=what) as place:
        if place is None:
            yield TakenPlace(None, None)
        else:
            yield TakenPlace(place.port, place.choice, place.entry.meter)


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
