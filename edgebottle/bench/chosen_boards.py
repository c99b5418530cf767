"""Which boards a test runs on: what it asks for itself, and what whoever starts it has chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from edgebottle.boards import load_board, target_ids
from edgebottle.errors import BadInput, BoardNotFound
from hil.bench.entries import ALL, VIRTUAL, Bench, BenchEntry

NO_BOARD = "no-board"
"""What the test of a board is called where there is none."""

NOTHING_CHOSEN = (
    "no board: --edgebottle-bench FILE names a bench, --edgebottle-board ID a virtual board"
)


@dataclass(frozen=True)
class ChosenBoard:
    """Where a test runs once.

    Attributes:
        name: What it is called: a board of the bench, or an id.
        entries: The boards that fit, of which the first that is free is taken.
        absence: Why there is none; "" where there are ``entries``.
    """

    name: str
    entries: tuple[BenchEntry, ...] = ()
    absence: str = ""


def chosen_boards(
    bench: Bench | None, asked: Sequence[str], chosen: Sequence[str]
) -> tuple[ChosenBoard, ...]:
    """The boards that a test runs on, one after the other; at least one, perhaps an absent one.

    Args:
        bench: The bench; None: the virtual boards.
        asked: Names or ids that the test asks for; none for all.
        chosen: Names or ids to which all tests are kept; none for all.

    Raises:
        BadInput: nothing is called so.
    """
    of_test, of_run = _of_names(bench, asked), _of_names(bench, chosen)
    if not of_run:
        return of_test or _of_bench(bench)
    if not of_test:
        return of_run
    wanted = tuple(chain.from_iterable(board.entries for board in of_test))
    both = []
    for board in of_run:
        common = tuple(entry for entry in board.entries if entry in wanted)
        if common or board.absence:
            both.append(ChosenBoard(board.name, common, board.absence))
    words = f"the test asks for {', '.join(asked)}, and {', '.join(chosen)} was chosen"
    return tuple(both) or (ChosenBoard(NO_BOARD, absence=words),)


def _of_bench(bench: Bench | None) -> tuple[ChosenBoard, ...]:
    if bench is None:
        return (ChosenBoard(NO_BOARD, absence=NOTHING_CHOSEN),)
    boards = tuple(ChosenBoard(entry.name, (entry,)) for entry in bench.entries)
    return boards or (ChosenBoard(NO_BOARD, absence=f"{bench.path} has no boards"),)


def _of_names(bench: Bench | None, names: Sequence[str]) -> tuple[ChosenBoard, ...]:
    found: dict[str, ChosenBoard] = {}
    for name in names:
        boards = _of_bench(bench) if name == ALL else (_of_name(bench, name),)
        found.update({board.name: board for board in boards})
    return tuple(found.values())


def _of_name(bench: Bench | None, name: str) -> ChosenBoard:
    """Boards of the bench, by name or id; without a bench the virtual board of an id."""
    if bench is None:
        try:
            load_board(name)
        except BoardNotFound as error:
            raise BadInput(f"{error}. Names of a bench need --edgebottle-bench FILE") from error
        return ChosenBoard(name, (BenchEntry(name, name, driver=VIRTUAL),))
    entries = tuple(entry for entry in bench.entries if entry.name == name)
    entries = entries or bench.of_board(name)
    if entries:
        return ChosenBoard(name, entries)
    if name not in target_ids():
        bench.entry(name)  # raises, and says which names are near
    return ChosenBoard(name, absence=f"no board of {bench.path} is a {name}")
