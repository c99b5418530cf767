"""Samples with their classes, and how they are parted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array


@dataclass(frozen=True)
class LabelledSamples:
    """Samples and their classes.

    Attributes:
        values: float32, (samples, ...), as the network takes them.
        labels: int64, (samples,).
    """

    values: Array
    labels: Array

    def __len__(self) -> int:
        """How many."""
        return len(self.labels)

    def picked(self, which: Array) -> LabelledSamples:
        """Some of them."""
        return LabelledSamples(self.values[which], self.labels[which])

    def with_more(self, others: LabelledSamples) -> LabelledSamples:
        """These, and others behind them."""
        values = np.concatenate([self.values, others.values])
        return LabelledSamples(values, np.concatenate([self.labels, others.labels]))


def split(samples: LabelledSamples, share: float, seed: int) -> tuple[LabelledSamples, ...]:
    """Parts samples at random: the rest, and the share."""
    order = np.random.default_rng(seed).permutation(len(samples))
    count = max(1, round(len(samples) * share))
    return samples.picked(order[count:]), samples.picked(order[:count])
