"""Weights and scales in the order and form the packed kernels read (``eb_tile_s8.h``).

Two output channels share a 16-bit lane, and a sum is scaled by one rounding multiplication, one
addition and one shift. Both are exact only for some constants: ``pack`` proves it from the layer's
weights, biases and scales, or says that the plain kernel is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.fixed_point import (
    Int,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_accumulator,
    wrap_int32,
)

CHANNELS = 4
"""Output channels of a tile."""

TAPS = 4
"""Taps are packed by fours: bytes 0 and 2 of a word, then 1 and 3, as SXTB16 splits it."""

SPLIT = (0, 2, 1, 3)

MAX_PLACES = 21
"""Longest right shift to which the zero point can be added before it is done."""

SUM_LIMIT = 1 << 30
"""Sums below this can be doubled."""


@dataclass(frozen=True)
class Packed:
    """What a packed kernel reads.

    Attributes:
        weights: int32, see ``pack_lanes``.
        requant: int32, a row for each channel: twice the bias, multiplier, what is added before
            the shift, places of the shift.
    """

    weights: Array
    requant: Array


@dataclass(frozen=True)
class Output:
    """Where the values of an int8 output lie: zero point and bounds."""

    zero_point: int
    low: int
    high: int

    def clip(self, scaled: Int) -> Int:
        """Adds the zero point, within the bounds."""
        return np.asarray(np.clip(scaled + self.zero_point, self.low, self.high), dtype=np.int64)


def pad_to(count: int, multiple: int) -> int:
    """``count`` rounded up."""
    return -(-count // multiple) * multiple


def pack_lanes(matrix: Array) -> Array | None:
    """Packs weights two channels to a lane, 256 * a + b, two taps to a word.

    Args:
        matrix: int8, (outputs, taps).

    Returns:
        int32, (fours of channels, pairs of taps, 2): the words of channels 0 and 1, and of 2 and
        3, padded with zeros; None where a lane or a sum of products might overflow.
    """
    outputs, taps = matrix.shape
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, TAPS)), np.int64)
    padded[:outputs, :taps] = matrix
    lanes = 256 * padded[0::2] + padded[1::2]
    if lanes.min() < -(1 << 15) or 128 * np.abs(lanes).sum(axis=1).max() >= 1 << 31:
        return None
    split = lanes.reshape(len(lanes) // 2, 2, -1, TAPS)[..., SPLIT]
    pairs = split.reshape(len(lanes) // 2, 2, -1, 2)
    words = (pairs[..., 0] & 0xFFFF) | (pairs[..., 1] << 16)
    return np.ascontiguousarray(wrap_int32(words.transpose(0, 2, 1)).astype(np.int32))


def unpack_lanes(words: Array, outputs: int, taps: int) -> Array:
    """The inverse of ``pack_lanes``."""
    halves = words.transpose(0, 2, 1).astype(np.int32)
    pairs = np.stack([halves.astype(np.int16), halves >> 16], axis=-1).astype(np.int32)
    split = pairs.reshape(-1, pairs.shape[2] * 2 // TAPS, TAPS)
    lanes = split[..., np.argsort(SPLIT)].reshape(len(split), -1)
    low = lanes.astype(np.int8).astype(np.int32)
    both = np.stack([(lanes - low) >> 8, low], axis=1)
    return both.reshape(2 * len(lanes), -1)[:outputs, :taps].astype(np.int8)


def sum_range(matrix: Array, bias: Array) -> tuple[Int, Int]:
    """The least and the greatest sum of each channel, over all int8 inputs.

    Args:
        matrix: int8, (outputs, taps).
        bias: The bias with the input's zero point folded in.

    Returns:
        int64, not wrapped.
    """
    wide = matrix.astype(np.int64)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    base = bias.astype(np.int64)
    return base + 127 * negative - 128 * positive, base + 127 * positive - 128 * negative


def scale_fast(total: Int, requant: Array, output: Output, *, once: bool = False) -> Int:
    """What the packed kernels make of a sum with its bias: the arithmetic of ``eb_tile_s8.h``.

    Args:
        total: The sums, below ``SUM_LIMIT``.
        requant: The row of the channel, int64.
        output: The output.
        once: As for FULLY_CONNECTED.
    """
    twice = 2 * total
    high = (twice * requant[1] + (0 if once else 1 << 31)) >> 32
    away = 0 if once else twice >> 63
    scaled = (high + requant[2] + away) >> requant[3]
    return np.asarray(np.clip(scaled, output.low, output.high), dtype=np.int64)


def pack(
    matrix: Array,
    bias: Array,
    exact: Callable[[Int, int], Int],
    rows: list[Array | None],
    limits: list[int],
) -> Packed | None:
    """Packs a layer, if the packed kernels compute it exactly.

    Args:
        matrix: int8 weights, (outputs, taps).
        bias: With the input's zero point folded in, not wrapped.
        exact: The output values of sums (int32) of a channel.
        rows: The requantization of each channel where sums are below ``SUM_LIMIT``; None where
            there is none.
        limits: Of each channel: the outputs of sums below this never decrease.

    Returns:
        None where the plain kernel is needed.
    """
    weights = pack_lanes(matrix)
    requant = None if weights is None else pack_requant(matrix, bias, exact, rows, limits)
    return None if weights is None or requant is None else Packed(weights, requant)


def pack_requant(
    matrix: Array,
    bias: Array,
    exact: Callable[[Int, int], Int],
    rows: list[Array | None],
    limits: list[int],
) -> Array | None:
    """``Packed.requant`` of a layer, if it is exact; the arguments are those of ``pack``."""
    requant = np.zeros((pad_to(len(matrix), CHANNELS), 4), np.int32)
    requant[:, 3] = 1
    least, most = sum_range(matrix, bias)
    for channel, row in enumerate(rows):
        low, high = int(least[channel]), int(most[channel])
        if row is None or max(-low, high) >= SUM_LIMIT:
            is_ordered = max(-low, high) < limits[channel]
            row = _constant_row(low, high, channel, exact) if is_ordered or low == high else None
            if row is None:
                return None
        requant[channel] = row
        if row[1] != 0:
            requant[channel, 0] = 2 * int(bias[channel])
    return requant


def _constant_row(
    low: int, high: int, channel: int, exact: Callable[[Int, int], Int]
) -> Array | None:
    """The requantization of a channel that always has the same output; None if it has not.

    Between the least and the greatest sum, outputs never decrease.
    """
    ends = exact(wrap_int32(np.array([low, high])), channel)
    if ends[0] != ends[1]:
        return None
    return np.array([0, 0, 2 * int(ends[0]) + 1, 1], np.int32)


def rounded_twice(
    multiplier: Array, shift: Array, output: Output
) -> tuple[Callable[[Int, int], Int], list[Array | None], list[int]]:
    """How CONV_2D scales its sums, exactly and fast, and below what in order, for ``pack``.

    The fast form takes the sign of the sum for that of its high product. They differ only where a
    sum of -1 is rounded up to 0, which the shift turns into 0 either way.
    """

    def exact(total: Int, channel: int) -> Int:
        pair = int(multiplier[channel]), int(shift[channel])
        return output.clip(multiply_by_quantized_multiplier(total, *pair))

    rows = [_row(int(m), -int(s), output) for m, s in zip(multiplier, shift, strict=True)]
    limits = [1 << (31 - max(int(places), 0)) for places in shift]  # a left shift wraps
    return exact, rows, limits


def rounded_once(
    scales: Array, output: Output
) -> tuple[Callable[[Int, int], Int], list[Array | None], list[int]]:
    """How FULLY_CONNECTED scales its sums, exactly and fast, and in order, for ``pack``."""

    def exact(total: Int, channel: int) -> Int:
        return output.clip(scale_accumulator(total, float(scales[channel])))

    found: dict[float, Array | None] = {}
    for channel, scale in enumerate(scales):
        if float(scale) not in found:
            found[float(scale)] = _equal_row(float(scale), channel, exact, output)
    return exact, [found[float(scale)] for scale in scales], [1 << 31] * len(scales)


def _row(multiplier: int, places: int, output: Output) -> Array | None:
    """Requantization by a multiplier and a right shift; None where the shift does not suit."""
    if multiplier == 0:
        return np.array([0, 0, 2 * min(max(output.zero_point, output.low), output.high) + 1, 1])
    if not 1 <= places <= MAX_PLACES:
        return None
    return np.array([0, multiplier, (2 * output.zero_point + 1) << (places - 1), places], np.int32)


def _equal_row(
    scale: float, channel: int, exact: Callable[[Int, int], Int], output: Output
) -> Array | None:
    """The requantization that has the outputs of ``exact`` for every sum below the limit.

    Neither ever decreases, so they are equal everywhere if they are around each of the sums where
    the output steps from one value to the next.
    """
    multiplier, shift = quantize_multiplier(scale)
    steps = np.arange(output.low - output.zero_point + 1, output.high - output.zero_point + 1)
    limit = SUM_LIMIT - 1
    around = np.clip(np.rint((steps - 0.5) / max(scale, 2.0**-60)), -limit, limit).astype(np.int64)
    totals = np.clip(around[:, None] + np.arange(-4, 5), -limit, limit)
    wanted = exact(totals, channel)
    values = steps + output.zero_point
    is_bracketed = (wanted[:, 0] < values) & (wanted[:, -1] >= values)
    is_beyond = np.abs(around) >= limit - 4
    if not np.all(is_bracketed | is_beyond):
        return None
    # Halves are rounded up; with a multiplier a little larger, the negative ones go down.
    for candidate in (multiplier, multiplier + 1, multiplier + 2, multiplier - 1):
        row = _row(candidate, -shift, output) if 0 < candidate < 1 << 31 else None
        if row is None:
            continue
        found = scale_fast(totals, row.astype(np.int64), output, once=True)
        if np.array_equal(found, wanted):
            return row
    return None
