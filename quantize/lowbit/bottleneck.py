"""Channels in the order of their importance, so that the first of them can do without the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Bottleneck:
    """Nested dropout: in training, only the first groups of channels of a step are there.

    Of each sample all groups are kept with probability ``whole``, else any number of them alike. So
    the first group learns what matters most.

    Attributes:
        step: Whose channels; what it computes is clamped by a ReLU, so that 0 is its lowest level.
        groups: Channels of each group; together all.
        whole: Probability that all are kept, 0 .. 1, before any number is drawn.
    """

    SOURCE: ClassVar[str] = (
        "Rippel et al., Learning Ordered Representations with Nested Dropout, 2014"
    )

    step: str
    groups: tuple[int, ...]
    whole: float = 0.5

    @property
    def rates(self) -> range:
        """How many groups there may be."""
        return range(1, len(self.groups) + 1)

    def channels_at(self, rate: int) -> int:
        """Channels of the first ``rate`` groups."""
        return sum(self.groups[:rate])

    def dropped(self, values: Any, seeds: Any) -> Any:
        """Values, (samples, height, width, channels), of which each sample keeps some groups.

        Args:
            values: That are computed.
            seeds: A ``keras.random.SeedGenerator``.
        """
        from keras import ops, random

        shape = (ops.shape(values)[0], 1, 1, 1)
        drawn = random.uniform(shape, 0.0, 1.0, seed=seeds)
        spread = (
            (drawn - self.whole) / (1.0 - self.whole) if self.whole < 1.0 else drawn * 0.0 - 1.0
        )
        kept = ops.where(spread < 0.0, float(len(self.groups)), ops.ceil(spread * len(self.groups)))
        return values * ops.cast(self._group_numbers() <= kept, values.dtype)

    def _group_numbers(self) -> Any:
        """Of each channel, from 1."""
        return np.repeat(np.arange(1.0, len(self.groups) + 1.0, dtype=np.float32), self.groups)
