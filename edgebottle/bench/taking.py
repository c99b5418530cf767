"""Takes one board of the bench, among several that fit, for as long as something runs on it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from edgebottle.errors import BoardError
from hil.bench.attached import port_of
from hil.bench.board_lock import BoardLock
from hil.bench.entries import BenchEntry
from hil.probes import ProbeChoice

WAIT_SECONDS = 0.5
"""Between two attempts to get a board that is in use."""


class NoBoardThere(BoardError):
    """None of the boards that fit can be used."""


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
        """How it is flashed and restarted, by its power too."""
        return replace(self.entry.choice, power=self.entry.power)


@contextmanager
def taken(
    entries: Sequence[BenchEntry],
    what: str,
    *,
    quarantined: bool = False,
    told: Callable[[str], None] = lambda text: None,
) -> Iterator[BenchPlace]:
    """Has the first board that is there and free, and waits where all that are there are in use.

    Args:
        entries: The real boards that fit, at least one.
        what: Is done with it, for those who look on.
        quarantined: Boards in quarantine may be taken too.
        told: Told that it waits, and for whom.

    Yields:
        The board.

    Raises:
        NoBoardThere: none of them is there, or all are in quarantine; says why of each.
    """
    locks = {entry.name: BoardLock(entry) for entry in entries}
    place = _first(entries, locks, quarantined, told)
    lock = locks[place.entry.name]
    lock.tell(what)
    try:
        yield place
    finally:
        lock.let_go()


def _first(
    entries: Sequence[BenchEntry],
    locks: dict[str, BoardLock],
    quarantined: bool,
    told: Callable[[str], None],
) -> BenchPlace:
    today, is_said = datetime.date.today(), False
    while True:
        absent = {}
        for entry in entries:
            quarantine = entry.quarantine
            if quarantine is not None and quarantine.holds(today) and not quarantined:
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
            raise NoBoardThere("; ".join(absent.values()))
        if not is_said:
            busy = ", ".join(
                f"{entry.name} is in use: {locks[entry.name].holder()}"
                for entry in entries
                if entry.name not in absent
            )
            told(f"waits: {busy}")
            is_said = True
        time.sleep(WAIT_SECONDS)
