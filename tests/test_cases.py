"""Small inputs that failed once, or their kin: each gives what LiteRT gives, or one line."""

import pytest

from edgebottle.boards import load_board
from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.pipeline import load
from edgebottle.verify import verify_model
from tests.conftest import SHARED

pytestmark = pytest.mark.shared

CASES = SHARED / "cases"

REFUSED: tuple[tuple[str, type[EdgebottleError], str], ...] = (
    ("k_dynrange", UnsupportedOp, r"\(CONV_2D\), \w+ \(FULLY_CONNECTED\); .* full integer"),
)


ON_A_BOARD = (("many_inputs", "microbit"),)
"""The model, and the board on which it ran wrong."""


@pytest.mark.parametrize(("name", "board"), ON_A_BOARD)
def test_exact_on_a_board(name: str, board: str) -> None:
    result = verify_model(load(str(CASES / f"{name}.tflite")), load_board(board), samples=3)
    assert result.match and result.exact, str(result.difference)


@pytest.mark.parametrize(("name", "error", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_in_one_line(name: str, error: type[EdgebottleError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        load(str(CASES / f"{name}.tflite"))
    assert "\n" not in str(caught.value)
