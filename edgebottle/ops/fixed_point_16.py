"""Logistic function and hyperbolic tangent on 16-bit fixed-point numbers, in NumPy.

The algorithms are those of gemmlowp's ``fixedpoint.h``, which LiteRT's integer LSTM uses: a Taylor
series for the exponential of the last quarter, constants for the powers of two before it, and three
steps of Newton-Raphson for the quotient. ``firmware/lib/edgebottle/include/eb_fixed_16.h`` is the
same in C. Arrays are int64 and hold values within int16, but for what is said.
"""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array, Int
from edgebottle.ops.fixed_point import rounding_divide_by_pot

ONE = 32767
"""The largest number below 1, which stands for it."""

FACTORS = (25520, 19875, 12055, 4435, 600, 11, 0)
"""e^-(1/4), e^-(1/2), e^-1 ... e^-16 with 15 fractional bits."""

_SATURATED_BITS = 6
"""Integer bits with which numbers reach -32, from where on the exponential is 0."""


def multiply(a: Array | int, b: Array | int) -> Int:
    """``a * b / 2^15``, rounded half up, saturated."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 14)) >> 15, ONE), np.int64)


def shifted_left(value: Array, places: int) -> Int:
    """``value * 2^places``, saturated."""
    return np.asarray(np.clip(value.astype(np.int64) << places, -ONE - 1, ONE), np.int64)


def exp_on_negative(value: Array, integer_bits: int) -> Int:
    """e^value with 15 fractional bits.

    Args:
        value: 0 or less, with 15 - ``integer_bits`` fractional bits.
        integer_bits: 1 .. 7.
    """
    quarter = 1 << (13 - integer_bits)
    rest = (value & (quarter - 1)) - quarter  # the last quarter, in -1/4 .. 0
    result = _exp_of_last_quarter(shifted_left(rest, integer_bits))
    left = (rest - value) & 0xFFFF
    for number, factor in enumerate(FACTORS):
        exponent = number - 2
        if integer_bits > exponent:
            has_power = left & (1 << (15 - integer_bits + exponent)) != 0
            result = np.where(has_power, multiply(result, factor), result)
    if integer_bits >= _SATURATED_BITS:
        result = np.where(value < -(32 << (15 - integer_bits)), 0, result)
    return np.asarray(np.where(value == 0, ONE, result), np.int64)


def _exp_of_last_quarter(value: Int) -> Int:
    """e^value for -1/4 <= value < 0, by the Taylor series around -1/8."""
    at, third = 28918, 10923  # e^-(1/8), 1/3
    x = value + (1 << 12)
    square = multiply(x, x)
    fourth = rounding_divide_by_pot(multiply(square, square), 2)
    cube = multiply(square, x)
    rest = rounding_divide_by_pot(multiply(fourth + cube, third) + square, 1)
    return np.asarray(np.clip(at + multiply(at, x + rest), -ONE - 1, ONE), np.int64)


def _reciprocal(value: Int) -> Int:
    """2 / (1 + value) with 13 fractional bits, for 0 <= value <= 1."""
    half_sum = (value + ONE + 1) // 2
    x = 23130 + multiply(half_sum, -15420)  # 48/17 - 32/17 of it
    for _ in range(3):
        error = 8192 - multiply(half_sum, x)
        x = x + shifted_left(multiply(x, error), 2)
    return x


def logistic(value: Array, integer_bits: int) -> Int:
    """1 / (1 + e^-value) with 15 fractional bits; ``value`` has ``integer_bits`` integer bits."""
    negative = -np.abs(value.astype(np.int64))
    x = _reciprocal(exp_on_negative(negative, integer_bits))
    above = shifted_left(x, 1)
    result = np.where(value > 0, above, ONE - above)
    return np.asarray(np.where(value == 0, 1 << 14, result), np.int64)


def tanh(value: Array, integer_bits: int) -> Int:
    """The hyperbolic tangent with 15 fractional bits; ``value`` has ``integer_bits``, 0 .. 6."""
    negative = -np.abs(value.astype(np.int64))
    x = _reciprocal(exp_on_negative(negative, integer_bits + 1))
    result = shifted_left(x - 8192, 2)
    return np.asarray(np.sign(value) * result, np.int64)
