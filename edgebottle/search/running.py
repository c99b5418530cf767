"""Runs a study with all that it needs: costs of its board, what starts it, and its evaluator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from edgebottle.search.evaluators import evaluator_of
from edgebottle.search.smallest import fitting
from edgebottle.search.starts import starts
from edgebottle.search.study import SearchStudy, Told
from edgebottle.search.trials import CandidateCosts
from quantize.search.space import Choice

Progress = Callable[[str, int, int], None]


def run_study(
    study: SearchStudy,
    costs: CandidateCosts,
    progress: Progress,
    told: Told = lambda trial: None,
) -> None:
    """Works until as many candidates are assessed as the settings say.

    Args:
        study: New, or under way.
        costs: Of candidates on its board.
        progress: Told what is being done before and between trials.
        told: Called with each trial that this worker has ended.

    Raises:
        BadInput: there is no evaluator of this name, or the samples cannot serve.
        DoesNotFit: no network of the space keeps to the budgets.
        ToolMissing: Keras is needed, and not installed.
    """
    settings, limits = study.settings, study.limits.most

    @cache
    def smallest() -> Choice:
        return fitting(settings.space, costs, limits, progress)

    evaluator = evaluator_of(settings, costs, limits, smallest, progress)
    first: list[Choice] = []
    if study.is_new():
        least = smallest()  # says so where nothing fits
        if settings.sampler != "random":
            trials, seed = settings.trials, settings.seed
            first = starts(settings.space, costs, limits, trials, seed, progress) or [least]
    study.run(costs, evaluator, told, first)
