"""Functions in fixed point, in NumPy, exactly as LiteRT computes them.

``firmware/lib/edgebottle/include/eb_fixed_functions.h`` is the same in C. The arithmetic is
gemmlowp's (``fixedpoint.h``): Qm.n has m bits before and n behind the point, besides the sign.
"""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array, Int
from edgebottle.ops.fixed_point import (
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)

INT32 = np.iinfo(np.int32)

STEPS = 5
"""Of Newton's method, from 1 on."""

HALF_ROOT_OF_TWO = 1518500250
"""In Q0.31."""

THREE_HALVES = 3 << 27
"""In Q3.28."""


def inverse_root(values: Array | int) -> tuple[Int, Int]:
    """``1 / sqrt(value)`` as ``multiplier * 2**(shift - 31)``; elementwise.

    Args:
        values: 0 .. 2^31 - 1; 0 counts as 1.

    Returns:
        ``multiplier`` in 0 .. 2^31 - 1; ``shift`` in -15 .. 0.
    """
    value = np.asarray(values, dtype=np.int64)
    large = value >= 1 << 29
    scaled = np.maximum(np.where(large, value // 4, value), 2)
    _, length = np.frexp(scaled.astype(np.float64))
    pairs = (31 - length.astype(np.int64)) // 2 - 1
    right = 11 + large - pairs
    x = _newton((scaled << (2 * pairs)) >> 1)
    multiplier = saturating_rounding_doubling_high_mul(x, HALF_ROOT_OF_TWO)
    multiplier <<= np.maximum(-right, 0)
    is_one = value <= 1
    shift = np.where(is_one, 0, -np.maximum(right, 0))
    return np.where(is_one, INT32.max, multiplier), shift


def _newton(scaled: Int) -> Int:
    """``1 / sqrt`` of numbers from 1/4 to 1, both in Q3.28."""
    multiply = saturating_rounding_doubling_high_mul
    half = rounding_divide_by_pot(scaled, 1)
    x = np.full_like(scaled, 1 << 28)
    for _ in range(STEPS):
        cube = _shifted_left(multiply(multiply(x, x), x), 6)
        x = _shifted_left(multiply(THREE_HALVES, x) - multiply(half, cube), 3)
    return x


def _shifted_left(value: Int, places: int) -> Int:
    return np.asarray(np.clip(value << places, INT32.min, INT32.max), dtype=np.int64)


def reciprocal(total: Int, bits: int) -> tuple[Int, Int]:
    """``1 / total``; elementwise.

    Args:
        total: At least 1, with ``bits`` bits before and ``31 - bits`` bits behind the point.
        bits: 0 .. 31.

    Returns:
        (value in Q0.31, places it has to be shifted right).
    """
    multiply = saturating_rounding_doubling_high_mul
    _, length = np.frexp(total.astype(np.float64))
    zeros = 32 - length.astype(np.int64)
    a = (total << zeros) - (1 << 31)
    half = (a + INT32.max + 1) >> 1
    x = 1515870810 + multiply(half, -1010580540)  # 48/17 - 32/17 * half, in Q2.29
    for _ in range(3):
        error = (1 << 29) - multiply(half, x)
        x = x + np.clip(multiply(x, error) << 2, -(1 << 31), INT32.max)
    return np.clip(x << 1, -(1 << 31), INT32.max), bits - zeros
