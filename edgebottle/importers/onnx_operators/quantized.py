"""QuantizeLinear and DequantizeLinear: conversions, which ``passes.fuse_quantization`` moves away.

Activations have 8 bits and one scale. uint8 is int8 here: 128 less, stored and zero point alike. A
constant that is dequantized becomes real numbers that remember the grid on which they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.convolution import TRANSLATIONS as CONVOLUTIONS
from edgebottle.importers.onnx_operators.integers import SHIFT
from edgebottle.importers.onnx_operators.products import TRANSLATIONS as PRODUCTS
from edgebottle.importers.onnx_operators.table import (
    Translation,
    axis_of,
    constant_of,
    data_of,
    optional,
    value_of,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Quant, Tensor

_UINT8, _INT8 = 2, 3
"""Codes of element types in the schema."""


def _scales(node: OnnxNode, values: Values, at: int) -> tuple[Array, Array, bool]:
    """Scales and zero points in float32 and int64, and whether they are of uint8."""
    scales = constant_of(node, values, at, "scales")
    if scales.dtype.kind != "f" or not np.isfinite(scales).all() or not (scales > 0).all():
        raise node.refuse("has a scale that is not positive")
    zero: Array = np.zeros(scales.shape, np.uint8)
    if optional(values, at + 1) is not None:
        zero = constant_of(node, values, at + 1, "zero points")
    elif node.integer("output_dtype", 0) == _INT8:
        zero = zero.astype(np.int8)
    if zero.size != scales.size:
        raise node.contradicts(f"has {zero.size} zero points for {scales.size} scales")
    return scales.astype(np.float32), zero.astype(np.int64), zero.dtype == np.uint8


def _per_tensor(node: OnnxNode, values: Values, at: int) -> tuple[Quant, bool]:
    """The quantization of an activation as int8, and whether it is uint8 in the file."""
    scales, zero, unsigned = _scales(node, values, at)
    given = optional(values, at + 1)
    if scales.size != 1:
        raise node.refuse("quantizes an activation per channel, which edgebottle does not support")
    if given is not None and given.dtype not in (np.uint8, np.int8, DType.I8, DType.I32):
        raise node.refuse(f"quantizes an activation to {given.dtype}; supported: int8 and uint8")
    point = int(zero.ravel()[0]) - SHIFT * unsigned
    return Quant((float(scales.ravel()[0]),), (point,)), unsigned


def _quantize(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    quant, unsigned = _per_tensor(node, values, 1)
    if node.integer("output_dtype", _UINT8) not in (0, _UINT8, _INT8):
        raise node.refuse("quantizes to a type that edgebottle does not support")
    made = b.add("QUANTIZE", x, quant=quant, dtype=DType.I8)
    if unsigned:
        b.shifted.add(made.name)
    return made


def _dequantize(b: Builder, node: OnnxNode, values: Values) -> Value:
    source = value_of(node, values, 0)
    if not isinstance(source, Tensor):
        return _constant(b, node, values, source)
    return dequantized(b, node, source, *_per_tensor(node, values, 1))


def dequantized(b: Builder, node: OnnxNode, x: Tensor, quant: Quant, unsigned: bool) -> Tensor:
    """The real numbers of a tensor of 8 bits, which has ``quant``, or gets it as an input."""
    if x.dtype is not DType.I8:
        raise node.refuse(f"dequantizes {x.dtype.label} computed at run time; supported: 8 bits")
    if unsigned != (x.name in b.shifted):
        raise node.contradicts("takes int8 for uint8, or the other way round")
    if x.quant is None:
        x = b.tensors[x.name] = replace(x, quant=quant)
    if x.quant != quant:
        raise node.refuse("has another scale or zero point than what it dequantizes")
    return b.add("DEQUANTIZE", x)


def _constant(b: Builder, node: OnnxNode, values: Values, stored: Array) -> Value:
    """A constant on its grid; of 8 bits, else it is but real numbers."""
    if node.integer("block_size", 0):
        raise node.refuse("has scales for blocks, which edgebottle does not support")
    scales, zero, _ = _scales(node, values, 1)
    axis = axis_of(node, node.integer("axis", 1), stored.ndim) if scales.size > 1 else 0
    if scales.size > 1 and (scales.ndim != 1 or scales.size != stored.shape[axis]):
        raise node.contradicts(f"has {scales.size} scales for the shape {list(stored.shape)}")
    column = [-1 if at == axis else 1 for at in range(stored.ndim)]
    shape: Sequence[int] = column if scales.size > 1 else [1] * stored.ndim
    centred = (stored.astype(np.int64) - zero.reshape(shape)).astype(np.float32)
    real = np.asarray(centred * scales.reshape(shape), np.float32).reshape(stored.shape)
    if stored.dtype not in (np.int8, np.uint8):
        return real
    shift = SHIFT if stored.dtype == np.uint8 else 0
    points = tuple(int(one) - shift for one in zero.ravel())
    if centred.min(initial=0) >= -128 and centred.max(initial=0) < 128:
        points = (0,) * len(points)  # convolutions take no other
    quant = Quant(tuple(map(float, scales.ravel())), points, axis if scales.size > 1 else None)
    return b.on_grid(real, quant)


def _linear_conv(b: Builder, node: OnnxNode, values: Values) -> Value:
    """QLinearConv: input, scale, zero point, weights, theirs, the output's, bias in int32."""
    operands: list[Value | None] = [
        dequantized_operand(b, node, values, 0),
        dequantized_operand(b, node, values, 3, 0),
    ]
    if optional(values, 8) is not None:
        operands.append(bias_of(node, values, 8, 1, 4))
    made = CONVOLUTIONS["Conv"].translate(b, node, operands)
    assert isinstance(made, Tensor)
    return quantized_output(b, made, output_quant(node, values, 6))


def _linear_matmul(b: Builder, node: OnnxNode, values: Values) -> Value:
    operands = [dequantized_operand(b, node, values, at, -1) for at in (0, 3)]
    made = PRODUCTS["MatMul"].translate(b, node, operands)
    assert isinstance(made, Tensor)
    return quantized_output(b, made, output_quant(node, values, 6))


def dequantized_operand(
    b: Builder, node: OnnxNode, values: Values, at: int, axis: int = 0
) -> Value:
    """The real numbers of input ``at``, whose scale and zero point come behind it.

    Args:
        b: The graph.
        node: The node.
        values: Its inputs.
        at: Which of them.
        axis: That of scales, if there is one for each channel of a constant.
    """
    source = value_of(node, values, at)
    if isinstance(source, Tensor):
        return dequantized(b, node, source, *_per_tensor(node, values, at + 1))
    counted = axis % max(source.ndim, 1)
    plain = replace(node, attributes={"axis": counted})
    return _constant(b, plain, [source, *values[at + 1 : at + 3]], source)


def bias_of(node: OnnxNode, values: Values, at: int, data: int, weights: int) -> Array:
    """The real numbers of a bias in 32 bits: its step is the product of two scales.

    Args:
        node: The node.
        values: Its inputs.
        at: Which of them is the bias.
        data: Which is the scale of the data.
        weights: Which is that of the weights.
    """
    step = constant_of(node, values, data, "scales") * constant_of(node, values, weights, "scales")
    bias = constant_of(node, values, at, "biases").astype(np.float64)
    if step.size not in (1, bias.size):
        raise node.contradicts(f"has {bias.size} biases and {step.size} scales")
    return np.asarray(bias.ravel() * step.ravel(), np.float32)


def output_quant(node: OnnxNode, values: Values, at: int) -> tuple[Quant, bool]:
    """The quantization of the output, whose scale is input ``at``; whether it is uint8."""
    return _per_tensor(node, values, at)


def quantized_output(b: Builder, made: Tensor, target: tuple[Quant, bool]) -> Tensor:
    """Real numbers in 8 bits."""
    quant, unsigned = target
    stored = b.add("QUANTIZE", made, quant=quant, dtype=DType.I8)
    if unsigned:
        b.shifted.add(stored.name)
    return stored


_ATTRIBUTES = ("axis", "block_size", "output_dtype", "precision", "saturate")

TRANSLATIONS: dict[str, Translation] = {
    "QuantizeLinear": Translation(_quantize, _ATTRIBUTES, 2, 3),
    "DequantizeLinear": Translation(_dequantize, _ATTRIBUTES, 2, 3),
    "QLinearConv": Translation(_linear_conv, CONVOLUTIONS["Conv"].attributes, 8, 9),
    "QLinearMatMul": Translation(_linear_matmul, (), 8, 8),
}
