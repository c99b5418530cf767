"""The trials of a study: what was drawn, what it costs, how accurate it is, and the front."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from edgebottle.errors import BadInput, BadModel, DoesNotFit, UnsupportedOp
from edgebottle.search.costs import CandidateCost
from quantize.search.space import Candidate, Choice, Space, Value


class CandidateCosts(Protocol):
    """Says what candidates take of one board, without training them."""

    def of(self, candidate: Candidate) -> CandidateCost:
        """Of one; raises an error of ``IMPOSSIBLE`` where it cannot be built at all."""


class Evaluator(Protocol):
    """Says how accurate candidates are."""

    def accuracy(self, candidate: Candidate) -> float:
        """Share of right classes, or of a detector its mean average precision, 0 .. 1.

        It is the same for equal networks however they are run.
        """


class Outcome(StrEnum):
    """How a trial ended."""

    ASSESSED = "assessed"
    REPEATED = "repeated"
    OVER_BUDGET = "over budget"
    IMPOSSIBLE = "impossible"


IMPOSSIBLE = (BadInput, BadModel, DoesNotFit, UnsupportedOp)
"""What a candidate is to blame for, and not the tools."""


def breach(cost: CandidateCost, limits: Mapping[str, float]) -> dict[str, float]:
    """By how much each limit is broken, as a share of it; not above 0 where it is kept."""
    return {name: (cost.held[name] - limit) / limit for name, limit in limits.items()}


def keeps(cost: CandidateCost, limits: Mapping[str, float]) -> bool:
    """Whether no limit is broken."""
    return all(share <= 0 for share in breach(cost, limits).values())


def fits(candidate: Candidate, costs: CandidateCosts, limits: Mapping[str, float]) -> bool:
    """Whether a candidate can be built, and keeps to the limits."""
    return fitting_cost(candidate, costs, limits) is not None


def fitting_cost(
    candidate: Candidate, costs: CandidateCosts, limits: Mapping[str, float]
) -> CandidateCost | None:
    """Of a candidate that can be built, and keeps to the limits; None of any other."""
    try:
        cost = costs.of(candidate)
    except IMPOSSIBLE:
        return None
    return cost if keeps(cost, limits) else None


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended.

    Attributes:
        outcome: In a word.
        cost: What the candidate takes; None where it cannot be built.
        accuracy: 0 .. 1; None where it was not found out.
        why: It cannot be built.
        seconds: That this took.
    """

    outcome: Outcome
    cost: CandidateCost | None = None
    accuracy: float | None = None
    why: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> TrialResult:
        """Of what ``asdict`` makes; raises ``BadInput`` where another version made it."""
        try:
            cost = None if table["cost"] is None else CandidateCost(**table["cost"])
            outcome = Outcome(table["outcome"])
            return cls(outcome, cost, table["accuracy"], table["why"], table["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                "another version of edgebottle ran this study: give the search another name"
            ) from error


@dataclass(frozen=True)
class SearchTrial:
    """A candidate that was looked at.

    Attributes:
        number: Of the study, from 0 on.
        candidate: The network and how it is run.
        result: How it ended.
        worker: That ended it.
    """

    number: int
    candidate: Candidate
    result: TrialResult
    worker: str = field(default="", compare=False)

    @property
    def accuracy(self) -> float:
        """0 .. 1, of one that has it."""
        assert self.result.accuracy is not None
        return self.result.accuracy

    @property
    def cost(self) -> CandidateCost:
        """Of one that can be built."""
        assert self.result.cost is not None
        return self.result.cost

    def words(self) -> str:
        """In a line."""
        result = self.result
        parts = [f"trial {self.number}: {result.outcome.value}", result.why]
        if result.accuracy is not None:
            parts.append(f"{result.accuracy:.2%}")
        if result.cost is not None:
            cost = result.cost
            parts.append(f"{cost.ram:,} bytes of RAM, {cost.flash:,} of flash, {cost.ms:.2f} ms")
        return ", ".join(filter(None, parts))

    def values(self, objectives: Sequence[str]) -> tuple[float, ...]:
        """What is to be small: accuracy with a minus sign, and the further objectives."""
        return (-self.accuracy, *(asdict(self.cost)[name] for name in objectives))


def network_key(candidate: Candidate) -> str:
    """Equal for candidates that compute the same, however they are run."""
    table = candidate.to_json()
    for name in ("schedule", "row_fed"):
        del table[name]
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:24]


def front(trials: Iterable[SearchTrial], objectives: Sequence[str]) -> list[SearchTrial]:
    """Those that no other is better than in everything, the most accurate first.

    Args:
        trials: With accuracy, all within their budgets.
        objectives: What is to be small beside accuracy.
    """
    kept: list[SearchTrial] = []
    for trial in sorted(trials, key=lambda one: (one.values(objectives), one.number)):
        own = trial.values(objectives)
        better = (one.values(objectives) for one in kept)
        if not any(all(a <= b for a, b in zip(one, own, strict=True)) for one in better):
            kept.append(trial)
    return kept


_WITHOUT_ORDER = ("kind", "schedule", "row_fed")
"""Parameters, or the ends of their names, whose values are not larger or smaller."""


class DrawnSpace:
    """A space in the words of Optuna, whose samplers see the places of values in their lists."""

    def __init__(self, space: Space) -> None:
        """What has one value is not drawn."""
        self.space = space
        self._free = [one for one in space.parameters() if len(one.values) > 1]
        self._fixed = {one.name: one.values[0] for one in space.parameters()}

    def suggest(self, trial: Any) -> None:
        """Has a trial draw whatever it has not drawn yet."""
        for one in self._free:
            if one.name.endswith(_WITHOUT_ORDER):
                trial.suggest_categorical(one.name, tuple(range(len(one.values))))
            else:
                trial.suggest_int(one.name, 0, len(one.values) - 1)

    def places(self, choice: Choice) -> dict[str, int]:
        """What Optuna is told of a choice."""
        return {one.name: one.values.index(choice[one.name]) for one in self._free}

    def choice(self, places: Mapping[str, int]) -> dict[str, Value]:
        """What Optuna told."""
        drawn = {one.name: one.values[places[one.name]] for one in self._free}
        return {**self._fixed, **drawn}
