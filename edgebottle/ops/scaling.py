"""Requantization for cores whose multiplier gives 32 bits, and sums of three pixels in two words.

A core without the DSP extension (Cortex-M0+) has no high half of a product; LiteRT's requantization
costs it a hundred instructions. ``find_scaling`` finds two short multipliers for each channel that
give the very same outputs for every sum that can occur:

    kept = clamp(sum, least, most)
    output = (kept * high + (kept * low >> low_places) + added) >> places

which is the floor of ``kept * M + C`` by ``2^(places + low_places)``. Neither this nor LiteRT's
output ever decreases as the sum grows, so they are equal everywhere if they are equal around each
sum where the output steps. Clamping the sum clamps the output, and keeps the products short.

LiteRT rounds halves away from zero. Where negative values are not cut off, two summands may be
needed: ``jump`` is subtracted from sums below ``pivot``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.fixed_point import (
    Int,
    multiply_by_quantized_multiplier,
    quantize_multipliers,
    scale_accumulator,
    wrap_int32,
)
from edgebottle.ops.packing import CHANNELS, Output

WORDS = 4
"""32-bit words of a channel's record; two more where sums below a pivot have their own summand."""

MAX_HALF = 16
"""Bits of each part of the multiplier."""

MAX_SUM = 23
"""Bits of the bounds of a sum, beside the sign."""

TRIPLE_LIMIT = 1 << 20
"""Sums below this can be told apart, three in two words (``eb_triple_s8.h``)."""

MAX_PLACES = 23
"""Longest shift: outputs lie between -129 and 128, before it 2^31 must hold them."""

STRIP_TAPS = 9
"""Taps of a block of depthwise weights."""

NEAR = 2
"""Roundings move a step by so many sums from where real numbers have it, for most scales."""

FAR = np.int64(1) << 60
"""Beyond all bounds of a summand."""

_CANDIDATES = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class Scaling:
    """The numbers of each channel, int64: see the module; no channel needs its jump if 0 is all."""

    high: Int
    low: Int
    added: Int
    least: Int
    most: Int
    places: Int
    low_places: Int
    pivot: Int
    jump: Int

    @property
    def has_pivot(self) -> bool:
        """Whether the records have the two words of the pivot."""
        return bool(self.jump.any())

    def outputs(self, sums: Int) -> Int:
        """What the kernels make of sums (..., channels), as ``eb_scale_s8.h`` computes it."""
        kept = np.clip(sums, self.least, self.most)
        low = (kept * self.low) >> self.low_places
        added = self.added - np.where(kept < self.pivot, self.jump, 0)
        return wrap_int32(kept * self.high + low + added) >> self.places


def pack_scaling(scaling: Scaling) -> Array:
    """The records: int32, (channels, ``WORDS`` or two more)."""
    words = [
        scaling.added,
        scaling.high << 16 | scaling.low,
        scaling.least << 8 | scaling.places,
        scaling.most << 8 | scaling.low_places,
    ]
    if scaling.has_pivot:
        words += [scaling.pivot, scaling.jump]
    return np.ascontiguousarray(wrap_int32(np.stack(words, axis=1)).astype(np.int32))


def unpack_scaling(records: Array) -> Scaling:
    """The inverse of ``pack_scaling``."""
    words = records.astype(np.int64).T
    pivot = words[WORDS:] if len(words) > WORDS else np.zeros((2, len(records)), np.int64)
    return Scaling(
        high=words[1] >> 16 & 0xFFFF,
        low=words[1] & 0xFFFF,
        added=words[0],
        least=words[2] >> 8,
        most=words[3] >> 8,
        places=words[2] & 0xFF,
        low_places=words[3] & 0xFF,
        pivot=pivot[0],
        jump=pivot[1],
    )


def scale_twice(scales: list[float], output: Output) -> Callable[[Int], Int] | None:
    """The outputs of CONV_2D and DEPTHWISE_CONV_2D, whose sums (..., channels) are rounded twice.

    None where outputs could decrease as sums grow: a left shift may wrap, and a converter now and
    then writes a scale below zero.
    """
    multiplier, shift = quantize_multipliers(scales)
    if np.any(shift > 0) or min(scales) < 0:
        return None
    return lambda sums: output.clip(multiply_by_quantized_multiplier(sums, multiplier, shift))


def scale_once(scales: list[float], output: Output) -> Callable[[Int], Int] | None:
    """The outputs of FULLY_CONNECTED, whose sums (..., channels) are rounded once.

    None where they would decrease as sums grow.
    """
    if min(scales) < 0:
        return None
    return lambda sums: output.clip(scale_accumulator(sums, np.array(scales)))


def find_scaling(
    least: Int,
    most: Int,
    bias: Int,
    scales: list[float],
    exact: Callable[[Int], Int] | None,
    output: Output,
) -> Scaling | None:
    """Multipliers that give the outputs of ``exact`` for every sum that can occur.

    Args:
        least: The least sum of each channel with its bias, not wrapped.
        most: The greatest sum.
        bias: What the kernel leaves out of the sums.
        scales: The real scale of each channel.
        exact: From sums with their bias, int64 (..., channels), to outputs; never decreases.
        output: Zero point and bounds of the output.

    Returns:
        What makes outputs of sums without ``bias``; None if a channel has no such multipliers, or a
        sum may leave int32.
    """
    if exact is None or max(-int(least.min()), int(most.max())) >= 1 << 31:
        return None
    steps = _Steps.find(exact, least, most, scales, output).shifted(-bias).clamped()
    real = np.where(steps.least < steps.most, scales, 0.0)
    reach = np.maximum(np.abs(steps.least), np.abs(steps.most))
    low_places = np.minimum(31 - _bits(reach), MAX_HALF)
    places = np.minimum(MAX_PLACES, MAX_HALF - np.ceil(np.log2(real + 2.0**-30)).astype(np.int64))
    if reach.max() >= 1 << MAX_SUM or places.min() < 1:
        return None
    return _search(steps, real, places, low_places, steps.least) or _search(
        steps, real, places, low_places, np.clip(-bias, steps.least, steps.most)
    )


def find_steps(
    least: Int,
    most: Int,
    scales: list[float],
    exact: Callable[[Int], Int] | None,
    output: Output,
) -> Int | None:
    """The first sum of each channel at which the output is each value above the lowest.

    The arguments are those of ``find_scaling``.

    Returns:
        (values, channels), one above the greatest sum for values that are never reached; None where
        outputs could decrease, or a sum may leave int32.
    """
    if exact is None or max(-int(least.min()), int(most.max())) >= 1 << 31:
        return None
    return _Steps.find(exact, least, most, scales, output).first[1:-1]


@dataclass(frozen=True)
class _Steps:
    """Where the outputs of each channel step.

    Attributes:
        values: (steps, 1): every output, and the number after the highest.
        first: (steps, channels): the first sum that reaches the value; ``most + 1`` if none does.
        least: The least sum.
        most: The greatest sum.
    """

    values: Int
    first: Int
    least: Int
    most: Int

    @classmethod
    def find(
        cls,
        exact: Callable[[Int], Int],
        least: Int,
        most: Int,
        scales: list[float],
        output: Output,
    ) -> _Steps:
        """By bisection, around where real numbers have the step where that is near."""
        values = np.arange(output.low, output.high + 2, dtype=np.int64)[:, None]
        step = 1 / np.maximum(scales, 2.0**-30)
        near = np.rint((values - output.zero_point - 0.5) * step).astype(np.int64)
        first, last = np.tile(least, (len(values), 1)), np.tile(most + 1, (len(values), 1))
        last[0], first[-1] = least, most + 1  # whatever the sum is, the output is within its bounds
        tried = [near - NEAR, near + NEAR]
        while (first < last).any():
            middle = tried.pop() if tried else (first + last) >> 1
            middle = np.clip(np.clip(middle, first, last - 1), least, most)
            is_open, is_reached = first < last, exact(middle) >= values
            first = np.where(is_open & ~is_reached, middle + 1, first)
            last = np.where(is_open & is_reached, middle, last)
        return cls(values, last, least, most)

    def shifted(self, by: Int) -> _Steps:
        """The same for sums to which ``by`` is added."""
        return replace(self, first=self.first + by, least=self.least + by, most=self.most + by)

    def clamped(self) -> _Steps:
        """The same without the sums before the one below the first step, and after the last."""
        is_low, is_high = self.first <= self.least, self.first > self.most
        far = np.int64(1) << 40
        least = np.where(is_low | is_high, far, self.first).min(axis=0) - 1
        most = np.where(is_low | is_high, -far, self.first).max(axis=0)
        is_constant = least > most
        least, most = np.where(is_constant, 0, least), np.where(is_constant, 0, most)
        first = np.where(is_low, least, np.where(is_high, most + 1, self.first))
        return replace(self, first=first, least=least, most=most)

    def added(self, multiplier: Int, places: Int, low_places: Int) -> tuple[Int, Array]:
        """A summand with which ``multiplier`` steps as it should, and whether there is one.

        The summand is in units of ``2^low_places``, the steps are in those of ``2^places``.
        """
        goal, (reached, before, is_reached, is_crossed) = self.values << places, self._ends
        at, below = goal - reached * multiplier, goal - 1 - before * multiplier
        low = -(-np.where(is_reached, at, -FAR).max(axis=0) >> low_places)
        high = np.where(is_crossed, below, FAR).min(axis=0) >> low_places
        return (low + high) >> 1, low <= high

    @cached_property
    def _ends(self) -> tuple[Int, Int, Array, Array]:
        """The sums on both sides of each step, and whether there are such."""
        return (
            np.maximum(self.first, self.least),
            np.minimum(self.first - 1, self.most),
            self.first <= self.most,
            self.first > self.least,
        )


def _search(steps: _Steps, real: Array, places: Int, low_places: Int, pivot: Int) -> Scaling | None:
    """Tries roundings of the multiplier until every channel has one that is right."""
    total = places + low_places
    nearest = np.rint(real * 2.0**total).astype(np.int64)
    multiplier, added, jump = np.zeros((3, len(nearest)), np.int64)
    is_right = np.zeros(len(nearest), bool)
    upper = replace(steps, least=pivot)
    lower = replace(steps, most=np.maximum(pivot - 1, steps.least))
    has_pivot = pivot > steps.least
    for offset in _CANDIDATES:
        candidate = np.maximum(nearest + offset, 0)
        above, has_above = upper.added(candidate, total, low_places)
        below, take = above, has_above & ~is_right
        if has_pivot.any():
            below, has_below = lower.added(candidate, total, low_places)
            below = np.where(has_pivot, below, above)
            take &= has_below | ~has_pivot
        take &= candidate >> low_places < 1 << MAX_HALF
        take &= np.abs((steps.least * candidate >> low_places) + below) < 1 << 31
        take &= np.abs((steps.most * candidate >> low_places) + above) < 1 << 31
        multiplier = np.where(take, candidate, multiplier)
        added = np.where(take, above, added)
        jump = np.where(take, above - below, jump)
        is_right |= take
        if is_right.all():
            break
    if not is_right.all():
        return None
    return Scaling(
        high=multiplier >> low_places,
        low=multiplier & (np.int64(1) << low_places) - 1,
        added=wrap_int32(added),
        least=steps.least,
        most=steps.most,
        places=places,
        low_places=low_places,
        pivot=pivot,
        jump=wrap_int32(jump),
    )


def _bits(value: Int) -> Int:
    """Bits of numbers from 0 to 2^52."""
    return np.asarray(np.frexp(value.astype(np.float64))[1], dtype=np.int64)


def triple_segment(matrix: Array) -> int:
    """The length of equal runs of taps whose sums stay below ``TRIPLE_LIMIT`` in every channel.

    Args:
        matrix: int8 weights, (channels, taps).

    Returns:
        The longest: runs begin at its multiples, the last may be shorter.
    """
    magnitude = np.abs(matrix.astype(np.int64))
    taps = int(matrix.shape[1])
    for pieces in range(1, taps):
        length = -(-taps // pieces)
        runs = np.add.reduceat(magnitude, np.arange(0, taps, length), axis=1)
        if 128 * int(runs.max()) < TRIPLE_LIMIT:
            return int(length)
    return 1


def pack_fours(matrix: Array) -> Array:
    """A row for each channel, and rows of zeros up to a multiple of ``CHANNELS``."""
    return np.pad(matrix, ((0, -len(matrix) % CHANNELS), (0, 0)))


def pack_strip(weights: Array) -> Array:
    """Depthwise weights as ``eb_depthwise_strip_s8.h`` reads them.

    Args:
        weights: int8, (height, width, channels).

    Returns:
        int8, (channels, taps): column by column, and zeros up to blocks of ``STRIP_TAPS``.
    """
    taps = weights.transpose(2, 1, 0).reshape(weights.shape[2], -1)
    padding = -taps.shape[1] % STRIP_TAPS
    return np.ascontiguousarray(np.pad(taps, ((0, 0), (0, padding))))


def unpack_strip(packed: Array, height: int, width: int) -> Array:
    """The inverse of ``pack_strip``."""
    taps = packed[:, : height * width].reshape(-1, width, height)
    return np.ascontiguousarray(taps.transpose(2, 1, 0))
