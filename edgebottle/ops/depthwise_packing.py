"""Weights and requantization of a 3x3 depthwise convolution as its DSP kernel reads them.

The kernel requantizes with one multiplication, one shift by a constant and one saturation:

    saturate((offset * 2^32 + acc * multiplier) >> (32 + SHIFT)),  acc = bias + sum(weights * x)

where the weights and the bias of a channel carry a factor of ``2^gain`` that brings channels of
any scale to the same shift. LiteRT rounds twice; that both give the same output for every sum that
can occur is proven here, channel by channel, at the 255 sums where the output steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.fixed_point import Int, multiply_by_quantized_multiplier

SHIFTS = (10, 8, 12)
"""Shifts the kernel is compiled for, the preferred one first."""

MAX_OFFSET = 8
"""How far from the exact offset others are tried."""

MAX_GAIN = 8
"""Larger factors would take -128 out of 16 bits."""

WORDS = 8
"""32-bit words of the record of one channel."""

LOW, HIGH = -128, 127
"""Bounds of the output: the kernel saturates to int8 and has no others."""


@dataclass(frozen=True, eq=False)
class Sums:
    """What requantization is to do, for each channel.

    Attributes:
        weights: int8, (taps, channels).
        bias: With the input's zero point folded in.
        multiplier: As ``quantize_multipliers`` gives it.
        shift: The same.
        zero_point: Of the output.
    """

    weights: Array
    bias: Int
    multiplier: Array
    shift: Array
    zero_point: int

    def _content(self) -> tuple[bytes | int, ...]:
        arrays = (self.weights, self.bias, self.multiplier, self.shift)
        return (*(array.tobytes() for array in arrays), self.zero_point)

    def __eq__(self, other: object) -> bool:
        """The same numbers."""
        return isinstance(other, Sums) and self._content() == other._content()

    def __hash__(self) -> int:
        """By the numbers."""
        return hash(self._content())

    def reach(self) -> tuple[Int, Int]:
        """The lowest and the highest sum of each channel."""
        wide = self.weights.astype(np.int64)
        ends = np.stack([wide * -128, wide * 127])
        return ends.min(axis=0).sum(axis=0) + self.bias, ends.max(axis=0).sum(axis=0) + self.bias

    def outputs(self, acc: Int) -> Int:
        """The outputs of sums (..., channels), as LiteRT rounds them."""
        scaled = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        return np.asarray(np.clip(scaled + self.zero_point, LOW, HIGH), dtype=np.int64)


@dataclass(frozen=True)
class Scaling:
    """The kernel's numbers, for each channel.

    Attributes:
        gain: Binary logarithm of the factor of the weights.
        bias: int32, with the factor.
        multiplier: int32.
        offset: int32.
    """

    gain: Int
    bias: Int
    multiplier: Int
    offset: Int

    def outputs(self, acc: Int, bias: Int, shift: int) -> Int:
        """The outputs of sums (..., channels) that were made with ``bias``."""
        scaled = ((acc - bias) << self.gain) + self.bias
        high = ((scaled * self.multiplier) >> 32) + self.offset
        return np.asarray(np.clip(high >> shift, LOW, HIGH), dtype=np.int64)


@dataclass(frozen=True)
class Packing:
    """What ``find_packing`` found.

    Attributes:
        sums: What was asked for.
        scaling: How the kernel does it.
        shift: The shift it is compiled for.
    """

    sums: Sums
    scaling: Scaling
    shift: int


@lru_cache(maxsize=1024)
def find_packing(sums: Sums) -> Packing | None:
    """A scaling that gives LiteRT's outputs for all sums that can occur; None without one."""
    low, high = sums.reach()
    if max(abs(int(low.min())), abs(int(high.max()))) >= 1 << 30:
        return None
    steps = _steps(sums, low, high)
    for shift in SHIFTS:
        found = _search(sums, low, high, steps, shift)
        if found is not None:
            return Packing(sums, found, shift)
    return None


def _steps(sums: Sums, low: Int, high: Int) -> Int:
    """(255, channels): the first sum whose output is at least -127, -126, ... 127."""
    wanted = np.arange(LOW + 1, HIGH + 1)[:, None]
    first, last = np.broadcast_arrays(low, high + 1)
    first, last = np.tile(first, (len(wanted), 1)), np.tile(last, (len(wanted), 1))
    while (first < last).any():
        middle = (first + last) >> 1
        reached = sums.outputs(middle) >= wanted
        last = np.where(reached, middle, last)
        first = np.where(reached | (first >= last), first, middle + 1)
    return np.asarray(last)


def _search(sums: Sums, low: Int, high: Int, steps: Int, shift: int) -> Scaling | None:
    """Tries roundings of the scaling until every channel has one that is right."""
    right = np.zeros(len(low), dtype=bool)
    best: Scaling | None = None
    near = _candidates(sums, low, high, shift)
    for candidate in itertools.chain(near, _solved(near[0], sums, low, high, steps, shift)):
        fits = _is_right(candidate, sums, low, high, steps, shift) & ~right
        best = candidate if best is None else _merge(best, candidate, fits)
        right |= fits
        if right.all():
            return best
    return None


def _merge(old: Scaling, new: Scaling, take: Array) -> Scaling:
    return Scaling(
        np.where(take, new.gain, old.gain),
        np.where(take, new.bias, old.bias),
        np.where(take, new.multiplier, old.multiplier),
        np.where(take, new.offset, old.offset),
    )


def _is_right(scaling: Scaling, sums: Sums, low: Int, high: Int, steps: Int, shift: int) -> Array:
    """Channels whose output steps where it should, and whose numbers fit 32 bits."""
    wanted = np.arange(LOW + 1, HIGH + 1)[:, None]
    at = scaling.outputs(np.minimum(steps, high), sums.bias, shift)
    below = scaling.outputs(np.maximum(steps - 1, low), sums.bias, shift)
    steps_right = ((at >= wanted) | (steps > high)) & ((below < wanted) | (steps <= low))
    limit = 1 << 31
    fits = (scaling.multiplier >= 0) & (scaling.multiplier < limit)
    for end in (low, high):
        fits &= np.abs(((end - sums.bias) << scaling.gain) + scaling.bias) < limit
    fits &= np.abs(scaling.bias) < limit
    return np.asarray(steps_right.all(axis=0) & fits)


def _candidates(sums: Sums, low: Int, high: Int, shift: int) -> list[Scaling]:
    """Scalings near the exact one; it is exact where the gain is at least 2."""
    places = -sums.shift.astype(np.int64)
    largest = np.maximum(np.abs(sums.weights.astype(np.int64)).max(axis=0), 1)
    room = np.floor(np.log2(32767 / largest)).astype(np.int64)
    gain = np.clip(1 + shift - places, 0, np.minimum(room, MAX_GAIN))
    rest = 1 + shift - places - gain
    factor = np.ldexp(1.0, rest.astype(np.int32))
    multiplier = np.minimum(np.rint(sums.multiplier * factor), 2.0**31).astype(np.int64)
    # both roundings of LiteRT, as one number added to acc * multiplier, in units of 2^-(32 + shift)
    added = np.ldexp(1.0, (31 + shift - places).astype(np.int32)) + np.ldexp(1.0, 31 + shift)
    offset = np.floor(added / 2.0**32).astype(np.int64)
    more = np.floor((added - offset * 2.0**32) / np.maximum(multiplier, 1)).astype(np.int64)
    offset = offset + (sums.zero_point << shift)
    bias = sums.bias << gain
    result = []
    for nudge in (0, 1, -1):
        for extra in (0, 1, 2, -1):
            result.append(Scaling(gain, bias + more + extra, multiplier + nudge, offset))
    constant = np.asarray(sums.outputs(low) << shift, dtype=np.int64)
    zero = np.zeros_like(gain)
    result.append(Scaling(zero, zero, zero, constant))
    return result


def _solved(
    near: Scaling, sums: Sums, low: Int, high: Int, steps: Int, shift: int
) -> Iterator[Scaling]:
    """Scalings whose multiplier lies where all steps of the output come out right.

    Where the gain is small, a bias cannot be as fine as the rounding it stands for. A little more
    or less of it in the offset, and a multiplier that makes up for the rest, can.
    """
    reached = (steps > low) & (steps <= high)
    for more in range(-MAX_OFFSET, MAX_OFFSET + 1):
        moved = np.rint(more * 2.0**32 / np.maximum(near.multiplier, 1)).astype(np.int64)
        for extra in (0, 1, -1):
            bias = near.bias - moved + extra
            offset = near.offset + more
            least, most = _multipliers(near.gain, bias, offset, sums, steps, reached, shift)
            if (least > most).all():
                continue  # no multiplier is right
            middle = (np.maximum(least, 0) + np.minimum(most, (1 << 31) - 1)) >> 1
            yield Scaling(near.gain, bias, np.clip(middle, 0, (1 << 31) - 1), offset)


def _multipliers(
    gain: Int, bias: Int, offset: Int, sums: Sums, steps: Int, reached: Array, shift: int
) -> tuple[Int, Int]:
    """The least and the greatest multiplier of each channel that has all ``reached`` steps right.

    At the step to the output k, sum * multiplier >= ((k << shift) - offset) << 32; one before, not.
    """
    wanted = np.arange(LOW + 1, HIGH + 1, dtype=np.int64)[:, None]
    needed = ((wanted << shift) - offset) << 32
    at = ((steps - sums.bias) << gain) + bias
    before = at - (np.int64(1) << gain)
    unbound = np.int64(1) << 40
    least, most = np.full(at.shape, -unbound), np.full(at.shape, unbound)
    at_least = -(-needed // np.where(at == 0, 1, at))
    least = np.where(at > 0, at_least, least)
    most = np.where(at < 0, needed // np.where(at == 0, 1, at), most)
    divisor = np.where(before == 0, 1, before)
    most = np.where(before > 0, np.minimum(most, -(-needed // divisor) - 1), most)
    least = np.where(before < 0, np.maximum(least, needed // divisor + 1), least)
    least, most = np.where(reached, least, -unbound), np.where(reached, most, unbound)
    return least.max(axis=0), most.min(axis=0)


def pack_3x3(sums: Sums, scaling: Scaling) -> Array:
    """The records of all channels: int32, (channels, WORDS).

    Five words of two weights, in pairs as the kernel multiplies them: of the first two rows the
    left, middle and right column; of the last row left and middle, middle and right. Then bias,
    multiplier, offset.
    """
    wide = sums.weights.astype(np.int64) << scaling.gain
    pairs = [_pair(wide[k], wide[3 + k]) for k in range(3)]
    pairs += [_pair(wide[6], wide[7]), _pair(wide[7], wide[8])]
    words = [*pairs, scaling.bias, scaling.multiplier, scaling.offset]
    return np.stack(words, axis=1).astype(np.int32)


def unpack_3x3(packed: Array) -> tuple[Array, Scaling]:
    """The inverse of ``pack_3x3``: weights with their factor, (9, channels), and the scaling.

    The gain is not in the records; it comes back as 0.
    """
    words = packed.astype(np.int64).T
    bottom = words[:5].astype(np.int16).astype(np.int64)
    top = words[:5] >> 16
    weights = np.stack([*bottom[:3], *top[:3], bottom[3], top[3], top[4]])
    return weights, Scaling(np.zeros_like(words[5]), words[5], words[6], words[7])


def pack_window(weights: Array) -> Array:
    """The weights of a window in pairs of rows and of columns, for the kernel of any window.

    Args:
        weights: int8, (height, width, channels).

    Returns:
        int8, (channels, pairs of rows, pairs of columns, 2, 2): rows and columns are filled up with
        zeros to an even number; the last axis is the column within its pair.
    """
    height, width, channels = weights.shape
    even = np.pad(weights, ((0, height % 2), (0, width % 2), (0, 0)))
    split = even.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, channels)
    return np.ascontiguousarray(split.transpose(4, 0, 2, 1, 3))


def unpack_window(packed: Array, height: int, width: int) -> Array:
    """The inverse of ``pack_window``."""
    channels, rows, columns = packed.shape[:3]
    even = packed.transpose(1, 3, 2, 4, 0).reshape(2 * rows, 2 * columns, channels)
    return even[:height, :width]


def _pair(bottom: Int, top: Int) -> Int:
    return np.asarray((top << 16) | (bottom & 0xFFFF), dtype=np.int64)
