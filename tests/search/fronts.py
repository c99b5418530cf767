"""Fronts of one worker and of two on PostgreSQL: python -m tests.search.fronts [--trials N].

Costs and accuracy are plain functions of the architecture: it is the search that is compared. The
measure is the share of the square below accuracy 1 and within the RAM budget that a front covers.
Of the two one may be killed while it assesses a candidate. Either way, no trial is missing, none is
there twice, and as many networks are assessed. It fails where the front of two is worse than that
of one by more than the seeds of one differ.
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.synchronize import Event

from edgebottle.search.settings import SAMPLERS, SearchSettings
from edgebottle.search.sharing import workplace
from edgebottle.search.study import SearchStudy
from edgebottle.search.trials import Outcome, SearchTrial, front
from quantize.search.space import Candidate
from tests.search.postgres import server
from tests.search.synthetic import SETTINGS, CountingEvaluator, SyntheticCosts
from tests.waiting import wait_until

SEEDS = (0, 1, 2)

CREWS = {"one": 1, "two": 2, "two, one killed": 2}
"""Workers, by what is said of them."""


@dataclass
class HangingEvaluator(CountingEvaluator):
    """Says so when it is asked for a candidate, and never answers.

    Attributes:
        hangs: Set by then.
        hangs_at: The question.
    """

    hangs: Event = field(kw_only=True)
    hangs_at: int = field(kw_only=True)

    def accuracy(self, candidate: Candidate) -> float:
        """That of a function, up to the question."""
        if len(self.asked) == self.hangs_at:
            self.hangs.set()
            while True:
                os.sched_yield()
        return super().accuracy(candidate)


def covered(trials: Sequence[SearchTrial], settings: SearchSettings) -> float:
    """The share of accuracy and RAM budget that the front of some trials covers, 0 .. 1."""
    limit = settings.budget.limits()["ram"]
    assessed = [one for one in trials if one.result.accuracy is not None]
    total, above = 0.0, limit
    for trial in front(assessed, ("ram",)):  # the most accurate first, so RAM falls
        total += trial.accuracy * (above - trial.cost.ram) / limit
        above = trial.cost.ram
    return total


def work(settings: SearchSettings, hangs: Event | None = None) -> None:
    """A worker, to the end of the study, or up to a quarter of it, where it hangs."""
    evaluator = CountingEvaluator()
    if hangs is not None:
        evaluator = HangingEvaluator(hangs=hangs, hangs_at=settings.trials // 4)
    with workplace(settings.place, settings.name) as place:
        SearchStudy(settings, place).run(SyntheticCosts(), evaluator)


def searched(settings: SearchSettings, crew: str) -> list[SearchTrial]:
    """The trials of a study by some workers, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    hangs = context.Event() if "killed" in crew else None
    first = context.Process(target=work, args=(settings, hangs))
    running = [first] + [context.Process(target=work, args=(settings,))] * (CREWS[crew] - 1)
    first.start()
    if hangs is not None:
        wait_until(hangs.is_set, "the first worker asks nothing")
    for one in running[1:]:
        one.start()
    if hangs is not None:
        wait_until(lambda: len(trials_of(settings)) >= settings.trials // 2, "nobody works")
        first.kill()
    for one in running:
        one.join()
    assert first.exitcode == (0 if hangs is None else -signal.SIGKILL)
    return trials_of(settings)


def trials_of(settings: SearchSettings) -> list[SearchTrial]:
    """Those of a study that have ended."""
    with workplace(settings.place, settings.name) as place:
        return SearchStudy(settings, place, create=False).trials()


def check_trials(trials: Sequence[SearchTrial], settings: SearchSettings) -> Counter[Outcome]:
    """How the trials of a study ended, each of which is there once."""
    assert [one.number for one in trials] == list(range(len(trials)))
    outcomes = Counter(one.result.outcome for one in trials)
    assessed = [one for one in trials if one.result.outcome is Outcome.ASSESSED]
    keys = {json.dumps(one.candidate.to_json()) for one in assessed}
    assert len(keys) == len(assessed) == settings.trials
    return outcomes


def main() -> None:
    """Prints a line for each sampler and crew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    said = parser.parse_args()
    plain = replace(SETTINGS, objectives=("ram",), trials=said.trials)
    is_worse = False
    with server() as running:
        for sampler in said.samplers:
            alone: list[float] = []
            for crew in CREWS:
                found, outcomes = [], Counter[Outcome]()
                for seed in SEEDS:
                    name = f"{sampler} {crew} {seed}"
                    settings = replace(
                        plain, name=name, sampler=sampler, seed=seed, storage=running.address
                    )
                    trials = searched(settings, crew)
                    outcomes += check_trials(trials, settings)
                    found.append(covered(trials, settings))
                alone = alone or found
                spread, behind = max(alone) - min(alone), statistics.mean(alone)
                behind -= statistics.mean(found)
                is_worse |= behind > spread
                each = ", ".join(f"{one:.4f}" for one in found)
                ended = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
                mean = statistics.mean(found)
                print(f"{sampler}, {crew}: {each}; mean {mean:.4f}; {ended}", flush=True)
    sys.exit(is_worse)


if __name__ == "__main__":
    main()
