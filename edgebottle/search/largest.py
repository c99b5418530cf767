"""The largest network of a space that keeps to the budgets: what a search has to beat."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from edgebottle.search.trials import CandidateCosts, fits
from quantize.search.space import Choice, Space, Value

STEPS = 400
"""Changes that are tried."""

CHANGES = 3
"""Parameters in which each differs from the largest so far, at most."""

Progress = Callable[[str, int, int], None]


def largest(
    space: Space,
    first: Choice,
    costs: CandidateCosts,
    limits: Mapping[str, float],
    seed: int,
    progress: Progress = lambda what, done, total: None,
    steps: int = STEPS,
) -> dict[str, Value]:
    """The choice with the most multiplications that keeps to the budgets, as far as is found.

    Args:
        space: What may be chosen.
        first: A choice that fits.
        costs: Of candidates.
        limits: The most of each figure, by name.
        seed: Of the changes that are tried.
        progress: Told of each of them.
        steps: How many.
    """
    generator = random.Random(f"largest {seed}")
    best: dict[str, Value] = dict(first)
    most = space.candidate(best).architecture.network().macs()
    for step in range(steps):
        progress("look for the largest network", step, steps)
        other = space.changed(best, generator, generator.randint(1, CHANGES))
        candidate = space.candidate(other)
        macs = candidate.architecture.network().macs()
        if macs > most and fits(candidate, costs, limits):
            best, most = other, macs
    return best
