"""Small inputs that failed once, or their kin: each gives what LiteRT gives, or one line."""

import pytest

from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.pipeline import load
from tests.conftest import SHARED

pytestmark = pytest.mark.shared

CASES = SHARED / "cases"

REFUSED: tuple[tuple[str, type[EdgebottleError], str], ...] = (
    ("k_dynrange", UnsupportedOp, r"\(CONV_2D\), \w+ \(FULLY_CONNECTED\); .* full integer"),
)


@pytest.mark.parametrize(("name", "error", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_in_one_line(name: str, error: type[EdgebottleError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        load(str(CASES / f"{name}.tflite"))
    assert "\n" not in str(caught.value)
