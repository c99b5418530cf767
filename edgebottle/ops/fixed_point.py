"""Fixed-point arithmetic of quantized operators, in NumPy, exactly as LiteRT's kernels compute it.

``firmware/lib/edgebottle/include/eb_requant.h`` is the same in C. What LiteRT's built-in reference
kernels use was found by comparing them around ties, with accumulators up to 2^31:

- CONV_2D and DEPTHWISE_CONV_2D: ``multiply_by_quantized_multiplier``, which rounds twice.
- FULLY_CONNECTED: ``round_half_away(acc * scale)`` in double precision, which rounds the product
  to 53 bits and then to an integer. ``exact_multiplier`` is the same without floating point.

The double-rounding scheme is that of gemmlowp (``fixedpoint.h``) and of the TFLite quantization
specification; the names are theirs.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import FLOAT_LIMIT, DType
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ir.graph import Int as Int
from edgebottle.ops.base import Activation

MAX_SHIFT = 30
"""Longest left shift that C and LiteRT's arithmetic define."""

SAFE_SCALE = 2.0 ** (MAX_SHIFT - 1)
"""Scales below need no longer shift than ``MAX_SHIFT``, however they are rounded."""

DOUBLE_BITS = 53
"""Bits of the mantissa of a double."""

SATURATING_SCALE = 2.0**19
"""Scales above this saturate any 8- or 16-bit output unless the accumulator is zero."""


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Writes a positive real number as ``multiplier * 2**(shift - 31)``.

    Args:
        real: The number, finite.

    Returns:
        ``multiplier`` in 2^30 .. 2^31 - 1, or 0; ``shift`` >= -31. Numbers below 2^-32 become 0,
        and the multiplier of a negative number is negative.
    """
    if real == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * 2.0**31 + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def checked_multiplier(label: str, real: float, max_shift: int = MAX_SHIFT) -> tuple[int, int]:
    """``quantize_multiplier`` of an effective scale, each of which passes here before it is used.

    Args:
        label: What is scaled, for the message.
        real: The scale, whatever dividing two scales has given.
        max_shift: Longest left shift that the values to be scaled have room for.

    Raises:
        UnsupportedOp: the scale is no number, infinite, negative, which the kernels do not take, or
            2^max_shift or more, where LiteRT stops or gives what the machine makes of an overflow.
    """
    if math.isfinite(real) and real >= 0.0:
        multiplier, shift = quantize_multiplier(real)
        if shift <= max_shift:
            return multiplier, shift
    raise UnsupportedOp(
        f"{label} scales by {real:.2g}, and 32-bit arithmetic takes 0 to 2^{max_shift}; "
        "quantize the model anew, with representative data"
    )


def check_multipliers(label: str, reals: Array) -> None:
    """Raises as ``checked_multiplier`` does of each."""
    if not ((reals >= 0.0) & (reals < SAFE_SCALE)).all():
        for real in reals.tolist():
            checked_multiplier(label, real)


def check_scaled(label: str, reach: float) -> None:
    """Raises ``UnsupportedOp`` where scaled sums reach 2^31, beyond which LiteRT's overflow."""
    if reach >= 2.0**31:
        raise UnsupportedOp(
            f"{label} scales its sums up to {reach:.2g}, and 32-bit arithmetic takes less than "
            "2^31; quantize the model anew, with representative data"
        )


def check_zero_points(label: str, *tensors: Tensor) -> None:
    """Raises ``UnsupportedOp`` where one of ``tensors`` has 16 bits and a zero point."""
    if any(one.dtype is DType.I16 and one.zero_point for one in tensors):
        raise UnsupportedOp(f"{label} has 16-bit activations with a zero point")


def single_ratio(*scales: float, by: float) -> float:
    """The product of ``scales`` over another one in single precision; infinite where too large."""
    with np.errstate(over="ignore"):
        product = np.float32(1.0)
        for scale in scales:
            product = product * np.float32(scale)
        return float(product / np.float32(by))


def quantize_multipliers(reals: Sequence[float]) -> tuple[Array, Array]:
    """``quantize_multiplier`` of each number, as int32 multipliers and int8 shifts."""
    mantissa, shift = np.frexp(np.asarray(reals, dtype=np.float64))
    multiplier = np.floor(mantissa * 2.0**31 + 0.5).astype(np.int64)
    carries = multiplier == 1 << 31
    multiplier, shift = np.where(carries, 1 << 30, multiplier), shift + carries
    kept = shift >= -31
    return (
        np.where(kept, multiplier, 0).astype(np.int32),
        np.where(kept, shift, 0).astype(np.int8),
    )


def effective_scales(
    inputs: Tensor, weights: Tensor, output: Tensor, *, single_product: bool = False
) -> list[float]:
    """The scale(s) from accumulator to output: input * weights / output, in double precision.

    Args:
        inputs: Quantized per tensor.
        weights: Quantized per tensor or per channel.
        output: Quantized per tensor.
        single_product: The product is rounded to single precision, as LiteRT's convolutions of
            uint8 do.

    Returns:
        As many scales as the weights have.

    Raises:
        UnsupportedOp: a tensor has no quantization.
    """
    if weights.quant is None:
        raise UnsupportedOp(f"tensor '{weights.name}' has no quantization")
    input_scale, output_scale = float(np.float32(inputs.scale)), float(np.float32(output.scale))
    products = input_scale * np.array(weights.quant.scale, np.float32).astype(np.float64)
    if single_product:
        products = products.astype(np.float32).astype(np.float64)
    scales: list[float] = (products / output_scale).tolist()
    return scales


def saturating_rounding_doubling_high_mul(a: Array | int, b: Array | int) -> Int:
    """The high 32 bits of ``2 * a * b``, rounded half up, saturated; elementwise on int32 values.

    Returns:
        int64, within the range of int32.
    """
    product = np.asarray(a, dtype=np.int64) * np.asarray(b, dtype=np.int64)
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, (1 << 31) - 1), dtype=np.int64)


def rounding_divide_by_pot(value: Array | int, exponent: Array | int) -> Int:
    """``value / 2**exponent``, rounded half away from zero; elementwise.

    Args:
        value: Integers within int32.
        exponent: 0 .. 31.

    Returns:
        int64, within the range of int32.
    """
    wide = np.asarray(value, dtype=np.int64)
    places = np.asarray(exponent, dtype=np.int64)
    mask = (np.int64(1) << places) - 1
    threshold = (mask >> 1) + (wide < 0)
    return np.asarray((wide >> places) + ((wide & mask) > threshold), dtype=np.int64)


def multiply_by_quantized_multiplier(
    acc: Array | int, multiplier: Array | int, shift: Array | int
) -> Int:
    """``acc * multiplier * 2**(shift - 31)``, rounded twice as LiteRT does; elementwise.

    A left shift wraps like int32; the high half of the product is rounded half up, the right shift
    half away from zero. For ``shift`` <= 0 this is also TFLite's
    ``MultiplyByQuantizedMultiplierSmallerThanOneExp``.

    Args:
        acc: Integers within int32.
        multiplier: 0 .. 2^31 - 1.
        shift: -31 .. 30.

    Returns:
        int64, within the range of int32.
    """
    places = np.asarray(shift, dtype=np.int64)
    shifted = wrap_int32(np.asarray(acc, dtype=np.int64) << np.maximum(places, 0))
    high = saturating_rounding_doubling_high_mul(shifted, multiplier)
    return rounding_divide_by_pot(high, np.maximum(-places, 0))


def multiply_wide(acc: Array | int, multiplier: Array | int, shift: Array | int) -> Int:
    r"""``acc * multiplier * 2**(shift - 31)`` of sums of 48 bits, rounded half up; elementwise.

    LiteRT reduces the multiplier to 16 bits first (``MultiplyByQuantizedMultiplier`` of int64).

    Args:
        acc: Integers, \|acc\| < 2^47.
        multiplier: 0 .. 2^31 - 1.
        shift: -31 .. 7.

    Returns:
        int64.
    """
    places = 15 - np.asarray(shift, dtype=np.int64)
    product = np.asarray(acc, dtype=np.int64) * reduced_multiplier(multiplier)
    return np.asarray((product + (np.int64(1) << (places - 1))) >> places, dtype=np.int64)


def reduced_multiplier(multiplier: Array | int) -> Int:
    """Multipliers of 31 bits with 15, rounded, at most 2^15 - 1."""
    wide = np.asarray(multiplier, dtype=np.int64)
    return np.asarray(np.minimum((wide + (1 << 15)) >> 16, (1 << 15) - 1), dtype=np.int64)


def wrap_int32(value: Array) -> Int:
    """Wraps integers into int32 as two's complement overflow does."""
    return np.asarray(value, dtype=np.int64).astype(np.int32).astype(np.int64)


def round_half_away(real: Array | float) -> NDArray[np.float64]:
    """Rounds to the nearest integer, halves away from zero (C's ``round``), as float64."""
    wide = np.asarray(real, dtype=np.float64)
    whole = np.trunc(wide)
    return np.asarray(whole + np.copysign(np.abs(wide - whole) >= 0.5, wide), dtype=np.float64)


def scale_accumulator(acc: Array, scale: Array | float) -> Int:
    """``round_half_away(acc * scale)`` in double precision, as int64."""
    product = acc.astype(np.float64) * np.minimum(scale, SATURATING_SCALE)
    return round_half_away(product).astype(np.int64)


def exact_multiplier(real: float) -> tuple[int, int, int]:
    """Splits a double for ``eb_scale_accumulator``, which multiplies by it without loss.

    Args:
        real: 0, or a positive scale; scales that saturate every output are reduced to one that
            still does, scales that give 0 for every int32 become 0.

    Returns:
        ``(high, low, shift)``: ``real == (high * 2**32 + low) * 2**-shift``, ``high`` < 2^21,
        ``low`` < 2^32, ``shift`` 33 .. 86.
    """
    if real < 2.0**-33:
        return 0, 0, DOUBLE_BITS
    mantissa, exponent = math.frexp(min(real, SATURATING_SCALE))
    whole = int(mantissa * 2.0**DOUBLE_BITS)
    return whole >> 32, whole & 0xFFFFFFFF, DOUBLE_BITS - exponent


def activation_range(activation: Activation, tensor: Tensor) -> tuple[int, int]:
    """Bounds of a fused activation on the stored values of its output: those it has, if any.

    Args:
        activation: The activation.
        tensor: The output: i8, u8 or i16, quantized per tensor.

    Returns:
        ``(lowest, highest)``, within the range of the type.

    Raises:
        UnsupportedOp: the tensor's scale is too fine for the bounds.
    """
    if tensor.bounds is not None:
        return tensor.bounds
    lowest, highest = {
        DType.I8: (-128, 127),
        DType.U8: (0, 255),
        DType.I16: (-32768, 32767),
    }[tensor.dtype]
    low, high = activation.float_range()
    return (
        lowest if low == -FLOAT_LIMIT else max(lowest, _quantize(low, tensor)),
        highest if high == FLOAT_LIMIT else min(highest, _quantize(high, tensor)),
    )


def _quantize(real: float, tensor: Tensor) -> int:
    """Stored value of a real number, divided in single precision as LiteRT does."""
    quotient = single_ratio(real, by=tensor.scale)
    checked_multiplier(f"the activation that gives '{tensor.name}'", abs(quotient))
    return tensor.zero_point + int(round_half_away(quotient))
