"""Intervals of stored int8 values, one for each channel of a tensor.

They come from the reference arithmetic of the operators, so a channel whose interval is one value
holds just that value in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Int, Mask

INT8, INT32 = np.iinfo(np.int8), np.iinfo(np.int32)


@dataclass(frozen=True)
class Range:
    """The values of a tensor's channels.

    Attributes:
        low: [channels], int64, the lowest stored value anywhere in the channel.
        high: [channels], the highest.
    """

    low: Int
    high: Int

    @classmethod
    def between(cls, low: int, high: int, channels: int) -> Range:
        """Channels that can all hold the same."""
        return cls(np.full(channels, low, np.int64), np.full(channels, high, np.int64))

    @classmethod
    def anything(cls, channels: int) -> Range:
        """Channels of which nothing is known."""
        return cls.between(INT8.min, INT8.max, channels)

    @classmethod
    def around(cls, parts: Sequence[Range]) -> Range:
        """The smallest range that holds all ``parts``, which have the same channels."""
        lows, highs = [part.low for part in parts], [part.high for part in parts]
        return cls(np.min(lows, axis=0), np.max(highs, axis=0))

    @classmethod
    def joined(cls, parts: Sequence[Range]) -> Range:
        """The channels of ``parts``, one behind the other."""
        lows, highs = [part.low for part in parts], [part.high for part in parts]
        return cls(np.concatenate(lows), np.concatenate(highs))

    @property
    def constant(self) -> Mask:
        """[channels], those that hold one value everywhere."""
        return np.asarray(self.low == self.high)

    def regrouped(self, channels: int) -> Range:
        """The range when the same bytes are read with another number of channels."""
        if channels % self.low.size == 0:
            repeats = channels // self.low.size
            return Range(np.tile(self.low, repeats), np.tile(self.high, repeats))
        width = channels if self.low.size % channels == 0 else 1
        low, high = (
            self.low.reshape(-1, width).min(axis=0),
            self.high.reshape(-1, width).max(axis=0),
        )
        return Range(*(np.broadcast_to(bound, channels) for bound in (low, high)))

    def clipped(self, low: int, high: int) -> Range:
        """The range after a clamp."""
        return Range(np.clip(self.low, low, high), np.clip(self.high, low, high))

    def where(self, mask: Mask, other: Range) -> Range:
        """This range for the channels of ``mask``, ``other`` for the rest."""
        low, high = np.where(mask, self.low, other.low), np.where(mask, self.high, other.high)
        return Range(low.astype(np.int64), high.astype(np.int64))


def fits_int32(low: Int, high: Int, shift: Int | int) -> Mask:
    """Where requantization grows with its argument: nothing from low to high leaves int32.

    Args:
        low: Lowest accumulators.
        high: Highest.
        shift: Places they are shifted to the left before anything else, if positive.
    """
    places = np.maximum(np.asarray(shift, dtype=np.int64), 0)
    least, most = INT32.min, INT32.max
    fits = (low >= least) & (high <= most)
    return np.asarray(fits & (low >= -(-least >> places)) & (high <= most >> places))
