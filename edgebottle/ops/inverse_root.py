"""One over the square root of an integer in fixed point, in NumPy, exactly as LiteRT computes it.

``firmware/lib/edgebottle/include/eb_inverse_root.h`` is the same in C. The arithmetic is gemmlowp's
(``fixedpoint.h``): Qm.n has m bits before and n behind the point.
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
