"""What the DSP kernel of a 3x3 depthwise convolution is to do with its sums, and how it does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.fixed_point import Int, multiply_by_quantized_multiplier

LOW, HIGH = -128, 127
"""Bounds of int8."""


@dataclass(frozen=True, eq=False)
class Sums:
    """What requantization is to do, for each channel.

    Attributes:
        weights: int8, (taps, channels).
        bias: With the input's zero point folded in.
        multiplier: As ``quantize_multipliers`` gives it.
        shift: The same.
        zero_point: Of the output.
        low: The least output: the kernel saturates to int8, or to few bits from 0 on.
        high: The greatest.
    """

    weights: Array
    bias: Int
    multiplier: Array
    shift: Array
    zero_point: int
    low: int = LOW
    high: int = HIGH

    def _content(self) -> tuple[bytes | int, ...]:
        arrays = (self.weights, self.bias, self.multiplier, self.shift)
        return (*(array.tobytes() for array in arrays), self.zero_point, self.low, self.high)

    def __eq__(self, other: object) -> bool:
        """The same numbers."""
        return isinstance(other, Sums) and self._content() == other._content()

    def __hash__(self) -> int:
        """By the numbers."""
        return hash(self._content())

    def take(self, channels: Int) -> Sums:
        """Those of some channels."""
        return Sums(
            self.weights[:, channels],
            self.bias[channels],
            self.multiplier[channels],
            self.shift[channels],
            self.zero_point,
            self.low,
            self.high,
        )

    def reach(self) -> tuple[Int, Int]:
        """The lowest and the highest sum of each channel."""
        wide = self.weights.astype(np.int64)
        ends = np.stack([wide * -128, wide * 127])
        return ends.min(axis=0).sum(axis=0) + self.bias, ends.max(axis=0).sum(axis=0) + self.bias

    def outputs(self, acc: Int) -> Int:
        """The outputs of sums (..., channels), as LiteRT rounds them."""
        scaled = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        return np.asarray(np.clip(scaled + self.zero_point, self.low, self.high), dtype=np.int64)


@dataclass(frozen=True)
class ChannelScaling:
    """The kernel's numbers, for each channel.

    Attributes:
        gain: Binary logarithm of the factor of the weights.
        bias: int32, with the factor.
        multiplier: int32.
        offset: int32.
        is_by_sign: Negative sums have an offset of their own.
    """

    gain: Int
    bias: Int
    multiplier: Int
    offset: Int
    is_by_sign: bool = False

    def take(self, channels: Int) -> ChannelScaling:
        """That of some channels."""
        return ChannelScaling(
            self.gain[channels],
            self.bias[channels],
            self.multiplier[channels],
            self.offset[channels],
            self.is_by_sign,
        )

    def put(self, channels: Int, other: ChannelScaling) -> ChannelScaling:
        """The same with ``other`` for some channels."""
        return ChannelScaling(
            _put(self.gain, channels, other.gain),
            _put(self.bias, channels, other.bias),
            _put(self.multiplier, channels, other.multiplier),
            _put(self.offset, channels, other.offset),
            self.is_by_sign,
        )

    def outputs(self, acc: Int, bias: Int, shift: int) -> Int:
        """The outputs of sums (..., channels) that were made with ``bias``."""
        scaled = ((acc - bias) << self.gain) + self.bias
        high = ((scaled * self.multiplier) >> 32) + self.offset
        if self.is_by_sign:  # by twice what it has below its half of an output
            high -= np.where(scaled < 0, 2 * (self.offset & ((1 << (shift - 1)) - 1)), 0)
        return np.asarray(np.clip(high >> shift, LOW, HIGH), dtype=np.int64)


@dataclass(frozen=True)
class PackedScaling:
    """What ``find_packing`` found.

    Attributes:
        sums: What was asked for.
        scaling: How the kernel does it.
        shift: The shift it is compiled for.
    """

    sums: Sums
    scaling: ChannelScaling
    shift: int


def _put(values: Int, channels: Int, others: Int) -> Int:
    copied = values.copy()
    copied[channels] = others
    return copied
