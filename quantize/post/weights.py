"""Weights in 8 or 4 bits, a scale for each output channel, and biases in the scale of the sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array

LARGEST = {8: 127, 4: 7}
"""The largest stored weight by bits; the lowest is its negative, so that zero is in the middle."""

MAX_BIAS = 1 << 30
"""The largest stored bias; sums of products need the rest of int32."""

LEAST_RATIO = 2.0**-24
"""Of the scale of the sums to that of the output: smaller ones multiply by next to nothing."""

MAX_SHRINKING = {8: 0.8, 4: 0.4}
"""The narrowest range that is tried, of that of a channel's weights."""

CANDIDATES = 41


@dataclass(frozen=True)
class Weights:
    """The weights of a layer.

    Attributes:
        real: float64, output channels first: (channels, products).
        scales: float32 values, (channels,).
        largest: The largest stored value.
        least: The smallest scale that each channel may have.
        per_channel: A scale for each channel, else one for all.
    """

    real: Array
    scales: Array
    largest: int
    least: Array
    per_channel: bool

    def nearest(self) -> Array:
        """The stored values nearest to the real ones, int8."""
        return self.clipped(np.rint(self.real / self.scales[:, None]))

    def clipped(self, steps: Array) -> Array:
        """Whole steps, cut to what can be stored."""
        return np.clip(steps, -self.largest, self.largest).astype(np.int8)

    def dequantized(self, stored: Array) -> Array:
        """The real values of stored ones."""
        return stored * self.scales[:, None]

    def rescaled(self, importance: Array) -> Weights:
        """The same with the scales that suit products of this ``importance``."""
        bits = next(bits for bits, largest in LARGEST.items() if largest == self.largest)
        return scaled_weights(
            self.real,
            bits,
            per_channel=self.per_channel,
            least=self.least,
            importance=importance,
        )


def scaled_weights(
    real: Array, bits: int, *, per_channel: bool, least: Array, importance: Array
) -> Weights:
    """Chooses the scales: of the ranges of each channel the one with the least squared error.

    Source: as ``observers.MeanSquaredError``; Krishnamoorthi, "Quantizing deep convolutional
    networks for efficient inference", 2018, section 3.1 (per-channel, symmetric).

    Args:
        real: The weights, (channels, products).
        bits: 8 or 4.
        per_channel: A scale for each channel, else one for all.
        least: The smallest scale that each channel may have.
        importance: Weighs the squared error of each product, (products,) or (channels, products).
    """
    largest = LARGEST[bits]
    reach = np.abs(real).max(axis=1)
    if not per_channel:
        reach = np.full_like(reach, reach.max(initial=0.0))
    full = np.where(reach > 0, reach / largest, 1.0)
    best, scales = np.full(len(real), np.inf), full
    for factor in np.linspace(1, MAX_SHRINKING[bits], CANDIDATES):
        tried = single(full * factor)
        steps = np.clip(np.rint(real / tried[:, None]), -largest, largest)
        errors = (np.square(steps * tried[:, None] - real) * importance).sum(axis=1)
        if not per_channel:
            errors = np.full_like(errors, errors.sum())
        better = errors < best * (1 - 1e-9)
        best, scales = np.where(better, errors, best), np.where(better, tried, scales)
    scales = np.maximum(scales, least)
    if not per_channel:
        scales = np.full_like(scales, scales.max(initial=0.0))
    return Weights(real, single(scales), largest, least, per_channel)


def single(values: Array) -> Array:
    """The float64 values that float32 holds."""
    return values.astype(np.float32).astype(np.float64)


def least_scales(bias: Array, input_scale: float, output_scale: float) -> Array:
    """The smallest weight scale of each channel for which its bias and its multiplier fit."""
    by_bias = np.abs(bias) / (input_scale * MAX_BIAS)
    return np.maximum(by_bias, LEAST_RATIO * output_scale / input_scale)


def stored_bias(bias: Array, scales: Array, input_scale: float) -> Array:
    """The biases in the scale of the sums, int32."""
    steps = np.rint(bias / (single(scales) * np.float32(input_scale)))
    return np.asarray(np.clip(steps, -(2**31 - 1), 2**31 - 1), np.int32)
