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
        price: What is added to the loss for values that take as many bits as packed ones.
    """

    SOURCE: ClassVar[str] = (
        "Rippel et al., Learning Ordered Representations with Nested Dropout, 2014"
    )

    step: str
    groups: tuple[int, ...]
    whole: float = 0.5
    price: float = 0.0

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

    def cost(self, levels: Any, last: int) -> Any:
        """What is added to the loss for sending values.

        Args:
            levels: (samples, height, width, channels), real numbers, 0 .. ``last``.
            last: The highest level, 2^bits - 1.
        """
        return self.price * coded_bits(levels, last) / np.log2(last + 1)

    def _group_numbers(self) -> Any:
        """Of each channel, from 1."""
        return np.repeat(np.arange(1.0, len(self.groups) + 1.0, dtype=np.float32), self.groups)


def coded_bits(levels: Any, last: int) -> Any:
    """The mean bits of a value, coded by tables that are counted over these values.

    There is a table for each channel and level to the left (at the left edge above), as in
    ``edgebottle.split.payload``. Between two levels lengths are interpolated, so that there is a
    gradient, towards the levels that are shorter; the first pixel counts nothing.

    Args:
        levels: (samples, height, width, channels), real numbers, 0 .. ``last``.
        last: The highest level.
    """
    from keras import ops

    taken = ops.one_hot(ops.cast(ops.round(levels), "int32"), last + 1)
    above = ops.pad(taken[:, :-1, :1], ((0, 0), (1, 0), (0, 0), (0, 0), (0, 0)))
    before = ops.concatenate([above, taken[:, :, :-1]], axis=2)
    counts = ops.einsum("nhwcj,nhwck->cjk", before, taken) + 0.5
    lengths = ops.log2(ops.sum(counts, axis=-1, keepdims=True)) - ops.log2(counts)
    each = ops.einsum("nhwcj,cjk->nhwck", before, ops.stop_gradient(lengths))
    distances = ops.abs(ops.expand_dims(levels, -1) - np.arange(last + 1.0, dtype=np.float32))
    share = ops.relu(1.0 - distances)
    return ops.mean(ops.sum(each * share, axis=-1))
