"""How well a search ranks networks: what it saw of some of them against what training gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
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
        """Kendall's tau-b, -1 .. 1; None where one of both rankings ranks nothing.

        Source: Kendall, "The treatment of ties in ranking problems", Biometrika 1945.
        """
        from scipy.stats import kendalltau

        pairs = [(one.searched, one.trained) for one in self.networks]
        found = float(kendalltau(*zip(*pairs, strict=True)).statistic)
        return None if math.isnan(found) else found

    @property
    def best(self) -> RankedNetwork:
        """The most accurate by itself; of equals the one that the search liked better."""
        return max(self.networks, key=lambda one: one.trained)

    @property
    def lost(self) -> float:
        """What the search's choice among these lost against the best of them, 0 .. 1."""
        return self.best.trained - self.networks[0].trained

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        return {**asdict(self), "tau": self.tau, "lost": self.lost}
