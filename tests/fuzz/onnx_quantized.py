"""Draws ONNX networks of one layer between QuantizeLinear and DequantizeLinear.

Of one layer, because tools may round to either neighbour: what the next makes of a step has no
bound. Its output is within a step of onnxruntime's.
"""

from __future__ import annotations

import numpy as np

from tests.fuzz.onnx_drawing import OnnxDrawing
from tests.fuzz.onnx_rules import global_pool, unary
from tests.fuzz.onnx_windows import average_pool, max_pool, window


def quantized_layer(d: OnnxDrawing, x: str) -> None:
    """Adds a layer that reads ``x``; ``d.step`` becomes the distance of its output's values."""
    type_ = d.pick(np.int8, np.uint8)
    scale = 0.03
    x = _rounded(d, x, scale, type_)
    rank = len(d.shapes[x])
    if rank == 2:
        kind = d.pick("Gemm", "Add", "Sigmoid")
    else:
        kind = d.pick("Conv", "Conv", "Add", "Mul", "MaxPool", "AveragePool", "Sigmoid", "Mean")
    if kind == "Conv":
        y, spread = _conv(d, x, scale)
    elif kind == "Gemm":
        y, spread = _gemm(d, x, scale)
    elif kind in ("Add", "Mul"):
        other = _rounded(d, d.input(d.shapes[x]), 0.05, type_)
        (y,) = d.add(kind, [x, other])
        spread = 2.0
    elif kind == "MaxPool":
        (y,), spread = max_pool(d, x), scale * 40
    elif kind == "AveragePool":
        (y,), spread = average_pool(d, x), 0.7
    elif kind == "Mean":
        (y,), spread = global_pool(d, x), scale * 40
    else:
        (y,), spread = unary("Sigmoid")(d, x), 0.3
    if kind in ("Conv", "Gemm", "Add") and d.chance(0.4):
        (y,) = d.add("Relu", [y])
    d.step = scale if kind in ("MaxPool", "Mean") else float(np.float32(spread / 40))
    if kind == "Sigmoid":
        d.step = 1 / 256
    _rounded(d, y, d.step, type_, zero=-128 if kind == "Sigmoid" else 0)


def _rounded(d: OnnxDrawing, x: str, scale: float, type_: type, zero: int = 0) -> str:
    """``x`` on a grid; ``zero`` is its zero point as int8."""
    stored = zero + 128 if type_ is np.uint8 else zero
    operands = [d.constant(np.float32(scale)), d.constant(type_(stored))]
    (small,) = d.add("QuantizeLinear", [x, *operands])
    (real,) = d.add("DequantizeLinear", [small, *operands])
    return real


def _weights(d: OnnxDrawing, shape: tuple[int, ...], x_scale: float) -> tuple[str, str, float]:
    """Weights of a scale for each output, or of one; biases; how far sums go."""
    values = d.random.integers(-127, 128, shape, np.int8)
    count = shape[0] if d.chance(0.7) else 1
    scales = (0.01 * 10.0 ** d.random.uniform(-0.5, 0.5, count)).astype(np.float32)
    of_sums = (np.float32(x_scale) * scales).astype(np.float32)
    bias = d.random.integers(-2000, 2000, shape[0]).astype(np.int32)
    more = {"axis": 0} if count > 1 else {}
    point, wide_point = np.zeros(count, np.int8), np.zeros(count, np.int32)
    if count == 1:
        scales, of_sums, point, wide_point = scales[0], of_sums[0], point[0], wide_point[0]
    (w,) = d.add(
        "DequantizeLinear", [d.constant(values), d.constant(scales), d.constant(point)], **more
    )
    operands = [d.constant(bias), d.constant(of_sums), d.constant(wide_point)]
    (b,) = d.add("DequantizeLinear", operands, **more)
    taps = int(np.prod(shape[1:]))
    return w, b, float(np.max(scales)) * 73 * taps**0.5


def _conv(d: OnnxDrawing, x: str, scale: float) -> tuple[str, float]:
    channels, *sizes = d.image(x)[1:]
    fields = window(d, sizes, dilations=True)
    groups = int(d.pick(1, channels))
    outputs = groups * d.number(1, 4 if groups == 1 else 2)
    shape = (outputs, channels // groups, *fields["kernel_shape"])
    w, b, spread = _weights(d, shape, scale)
    return d.add("Conv", [x, w, b], group=groups, **fields)[0], spread


def _gemm(d: OnnxDrawing, x: str, scale: float) -> tuple[str, float]:
    w, b, spread = _weights(d, (d.number(1, 9), d.shapes[x][1]), scale)
    return d.add("Gemm", [x, w, b], transB=1)[0], spread
