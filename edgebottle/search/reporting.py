"""What a study has found, for the reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate

from edgebottle.search.settings import SearchSettings
from edgebottle.search.sharing import Workplace
from edgebottle.search.study import Limits, NoStudy, SearchStudy
from edgebottle.search.trials import Outcome, SearchTrial, breach, front
from quantize.search.report import BudgetPrice, FoundNetwork, SearchReport, network_words


def report_of(settings: SearchSettings, place: Workplace) -> SearchReport:
    """What was found so far; raises ``NoStudy`` where the study was never begun."""
    study = SearchStudy(settings, place, create=False)
    trials = study.trials()
    found = _unlike([one for one in trials if one.result.accuracy is not None])
    best = {one.number for one in front(found, settings.objectives)}
    assessed = [one.accuracy for one in trials if one.result.outcome is Outcome.ASSESSED]
    return SearchReport(
        name=settings.name,
        data=settings.data,
        board=settings.board,
        sampler=settings.sampler,
        objectives=settings.objectives,
        limits=study.limits.most,
        wanted=settings.trials,
        outcomes=dict(Counter(one.result.outcome.value for one in trials)),
        seconds=sum(one.result.seconds for one in trials),
        workers=len({one.worker for one in trials}),
        networks=tuple(_found(one, is_best=one.number in best) for one in found),
        history=tuple(accumulate(assessed, max)),
        prices=_prices(settings, place, found),
    )


def _unlike(trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    """The first of those that are of one candidate."""
    first: dict[str, SearchTrial] = {}
    for trial in trials:
        first.setdefault(json.dumps(trial.candidate.to_json()), trial)
    return list(first.values())


def _found(trial: SearchTrial, *, is_best: bool) -> FoundNetwork:
    candidate, cost = trial.candidate, trial.cost
    return FoundNetwork(
        number=trial.number,
        accuracy=trial.accuracy,
        ram=cost.ram,
        flash=cost.flash,
        ms=cost.ms,
        network=network_words(candidate),
        bits=str(candidate.bits),
        schedule=candidate.schedule,
        row_fed=candidate.row_fed,
        is_best=is_best,
    )


def _prices(
    settings: SearchSettings, place: Workplace, found: Sequence[SearchTrial]
) -> tuple[BudgetPrice, ...]:
    """Of each budget of the settings, by the study that does without it."""
    best = max(found, key=lambda one: one.accuracy, default=None)
    if best is None:
        return ()
    prices = []
    for name, limit in settings.budget.limits().items():
        limits = Limits.of(settings, name)
        try:
            others = SearchStudy(settings, place, limits, create=False).trials()
        except NoStudy:
            others = []
        free = [
            one
            for one in (*found, *others)
            if one.result.accuracy is not None
            and all(share <= 0 for share in breach(one.cost, limits.most).values())
        ]
        without = max(free, key=lambda one: one.accuracy) if others else None
        prices.append(
            BudgetPrice(
                name=name,
                limit=limit,
                taken=asdict(best.cost)[name],
                accuracy=None if without is None else without.accuracy,
                takes=None if without is None else asdict(without.cost)[name],
            )
        )
    return tuple(prices)
