"""What was drawn and does not fit, made as narrow as it must be."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.search.narrowing import narrowed
from edgebottle.search.settings import SearchBudget
from edgebottle.search.trials import IMPOSSIBLE, Outcome, breach
from quantize.search.space import Space
from tests.search.synthetic import SETTINGS, CountingEvaluator, SyntheticCosts, opened

SPACE = Space(classes=4, shapes=((16, 16, 1),), stages=2, channels=(4, 8, 16, 32, 64))
COSTS = SyntheticCosts()


def excess(choice: dict[str, object], limits: dict[str, float]) -> float:
    try:
        return max(breach(COSTS.of(SPACE.candidate(choice)), limits).values())
    except IMPOSSIBLE:
        return float("inf")


@pytest.mark.parametrize("limits", [{"flash": 9_000}, {"ram": 1_500, "flash": 20_000}, {"ms": 2.0}])
def test_it_fits_and_only_its_channels_are_others(limits: dict[str, float]) -> None:
    generator, found = random.Random(7), []
    while len(found) < 20:
        drawn = SPACE.drawn(generator)
        if excess(drawn, limits) <= 0:
            continue
        result = narrowed(SPACE, drawn, COSTS, limits)
        if result is None:
            continue
        narrow, cost = result
        found.append(narrow)
        assert excess(narrow, limits) <= 0 and cost == COSTS.of(SPACE.candidate(narrow))
        for name, value in narrow.items():
            if value != drawn[name]:
                assert name.endswith("channels") and 0 < value < drawn[name]
            assert bool(value) == bool(drawn[name])


def test_it_is_no_narrower_than_it_must_be() -> None:
    """More room is used, and a budget that is met exactly is kept."""

    def flash(limit: int) -> int:
        result = narrowed(SPACE, SPACE.largest(), COSTS, {"flash": limit})
        assert result is not None
        return COSTS.of(SPACE.candidate(result[0])).flash

    takes = [flash(limit) for limit in (8_000, 12_000, 30_000)]
    assert takes == sorted(set(takes))
    for one in takes:
        assert flash(one) == one
    assert [flash(one - 1) for one in takes[1:]] == takes[:-1]


def test_what_never_fits_stays() -> None:
    assert narrowed(SPACE, SPACE.largest(), COSTS, {"ram": 100}) is None


@pytest.mark.parametrize("sampler", ["nsga2", "random"])
def test_hardly_a_trial_of_a_study_is_over_its_budget(sampler: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    budget = SearchBudget(ram=4_000, flash=12_000)
    settings = replace(SETTINGS, sampler=sampler, budget=budget, trials=40)
    with opened(settings, tmp_path) as study:
        study.run(COSTS, CountingEvaluator())
        trials = study.trials()
    over = [one for one in trials if one.result.outcome is Outcome.OVER_BUDGET]
    assert len(over) * 10 < len(trials)
    near = [one for one in trials if one.result.cost and one.result.cost.flash > 9_000]
    assert len(near) * 3 > len(trials)
