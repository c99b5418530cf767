"""Test cases of FULLY_CONNECTED, as rows of data."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Shape, Tensor
from edgebottle.ops.base import Activation, one_node_graph
from edgebottle.ops.case_tensors import constant, plain, quantized
from edgebottle.ops.convolution_cases import case_weights, large_biases

if TYPE_CHECKING:
    from edgebottle.ops.dense import DenseLayer


@dataclass(frozen=True, kw_only=True)
class DenseCase:
    """One layer; ``scale`` is the one from accumulator to output, ``spread`` that of biases."""

    name: str
    shape: Shape
    inputs: int
    outputs: int
    keep_num_dims: bool = False
    activation: Activation = Activation.NONE
    per_channel: bool = False
    bias: bool = True
    weights: str = "random"
    zero_points: tuple[int, int, int] = (-3, 0, 5)
    scale: float = 0.002
    has_large_bias: bool = False
    spread: int | None = None
    has_zero_scales: bool = False
    is_float: bool = False
    is_computed: bool = False
    bits: int = 8
    bias_bits: int = 64


FULLY_CONNECTED = (
    *(
        DenseCase(name=f"{i}_to_{o}", shape=(1, i), inputs=i, outputs=o)
        for i, o in ((1, 1), (2, 3), (3, 8), (4, 4), (5, 2), (7, 17), (8, 1), (64, 12), (257, 10))
    ),
    *(
        DenseCase(name=f"{b}_times_{i}_to_{o}", shape=(b, i), inputs=i, outputs=o)
        for b, i, o in ((1, 36, 7), (3, 20, 13), (5, 8, 29), (6, 64, 3))
    ),
    DenseCase(
        name="640_to_128", shape=(1, 640), inputs=640, outputs=128, activation=Activation.RELU
    ),
    DenseCase(name="batch_5", shape=(5, 9), inputs=9, outputs=6),
    DenseCase(name="rank_4", shape=(1, 3, 2, 4), inputs=24, outputs=5),
    DenseCase(name="rank_4_split", shape=(2, 3, 2, 4), inputs=8, outputs=5),
    DenseCase(name="rank_3_kept", shape=(2, 3, 8), inputs=8, outputs=5, keep_num_dims=True),
    DenseCase(name="per_channel", shape=(2, 20), inputs=20, outputs=7, per_channel=True),
    DenseCase(
        name="per_channel_row",
        shape=(1, 64),
        inputs=64,
        outputs=11,
        per_channel=True,
        zero_points=(-128, 0, -128),
        activation=Activation.RELU6,
    ),
    DenseCase(
        name="per_channel_halves",
        shape=(3, 21),
        inputs=21,
        outputs=11,
        per_channel=True,
        scale=2.0**-6,
    ),
    DenseCase(
        name="per_channel_large_bias",
        shape=(4, 20),
        inputs=20,
        outputs=13,
        per_channel=True,
        scale=2.0**-18.7,
        spread=1 << 28,
    ),
    DenseCase(
        name="scale_zero",
        shape=(2, 20),
        inputs=20,
        outputs=7,
        per_channel=True,
        has_zero_scales=True,
    ),
    DenseCase(name="no_bias", shape=(1, 20), inputs=20, outputs=7, bias=False),
    DenseCase(
        name="weights_zero_point", shape=(3, 21), inputs=21, outputs=7, zero_points=(9, -17, 1)
    ),
    DenseCase(name="zero_points_low", shape=(2, 21), inputs=21, outputs=4, zero_points=(-128,) * 3),
    DenseCase(name="zero_points_high", shape=(2, 21), inputs=21, outputs=4, zero_points=(127,) * 3),
    DenseCase(name="weights_min", shape=(1, 20), inputs=20, outputs=3, weights="min", scale=0.0003),
    DenseCase(name="weights_max", shape=(1, 20), inputs=20, outputs=3, weights="max", scale=0.0003),
    DenseCase(name="weights_full", shape=(2, 20), inputs=20, outputs=6, weights="full"),
    DenseCase(name="relu6", shape=(1, 20), inputs=20, outputs=9, activation=Activation.RELU6),
    DenseCase(
        name="relu_n1_to_1", shape=(1, 20), inputs=20, outputs=9, activation=Activation.RELU_N1_TO_1
    ),
    DenseCase(name="scale_1", shape=(1, 4), inputs=4, outputs=9, scale=1.0),
    DenseCase(name="scale_half", shape=(4, 1), inputs=1, outputs=99, scale=0.5),
    DenseCase(name="scale_1_98", shape=(9, 3), inputs=3, outputs=99, scale=1 / 98),
    DenseCase(name="scale_above_1", shape=(1, 4), inputs=4, outputs=9, scale=7.7),
    DenseCase(name="scale_tiny", shape=(1, 40), inputs=40, outputs=9, scale=2.0**-30),
    DenseCase(
        name="large_bias",
        shape=(1, 20),
        inputs=20,
        outputs=12,
        scale=2.0**-24.3,
        has_large_bias=True,
    ),
    DenseCase(name="int16", shape=(2, 21), inputs=21, outputs=7, bits=16),
    DenseCase(
        name="int16_per_channel",
        shape=(1, 900),
        inputs=900,
        outputs=5,
        weights="full",
        per_channel=True,
        activation=Activation.RELU,
        bits=16,
    ),
    DenseCase(
        name="int16_bias_32",
        shape=(1, 3, 8),
        inputs=8,
        outputs=9,
        keep_num_dims=True,
        zero_points=(0, -17, 0),
        bits=16,
        bias_bits=32,
    ),
    DenseCase(name="int16_no_bias", shape=(1, 5), inputs=5, outputs=9, bias=False, bits=16),
    DenseCase(name="int16_scale_half", shape=(9, 1), inputs=1, outputs=99, scale=0.5, bits=16),
    DenseCase(name="int16_scale_1", shape=(1, 4), inputs=4, outputs=9, scale=1.0, bits=16),
    DenseCase(name="f32", shape=(3, 21), inputs=21, outputs=7, is_float=True),
    DenseCase(
        name="f32_relu_no_bias",
        shape=(1, 4, 5, 2),
        inputs=40,
        outputs=3,
        bias=False,
        activation=Activation.RELU,
        is_float=True,
    ),
)

AT_RUN_TIME = (
    DenseCase(name="computed", shape=(1, 3, 9), inputs=9, outputs=7, is_computed=True),
    DenseCase(
        name="computed_zero_points",
        shape=(2, 3, 21),
        inputs=21,
        outputs=4,
        keep_num_dims=True,
        zero_points=(-128, 127, -7),
        bias=False,
        scale=0.01,
        activation=Activation.RELU,
        is_computed=True,
    ),
    DenseCase(
        name="computed_scale_1", shape=(2, 3), inputs=3, outputs=5, scale=1.0, is_computed=True
    ),
    DenseCase(
        name="computed_f32", shape=(3, 21), inputs=21, outputs=7, is_float=True, is_computed=True
    ),
)
"""Layers whose weights are an input."""


HYBRID = (
    DenseCase(
        name="hybrid",
        shape=(1, 37),
        inputs=37,
        outputs=5,
        is_float=True,
        activation=Activation.RELU,
    ),
    DenseCase(
        name="hybrid_rows",
        shape=(2, 3, 8),
        inputs=8,
        outputs=5,
        keep_num_dims=True,
        is_float=True,
        per_channel=True,
        bias=False,
    ),
)


def fully_connected_case(operator: type[DenseLayer], case: DenseCase) -> Graph:
    """The graph of a case."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    node = operator(
        name="dense",
        inputs=("input", "weights", "bias" if case.bias else None),
        outputs=("output",),
        keep_num_dims=case.keep_num_dims,
        activation=case.activation,
    )
    shape = (case.outputs, case.inputs)
    if case.is_float:
        data = plain("input", case.shape)
        weights = constant("weights", rng.normal(0, 0.3, shape).astype(np.float32))
        bias = constant("bias", rng.normal(0, 1, case.outputs).astype(np.float32))
    else:
        data, weights, bias = _int8_operands(case, rng)
    if case.bits == 16:
        values = np.asarray(bias.constant() * 100, np.int32 if case.bias_bits == 32 else np.int64)
        data = quantized("input", case.shape, data.scale, 0, DType.I16)
        bias = constant("bias", values, bias.quant)
    if case.is_computed:
        weights = replace(weights, data=None)
    tensors = [data, weights, *([bias] if case.bias else [])]
    ((out_shape, _),) = node.infer(tensors)
    if case.is_float:
        return one_node_graph(case.name, node, [*tensors, plain("output", out_shape)])
    assert weights.quant is not None
    output_scale = data.scale * float(np.median(weights.quant.scale)) / case.scale
    zero_point = 0 if case.bits == 16 else case.zero_points[2]
    output = quantized("output", out_shape, output_scale, zero_point, data.dtype)
    return one_node_graph(case.name, node, [*tensors, output])


def _int8_operands(case: DenseCase, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    count = case.outputs if case.per_channel else 1
    scales = tuple(float(2.0 ** rng.integers(-9, -3)) for _ in range(count))
    if case.has_zero_scales:
        scales = tuple(0.0 if i % 3 == 0 else scale for i, scale in enumerate(scales))
    axis = 0 if case.per_channel else None
    values = case_weights(case.weights, (case.outputs, case.inputs), rng)
    spread = case.spread or 6000 * int(np.sqrt(case.inputs))
    bias = rng.integers(-spread, spread, case.outputs).astype(np.int32)
    if case.has_large_bias:
        bias = large_biases(case.outputs)
    bias_scales = tuple(0.5 * scale for scale in scales)
    return (
        quantized("input", case.shape, 0.5, case.zero_points[0]),
        constant("weights", values, Quant(scales, (case.zero_points[1],) * count, axis)),
        constant("bias", bias, Quant(bias_scales, (0,) * count, axis)),
    )
