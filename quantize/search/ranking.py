"""How well a search ranks networks: what it saw of some of them against what training gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from typing import Any


@dataclass(frozen=True)
class RankedNetwork:
    """A network of a study that was trained by itself.

    Attributes:
        trial: Of the study.
        searched: Its accuracy as the search saw it, 0 .. 1.
        trained: Its accuracy when it was trained by itself, on the same samples, LiteRT on the
            file, 0 .. 1.
        network: In words.
        bits: Of its layers.
    """

    trial: int
    searched: float
    trained: float
    network: str
    bits: str

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> RankedNetwork:
        """Of what ``asdict`` makes; raises ``KeyError`` where that is something else."""
        return cls(**{one.name: table[one.name] for one in fields(cls)})


@dataclass(frozen=True)
class Ranking:
    """Networks that were trained alike.

    Attributes:
        epochs: Of floats.
        networks: The one that the search liked best first.
    """

    epochs: int
    networks: tuple[RankedNetwork, ...]

    @property
    def tau(self) -> float | None:
        """Kendall's tau-b, -1 .. 1; None where one of both rankings ranks nothing."""
        searched, trained = ([getattr(n, what) for n in self.networks] for what in ORDERS)
        return kendall_tau(searched, trained)

    @property
    def lost(self) -> float:
        """What the search's choice among these lost against the best of them, 0 .. 1."""
        return max(one.trained for one in self.networks) - self.networks[0].trained

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        return {**asdict(self), "tau": self.tau, "lost": self.lost}


ORDERS = ("searched", "trained")


def kendall_tau(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's rank correlation with ties (tau-b); None where one of both is all equal.

    Source: Kendall, "The treatment of ties in ranking problems", Biometrika 1945.

    Args:
        one: A figure of each thing.
        other: Another figure of each, in the same order.
    """
    agreeing = untied_one = untied_other = 0
    for (a, x), (b, y) in combinations(zip(one, other, strict=True), 2):
        first, second = (a > b) - (a < b), (x > y) - (x < y)
        agreeing += first * second
        untied_one += first != 0
        untied_other += second != 0
    if untied_one == 0 or untied_other == 0:
        return None
    return agreeing / math.sqrt(untied_one * untied_other)
