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

LOG_OF_TWO = 1488522236
ROOT_OF_HALF = HALF_ROOT_OF_TWO
FOURTH_ROOT_OF_HALF = 1805811301
LOG_ABOVE = 117049297
LOG_BELOW = (1057819769, 127690142, 638450708)
"""Of ``logarithm``, all in Q0.31: with f the fourth root of 2, 11/240 f; 2/f - f, f/20, f/4."""


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


def _shifted_left(value: Int, places: Int | int) -> Int:
    return np.asarray(np.clip(value << places, INT32.min, INT32.max), dtype=np.int64)


def reciprocal(total: Int, bits: int) -> tuple[Int, Int]:
    """``1 / total``; elementwise.

    Args:
        total: At least 1, with ``bits`` bits before and ``31 - bits`` bits behind the point.
        bits: 0 .. 31.

    Returns:
        (value in Q0.31, places it has to be shifted right).
    """
    zeros = _leading_zeros(total)
    return _one_over_one_plus((total << zeros) - (1 << 31)), bits - zeros


def _leading_zeros(value: Int) -> Int:
    """Of positive numbers as 32 bits."""
    _, length = np.frexp(value.astype(np.float64))
    return 32 - length.astype(np.int64)


def _one_over_one_plus(a: Int) -> Int:
    """1 / (1 + a) in Q0.31, of numbers from 0 to 1."""
    multiply = saturating_rounding_doubling_high_mul
    half = (a + INT32.max + 1) >> 1
    x = 1515870810 + multiply(half, -1010580540)  # 48/17 - 32/17 * half, in Q2.29
    for _ in range(3):
        error = (1 << 29) - multiply(half, x)
        x = x + _shifted_left(multiply(x, error), 2)
    return _shifted_left(x, 1)


def logarithm(total: Int, bits: int) -> Int:
    """The natural logarithm in Q5.26; elementwise.

    A power of the root of two is taken out, so that the rest is near the fourth root of 1/2; of it
    the logarithm is a quotient of polynomials.

    Args:
        total: At least 1, with ``bits`` bits before and ``31 - bits`` bits behind the point.
        bits: 0 .. 21.
    """
    multiply = saturating_rounding_doubling_high_mul
    zeros = _leading_zeros(total)
    lower = multiply(total, ROOT_OF_HALF)
    room = _leading_zeros(lower) - 1
    first = _shifted_left(multiply(total << (zeros - 1), ROOT_OF_HALF), 1)
    rest = np.minimum(first, _shifted_left(total, room))
    quarter = 1 << 23  # in Q6.25
    powers = np.maximum(
        _shifted_left(bits - zeros, 25) + quarter, _shifted_left(bits - room, 25) - quarter
    )
    middle = rest + FOURTH_ROOT_OF_HALF
    middle = (middle + 1) >> 1
    away = 2 * (rest - FOURTH_ROOT_OF_HALF)
    square = multiply(away, away)
    above = multiply(away, rest) + multiply(multiply(away, square), LOG_ABOVE)
    below = multiply(middle, LOG_BELOW[0] + away + multiply(LOG_BELOW[1], square))
    below = below + multiply(LOG_BELOW[2], away)
    quotient = multiply(rounding_divide_by_pot(above, 6), _one_over_one_plus(below))
    return _shifted_left(multiply(powers, LOG_OF_TWO) + quotient, 1)
