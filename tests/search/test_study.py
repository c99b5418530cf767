"""A study in a journal: constraints, repetition, and going on where it was stopped."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from edgebottle.search.costs import CandidateCost
from edgebottle.search.settings import SAMPLERS, SearchBudget, SearchSettings
from edgebottle.search.sharing import workplace
from edgebottle.search.starts import starts
from edgebottle.search.trials import Outcome, SearchTrial, breach, front, network_key
from tests.search.synthetic import (
    SETTINGS,
    SPACE,
    CountingEvaluator,
    SyntheticCosts,
    accuracy,
    opened,
)

pytest.importorskip("optuna")


def searched(
    settings: SearchSettings, folder: Path, evaluator: CountingEvaluator | None = None
) -> list[SearchTrial]:
    with opened(settings, folder) as study:
        study.run(SyntheticCosts(), evaluator or CountingEvaluator())
        return study.trials()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_only_what_keeps_to_the_budgets_is_assessed(sampler: str, tmp_path: Path) -> None:
    """And each network once, whatever choice it is of, and however it is run."""
    evaluator = CountingEvaluator()
    # The largest images do not fit, however narrow the network.
    settings = replace(SETTINGS, sampler=sampler, budget=replace(SETTINGS.budget, ram=1_500))
    trials = searched(settings, tmp_path, evaluator)
    outcomes = Counter(trial.result.outcome for trial in trials)
    assert outcomes[Outcome.ASSESSED] == len(evaluator.asked) == SETTINGS.trials
    assert len({network_key(one) for one in evaluator.asked}) == len(evaluator.asked)
    assert outcomes[Outcome.OVER_BUDGET] and outcomes[Outcome.IMPOSSIBLE]
    limits = settings.budget.limits()
    for trial in trials:
        if trial.result.outcome is Outcome.IMPOSSIBLE:
            assert trial.result.why == "no kernel takes 96 channels"
            continue
        assert trial.cost == SyntheticCosts().of(trial.candidate)
        is_within = all(share <= 0 for share in breach(trial.cost, limits).values())
        assert is_within == (trial.result.outcome is not Outcome.OVER_BUDGET)
        if is_within:
            assert trial.accuracy == accuracy(trial.candidate)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_stopped_study_goes_on_as_if_it_had_not_been(sampler: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, sampler=sampler)
    whole = searched(settings, tmp_path / "whole")
    evaluator = CountingEvaluator()
    for stop in (0, 7, 23):
        evaluator.interrupted_at = stop
        with pytest.raises(KeyboardInterrupt):
            searched(settings, tmp_path / "stopped", evaluator)
    assert searched(settings, tmp_path / "stopped", evaluator) == whole
    assert len(evaluator.asked) == settings.trials


def test_evolution_goes_on_from_what_a_study_begins_with(tmp_path: Path) -> None:
    """A child is as its parents in most of what is drawn; what is drawn anew shares a third."""
    limits = SETTINGS.budget.limits()
    first = starts(SPACE, SyntheticCosts(), limits, SETTINGS.trials, SETTINGS.seed)
    with opened(SETTINGS, tmp_path) as study:
        study.run(SyntheticCosts(), CountingEvaluator(), first=first)
        drawn = [one.params for one in study._study.get_trials(deepcopy=False)]
    assert drawn[: len(first)] == [study.drawn.places(one) for one in first]
    for number, params in enumerate(drawn[len(first) :], start=len(first)):
        shared = [sum(params[name] == one[name] for name in params) for one in drawn[:number]]
        assert max(shared) >= 0.6 * len(params)


def test_no_two_individuals_of_an_evolution_are_alike(tmp_path: Path) -> None:
    """Else copies of the best are soon the whole population."""
    settings = replace(SETTINGS, objectives=())
    with opened(settings, tmp_path) as study:
        study.run(SyntheticCosts(), CountingEvaluator())
        told = [one.values for one in study._study.get_trials(deepcopy=False) if one.values]
        repeated = [one for one in study.trials() if one.result.outcome is Outcome.REPEATED]
    scores = [values[0] for values in told if values[0] > 0]
    assert repeated, "else nothing is shown"
    assert len(scores) == SETTINGS.trials


def test_flash_is_held_against_its_budget_with_a_margin() -> None:
    cost = CandidateCost(80, 100, 50, 190, 9, 9, 2.0, flash_margin=11)
    limits = {"ram": 100, "flash": 200, "ms": 4.0}
    assert breach(cost, limits) == pytest.approx({"ram": 0.0, "flash": 0.005, "ms": -0.5})


def test_a_study_that_is_done_asks_nothing(tmp_path: Path) -> None:
    whole = searched(SETTINGS, tmp_path)
    again = CountingEvaluator()
    assert searched(SETTINGS, tmp_path, again) == whole
    assert again.asked == []
    more = replace(SETTINGS, trials=28)
    assert searched(more, tmp_path, again)[: len(whole)] == whole
    assert len(again.asked) == 4


def test_without_a_budget_is_a_study_that_shares_what_is_known(tmp_path: Path) -> None:
    whole = searched(SETTINGS, tmp_path)
    evaluator = CountingEvaluator()
    with opened(SETTINGS, tmp_path, without="ram") as study:
        study.run(SyntheticCosts(), evaluator)
        freed = study.trials()
    assert len(evaluator.asked) == SETTINGS.trials
    known = {network_key(one.candidate) for one in whole if one.result.accuracy is not None}
    assert not known & {network_key(one) for one in evaluator.asked}
    assert any(one.cost.ram > 6_000 for one in freed if one.result.accuracy is not None)
    assert searched(SETTINGS, tmp_path) == whole


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"budget": SearchBudget(ram=9)}, "'budget.ram' is 9, but was 6000 when the study"),
        ({"space": replace(SPACE, stages=3)}, "'space.stages' is 3, but was 2"),
        ({"objectives": ()}, r"'objectives' is \[\], but was \['ram', 'ms'\]"),
        ({"board": "microbit"}, "'board' is 'microbit', but was 'nucleo_l4r5zi'"),
    ],
)
def test_another_question_is_another_study(
    changed: dict[str, object], message: str, tmp_path: Path
) -> None:
    searched(replace(SETTINGS, trials=1), tmp_path)
    other = replace(SETTINGS, **changed)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=message), opened(other, tmp_path):
        pass


def test_the_front_is_what_nothing_is_better_than(tmp_path: Path) -> None:
    trials = [one for one in searched(SETTINGS, tmp_path) if one.result.accuracy is not None]
    found = front(trials, SETTINGS.objectives)
    assert found[0].accuracy == max(one.accuracy for one in trials)
    for trial in trials:
        own = trial.values(SETTINGS.objectives)
        beaten = [
            all(a <= b for a, b in zip(one.values(SETTINGS.objectives), own, strict=True))
            for one in found
        ]
        assert any(beaten)
        assert (trial in found) <= (sum(beaten) == 1)


def test_a_line_that_was_not_finished_is_forgotten(tmp_path: Path) -> None:
    """As when the computer goes down while the journal is written."""
    whole = searched(SETTINGS, tmp_path / "whole")
    searched(SETTINGS, tmp_path / "cut")
    path = tmp_path / "cut" / SETTINGS.storage
    path.write_bytes(path.read_bytes()[:-20])
    evaluator = CountingEvaluator()
    assert searched(SETTINGS, tmp_path / "cut", evaluator) == whole
    assert evaluator.asked == []


@pytest.mark.parametrize(
    ("storage", "content", "message"),
    [
        ("a/search.journal", "no journal\n", "is no journal of a study"),
        ("a", None, "cannot write .*/a: Is a directory"),
        ("mysql://there/studies", None, "not one of mysql"),
    ],
)
def test_storage_that_is_none(
    storage: str, content: str | None, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    if content is not None:
        (tmp_path / storage).write_text(content)
    place = storage if "://" in storage else str(tmp_path / storage)
    with pytest.raises(BadInput, match=message), workplace(place, "x"):
        pass


def test_what_another_version_kept_is_not_misread(tmp_path: Path) -> None:
    searched(replace(SETTINGS, trials=1), tmp_path)
    path = tmp_path / SETTINGS.storage
    path.write_text(path.read_text().replace('"arena":', '"memory":'))
    with opened(SETTINGS, tmp_path) as study, pytest.raises(BadInput, match="another version"):
        study.trials()


def test_a_space_that_is_exhausted_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three networks of two schedules; each is assessed once, and then the search gives up."""
    monkeypatch.setattr("edgebottle.search.study.MAX_VAIN", 60)
    fixed = {"stem_strides": (1,), "stem_sizes": (3,), "head_channels": (0,), "depths": (0,)}
    space = replace(SPACE, shapes=((16, 16, 1),), stem_channels=(4, 8, 12), stages=1, **fixed)
    evaluator = CountingEvaluator()
    trials = searched(replace(SETTINGS, space=space), tmp_path, evaluator)
    outcomes = Counter(trial.result.outcome for trial in trials)
    assert len(evaluator.asked) == outcomes[Outcome.ASSESSED] == 3
    assert outcomes[Outcome.REPEATED] == len(trials) - 3 >= 60


@pytest.mark.parametrize("drawn", [0, 2])
def test_a_trial_that_was_not_drawn_to_its_end_is_taken_up(drawn: int, tmp_path: Path) -> None:
    """As when a worker is killed in its turn, before it has said that the trial is its own."""
    settings = replace(SETTINGS, sampler="tpe", trials=6)
    with opened(settings, tmp_path) as study:
        study._study.sampler = study._sampler(0)
        trial = study._study.ask()
        for name, most in (("shape", 2), ("stem_channels", 5))[:drawn]:
            trial.suggest_int(name, 0, most)
    trials = searched(settings, tmp_path)
    assert [one.number for one in trials] == list(range(len(trials)))
    assert sum(one.result.outcome is Outcome.ASSESSED for one in trials) == 6
