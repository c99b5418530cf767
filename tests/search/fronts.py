"""Fronts of one worker and of two on PostgreSQL: python -m tests.search.fronts [--trials N].

Costs and accuracy are plain functions of the architecture: it is the search that is compared. The
measure is the share of the square below accuracy 1 and within the RAM budget that a front covers.
"""

import argparse
import multiprocessing
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from edgebottle.search.settings import SAMPLERS, SearchSettings
from edgebottle.search.sharing import workplace
from edgebottle.search.study import SearchStudy
from edgebottle.search.trials import Outcome, SearchTrial, front
from tests.search.postgres import server
from tests.search.synthetic import SETTINGS, CountingEvaluator, SyntheticCosts

SEEDS = (0, 1, 2)


def covered(trials: Sequence[SearchTrial], settings: SearchSettings) -> float:
    """The share of accuracy and RAM budget that the front of some trials covers, 0 .. 1."""
    limit = settings.budget.limits()["ram"]
    assessed = [one for one in trials if one.result.accuracy is not None]
    total, above = 0.0, limit
    for trial in front(assessed, ("ram",)):  # the most accurate first, so RAM falls
        total += trial.accuracy * (above - trial.cost.ram) / limit
        above = trial.cost.ram
    return total


def work(settings: SearchSettings) -> None:
    """A worker, to the end of the study."""
    with workplace(settings.place, settings.name) as place:
        SearchStudy(settings, place).run(SyntheticCosts(), CountingEvaluator())


def searched(settings: SearchSettings, workers: int) -> list[SearchTrial]:
    """The trials of a study by some workers, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=work, args=(settings,)) for _ in range(workers)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    with workplace(settings.place, settings.name) as place:
        return SearchStudy(settings, place, create=False).trials()


def main() -> None:
    """Prints a line for each sampler and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    said = parser.parse_args()
    plain = replace(SETTINGS, objectives=("ram",), trials=said.trials)
    with server() as running:
        for sampler in said.samplers:
            for workers in (1, 2):
                found, outcomes = [], Counter[Outcome]()
                for seed in SEEDS:
                    name = f"{sampler} {workers} {seed}"
                    settings = replace(
                        plain, name=name, sampler=sampler, seed=seed, storage=running.address
                    )
                    trials = searched(settings, workers)
                    assert [one.number for one in trials] == list(range(len(trials)))
                    found.append(covered(trials, settings))
                    outcomes += Counter(one.result.outcome for one in trials)
                each = ", ".join(f"{one:.4f}" for one in found)
                ended = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
                mean = statistics.mean(found)
                print(f"{sampler}, {workers}: {each}; mean {mean:.4f}; {ended}", flush=True)


if __name__ == "__main__":
    main()
