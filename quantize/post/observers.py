"""Observers: each chooses the real range that int8 stretches over, from a tensor's histogram."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from quantize.post.affine import HIGH, LOW, Bounds, quant_of, widened
from quantize.post.statistics import BINS, Statistics

MAX_SHRINKING = 0.25
"""The narrowest range that is tried, of the whole one."""

CANDIDATES = 64
"""Ranges between it and the whole one."""

LEVELS = HIGH - LOW + 1


class Observer(ABC):
    """A way to choose a range."""

    NAME: ClassVar[str]

    @abstractmethod
    def bounds(self, statistics: Statistics) -> Bounds:
        """The lowest and the highest value that are to be told apart; what lies beyond is cut."""


class MinMax(Observer):
    """All values that were seen: nothing is cut.

    Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", 2018, section 3.1.
    """

    NAME = "min-max"

    def bounds(self, statistics: Statistics) -> Bounds:
        """See ``Observer``."""
        return statistics.bounds


@dataclass(frozen=True)
class Percentile(Observer):
    """All values but a small share at each end.

    Source: McKinstry et al., "Discovering Low-Precision Networks Close to Full-Precision Networks
    for Efficient Embedded Inference", 2018, section 3.1.

    Attributes:
        share: Of the values at each end that may be cut, 0 .. 1.
    """

    NAME = "percentile"

    share: float = 1e-4

    def bounds(self, statistics: Statistics) -> Bounds:
        """See ``Observer``."""
        seen = np.cumsum(statistics.counts) / max(int(statistics.counts.sum()), 1)
        low = int(np.searchsorted(seen, self.share, side="right"))
        high = int(np.searchsorted(seen, 1 - self.share))
        width = 2 * statistics.reach / BINS
        lowest, highest = low * width - statistics.reach, (high + 1) * width - statistics.reach
        return max(lowest, statistics.low), min(highest, statistics.high)


class MeanSquaredError(Observer):
    """The range whose rounding and cutting together give the least mean squared error.

    Source: Choukroun et al., "Low-bit Quantization of Neural Networks for Efficient Inference",
    2019, section 3 (the MMSE range, here searched on the histogram, each end on its own).
    """

    NAME = "mse"

    def bounds(self, statistics: Statistics) -> Bounds:
        """See ``Observer``."""
        low, high = widened(statistics.bounds)
        factors = np.linspace(MAX_SHRINKING, 1, CANDIDATES)
        for _ in range(2):
            high = _best(statistics, [(low, high * factor) for factor in factors])[1]
            low = _best(statistics, [(low * factor, high) for factor in factors])[0]
        return low, high


class Entropy(Observer):
    """The range whose quantized histogram says most of the whole one (Kullback-Leibler).

    Source: Migacz, "8-bit Inference with TensorRT", GPU Technology Conference 2017.
    """

    NAME = "entropy"

    def bounds(self, statistics: Statistics) -> Bounds:
        """See ``Observer``."""
        low, high = widened(statistics.bounds)
        factors = np.linspace(MAX_SHRINKING, 1, CANDIDATES)
        ranges = [(low * factor, high * factor) for factor in factors]
        return min(ranges, key=lambda bounds: _divergence(statistics, bounds))


OBSERVERS: tuple[Observer, ...] = (MinMax(), Percentile(), MeanSquaredError(), Entropy())
"""The first of two that are equally good is chosen."""


def squared_error(statistics: Statistics, bounds: Bounds) -> float:
    """The mean squared error of the values in int8 of this range."""
    quant = quant_of(bounds)
    scale, zero_point = quant.scale[0], quant.zero_point[0]
    centres = statistics.centres
    steps = np.clip(np.rint(centres / scale) + zero_point, LOW, HIGH) - zero_point
    errors = np.square(steps * scale - centres)
    return float(np.dot(errors, statistics.counts) / max(int(statistics.counts.sum()), 1))


def _best(statistics: Statistics, ranges: Sequence[Bounds]) -> Bounds:
    """The range of the least error; the widest of those."""
    return min(reversed(ranges), key=lambda bounds: squared_error(statistics, bounds))


def _divergence(statistics: Statistics, bounds: Bounds) -> float:
    """Kullback-Leibler divergence of the histogram in a range from what int8 leaves of it."""
    quant = quant_of(bounds)
    centres, counts = statistics.centres, statistics.counts.astype(np.float64)
    steps = np.rint(centres / quant.scale[0]) + quant.zero_point[0]
    inside = (steps >= LOW) & (steps <= HIGH)
    levels = np.clip(steps, LOW, HIGH).astype(np.int64) - LOW
    real = np.where(inside, counts, 0)
    ends = np.flatnonzero(inside)
    if not ends.size:
        return float("inf")
    real[ends[0]] += counts[: ends[0]].sum()
    real[ends[-1]] += counts[ends[-1] + 1 :].sum()
    taken = inside & (counts > 0)
    sums = np.bincount(levels, weights=np.where(taken, counts, 0), minlength=LEVELS)
    shares = np.bincount(levels, weights=taken, minlength=LEVELS)
    spread = np.where(taken, (sums / np.maximum(shares, 1))[levels], 0)
    return _kullback_leibler(real, spread)


def _kullback_leibler(real: Array, model: Array) -> float:
    some = real > 0
    p, q = real[some] / real.sum(), model[some] / max(model.sum(), 1.0)
    return float(np.sum(p * np.log(p / np.maximum(q, 1e-12))))
