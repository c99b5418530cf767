"""How the DSP kernel of a 3x3 depthwise convolution requantizes.

The kernel requantizes with one multiplication, one shift by a constant and one saturation:

    saturate((offset * 2^32 + acc * multiplier) >> (32 + SHIFT)),  acc = bias + sum(weights * x)

where the weights and the bias of a channel carry a factor of ``2^gain`` that brings channels of
any scale to the same shift. LiteRT rounds twice; that both give the same output for every sum that
can occur is proven here, channel by channel, at the sums where the output steps, at most 255.

LiteRT rounds halves away from zero. Where outputs go on below the zero point, that takes another
offset for negative sums, less by one of the units that LiteRT rounds to first. That is twice what
the offset has below its half of an output, so that nothing more is stored of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.depthwise_sums import ChannelScaling, PackedScaling, Sums
from edgebottle.ops.fixed_point import Int

SHIFTS = (10, 8, 12)
"""Shifts the kernel is compiled for, the preferred one first."""

MAX_OFFSET = 8
"""How far from the exact offset others are tried."""

MAX_GAIN = 12
"""Binary logarithm of the largest factor of weights, of those that leave them 16 bits."""

FEW_STEPS = 8
"""Steps of the output that rule out most of what is tried, before all are looked at."""

NEAR_STEP = 2
"""Sums by which LiteRT's roundings may move a step of the output, about."""


@dataclass(frozen=True)
class _ChannelSteps:
    """Sums of each channel at which the output steps.

    Attributes:
        sums: What requantization is to do.
        low: The lowest sum of each channel.
        high: The highest.
        at: (steps, channels): the first sum whose output is at least ``wanted``, above ``high``
            where no sum reaches it.
        wanted: (steps, channels).
    """

    sums: Sums
    low: Int
    high: Int
    at: Int
    wanted: Int

    @property
    def reached(self) -> Array:
        """(steps, channels): whether the output takes the step."""
        return np.asarray((self.at > self.low) & (self.at <= self.high))

    def take(self, channels: Int) -> _ChannelSteps:
        """Those of some channels."""
        columns = self.at[:, channels], self.wanted[:, channels]
        return _ChannelSteps(
            self.sums.take(channels), self.low[channels], self.high[channels], *columns
        )

    def few(self) -> _ChannelSteps:
        """``FEW_STEPS`` of each channel, from the first to the last that it takes."""
        reached = self.reached
        first, last = reached.argmax(axis=0), len(reached) - 1 - reached[::-1].argmax(axis=0)
        rows = np.linspace(first, last, FEW_STEPS).round().astype(np.int64)
        at, wanted = (np.take_along_axis(array, rows, axis=0) for array in (self.at, self.wanted))
        return _ChannelSteps(self.sums, self.low, self.high, at, wanted)

    def are_right(self, scaling: ChannelScaling, shift: int) -> Array:
        """(..., channels): whether a scaling, or each of many, takes all of these steps."""
        bias = self.sums.bias
        after = scaling.outputs(np.minimum(self.at, self.high), bias, shift)
        before = scaling.outputs(np.maximum(self.at - 1, self.low), bias, shift)
        right = (after >= self.wanted) | (self.at > self.high)
        right &= (before < self.wanted) | (self.at <= self.low)
        return np.asarray(right.all(axis=-2))

    def multipliers(self, gain: Int, bias: Int, offset: Int, shift: int) -> tuple[Int, Int]:
        """(..., channels): the least and the greatest multiplier with all reached steps right.

        At the step to the output k, sum * multiplier >= ((k << shift) - offset) << 32; one before,
        not.

        Args:
            gain: (channels).
            bias: (..., channels): any number of them is tried at once.
            offset: (..., channels).
            shift: That of the kernel.
        """
        needed = ((self.wanted << shift) - offset[..., None, :]) << 32
        at = ((self.at - self.sums.bias) << gain) + bias[..., None, :]
        before = at - (np.int64(1) << gain)
        unbound = np.int64(1) << 40
        least, most = np.full(at.shape, -unbound), np.full(at.shape, unbound)
        at_least = -(-needed // np.where(at == 0, 1, at))
        least = np.where(at > 0, at_least, least)
        most = np.where(at < 0, needed // np.where(at == 0, 1, at), most)
        divisor = np.where(before == 0, 1, before)
        most = np.where(before > 0, np.minimum(most, -(-needed // divisor) - 1), most)
        least = np.where(before < 0, np.maximum(least, needed // divisor + 1), least)
        reached = self.reached
        least, most = np.where(reached, least, -unbound), np.where(reached, most, unbound)
        return least.max(axis=-2), most.min(axis=-2)


@lru_cache(maxsize=1024)
def find_packing(sums: Sums) -> PackedScaling | None:
    """A scaling that gives LiteRT's outputs for all sums that can occur; None without one.

    Negative sums have an offset of their own only where there is no other way.
    """
    low, high = sums.reach()
    if max(abs(int(low.min())), abs(int(high.max()))) >= 1 << 30:
        return None
    steps = _steps(sums, low, high)
    few = steps.few()
    for shift in SHIFTS:
        found = _search(steps, few, shift)
        if found is not None:
            return PackedScaling(sums, found, shift)
    for shift in SHIFTS:
        found = _search_by_sign(steps, few, shift)
        if found is not None:
            return PackedScaling(sums, found, shift)
    return None


def _steps(sums: Sums, low: Int, high: Int) -> _ChannelSteps:
    """The steps to the outputs above the least, of int8 -127, -126, ... 127."""
    most = max(sums.high, sums.low + 1)  # where all outputs are the same, a step that none takes
    wanted = np.arange(sums.low + 1, most + 1, dtype=np.int64)[:, None]
    first, last = _around(sums, low, high + 1, wanted)
    while (first < last).any():
        middle = (first + last) >> 1
        reached = sums.outputs(middle) >= wanted
        last = np.where(reached, middle, last)
        first = np.where(reached | (first >= last), first, middle + 1)
    return _ChannelSteps(sums, low, high, last, np.broadcast_to(wanted, last.shape))


def _around(sums: Sums, low: Int, end: Int, wanted: Int) -> tuple[Int, Int]:
    """Sums (steps, channels) between which, ends included, the output reaches what is wanted.

    Narrow where that is about where real numbers have it, else ``low`` and ``end``.
    """
    shape = (len(wanted), low.size)
    lowest, highest = np.broadcast_to(low, shape), np.broadcast_to(end, shape)
    scale = np.ldexp(sums.multiplier.astype(np.float64), sums.shift.astype(np.int64) - 31)
    if (scale <= 0).any():
        return lowest, highest
    real = np.ceil((wanted - sums.zero_point - 0.5) / scale)
    near = np.clip(real, lowest, highest).astype(np.int64)
    first, last = np.maximum(near - NEAR_STEP, lowest), np.minimum(near + NEAR_STEP, highest)
    is_after = (first > lowest) & (sums.outputs(first - 1) >= wanted)
    is_before = (last < highest) & (sums.outputs(last) < wanted)
    return np.where(is_after, lowest, first), np.where(is_before, highest, last)


def _search(steps: _ChannelSteps, few: _ChannelSteps, shift: int) -> ChannelScaling | None:
    """Tries roundings of the scaling until every channel has one that is right."""
    near = _candidates(steps.sums, steps.low, steps.high, shift)
    bias, offset = _moved(near[0])
    least, most = few.multipliers(near[0].gain, bias, offset, shift)
    some_right = few.are_right(_stacked(near), shift)
    if not (some_right.any(axis=0) | (least <= most).any(axis=0)).all():
        return None  # for a channel
    best, right = _first_right(near, some_right, steps, shift)
    if right.all():
        return best
    left = np.flatnonzero(~right)
    solved = _solved(near[0].take(left), steps.take(left), few.take(left), shift)
    return None if solved is None else best.put(left, solved)


def _search_by_sign(steps: _ChannelSteps, few: _ChannelSteps, shift: int) -> ChannelScaling | None:
    """LiteRT's own roundings, as the offsets of sums of either sign; for all channels, or none.

    They come out right where a channel's shift is less than ``shift``, and its weights leave room
    for the factor that makes up for the difference.
    """
    sums = steps.sums
    places = -sums.shift.astype(np.int64)
    gain = 1 + shift - places
    largest = np.maximum(np.abs(sums.weights.astype(np.int64)).max(axis=0), 1)
    fits = (gain >= 0) & (gain <= MAX_GAIN) & (largest << np.clip(gain, 0, 15) < 1 << 15)
    gain = np.where(fits, gain, 0)
    unit = np.where(fits & (places < shift), np.int64(1) << np.clip(shift - places, 0, 31), 0)
    offset = ((2 * sums.zero_point + 1) << (shift - 1)) + (unit >> 1)
    multiplier = sums.multiplier.astype(np.int64)
    exact = ChannelScaling(gain, sums.bias << gain, multiplier, offset)
    near = _candidates(sums, steps.low, steps.high, shift)
    tried = [replace(scaling, is_by_sign=True) for scaling in (exact, *near)]
    some_right = few.are_right(_stacked(tried), shift)
    some_right[0] &= fits
    if not some_right.any(axis=0).all():
        return None
    best, right = _first_right(tried, some_right, steps, shift)
    return best if right.all() else None


def _first_right(
    tried: Sequence[ChannelScaling], may_be: Array, steps: _ChannelSteps, shift: int
) -> tuple[ChannelScaling, Array]:
    """For each channel the first scaling that is right, and whether there is one.

    Args:
        tried: The scalings in order.
        may_be: (scalings, channels): whether one may be right.
        steps: That it takes.
        shift: That of the kernel.
    """
    right = np.zeros(len(steps.low), dtype=bool)
    best = tried[0]
    for candidate, is_possible in zip(tried, may_be, strict=True):
        if not (is_possible & ~right).any():
            continue
        fits = _is_right(candidate, steps, shift) & is_possible & ~right
        best = _merge(best, candidate, fits)
        right |= fits
        if right.all():
            break
    return best, right


def _stacked(scalings: Sequence[ChannelScaling]) -> ChannelScaling:
    """All of them as one, each (scalings, 1, channels)."""
    gain, bias, multiplier, offset = (
        np.stack([getattr(scaling, name) for scaling in scalings])[:, None]
        for name in ("gain", "bias", "multiplier", "offset")
    )
    return ChannelScaling(gain, bias, multiplier, offset, scalings[0].is_by_sign)


def _merge(old: ChannelScaling, new: ChannelScaling, take: Array) -> ChannelScaling:
    return ChannelScaling(
        np.where(take, new.gain, old.gain),
        np.where(take, new.bias, old.bias),
        np.where(take, new.multiplier, old.multiplier),
        np.where(take, new.offset, old.offset),
        old.is_by_sign,
    )


def _is_right(scaling: ChannelScaling, steps: _ChannelSteps, shift: int) -> Array:
    """Channels whose output steps where it should, and whose numbers fit 32 bits."""
    limit = 1 << 31
    fits = (scaling.multiplier >= 0) & (scaling.multiplier < limit)
    for end in (steps.low, steps.high):
        fits &= np.abs(((end - steps.sums.bias) << scaling.gain) + scaling.bias) < limit
    fits &= np.abs(scaling.bias) < limit
    return np.asarray(steps.are_right(scaling, shift) & fits)


def _candidates(sums: Sums, low: Int, high: Int, shift: int) -> list[ChannelScaling]:
    """Scalings near the exact one; it is exact where the gain is at least 2."""
    places = -sums.shift.astype(np.int64)
    largest = np.maximum(np.abs(sums.weights.astype(np.int64)).max(axis=0), 1)
    room = np.floor(np.log2(32767 / largest)).astype(np.int64)
    gain = np.clip(1 + shift - places, 0, np.minimum(room, MAX_GAIN))
    rest = 1 + shift - places - gain
    factor = np.ldexp(1.0, rest.astype(np.int32))
    multiplier = np.minimum(np.rint(sums.multiplier * factor), 2.0**31).astype(np.int64)
    # both roundings of LiteRT, as one number added to acc * multiplier in units of 2^-(32 + shift):
    # without places there is no second one
    added = np.ldexp(1.0, (31 + shift - places).astype(np.int32))
    added += np.where(places > 0, np.ldexp(1.0, 31 + shift), 0.0)
    offset = np.floor(added / 2.0**32).astype(np.int64)
    more = np.floor((added - offset * 2.0**32) / np.maximum(multiplier, 1)).astype(np.int64)
    offset = offset + (sums.zero_point << shift)
    bias = sums.bias << gain
    zero = np.zeros_like(gain)
    result = []
    for nudge in (0, 1, -1):
        for extra in (0, 1, 2, -1):
            found = ChannelScaling(gain, bias + more + extra, multiplier + nudge, offset)
            result.append(found)
    constant = np.asarray(sums.outputs(low) << shift, dtype=np.int64)
    result.append(ChannelScaling(zero, zero, zero, constant))
    return result


def _moved(near: ChannelScaling) -> tuple[Int, Int]:
    """(scalings, channels): biases and offsets near that of ``near``, to be tried with it.

    Where the gain is small, a bias cannot be as fine as the rounding it stands for. A little more
    or less of it in the offset, and a multiplier that makes up for the rest, can.
    """
    bias, offset = [], []
    for more in range(-MAX_OFFSET, MAX_OFFSET + 1):
        moved = np.rint(more * 2.0**32 / np.maximum(near.multiplier, 1)).astype(np.int64)
        bias += [near.bias - moved + extra for extra in (0, 1, -1)]
        offset += [near.offset + more] * 3
    return np.stack(bias), np.stack(offset)


def _solved(
    near: ChannelScaling, steps: _ChannelSteps, few: _ChannelSteps, shift: int
) -> ChannelScaling | None:
    """A scaling whose multiplier lies where all steps of the output come out right."""
    right = np.zeros(len(steps.low), dtype=bool)
    best = near
    biases, offsets = _moved(near)
    least, most = few.multipliers(near.gain, biases, offsets, shift)
    for number in np.flatnonzero((least <= most).any(axis=1)):
        bias, offset = biases[number], offsets[number]
        least, most = steps.multipliers(near.gain, bias, offset, shift)
        if (least > most).all():
            continue
        middle = (np.maximum(least, 0) + np.minimum(most, (1 << 31) - 1)) >> 1
        multiplier = np.clip(middle, 0, (1 << 31) - 1)
        candidate = ChannelScaling(near.gain, bias, multiplier, offset)
        fits = _is_right(candidate, steps, shift) & ~right
        best = _merge(best, candidate, fits)
        right |= fits
        if right.all():
            return best
    return None
