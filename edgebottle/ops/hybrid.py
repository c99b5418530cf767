"""Dynamic-range quantization: float32 layers with int8 weights, inputs quantized at run time.

The scheme of LiteRT's hybrid kernels: the values of an input, known only when they are there, get a
scale by their least and their most; sums are integers, and what is made of them is float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Node, Tensor, Tensors
from edgebottle.ops.base import require_dtype, where
from edgebottle.ops.fixed_point import round_half_away
from edgebottle.ops.weights import MAX_WIDE_WINDOW, operands, per_channel


def check_hybrid(node: Node, ins: Tensors, outs: Sequence[Tensor], axis: int) -> None:
    """Checks types and quantization of a layer.

    Args:
        node: The layer.
        ins: Input, weights and optional bias.
        outs: The output.
        axis: The axis of the weights' outputs.

    Raises:
        UnsupportedOp: with the reason.
    """
    data, weights, bias = operands(ins)
    for tensor in (data, outs[0], *([] if bias is None else [bias])):
        require_dtype(node, tensor, DType.F32)
    require_dtype(node, weights, DType.I8)
    weights.constant()
    channels = weights.shape[axis]
    quant = weights.quant
    if quant is None or any(quant.zero_point) or len(quant.scale) not in (1, channels):
        raise UnsupportedOp(
            f"{where(node)} has int8 weights in a float layer that are not quantized to zero point "
            "0 and a scale, or one for each output"
        )
    if len(quant.scale) > 1 and quant.axis != axis:
        raise UnsupportedOp(f"{where(node)} quantizes its weights along axis {quant.axis}")
    if weights.size // channels > MAX_WIDE_WINDOW:
        raise UnsupportedOp(
            f"{where(node)} sums {weights.size // channels} products for each output; edgebottle "
            f"supports {MAX_WIDE_WINDOW} of inputs that are quantized at run time"
        )
    if bias is not None:
        bias.constant()
        if bias.size != channels:
            raise UnsupportedOp(f"{where(node)} has {bias.size} biases for {channels} outputs")


def weight_scales(weights: Tensor, axis: int) -> Array:
    """[outputs] float32: the scale of the weights of each."""
    assert weights.quant is not None
    return np.array(per_channel(weights.quant.scale, weights.shape[axis]), np.float32)


def float_weights(weights: Tensor, axis: int) -> Array:
    """The weights of a hybrid layer as float32."""
    scales = weight_scales(weights, axis)
    shape = [1] * len(weights.shape)
    shape[axis] = -1
    return np.asarray(weights.constant().astype(np.float32) * scales.reshape(shape))


BELOW_HALF = np.nextafter(np.float32(0.5), np.float32(0))
"""Added to a float and cut off, it rounds halves away from zero and nothing else there."""


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def quantize_inputs(rows: Array, *, symmetric: bool) -> tuple[Array, Array]:
    """Quantizes each row by the range of its own values.

    Args:
        rows: [rows, values] float32.
        symmetric: To -127 .. 127 without a zero point, else to -128 .. 127.

    Returns:
        [rows, values] int16, the steps from the zero point; [rows, 1] float32, what a step is.
    """
    least = np.fmin.reduce(rows, axis=1, keepdims=True, initial=np.float32(0))
    most = np.fmax.reduce(rows, axis=1, keepdims=True, initial=np.float32(0))
    reach = np.maximum(-least, most)
    is_zero = reach == 0
    if symmetric:
        scale = np.where(is_zero, np.float32(1), reach / np.float32(127))
        inverse = np.float32(127) / np.where(is_zero, np.float32(1), reach)
        zero_point = np.zeros(reach.shape)
    else:
        # LiteRT divides in double, and takes the end from which less is rounded.
        exact = np.where(is_zero, 1.0, (most - least).astype(np.float64) / 255)
        below, above = least / exact, most / exact
        found = np.where(128 - below < 127 + above, -128 - below, 127 - above)
        found = np.clip(round_half_away(np.nan_to_num(found, nan=-128)), -128, 127)
        zero_point = np.where(is_zero, 0, found)
        scale = exact.astype(np.float32)
        inverse = np.float32(1) / scale
    steps = rows * np.where(is_zero, np.float32(0), inverse)
    steps = np.nan_to_num(steps, nan=-256, posinf=256, neginf=-256)
    # LiteRT adds a half to eight at once, which makes one of the float just below a half.
    eights = rows.shape[1] // 8 * 8
    half = np.where(np.arange(rows.shape[1]) < eights, np.float32(0.5), BELOW_HALF)
    whole = np.trunc(steps + np.copysign(half, steps)).astype(np.float64) + zero_point
    lowest = -127 if symmetric else -128
    return (np.clip(whole, lowest, 127) - zero_point).astype(np.int16), scale
