"""Chooses the bits of each layer: an integer programme, solved to the optimum.

Every place, the weights of a layer or what a layer computes, gets one of the widths in which the
compiler stores it. What a width costs is known place by place, or pair by pair where the time of a
layer depends on its weights and on what it reads. Memory is not linear: what was found not to fit
is left out by cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from edgebottle.errors import ToolMissing
from quantize.lowbit.bits import WIDEST, Bits, LayerBits

WIDTHS = (1, 2, 4, WIDEST)
"""Bits in which tensors are stored; others take as much as the next of these."""

WIDER = 1e-6
"""What a bit less costs at least, so that nothing is narrow without need."""


class Part(Enum):
    """What of a layer has bits of its own."""

    WEIGHTS = "weights"
    OUTPUT = "output"


@dataclass(frozen=True)
class Place:
    """Something that has bits.

    Attributes:
        layer: Name in Keras.
        part: Of the layer.
    """

    layer: str
    part: Part


Choice = Mapping[Place, int]
"""Bits of every place."""

Pair = tuple[Place, Place]

Cut = Mapping[Place, int]
"""At least one of these places must have fewer bits than is said here."""


@dataclass(frozen=True)
class Cost:
    """A sum over places and pairs of places.

    Attributes:
        places: By place and its bits.
        pairs: By two places and the bits of both.
        fixed: Whatever the bits.
    """

    places: Mapping[Place, Mapping[int, float]] = field(default_factory=dict)
    pairs: Mapping[Pair, Mapping[tuple[int, int], float]] = field(default_factory=dict)
    fixed: float = 0.0

    def of(self, choice: Choice) -> float:
        """The cost of a choice."""
        total = self.fixed + sum(by_bits[choice[place]] for place, by_bits in self.places.items())
        pairs = ((by_bits, choice[a], choice[b]) for (a, b), by_bits in self.pairs.items())
        return total + sum(by_bits[one, other] for by_bits, one, other in pairs)

    def to_json(self) -> list[list[Any]]:
        """What ``of_json`` reads, of a cost without pairs."""
        return [
            [place.layer, place.part.value, width, cost]
            for place, by_bits in self.places.items()
            for width, cost in by_bits.items()
        ]

    @classmethod
    def of_json(cls, rows: Iterable[Sequence[Any]]) -> Cost:
        """What ``to_json`` wrote."""
        places: dict[Place, dict[int, float]] = {}
        for layer, part, width, cost in rows:
            places.setdefault(Place(layer, Part(part)), {})[width] = cost
        return cls(places)


@dataclass(frozen=True)
class Limit:
    """A cost that must not exceed something.

    Attributes:
        cost: In any unit.
        most: In the same.
    """

    cost: Cost
    most: float


@dataclass(frozen=True)
class BitProblem:
    """What is to be chosen.

    Attributes:
        options: The widths of every place, ascending.
        loss: What is to be least.
        limits: That hold.
        cuts: That hold.
    """

    options: Mapping[Place, tuple[int, ...]]
    loss: Cost
    limits: tuple[Limit, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def allows(self, choice: Choice) -> bool:
        """Whether all limits and cuts hold."""
        within = all(limit.cost.of(choice) <= limit.most for limit in self.limits)
        return within and all(
            any(choice[place] < width for place, width in cut.items()) for cut in self.cuts
        )


def solve(problem: BitProblem) -> dict[Place, int] | None:
    """The choice of least loss, of several the one with more bits; None where there is none.

    Raises:
        ToolMissing: SciPy is not installed.
    """
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError as error:
        raise ToolMissing(
            "choosing bits needs scipy, which is not installed: pip install 'edgebottle[train]'"
        ) from error
    columns = _Columns(problem)
    rows, low, high = columns.constraints()
    found = milp(
        columns.objective(),
        integrality=columns.integrality(),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, low, high),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    return columns.choice(found.x)


class _Columns:
    """The variables: one for each place and width, and one for each pair and both widths."""

    def __init__(self, problem: BitProblem) -> None:
        self.problem = problem
        self.places = {
            (place, width): number
            for number, (place, width) in enumerate(
                (place, width) for place, widths in problem.options.items() for width in widths
            )
        }
        costs = [problem.loss, *(limit.cost for limit in problem.limits)]
        self.pairs: dict[tuple[Pair, int, int], int] = {}
        for pair in dict.fromkeys(pair for cost in costs for pair in cost.pairs):
            for one in problem.options[pair[0]]:
                for other in problem.options[pair[1]]:
                    number = len(self.places) + len(self.pairs)
                    self.pairs[pair, one, other] = number
        self.count = len(self.places) + len(self.pairs)

    def row(self, cost: Cost) -> np.ndarray:
        """The factors of a cost."""
        row = np.zeros(self.count)
        for (place, width), number in self.places.items():
            if place in cost.places:
                row[number] = cost.places[place][width]
        for (pair, one, other), number in self.pairs.items():
            if pair in cost.pairs:
                row[number] = cost.pairs[pair][one, other]
        return row

    def objective(self) -> np.ndarray:
        """The loss, and a little for each bit less."""
        row = self.row(self.problem.loss)
        for (_, width), number in self.places.items():
            row[number] += WIDER * (WIDEST - width)
        return row

    def integrality(self) -> np.ndarray:
        """Pairs follow from places."""
        return np.array([1] * len(self.places) + [0] * len(self.pairs))

    def constraints(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One width for each place; pairs agree with places; limits and cuts hold."""
        rows: list[np.ndarray] = []
        low: list[float] = []
        high: list[float] = []

        def add(plus: Iterable[int], minus: Iterable[int], least: float, most: float) -> None:
            row = np.zeros(self.count)
            row[list(plus)] = 1.0
            row[list(minus)] = -1.0
            rows.append(row)
            low.append(least)
            high.append(most)

        for place, widths in self.problem.options.items():
            add((self.places[place, width] for width in widths), (), 1.0, 1.0)
        for pair in dict.fromkeys(pair for pair, _, _ in self.pairs):
            for side, place in enumerate(pair):
                for width in self.problem.options[place]:
                    same = (n for key, n in self.pairs.items() if _agrees(key, pair, side, width))
                    add(same, (self.places[place, width],), 0.0, 0.0)
        for cut in self.problem.cuts:
            narrower = (n for (at, width), n in self.places.items() if width < cut.get(at, 0))
            add(narrower, (), 1.0, np.inf)
        for limit in self.problem.limits:
            # In units of the limit, so that the solver's tolerance is a share of it.
            unit = max(1.0, abs(limit.most))
            rows.append(self.row(limit.cost) / unit)
            low.append(-np.inf)
            high.append((limit.most - limit.cost.fixed) / unit)
        return np.array(rows), np.array(low), np.array(high)

    def choice(self, values: np.ndarray) -> dict[Place, int]:
        """What was chosen."""
        return {place: width for (place, width), n in self.places.items() if values[n] > 0.5}


def _agrees(key: tuple[Pair, int, int], pair: Pair, side: int, width: int) -> bool:
    return key[0] == pair and key[1 + side] == width


def bits_of(choice: Choice) -> Bits:
    """The plan of a choice: every layer by its name."""
    layers: dict[str, LayerBits] = {}
    for layer in dict.fromkeys(place.layer for place in choice):
        weights = choice.get(Place(layer, Part.WEIGHTS), WIDEST)
        layers[layer] = LayerBits(weights, choice.get(Place(layer, Part.OUTPUT), WIDEST))
    return Bits(LayerBits(), layers)
