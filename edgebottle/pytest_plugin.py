"""The pytest plugin: tests of models on the boards of a bench, or on virtual boards.

pytest loads this module in every environment that has edgebottle, so nothing else of edgebottle is
imported before a test asks for the fixture ``board``, or an option names a bench or a board.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from edgebottle.bench.chosen_boards import ChosenBoard
    from edgebottle.bench.under_test import BoardUnderTest
    from hil.bench.entries import Bench
    from hil.records import Record

TARGET = "_edgebottle_target"
"""The fixture that ``board`` asks for: it has a value for each board that a test runs on."""

BENCH, NO_BENCH, BOARD, NO_SKIP, RECORDS = (
    *("edgebottle_bench", "edgebottle_no_bench", "edgebottle_board"),
    *("edgebottle_no_skip", "edgebottle_records"),
)

_bench: pytest.StashKey[Bench | None] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("edgebottle", "boards (fixture: board)")
    group.addoption(
        "--edgebottle-bench",
        metavar="FILE",
        dest=BENCH,
        help="the bench whose boards tests run on (default: $EDGEBOTTLE_BENCH, or bench.toml of "
        "this folder; without any the virtual boards)",
    )
    group.addoption(
        "--edgebottle-no-bench",
        action="store_true",
        dest=NO_BENCH,
        help="virtual boards alone, whatever bench there is",
    )
    group.addoption(
        "--edgebottle-board",
        action="append",
        default=[],
        metavar="NAME",
        dest=BOARD,
        help="run on this board alone, by its name on the bench or its id; may be repeated",
    )
    group.addoption(
        "--edgebottle-no-skip",
        action="store_true",
        dest=NO_SKIP,
        help="a board that is absent is an error, and no reason to skip",
    )
    group.addoption(
        "--edgebottle-records",
        metavar="FILE",
        dest=RECORDS,
        help="append a record of each run to this file, for `edgebottle report`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, and reads the bench where an option names one, or a board."""
    config.addinivalue_line(
        "markers",
        "board(*names): the test runs on these boards alone, once on each; names of the bench, or "
        "ids of boards, of which the first that is free is taken",
    )
    if config.getoption(NO_BENCH) and config.getoption(BENCH):
        raise pytest.UsageError("--edgebottle-bench and --edgebottle-no-bench exclude each other")
    if config.getoption(BENCH) or config.getoption(BOARD):
        from edgebottle.errors import EdgebottleError

        try:
            _boards_of(config, ())
        except EdgebottleError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``board`` runs once on each of its boards."""
    if TARGET not in metafunc.fixturenames:
        return
    from edgebottle.errors import EdgebottleError

    marker = metafunc.definition.get_closest_marker("board")
    asked = () if marker is None else tuple(map(str, marker.args))
    try:
        boards = _boards_of(metafunc.config, asked)
    except EdgebottleError as error:
        pytest.fail(f"{metafunc.definition.nodeid}: {error}", pytrace=False)
    metafunc.parametrize(TARGET, boards, ids=[one.name for one in boards], indirect=True)


def _boards_of(config: pytest.Config, asked: tuple[str, ...]) -> tuple[ChosenBoard, ...]:
    """The boards of a test; raises ``EdgebottleError`` for a bad file or an unknown board."""
    from edgebottle.bench.chosen_boards import chosen_boards
    from hil.bench.entries import bench_path, read_bench

    if _bench not in config.stash:
        given = config.getoption(BENCH)
        path = None
        if not config.getoption(NO_BENCH):
            path = bench_path(Path(given) if given else None)
        config.stash[_bench] = None if path is None else read_bench(path)
    return chosen_boards(config.stash[_bench], asked, config.getoption(BOARD))


@pytest.fixture(name=TARGET)
def _edgebottle_target(request: pytest.FixtureRequest) -> ChosenBoard:
    chosen: ChosenBoard = request.param
    return chosen


@pytest.fixture
def board(
    _edgebottle_target: ChosenBoard, request: pytest.FixtureRequest
) -> Iterator[BoardUnderTest]:
    """A board of the bench, or a virtual one, that nobody else uses during the test.

    ``board.load("model.tflite").run("test.npz")`` gives outputs, accuracy, ``ram_bytes``,
    ``flash_bytes`` and ``milliseconds``; every output was compared with the reference then. Where
    the board is absent the test is skipped.
    """
    chosen, config = _edgebottle_target, request.config
    if chosen.absence:
        _absent(config, chosen.absence)
    from contextlib import ExitStack

    from edgebottle.bench.taking import NoBoardThere
    from edgebottle.bench.under_test import held
    from edgebottle.errors import EdgebottleError

    def measured(record: Record) -> None:
        _keep(request, record)

    with ExitStack() as stack:
        try:
            taken = stack.enter_context(
                held(
                    chosen.entries,
                    f"pytest {request.node.name}",
                    quarantined=[one.name for one in chosen.entries] == [chosen.name]
                    and chosen.name in config.getoption(BOARD),
                    measured=measured,
                )
            )
        except NoBoardThere as error:
            _absent(config, f"{chosen.name}: {error}")
        except EdgebottleError as error:
            pytest.fail(f"{chosen.name}: {error}", pytrace=False)
        yield taken


def _absent(config: pytest.Config, why: str) -> None:
    """Skips the test, or fails it where boards must not be absent."""
    if config.getoption(NO_SKIP):
        pytest.fail(f"{why} (--edgebottle-no-skip)", pytrace=False)
    pytest.skip(why)


def _keep(request: pytest.FixtureRequest, record: Record) -> None:
    """Puts the figures into JUnit's properties of the test, and the record into its file."""
    properties = {
        "board": record.board,
        "model": record.model,
        "milliseconds": record.latency_us[1] / 1000,
        "timing": record.latency_kind,
        "ram_bytes": record.ram.bytes,
        "flash_bytes": record.flash.bytes,
    }
    request.node.user_properties += properties.items()
    path = request.config.getoption(RECORDS)
    if path:
        from hil.records import append

        append(Path(path), record)
