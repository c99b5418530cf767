"""Which network of a study is taken."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from edgebottle.boards import load_board
from edgebottle.errors import BadInput
from edgebottle.fit import Wish
from edgebottle.pipeline import build, model_of
from edgebottle.report.taken import excess_words, taken_parts
from edgebottle.search.costs import CandidateCost
from edgebottle.search.taking import chosen_trial, small_enough
from edgebottle.search.trials import Outcome, SearchTrial, TrialResult
from quantize.search.taken import TakenNetwork
from quantize.search.untrained import untrained_graph
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


def test_what_takes_too_much_flash_is_built_for_size() -> None:
    board, usual = load_board("nucleo_l4r5zi"), Wish()
    model = model_of(untrained_graph(SPACE.candidate(CHOICE).architecture.network()))
    flash = build(model, board, wish=usual).flash.bytes
    small = small_enough(model, board, usual, flash - 1)
    assert small == replace(usual, optimize="size")
    assert build(model, board, wish=small).flash.bytes < flash
    assert small_enough(model, board, usual, flash) == usual


def taken(**changes: object) -> TakenNetwork:
    """One that keeps to its budgets."""
    limits = {"ram": 16384, "flash": 65536, "ms": 20.0}
    network = TakenNetwork(
        *("mine/digits.tflite", 17, 0.9, 0.92, 180, 0.93, "nucleo_l4r5zi", "8x8x1", "w8a8"),
        *("min-ram", True, "size", 1000, 16384, 65000, 5000, 12.5, limits, 10),
    )
    return replace(network, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"ram": 16385}, "it breaks its budgets by 1 bytes of RAM: take another one with --trial"),
        (
            {"flash": 66000, "ms": 21.5},
            "it breaks its budgets by 464 bytes of flash and 1.50 ms: take another one with "
            "--trial",
        ),
    ],
)
def test_broken_budgets_are_said(changes: dict[str, float], words: str) -> None:
    network = taken(**changes)
    assert excess_words(network) == words
    assert TakenNetwork.of_json(network.to_json()) == network
    text = io.StringIO()
    Console(file=text, width=100).print(*taken_parts(network))
    assert "92.00%" in text.getvalue()
    assert "w8a8, min-ram, row by row, built with --optimize size, 1,000 MACs" in text.getvalue()
