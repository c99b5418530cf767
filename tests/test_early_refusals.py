"""What cannot come to a good end is refused before a compiler runs."""

from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.code_size import LEAST_CODE
from edgebottle.config import parse_bytes
from edgebottle.errors import DoesNotFit
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import LEAST_STATIC, Wish, arena_limit
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.units import kilobytes, room
from tests.conftest import SHARED
from tests.graphs import Builder


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    b = Builder("tiny")
    (tmp_path / "tiny.tflite").write_bytes(write_tflite(b.graph(b.relu(b.input(1, 2, 2, 1)))))
    return str(tmp_path / "tiny.tflite")


@pytest.mark.parametrize("board", ["mps3_an547", "microbit"])
def test_no_firmware_takes_less_than_the_least(tiny: str, board: str) -> None:
    built = build(load(tiny), load_board(board), wish=Wish(optimize="size"))
    assert built.flash.code >= LEAST_CODE and built.ram.static >= LEAST_STATIC


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish(ram=2048), "leaves nothing for a network: on microbit the stack takes 2.0 kB"),
        (Wish(ram=2048 + LEAST_STATIC), "the bench application at least 320 B"),
        (Wish(ram=2049 + LEAST_STATIC), "other at least 321 B.* budget allows 2.3 kB"),
        (Wish(flash=LEAST_CODE), "the bench application alone takes at least 6.0 kB"),
        (Wish(flash=LEAST_CODE + 1), "code at least 6.9 kB.* the budget allows 6.0 kB"),
    ],
)
def test_budgets_that_nothing_fits(
    monkeypatch: pytest.MonkeyPatch, wish: Wish, message: str
) -> None:
    monkeypatch.setenv("EDGEBOTTLE_CACHE", "/no/such/place")  # so that nothing can be built
    with pytest.raises(DoesNotFit, match=message):
        build(load("digits"), load_board("microbit"), wish=wish)


def refusal(model: str, board: str, wish: Wish) -> str:
    with pytest.raises(DoesNotFit) as caught:
        build(load(model, io="int8"), load_board(board), wish=wish)
    return str(caught.value)


def test_what_does_not_help_is_not_promised() -> None:
    text = refusal("digits", "microbit", Wish(ram=4200, schedule=Schedule.LAYERS))
    assert "`--schedule min-ram` brings the arena to 2.0 kB, which is still too much" in text
    assert text.endswith("microbit has room for it")
    assert build(load("digits"), load_board("microbit")).ram.bytes <= 16 * 1024


@pytest.mark.shared
def test_the_smallest_board_with_room_is_named() -> None:
    """``test_row_streaming`` builds and runs it there."""
    text = refusal(str(SHARED / "models/mlperf-tiny/vww_96_int8.tflite"), "microbit", Wish())
    assert "`--schedule min-ram --input rows` brings the arena to 14.3 kB, which is still" in text
    assert text.endswith("longan_nano has room for it")


def test_a_printed_need_is_enough_and_a_printed_room_is_there() -> None:
    assert kilobytes(820) == room(820) == "820 B"
    for count in (103, 1023, 1024, 1025, 12_749, 12_800, 12_801, 1_000_003):
        assert count <= parse_bytes(kilobytes(count)) <= count + 103
        assert count - 103 <= parse_bytes(room(count)) <= count


def test_a_row_takes_room_as_well() -> None:
    b = Builder("rows")
    graph = b.graph(b.relu(b.input(1, 8, 10, 3)))
    whole, rows = (
        arena_limit(graph, load_board("microbit"), Wish(row_fed=row_fed))
        for row_fed in (False, True)
    )
    assert whole is not None and rows == whole - 30
