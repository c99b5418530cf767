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

SHIFT = 128
"""From uint8 to int8."""

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
    quant = Quant(tuple(map(float, scales.ravel())), points, axis if scales.size > 1 else None)
    return b.on_grid(real, quant)


def _linear_conv(b: Builder, node: OnnxNode, values: Values) -> Value:
    """QLinearConv: input, scale, zero point, weights, theirs, the output's, bias in int32."""
    x, weights, output = _operands(b, node, values)
    operands: list[Value | None] = [x, weights]
    if optional(values, 8) is not None:
        scale = constant_of(node, values, 1, "scales") * constant_of(node, values, 4, "scales")
        bias = constant_of(node, values, 8, "biases").astype(np.float64) * scale.ravel()
        operands.append(bias.astype(np.float32))
    made = CONVOLUTIONS["Conv"].translate(b, node, operands)
    assert isinstance(made, Tensor)
    return _output(b, made, *output)


def _linear_matmul(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, weights, output = _operands(b, node, values)
    made = PRODUCTS["MatMul"].translate(b, node, [x, weights])
    assert isinstance(made, Tensor)
    return _output(b, made, *output)


def _operands(
    b: Builder, node: OnnxNode, values: Values
) -> tuple[Tensor, Value, tuple[Quant, bool]]:
    """Input and weights as real numbers, and the quantization of the output."""
    x = dequantized(b, node, data_of(b, node, values), *_per_tensor(node, values, 1))
    weights = value_of(node, values, 3)
    if isinstance(weights, Tensor):
        other: Value = dequantized(b, node, weights, *_per_tensor(node, values, 4))
    else:
        axis = 0 if node.op == "QLinearConv" else weights.ndim - 1
        attributes = {"axis": axis}
        plain = replace(node, attributes=attributes)
        other = _constant(b, plain, [weights, *values[4:6]], weights)
    return x, other, _per_tensor(node, values, 6)


def _output(b: Builder, made: Tensor, quant: Quant, unsigned: bool) -> Tensor:
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
