"""Budgets that nothing fits: the smallest network there is, and by how much."""

from dataclasses import asdict, replace

import pytest

from edgebottle.errors import DoesNotFit
from edgebottle.search.smallest import fitting
from tests.search.synthetic import SPACE, SyntheticCosts


def silent(what: str, done: int, total: int) -> None:
    pass


LEAST_RAM = 16 * 16 + 16 * 16 // 4 * 4 // 2
"""Of 16 x 16 pixels, and half of a quarter of them for each of 4 channels, by ``min-ram``."""


@pytest.mark.parametrize(
    "limits",
    [
        {"ram": LEAST_RAM, "flash": 5_000},
        {"ram": 2_000, "flash": 30_000, "ms": 1.0},
        {"ms": 0.1},
    ],
)
def test_what_fits_is_found(limits: dict[str, float]) -> None:
    choice = fitting(SPACE, SyntheticCosts(), limits, silent)
    taken = asdict(SyntheticCosts().of(SPACE.candidate(choice)))
    assert all(taken[name] <= limit for name, limit in limits.items())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"ram": LEAST_RAM - 1}, f"takes {LEAST_RAM} bytes of RAM, 1 too many$"),
        (
            {"ram": 300, "flash": 4_000},
            "84 too many and 5,000 bytes of flash, 1,000",
        ),
        ({"ms": 0.01}, r"takes 0.0768 ms, 0.0668 too many$"),
    ],
)
def test_what_nothing_fits_is_said(limits: dict[str, float], message: str) -> None:
    with pytest.raises(DoesNotFit, match=message):
        fitting(SPACE, SyntheticCosts(), limits, silent)


def test_it_is_looked_for_among_unlike_networks() -> None:
    """Row by row takes less, though ``layers`` comes first; 4 channels less, though 96 do."""
    space = replace(SPACE, stem_channels=(24, 4), shapes=((32, 32, 1), (16, 16, 1)))
    assert fitting(space, SyntheticCosts(), {"ram": LEAST_RAM}, silent)["shape"] == "16x16x1"


def test_a_space_without_a_network_that_can_be_built() -> None:
    space = replace(SPACE, channels=(96,), depths=(1,))
    with pytest.raises(DoesNotFit, match="no network of the space can be built"):
        fitting(space, SyntheticCosts(), {"ram": 1000}, silent)
