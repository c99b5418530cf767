"""How well a search ranks: the correlation, and which networks are looked at."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.report.ranking import ranking_words
from edgebottle.search.ranking import best_of, spread
from edgebottle.search.trials import Outcome, SearchTrial, TrialResult, network_key
from quantize.search.ranking import RankedNetwork, Ranking
from tests.search.synthetic import SPACE
from tests.search.test_taking import COST


def tau_of(pairs: list[tuple[float, float]]) -> float | None:
    """Kendall's tau-b, counted pair by pair."""
    agreeing = untied_one = untied_other = 0
    for (a, x), (b, y) in combinations(pairs, 2):
        first, second = (a > b) - (a < b), (x > y) - (x < y)
        agreeing += first * second
        untied_one += first != 0
        untied_other += second != 0
    if untied_one == 0 or untied_other == 0:
        return None
    return agreeing / math.sqrt(untied_one * untied_other)


@pytest.mark.parametrize("levels", [2, 5, 100])
def test_tau_is_kendalls(levels: int) -> None:
    generator = np.random.default_rng(levels)
    for count in range(3, 30):
        one, other = generator.integers(0, levels, (2, count)).tolist()
        pairs = list(zip(one, other, strict=True))
        found, expected = ranking(*pairs).tau, tau_of(pairs)
        if expected is None:
            assert found is None and (len(set(one)) == 1 or len(set(other)) == 1)
        else:
            assert found == pytest.approx(expected)


def ranking(*pairs: tuple[float, float]) -> Ranking:
    networks = [RankedNetwork(n, *pair, "8x8x1", "w8a8") for n, pair in enumerate(pairs)]
    return Ranking(10, tuple(networks))


def test_a_ranking_says_what_its_choice_lost() -> None:
    found = ranking((0.9, 0.8), (0.8, 0.85), (0.7, 0.6))
    assert found.tau == pytest.approx(1 / 3) and found.lost == pytest.approx(0.05)
    assert found.to_json()["tau"] == found.tau
    assert ranking_words(found)[1] == (
        "The best of the search is 5.00 points below trial 1, the best of these."
    )
    same = ranking((0.9, 0.8), (0.8, 0.8), (0.7, 0.6))
    assert ranking_words(same)[1] == "The best of the search is the best of these, too."
    assert ranking((0.5, 0.8), (0.5, 0.7), (0.5, 0.9)).tau is None


def trials(accuracies: list[float | None]) -> list[SearchTrial]:
    """All of other networks but the last, which is the first one, run in another way."""
    found: dict[str, SearchTrial] = {}
    generator = random.Random(0)
    while len(found) < len(accuracies):
        candidate = SPACE.candidate(SPACE.drawn(generator))
        accuracy = accuracies[len(found)]
        outcome = Outcome.OVER_BUDGET if accuracy is None else Outcome.ASSESSED
        trial = SearchTrial(len(found), candidate, TrialResult(outcome, COST, accuracy))
        found.setdefault(network_key(candidate), trial)
    first = found[next(iter(found))]
    other = {"layers": "min-ram", "min-ram": "layers"}[first.candidate.schedule]
    again = replace(first.candidate, schedule=other)
    return [*found.values(), SearchTrial(len(found), again, first.result)]


@pytest.mark.parametrize(
    ("chosen", "count", "taken"),
    [
        (spread, 3, [4, 3, 0]),
        (spread, 4, [4, 2, 5, 0]),
        (spread, 9, [4, 2, 3, 5, 0]),
        (best_of, 3, [4, 2, 3]),
        (best_of, 9, [4, 2, 3, 5, 0]),
    ],
)
def test_which_networks_are_ranked(
    chosen: Callable[[list[SearchTrial], int], list[SearchTrial]], count: int, taken: list[int]
) -> None:
    found = chosen(trials([0.1, None, 0.7, 0.5, 0.9, 0.3]), count)
    assert [one.number for one in found] == taken


def test_too_few_networks_to_rank() -> None:
    with pytest.raises(BadInput, match="has assessed 2 networks, and a ranking needs 3"):
        spread(trials([0.1, None, 0.7]), 5)
