"""SOFTMAX of int16: two functions, looked up between the entries of their tables.

As in LiteRT each table has 513 entries over the range of int16, and each entry is moved by half of
the error that a straight line makes in the middle between it and the next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from edgebottle.ir.graph import Array, Int
from edgebottle.ops.fixed_point import (
    checked_multiplier,
    multiply_by_quantized_multiplier,
    round_half_away,
)

STEPS = 512
"""Of a table, which has one entry more."""

MAX_CHANNELS = (1 << 16) - 1
"""More exponentials could overflow their sum."""

MAX_SHIFT = 14
"""A difference of two int16 shifted further left would overflow int32."""

_RANGE = 65535
_ONE = 32768.0


def _table(first: float, last: float, function: Callable[[Array], Array]) -> Array:
    """[513] int16: ``function`` from ``first`` to ``last``, in units of 2^-15."""
    step = (last - first) / STEPS
    places = first + np.arange(STEPS) * step
    value, following = function(places) * _ONE, function(places + step) * _ONE
    middle = round_half_away(function(places + step / 2) * _ONE)
    straight = round_half_away((following + round_half_away(value)) / 2)
    entries = round_half_away(value) - round_half_away((straight - middle) / 2)
    end = round_half_away(function(np.array([last])) * _ONE)
    return np.asarray(np.clip(np.concatenate([entries, end]), -32768, 32767), np.int16)


@cache
def exponential_table() -> Array:
    """exp(x) for x from -10 to 0."""
    return _table(-10.0, 0.0, np.exp)


@cache
def reciprocal_table() -> Array:
    """1 / (1 + x) for x from 0 to 1."""
    return _table(0.0, 1.0, lambda x: 1.0 / (1.0 + x))


def difference_multiplier(label: str, scale: float, beta: float) -> tuple[int, int]:
    """What takes differences of inputs to the table: 65535 steps are 10.

    Raises:
        UnsupportedOp: the scale is too large.
    """
    product = float(np.float32(scale) * np.float32(beta))
    return checked_multiplier(label, product / (10.0 / _RANGE), MAX_SHIFT)


def lookup(table: Array, values: Int) -> Int:
    """A function of int16 values."""
    index, part = 256 + (values >> 7), values & 0x7F
    below, above = table[index].astype(np.int64), table[index + 1].astype(np.int64)
    return np.asarray(below + (((above - below) * part + 64) >> 7))


def softmax_int16(rows: Int, multiplier: tuple[int, int]) -> Array:
    """The stored results, int16.

    Args:
        rows: (rows, channels), int16 values.
        multiplier: From ``difference_multiplier``.
    """
    difference = rows - rows.max(axis=1, keepdims=True)
    scaled = multiply_by_quantized_multiplier(difference, *multiplier) + 32767
    shares = lookup(exponential_table(), np.clip(scaled, -32768, 32767))
    total = shares.sum(axis=1, keepdims=True)
    zeros = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    mantissa = ((total << (zeros - 1)) + (1 << 13)) >> 14
    centred = np.clip(mantissa - (1 << 15) - (1 << 16), -32768, 32767)
    product = shares * lookup(reciprocal_table(), centred)
    places = 31 - zeros
    shifted = (product + (1 << (places - 1))) >> places
    return np.asarray(np.clip(shifted, 0, 32767), np.int16)
