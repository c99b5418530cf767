"""Test cases of the convolutions, as rows of data."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape
from edgebottle.ops.base import Activation, one_node_graph
from edgebottle.ops.case_tensors import constant, plain, quantized
from edgebottle.ops.window_padding import SAME, padding_of

if TYPE_CHECKING:
    from edgebottle.ops.convolution import Convolution

RELU, RELU6, CLIP = Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1


@dataclass(frozen=True, kw_only=True)
class Case:
    """One convolution.

    Attributes:
        name: What it tries.
        shape: Of the input.
        outputs: Output channels.
        kernel: Height and width of the window.
        stride: Along height and width.
        dilation: Along height and width.
        padding: Explicit; None for TFLite's SAME.
        activation: Fused.
        groups: Of CONV_2D.
        per_channel: One weight scale per output channel, else one for all.
        bias: Whether there is one.
        weights: See ``case_weights``.
        zero_points: Of input and output.
        gain: Largest output in steps, about; large ones saturate, small ones round to few values.
        accumulator_scale: Scale from accumulator to output, instead of the one ``gain`` gives.
        has_large_bias: Biases up to the ends of int32.
        has_zero_scales: Every third channel has a weight scale of 0.
        is_float: float32 instead of int8.
        is_int16: int16 activations, with biases of ``bias_bits``.
        bias_bits: 64 or 32.
    """

    name: str
    shape: Shape
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] | None = None
    activation: Activation = Activation.NONE
    groups: int = 1
    per_channel: bool = True
    bias: bool = True
    weights: str = "random"
    zero_points: tuple[int, int] = (-3, 5)
    gain: float = 200.0
    accumulator_scale: float | None = None
    has_large_bias: bool = False
    has_zero_scales: bool = False
    is_float: bool = False
    is_int16: bool = False
    bias_bits: int = 64


def weighted_case(
    operator: type[Convolution], case: Case, weights: Shape, axis: int, **attributes: Any
) -> Graph:
    """The graph of a case."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    padding = case.padding
    if padding is None:
        image, window = case.shape[1:3], weights[1:3]
        padding = padding_of(SAME, image, window, case.stride, case.dilation, case.name)
    node = operator(
        name="conv",
        inputs=("input", "weights", "bias" if case.bias else None),
        outputs=("output",),
        stride=case.stride,
        dilation=case.dilation,
        padding=padding,
        activation=case.activation,
        **attributes,
    )
    fill = case_float if case.is_float else case_int16 if case.is_int16 else case_int8
    data, filters, bias, output = fill(case, weights, axis, rng)
    tensors = [data, filters, *([bias] if case.bias else [])]
    ((shape, _),) = node.infer(tensors)
    return one_node_graph(case.name, node, [*tensors, output(shape)])


def case_float(case: Case, weights: Shape, axis: int, rng: np.random.Generator) -> Any:
    """Input, weights, bias, and a function from the shape to the output; float32."""
    return (
        plain("input", case.shape),
        constant("weights", rng.normal(0, 0.3, weights).astype(np.float32)),
        constant("bias", rng.normal(0, 1, weights[axis]).astype(np.float32)),
        lambda shape: plain("output", shape),
    )


def case_int8(case: Case, weights: Shape, axis: int, rng: np.random.Generator) -> Any:
    """Input, weights, bias, and a function from the shape to the output; int8."""
    channels = weights[axis]
    window = int(np.prod(weights)) // channels
    spread = 80.0 * 80.0 * np.sqrt(window)
    input_scale = 0.0471
    scales = _scales(case, channels, rng)
    scale = case.accumulator_scale or case.gain / 3 / spread
    output_scale = input_scale * float(np.median(scales)) / scale
    quant = Quant(tuple(scales), (0,) * len(scales), axis if case.per_channel else None)
    bias = rng.integers(-int(spread), int(spread), channels).astype(np.int32)
    if case.has_large_bias:
        bias = large_biases(channels)
    bias_scales = tuple(float(np.float32(input_scale * value)) for value in scales)
    bias_quant = Quant(bias_scales, quant.zero_point, 0 if case.per_channel else None)
    return (
        quantized("input", case.shape, input_scale, case.zero_points[0]),
        constant("weights", case_weights(case.weights, weights, rng), quant),
        constant("bias", bias, bias_quant),
        lambda shape: quantized("output", shape, output_scale, case.zero_points[1]),
    )


def case_int16(case: Case, weights: Shape, axis: int, rng: np.random.Generator) -> Any:
    """Input, weights, bias, and a function from the shape to the output; int16 activations."""
    data, filters, bias, _ = case_int8(case, weights, axis, rng)
    assert filters.quant is not None and bias.quant is not None
    spread = 20000.0 * 80.0 * np.sqrt(int(np.prod(weights)) // weights[axis])
    scale = case.accumulator_scale or case.gain * 60 / spread
    output_scale = data.scale * float(np.median(filters.quant.scale)) / scale
    wide = rng.integers(-int(spread), int(spread), weights[axis])
    values = wide.astype(np.int32 if case.bias_bits == 32 else np.int64)
    return (
        quantized("input", case.shape, data.scale, 0, DType.I16),
        filters,
        constant("bias", values, bias.quant),
        lambda shape: quantized("output", shape, output_scale, 0, DType.I16),
    )


def _scales(case: Case, channels: int, rng: np.random.Generator) -> list[float]:
    count = channels if case.per_channel else 1
    scales = [float(np.float32(0.011 * 2.0 ** rng.uniform(-3, 3))) for _ in range(count)]
    return [0.0 if case.has_zero_scales and i % 3 == 0 else s for i, s in enumerate(scales)]


def case_weights(kind: str, shape: Shape, rng: np.random.Generator) -> Array:
    """int8 weights: ``random`` (no -128), ``full`` (with it), all ``min``, ``max`` or ``zero``.

    ``wide`` ones are int16, of 9 bits.
    """
    fixed = {"min": -128, "max": 127, "zero": 0}
    if kind == "wide":
        return rng.integers(-177, 79, shape).astype(np.int16)
    if kind in fixed:
        return np.full(shape, fixed[kind], np.int8)
    return rng.integers(-128 if kind == "full" else -127, 128, shape).astype(np.int8)


def large_biases(channels: int) -> Array:
    """Biases from one end of int32 to the other; the sums of some channels wrap."""
    return np.linspace(-(2**31), 2**31 - 1, channels).astype(np.int64).astype(np.int32)


def _variants(shape: Shape, outputs: int, kernel: tuple[int, int]) -> tuple[Case, ...]:
    """What quantization can vary, over one geometry."""
    geometry: dict[str, Any] = {"shape": shape, "outputs": outputs, "kernel": kernel}
    return (
        Case(name="per_tensor", per_channel=False, **geometry),
        Case(name="no_bias", bias=False, **geometry),
        Case(name="relu", activation=RELU, **geometry),
        Case(name="relu6", activation=RELU6, gain=600.0, **geometry),
        Case(name="relu_n1_to_1", activation=CLIP, gain=400.0, **geometry),
        Case(name="weights_min", weights="min", **geometry),
        Case(name="weights_max", weights="max", **geometry),
        Case(name="weights_zero", weights="zero", **geometry),
        Case(name="weights_full", weights="full", **geometry),
        Case(name="zero_points_low", zero_points=(-128, -128), **geometry),
        Case(name="zero_points_high", zero_points=(127, 127), **geometry),
        Case(name="zero_points_apart", zero_points=(-128, 127), activation=RELU, **geometry),
        Case(name="saturates", gain=20000.0, **geometry),
        Case(name="few_values", gain=3.0, **geometry),
        Case(name="scale_1", accumulator_scale=1.0, per_channel=False, **geometry),
        Case(name="scale_1_64", accumulator_scale=1 / 64, per_channel=False, **geometry),
        Case(name="scale_above_1", accumulator_scale=3.3, **geometry),
        Case(name="scale_tiny", accumulator_scale=2.0**-30, **geometry),
        Case(name="large_bias", accumulator_scale=2.0**-24.3, has_large_bias=True, **geometry),
        Case(name="scale_vanishes", accumulator_scale=2.0**-40, **geometry),
        Case(name="scale_zero", has_zero_scales=True, **geometry),
    )


NONE = (0, 0, 0, 0)

INT16 = (
    Case(name="int16", shape=(1, 5, 6, 3), outputs=6, kernel=(3, 3), is_int16=True),
    Case(
        name="int16_bias_32",
        shape=(2, 6, 5, 2),
        outputs=4,
        kernel=(2, 3),
        stride=(2, 1),
        activation=RELU6,
        is_int16=True,
        bias_bits=32,
    ),
    Case(
        name="int16_dilated",
        shape=(1, 7, 7, 4),
        outputs=4,
        kernel=(3, 2),
        dilation=(2, 3),
        per_channel=False,
        gain=2000.0,
        is_int16=True,
    ),
    Case(
        name="int16_scale_above_1",
        shape=(1, 3, 3, 2),
        outputs=2,
        is_int16=True,
        accumulator_scale=3.3,
    ),
)
"""Layers with activations of 16 bits, of either operator."""

OF_UINT8 = (
    Case(name="uint8", shape=(1, 5, 6, 3), outputs=3, kernel=(3, 3), per_channel=False),
    Case(
        name="uint8_wide",
        shape=(1, 6, 5, 4),
        outputs=8,
        kernel=(3, 2),
        stride=(2, 1),
        per_channel=False,
        weights="wide",
    ),
    Case(
        name="uint8_dilated",
        shape=(2, 7, 7, 2),
        outputs=4,
        kernel=(2, 3),
        dilation=(2, 3),
        per_channel=False,
        weights="wide",
        activation=RELU6,
        bias=False,
    ),
)
"""Layers of uint8 networks, of either operator."""

CONV_2D = (
    *(
        Case(name=f"{k}x{k}_{c}_to_{o}", shape=(1, 7, 6, c), outputs=o, kernel=(k, k))
        for k, c, o in (
            (1, 1, 1),
            (1, 2, 3),
            (1, 3, 5),
            (1, 5, 4),
            (1, 8, 8),
            (1, 17, 2),
            (1, 64, 17),
            (2, 1, 8),
            (2, 4, 3),
            (3, 1, 1),
            (3, 2, 5),
            (3, 3, 8),
            (3, 4, 4),
            (3, 5, 3),
            (3, 8, 17),
            (3, 17, 8),
            (3, 64, 2),
            (4, 3, 2),
            (5, 1, 4),
            (5, 3, 3),
            (6, 2, 2),
            (7, 3, 4),
        )
    ),
    Case(name="10x4_s2_kws", shape=(1, 49, 10, 1), outputs=16, kernel=(10, 4), stride=(2, 2)),
    Case(name="1x5", shape=(1, 3, 9, 3), outputs=4, kernel=(1, 5)),
    Case(name="5x1", shape=(1, 9, 3, 3), outputs=4, kernel=(5, 1)),
    Case(name="3x3_s2", shape=(1, 9, 8, 3), outputs=8, kernel=(3, 3), stride=(2, 2)),
    Case(name="3x3_s3_s1", shape=(1, 10, 7, 4), outputs=4, kernel=(3, 3), stride=(3, 1)),
    Case(name="1x1_s2", shape=(1, 7, 7, 8), outputs=4, stride=(2, 2)),
    Case(name="1x1_s3", shape=(1, 8, 8, 5), outputs=3, stride=(3, 3)),
    Case(name="2x2_s3", shape=(1, 8, 7, 5), outputs=3, kernel=(2, 2), stride=(3, 3)),
    Case(name="3x3_valid", shape=(1, 6, 7, 4), outputs=3, kernel=(3, 3), padding=NONE),
    Case(
        name="3x3_valid_s2",
        shape=(1, 8, 7, 3),
        outputs=3,
        kernel=(3, 3),
        padding=NONE,
        stride=(2, 2),
    ),
    Case(name="all_of_it", shape=(1, 4, 5, 6), outputs=7, kernel=(4, 5), padding=NONE),
    Case(name="5x5_on_2x2", shape=(1, 2, 2, 4), outputs=3, kernel=(5, 5)),
    Case(name="explicit", shape=(1, 5, 6, 3), outputs=4, kernel=(3, 3), padding=(2, 0, 1, 3)),
    Case(name="explicit_1x1", shape=(1, 3, 4, 4), outputs=4, padding=(1, 0, 0, 2)),
    Case(name="dilated_2", shape=(1, 9, 9, 3), outputs=4, kernel=(3, 3), dilation=(2, 2)),
    Case(name="dilated_1_3", shape=(1, 6, 11, 4), outputs=3, kernel=(2, 3), dilation=(1, 3)),
    Case(name="dilated_pixel", shape=(1, 3, 9, 16), outputs=6, dilation=(2, 3)),
    Case(
        name="dilated_valid",
        shape=(1, 8, 9, 2),
        outputs=3,
        kernel=(3, 3),
        dilation=(3, 2),
        padding=NONE,
    ),
    Case(name="rows_far_apart", shape=(1, 700, 1, 4), outputs=5, stride=(300, 1)),
    Case(name="taps_far_apart", shape=(1, 135, 1, 4), outputs=3, kernel=(2, 1), dilation=(130, 1)),
    Case(name="batch_3", shape=(3, 4, 5, 3), outputs=4, kernel=(3, 3)),
    Case(name="one_pixel", shape=(1, 1, 1, 32), outputs=11),
    Case(name="one_column", shape=(1, 8, 1, 6), outputs=5, kernel=(3, 3)),
    *(
        Case(name=f"row_of_{width}_to_{o}", shape=(1, 2, width, c), outputs=o)
        for width, c, o in ((5, 20, 16), (6, 36, 29), (7, 22, 24), (8, 48, 9), (9, 4, 36))
    ),
    Case(name="wide_1x1", shape=(1, 1, 3, 600), outputs=9),
    Case(name="wide_3x3", shape=(1, 4, 4, 68), outputs=6, kernel=(3, 3), stride=(2, 2)),
    Case(name="groups_2", shape=(1, 5, 6, 8), outputs=6, kernel=(3, 3), groups=2),
    Case(name="groups_3_1x1", shape=(1, 3, 5, 9), outputs=9, groups=3),
    Case(name="groups_all", shape=(1, 5, 5, 5), outputs=10, kernel=(3, 2), groups=5),
    *_variants((1, 5, 5, 6), 7, (3, 3)),
    Case(name="f32_1x1", shape=(1, 4, 5, 6), outputs=7, is_float=True),
    Case(name="f32_3x3", shape=(2, 6, 5, 3), outputs=4, kernel=(3, 3), is_float=True),
    Case(
        name="f32_s2_relu6",
        shape=(1, 7, 8, 3),
        outputs=4,
        kernel=(5, 3),
        stride=(2, 3),
        activation=RELU6,
        bias=False,
        is_float=True,
    ),
    Case(
        name="f32_dilated_groups",
        shape=(1, 9, 9, 4),
        outputs=6,
        kernel=(3, 3),
        dilation=(2, 2),
        groups=2,
        is_float=True,
    ),
)

DEPTHWISE_CONV_2D = (
    *(
        Case(name=f"{k}x{k}_{c}_times_{m}", shape=(1, 7, 6, c), outputs=c * m, kernel=(k, k))
        for k, c, m in (
            (1, 1, 1),
            (1, 4, 2),
            (2, 3, 1),
            (3, 1, 1),
            (3, 1, 8),
            (3, 2, 1),
            (3, 2, 3),
            (3, 3, 1),
            (3, 4, 1),
            (3, 5, 1),
            (3, 8, 2),
            (3, 17, 1),
            (3, 64, 1),
            (4, 5, 1),
            (5, 8, 1),
            (6, 3, 1),
            (7, 8, 1),
            (7, 2, 2),
        )
    ),
    Case(name="10x8_s2_times_8", shape=(1, 49, 40, 1), outputs=8, kernel=(10, 8), stride=(2, 2)),
    Case(name="3x3_s2", shape=(1, 9, 8, 8), outputs=8, kernel=(3, 3), stride=(2, 2)),
    Case(name="3x3_s3", shape=(1, 9, 8, 5), outputs=5, kernel=(3, 3), stride=(3, 3)),
    Case(name="5x5_s2", shape=(1, 8, 8, 12), outputs=12, kernel=(5, 5), stride=(2, 2)),
    Case(name="3x3_valid", shape=(1, 6, 7, 6), outputs=6, kernel=(3, 3), padding=NONE),
    Case(name="all_of_it", shape=(1, 4, 5, 6), outputs=6, kernel=(4, 5), padding=NONE),
    Case(name="7x7_on_3x3", shape=(1, 3, 3, 9), outputs=9, kernel=(7, 7)),
    Case(name="explicit", shape=(1, 5, 6, 8), outputs=8, kernel=(3, 3), padding=(2, 0, 1, 3)),
    Case(name="dilated_2", shape=(1, 9, 9, 8), outputs=8, kernel=(3, 3), dilation=(2, 2)),
    Case(name="dilated_1_3", shape=(1, 6, 11, 3), outputs=6, kernel=(2, 3), dilation=(1, 3)),
    Case(name="batch_2", shape=(2, 4, 5, 7), outputs=7, kernel=(3, 3)),
    Case(name="one_row", shape=(1, 1, 6, 8), outputs=8, kernel=(1, 3)),
    *_variants((1, 5, 5, 7), 7, (3, 3)),
    Case(name="f32_3x3", shape=(2, 6, 5, 5), outputs=5, kernel=(3, 3), is_float=True),
    Case(
        name="f32_times_3",
        shape=(1, 6, 5, 2),
        outputs=6,
        kernel=(3, 4),
        stride=(2, 1),
        activation=RELU,
        is_float=True,
    ),
    Case(
        name="f32_dilated",
        shape=(1, 8, 8, 4),
        outputs=4,
        kernel=(3, 3),
        dilation=(2, 2),
        bias=False,
        is_float=True,
    ),
)
