"""Which stored values a tensor of few bits can take: weights, and what layers compute.

A weight of b bits takes values in arithmetic progression around zero, so that its negative is one
as well. With one or two bits there is no zero among them (-1, 1; -3, -1, 1, 3: the mid-rise
quantizer), which uses all 2^b values; from three bits on there is (-7 .. 7), of 2^b - 1 values.
The file has them as many times as large as int8 allows (-126, -42, 42, 126): LiteRT rounds biases
to a step of the sums, and a scaled sum before it shifts it, which would else show in few bits.

What a layer computes takes the 2^b highest values of int8, so that saturation is their upper end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array

HIGHEST = 127
"""Of int8."""

MID_RISE_BITS = 2
"""Weights of at most so many bits have no zero."""


@dataclass(frozen=True)
class WeightLevels:
    """The stored values of weights.

    Attributes:
        bits: 1 .. 8.
    """

    bits: int

    @property
    def largest(self) -> int:
        """The largest value; the lowest is its negative."""
        return (1 << self.bits) - 1 if self.has_no_zero else (1 << (self.bits - 1)) - 1

    @property
    def has_no_zero(self) -> bool:
        """Whether they are the odd numbers."""
        return self.bits <= MID_RISE_BITS

    @property
    def factor(self) -> int:
        """How many times as large the file has them."""
        return HIGHEST // self.largest

    @property
    def spacing(self) -> int:
        """From one value to the next."""
        return 2 if self.has_no_zero else 1

    def nearest(self, scaled: Array) -> Array:
        """The values nearest to weights in units of their step."""
        codes = 2 * np.floor(scaled / 2) + 1 if self.has_no_zero else np.rint(scaled)
        return np.asarray(np.clip(codes, -self.largest, self.largest))


@dataclass(frozen=True)
class ActivationLevels:
    """The stored values of what a layer computes: levels 0 .. ``last``, level 0 being ``lowest``.

    Attributes:
        bits: 1 .. 8.
        is_clamped: A RELU: zero is level 0. Else it may be any level.
    """

    bits: int
    is_clamped: bool

    @property
    def last(self) -> int:
        """The highest level."""
        return (1 << self.bits) - 1

    @property
    def lowest(self) -> int:
        """The stored value of level 0."""
        return HIGHEST - self.last
