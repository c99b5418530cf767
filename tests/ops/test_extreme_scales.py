"""Scales far from any that a converter writes: LiteRT, NumPy and C agree, or one line refuses.

The C runs under UBSan, and NumPy's warnings of overflow are errors here.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Isa
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples

FACTORS = (*(2.0**k for k in (-160, -31, -16, 14, 23, 29, 160)), 0.0, -1.0)
"""Of a scale, which is then brought into the range of float32; 0 and less for constants alone."""

LIMITS = (2.0**-149, float(np.finfo(np.float32).max))

CASES = {
    "CONV_2D": ("relu6",),
    "DEPTHWISE_CONV_2D": ("relu6",),
    "FULLY_CONNECTED": ("per_channel",),
    "ADD": ("add_same_constant", "add_activation_relu6"),
    "SUB": ("sub_same",),
    "MUL": ("mul_same_constant", "mul_activation_relu6"),
    "MEAN": ("mean_height_width",),
    "SVDF": ("svdf_rank_1",),
    "AVERAGE_POOL_2D": ("average_pool_2d_relu6",),
    "MAX_POOL_2D": ("max_pool_2d_relu_n1_to_1",),
    "QUANTIZE": (
        "quantize_f32_i8_4d",
        "quantize_i8_i8_0",
        "quantize_i16_i8_0",
        "quantize_i8_i16_0",
    ),
    "DEQUANTIZE": ("dequantize_1d",),
    "RELU": ("relu_4d",),
    "RELU6": ("relu6_4d",),
    "LEAKY_RELU": ("leaky_relu_4d",),
    "HARD_SWISH": ("hard_swish_4d",),
    "LOGISTIC": ("logistic_4d",),
    "TANH": ("tanh_4d",),
    "SOFTMAX": ("softmax_1x10",),
    "RESIZE_BILINEAR": ("resize_bilinear_double_plain_i8",),
    "PADV2": ("pad_v2_image",),
    "CONCATENATION": ("concatenation_channels",),
}
"""Operators whose results depend on scales, and some of their cases."""

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators with a kernel for each instruction set."""

ARITHMETIC = (*WEIGHTED, "ADD", "MUL", "MEAN", "SVDF", "QUANTIZE", "DEQUANTIZE", "SOFTMAX")
"""Operators whose kernels compute with scales; others look up a table, or move bytes."""


def extremes(op: str) -> Iterator[list[Graph]]:
    """The cases with the scale of one tensor changed, or of all of them, by each factor."""
    for graph in BY_NAME[op].cases():
        if graph.name not in CASES[op]:
            continue
        names = [
            tensor.name
            for tensor in graph.tensors.values()
            if tensor.quant is not None and tensor.dtype is not DType.I32
        ]
        for chosen in (*([name] for name in names), names):
            constant = all(graph.tensors[name].data is not None for name in chosen)
            label = f"{graph.name}_{'_'.join(chosen)}_by"
            yield [
                replace(scaled(graph, chosen, factor), name=f"{label}_{factor:g}")
                for factor in FACTORS
                if factor > 0 or constant
            ]


def scaled(graph: Graph, names: list[str], factor: float) -> Graph:
    """``graph`` with the scales of some tensors times ``factor``, and a bias that goes with it."""
    tensors = dict(graph.tensors)
    for name in names:
        quant = tensors[name].quant
        assert quant is not None
        tensors[name] = replace(tensors[name], quant=_times(quant, factor))
    (node,) = graph.nodes
    if node.OP in WEIGHTED and node.inputs[2] is not None:
        data, weights, bias = (tensors[str(name)] for name in node.inputs)
        assert weights.quant is not None and bias.quant is not None
        scale = _times(replace(weights.quant, axis=bias.quant.axis), data.scale)
        tensors[bias.name] = replace(bias, quant=scale)
    return replace(graph, tensors=tensors)


def _times(quant: Quant, factor: float) -> Quant:
    limits = LIMITS if factor > 0 else (-LIMITS[1], LIMITS[1])
    scales = np.clip(np.array(quant.scale) * factor, *limits).astype(np.float32)
    return replace(quant, scale=tuple(scales.tolist()))


def accepted(op: str) -> list[list[Graph]]:
    """The graphs that are not refused; what is refused is so in one line."""
    return [[graph for graph in graphs if is_accepted(graph)] for graphs in extremes(op)]


def is_accepted(graph: Graph) -> bool:
    try:
        verify(graph)
    except UnsupportedOp as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.fixture(autouse=True)
def _overflow_is_an_error() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("op", CASES)
def test_numpy_equals_litert(op: str) -> None:
    compared = 0
    for graph in (graph for graphs in accepted(op) for graph in graphs):
        try:
            litert = LiteRTModel(write_tflite(graph))
        except BadModel:
            continue  # LiteRT demands the output scale 1/256 of LOGISTIC, for one
        compared += 1
        reference = Interpreter(graph)
        for kind, inputs in samples(graph, 1):
            assert_same(reference.run(inputs), litert.run(inputs), f"{graph.name}, {kind}")
    assert compared


@pytest.mark.parametrize("isa", Isa, ids=lambda isa: isa.value)
def test_c_equals_numpy(isa: Isa, tmp_path: Path) -> None:
    """The first two and the last that are taken: what lies between them is less extreme."""
    ops = ARITHMETIC if isa is Isa.PORTABLE else WEIGHTED
    taken = [graphs for op in ops for graphs in accepted(op) if graphs]
    ends = {graph.name: graph for graphs in taken for graph in (*graphs[:2], graphs[-1])}
    runs = [(graph, [inputs for _, inputs in samples(graph, 1)]) for graph in ends.values()]
    for (graph, inputs), outputs in zip(runs, run_compiled(runs, isa, tmp_path), strict=True):
        reference = Interpreter(graph)
        for sample, found in zip(inputs, outputs, strict=True):
            assert_same(found, reference.run(sample), graph.name)
