"""What layers with constant weights share: operands and their checks, biases, exact products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int, Node, Tensor, Tensors
from edgebottle.ops.base import require_dtype, where
from edgebottle.ops.channel_range import Range, fits_int32
from edgebottle.ops.fixed_point import (
    check_multipliers,
    check_zero_points,
    effective_scales,
    wrap_int32,
)
from edgebottle.ops.weighted_sums import WeightedSums

MAX_WINDOW = (1 << 17) - 1
"""Products of two int8 that can be added without leaving int32."""

MAX_WIDE_WINDOW = (2**31 - 1) // 255**2
"""The same of int8 and weights of 9 bits, both without their zero points."""

_BIASES = {DType.I8: (DType.I32,), DType.I16: (DType.I64, DType.I32), DType.F32: (DType.F32,)}
"""The types of the biases of each type of input."""

BIAS_INT32, BIAS_INT64 = 2, 4
"""The schema's types of biases, as options say them of 16-bit activations; 0 stands for int64."""

MAX_WIDE_SHIFT = 7
"""Longest left shift of a sum of 48 bits."""

EXACT_FLOAT32 = 1 << 24
"""Sums of integers below this are exact in float32, in any order."""


def operands(ins: Tensors) -> tuple[Tensor, Tensor, Tensor | None]:
    """Input, weights and bias of a node."""
    data, weights = ins[0], ins[1]
    assert data is not None and weights is not None
    return data, weights, ins[2] if len(ins) > 2 else None


def check_weights(
    node: Node,
    ins: Tensors,
    output: Tensor,
    axis: int,
    *,
    wide: bool = False,
    types: Sequence[DType] = (DType.I8, DType.F32),
) -> None:
    """Checks types and quantization of a node with weights.

    Args:
        node: The node, for messages.
        ins: Input, weights and optional bias.
        output: The output.
        axis: The axis of the weights' output channels.
        wide: The weights of an int8 layer may be int16, of 9 bits.
        types: What the input may be; with int16, weights are int8.

    Raises:
        UnsupportedOp: with the reason.
    """
    data, weights, bias = operands(ins)
    require_dtype(node, data, *types)
    require_dtype(node, output, data.dtype)
    is_int16 = data.dtype is DType.I16
    kind = DType.I8 if is_int16 else data.dtype
    require_dtype(node, weights, kind, *([DType.I16] if wide else []))
    weights.constant()
    if bias is not None:
        require_dtype(node, bias, *_BIASES[data.dtype])
        if bias.size != weights.shape[axis]:
            raise UnsupportedOp(
                f"{where(node)} has {bias.size} biases for {weights.shape[axis]} output channels"
            )
        bias.constant()
    if data.dtype is not DType.F32:
        _check_quantization(node, ins, output, axis)
    check_zero_points(where(node), data, output)


def _check_quantization(node: Node, ins: Tensors, output: Tensor, axis: int) -> None:
    data, weights, _ = operands(ins)
    _ = data.scale, output.scale
    quant = weights.quant
    if quant is None:
        raise UnsupportedOp(f"{where(node)}: the weights '{weights.name}' have no quantization")
    channels = weights.shape[axis]
    if len(quant.scale) not in (1, channels):
        raise UnsupportedOp(
            f"{where(node)} has {len(quant.scale)} weight scales for {channels} output channels"
        )
    if len(quant.scale) > 1 and quant.axis != axis:
        raise UnsupportedOp(
            f"{where(node)} quantizes its weights along axis {quant.axis}, not along the output "
            f"channels (axis {axis}), which edgebottle does not support yet"
        )
    limit = MAX_WIDE_WINDOW if weights.dtype is DType.I16 else MAX_WINDOW
    if weights.size // channels > limit:
        raise UnsupportedOp(
            f"{where(node)} sums {weights.size // channels} products for each output; "
            f"edgebottle supports {limit}"
        )
    # Some converters write weights with negative scales.
    check_multipliers(where(node), np.abs(effective_scales(data, weights, output)))


def has_narrow_sums(ins: Tensors) -> bool:
    """Whether a layer of 16-bit activations sums in 32 bits: its biases have as many."""
    data, _, bias = operands(ins)
    return data.dtype is DType.I16 and bias is not None and bias.dtype is DType.I32


def check_bias_option(label: str, ins: Tensors, options: Any) -> None:
    """Refuses int32 biases of 16-bit activations that LiteRT would read as int64.

    Raises:
        UnsupportedOp: names the layer.
    """
    data, _, bias = operands(ins)
    said = getattr(options, "quantizedBiasType", 0)
    if data.dtype is not DType.I16 or bias is None:
        return
    if (said == BIAS_INT32) != (bias.dtype is DType.I32):
        raise UnsupportedOp(
            f"{label} has biases of {bias.dtype.label}, but its options say another type"
        )


def check_reach(node: Node, matrix: Array, bias: Array, scales: Sequence[float], bits: int) -> None:
    """Refuses sums of 16-bit activations that leave ``bits``, or int32 when they are scaled.

    Args:
        node: The node, for messages.
        matrix: The weights without their zero point, (outputs, products).
        bias: One for each output.
        scales: One, or one for each output.
        bits: Of the sums, without the sign.

    Raises:
        UnsupportedOp: with the reason.
    """
    added = [abs(int(value)) for value in bias]
    sums = np.abs(matrix.astype(np.int64)).sum(axis=1).tolist()
    reach = [(1 << 15) * total + more for total, more in zip(sums, added, strict=True)]
    scaled = [
        one * abs(scale) for one, scale in zip(reach, per_channel(scales, len(reach)), strict=True)
    ]
    if max(reach) >= 1 << bits or max(scaled) >= (1 << 31) - 1:
        raise UnsupportedOp(
            f"{where(node)} sums 16-bit activations up to {max(reach):.2g}, scaled up to "
            f"{max(scaled):.2g}; edgebottle takes less than 2^{bits} and 2^31"
        )


def per_channel(values: Sequence[float], channels: int) -> list[float]:
    """One value per channel, from one or as many."""
    return list(values) * channels if len(values) == 1 else list(values)


def bias_values(bias: Tensor | None, channels: int, dtype: DType) -> Array:
    """The bias, or zeros: int32 for int8 networks, int64 for int16, else float32."""
    numpy = {DType.I8: np.int32, DType.I16: np.int64}.get(dtype, np.float32)
    if bias is None:
        return np.zeros(channels, dtype=numpy)
    return np.asarray(bias.constant().reshape(channels), dtype=numpy)


def exact_matmul(left: Array, right: Array) -> Array:
    """Product of small integers held in float64, through float32 where that is exact.

    Args:
        left: (rows, depth), each |value| <= 255 if it is int16, else at most 2^15.
        right: (depth, columns).

    Returns:
        float64 or float32 holding the exact integers.
    """
    largest = 255 if left.dtype == np.int16 else 1 << 15
    reach = largest * float(np.abs(right).sum(axis=0).max(initial=0))
    numpy = np.float32 if reach < EXACT_FLOAT32 else np.float64
    return np.asarray(left.astype(numpy) @ right.astype(numpy))


def ordered_matmul(left: Array, right: Array) -> Array:
    """Product of float32 matrices, each sum in the order of its terms, as kernels add them up.

    A network that subtracts what is nearly the same and takes logarithms of it depends on the
    order by more than any tolerance.
    """
    total = np.zeros((left.shape[0], right.shape[1]), np.float32)
    for term in range(left.shape[1]):
        total += left[:, term, None] * right[term]
    return total


def weights_zero_point(weights: Tensor) -> int:
    """The zero point that all weights share; per-channel weights have none but 0."""
    assert weights.quant is not None
    return weights.quant.zero_point[0]


def range_of_sums(
    sums: WeightedSums,
    data: Range,
    shift: Int | int,
    bounds: tuple[int, int],
    requantize: Callable[[Int], Array],
) -> Range:
    """The values that the outputs of a layer can take.

    Args:
        sums: What the layer sums.
        data: The values of its input.
        shift: Places that requantization first shifts the sums to the left, if positive.
        bounds: Of the fused activation, on stored values.
        requantize: The stored outputs of sums within int32.
    """
    seen = data.regrouped(sums.channels)
    low, high = sums.bounds(seen.low, seen.high)
    known = (low == high) | fits_int32(low, high, shift)
    ends = requantize(wrap_int32(np.stack([low, high])))
    # Where the weights have a negative scale, the highest sum gives the lowest output.
    stored = Range(np.minimum(*ends), np.maximum(*ends))
    return stored.where(known, Range.between(*bounds, low.size))
