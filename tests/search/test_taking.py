"""Which network of a study is taken."""

import re
from dataclasses import replace

import pytest

from edgebottle.errors import BadInput
from edgebottle.search.costs import CandidateCost
from edgebottle.search.taking import chosen_trial
from edgebottle.search.trials import Outcome, SearchTrial, TrialResult
from tests.search.synthetic import SPACE

CHOICE = {one.name: one.values[0] for one in SPACE.parameters()}
COST = CandidateCost(9, 9, 9, 9, 9, 9, 9.0)


def trial(
    number: int, outcome: Outcome, accuracy: float | None = None, ram: int = 9
) -> SearchTrial:
    result = TrialResult(outcome, replace(COST, ram=ram), accuracy)
    return SearchTrial(number, SPACE.candidate(CHOICE), result)


TRIALS = [
    trial(0, Outcome.OVER_BUDGET),
    trial(1, Outcome.ASSESSED, 0.75, 20),
    trial(2, Outcome.ASSESSED, 0.75, 10),
    trial(3, Outcome.ASSESSED, 0.5, 5),
    trial(4, Outcome.REPEATED, 0.5, 30),
]


@pytest.mark.parametrize(("number", "taken"), [(None, 2), (1, 1), (4, 4)])
def test_the_best_or_the_one_of_a_number(number: int | None, taken: int) -> None:
    assert chosen_trial(TRIALS, ("ram",), number).number == taken


@pytest.mark.parametrize(
    ("trials", "number", "message"),
    [
        (TRIALS, 9, "trial 9 cannot be taken: there is no such trial; the best are 2, 3"),
        (TRIALS, 0, "trial 0 cannot be taken: it is over budget; the best are 2, 3"),
        (TRIALS[:1], None, "no network of the study has been assessed yet"),
    ],
)
def test_what_cannot_be_taken(trials: list[SearchTrial], number: int | None, message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        chosen_trial(trials, ("ram",), number)
