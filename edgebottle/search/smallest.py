"""The smallest network of a space: what nothing fits below."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgebottle.errors import DoesNotFit
from edgebottle.search.costs import CandidateCost
from edgebottle.search.trials import IMPOSSIBLE, CandidateCosts, breach
from quantize.search.space import Candidate, Parameter, Space, Value

Progress = Callable[[str, int, int], None]

UNITS = {"ram": "bytes of RAM", "flash": "bytes of flash", "ms": "ms"}


@dataclass(frozen=True)
class SmallestNetwork:
    """What comes nearest to the budgets, from small to large.

    Attributes:
        choice: Of the space.
        cost: What it takes; None where nothing that was tried can be built.
        total: By how much it breaks the budgets, as a share of each, added up; 0 where it fits.
    """

    choice: dict[str, Value]
    cost: CandidateCost | None
    total: float


def fitting(
    space: Space, costs: CandidateCosts, limits: Mapping[str, float], progress: Progress
) -> dict[str, Value]:
    """A small choice that keeps to the budgets.

    Raises:
        DoesNotFit: there is none; the message says what the smallest takes.
    """
    found = smallest(space, costs, limits, progress)
    if not found.total:
        return found.choice
    if found.cost is None:
        raise DoesNotFit("no network of the space can be built: give it more to choose from")
    shares, taken = breach(found.cost, limits), found.cost.held
    words = [
        f"{_number(taken[name])} {UNITS[name]}, {_number(taken[name] - limits[name])} too many"
        for name, share in shares.items()
        if share > 0
    ]
    raise DoesNotFit(
        f"no network of the space fits: the smallest that was found takes {' and '.join(words)}"
    )


def smallest(
    space: Space, costs: CandidateCosts, limits: Mapping[str, float], progress: Progress
) -> SmallestNetwork:
    """Starts with the least of everything, and changes one thing at a time while that helps.

    Args:
        space: What may be chosen.
        costs: Of candidates.
        limits: The most of each figure, by name.
        progress: Told of each network that is costed.
    """
    known: dict[str, tuple[CandidateCost | None, float]] = {}

    def tried(choice: dict[str, Value]) -> SmallestNetwork:
        candidate = space.candidate(choice)
        key = json.dumps(candidate.to_json())
        if key not in known:
            progress("look for the smallest network", len(known), 0)
            known[key] = _costed(candidate, costs, limits)
        return SmallestNetwork(choice, *known[key])

    best, before = tried({one.name: _least(one) for one in space.parameters()}), math.nan
    while best.total and best.total != before:
        before = best.total
        for parameter in space.parameters():
            for value in parameter.values:
                other = tried({**best.choice, parameter.name: value})
                best = other if other.total < best.total else best
    return best


def _costed(
    candidate: Candidate, costs: CandidateCosts, limits: Mapping[str, float]
) -> tuple[CandidateCost | None, float]:
    try:
        cost = costs.of(candidate)
    except IMPOSSIBLE:
        return None, math.inf
    return cost, sum(max(share, 0.0) for share in breach(cost, limits).values())


def _least(parameter: Parameter) -> Value:
    """The value that makes the smallest network, as a rule: the largest of strides."""
    if parameter.name == "shape":
        return min(parameter.values, key=lambda one: math.prod(map(int, str(one).split("x"))))
    if parameter.name.endswith("stride"):
        return max(parameter.values)
    if isinstance(parameter.values[0], int | float):
        return min(parameter.values)
    preferred = "min-ram" if parameter.name == "schedule" else parameter.values[0]
    return preferred if preferred in parameter.values else parameter.values[0]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"
