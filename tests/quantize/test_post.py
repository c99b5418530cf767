"""Quantization after training: the integer network is near the float one, and exact everywhere."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers import import_model
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops.add import Add
from edgebottle.ops.add_n import AddN
from edgebottle.ops.assign_variable import AssignVariable
from edgebottle.ops.base import Activation
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.floor import Floor
from edgebottle.ops.logistic import Logistic
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.maximum import Maximum
from edgebottle.ops.mean import Mean
from edgebottle.ops.mul import Mul
from edgebottle.ops.neg import Neg
from edgebottle.ops.pad import Pad
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.slice import Slice
from edgebottle.ops.softmax import Softmax
from edgebottle.ops.square import Square
from edgebottle.ops.sub import Sub
from edgebottle.ops.transpose_conv import TransposeConv
from quantize.post.prepare import prepare
from quantize.post.quantizer import Options, quantize_graph
from quantize.post.runner import Runner, stored_inputs
from quantize.post.score import agreement, real_outputs
from tests.quantize.float_networks import FloatBuilder

NONE = Activation.NONE


def silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def classifier(b: FloatBuilder) -> str:
    x = b.conv(b.input(1, 8, 8, 3), 8)
    y = b.conv(b.depthwise(x), 8, 1, "NONE")
    x = b.add(Add, x, y, activation=Activation.RELU)
    axes = b.constant(np.array([1, 2], np.int32))
    x = b.add(Mean, x, axes, axes=(1, 2), keep_dims=False)
    return b.add(Softmax, b.dense(x, 5), beta=1.0, dtype=DType.F32)


def joined(b: FloatBuilder) -> str:
    """Probabilities have a scale of their own beside what they are joined with."""
    x = b.input(1, 6, 6, 4)
    gate = b.add(Logistic, b.add(Neg, b.conv(x, 4, 1, "NONE")))
    paddings = b.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    padded = b.add(Pad, x, paddings, paddings=((0, 0), (1, 1), (1, 1), (0, 0)))
    window = {"filter": (3, 3), "stride": (1, 1), "padding": (0, 0, 0, 0), "activation": NONE}
    pooled = b.add(MaxPool2D, padded, **window)
    floor = b.constant(np.full((1, 1, 1, 4), -0.25, np.float32))
    return b.conv(b.add(Concatenation, gate, b.add(Maximum, pooled, floor), axis=3), 4)


def normalized(b: FloatBuilder) -> str:
    """A factor and a summand for each channel, as BatchNormalization leaves them."""
    x = b.conv(b.input(1, 6, 6, 3), 6, 3, "NONE")
    factor = b.constant(b.random.uniform(0.5, 2, 6).astype(np.float32))
    x = b.add(Mul, x, factor, activation=NONE)
    mean = b.constant(b.random.normal(size=(1, 1, 1, 6)).astype(np.float32))
    x = b.add(Sub, x, mean, activation=Activation.RELU6)
    return b.depthwise(x)


def partly_float(b: FloatBuilder) -> str:
    """FLOOR has no int8 form."""
    x = b.input(1, 4, 4, 3)
    shape = b.constant(np.array([1, 8, 8, 5], np.int32))
    weights = b.constant(b.random.normal(0, 0.3, (5, 3, 3, 3)).astype(np.float32))
    fields = {"stride": (2, 2), "size": (8, 8), "same": True, "activation": Activation.RELU}
    x = b.add(TransposeConv, shape, weights, x, **fields)
    x = b.add(Mul, x, b.constant(np.array([3.0], np.float32)), activation=NONE)
    return b.conv(b.add(Floor, x), 4)


def computed_weights(b: FloatBuilder) -> str:
    """Factors and summands before layers, other forms of sums and squares, weights from values."""
    x = b.input(1, 6, 6, 4)
    scaled = b.add(Mul, x, b.constant(np.array([0.5, 2, 1, -1], np.float32)), activation=NONE)
    moved = b.add(Add, scaled, b.constant(np.array([0.5], np.float32)), activation=NONE)
    x = b.conv(moved, 4, 1)  # pads nothing: it takes over both
    scaled = b.add(Mul, x, b.constant(np.array([0.25], np.float32)), activation=NONE)
    x = b.add(Logistic, b.conv(scaled, 4, 3, "NONE"))
    x = b.add(AddN, x, b.add(Square, x), b.conv(x, 4))
    axes = b.constant(np.array([1, 2], np.int32))
    row = b.add(Mean, x, axes, axes=(1, 2), keep_dims=False)
    shape = b.constant(np.array([36, 4], np.int32))
    return b.multiplied(row, b.add(Reshape, x, shape, shape=(36, 4)), 36)


def streaming(b: FloatBuilder) -> str:
    """A window of the last frames, a running mean, and the last answer, whose scale is fixed."""
    x = b.input(1, 1, 6, 4)
    frames = b.variable(np.zeros((1, 3, 6, 4), np.float32))
    window = b.add(Concatenation, frames, x, axis=1)
    begin, size = (b.constant(np.array(one, np.int32)) for one in ((0, 1, 0, 0), (1, 3, 6, 4)))
    fields = {"begin": (0, 1, 0, 0), "size": (1, 3, 6, 4)}
    b.add(AssignVariable, frames, b.add(Slice, window, begin, size, **fields))
    seen = b.conv(window, 4)
    mean = b.variable(np.full((1, 4, 6, 4), 0.5, np.float32))
    part, rest = (b.constant(np.array([one], np.float32)) for one in (0.75, 0.25))
    old = b.add(Mul, mean, part, activation=NONE)
    new = b.add(Add, old, b.add(Mul, seen, rest, activation=NONE), activation=NONE)
    b.add(AssignVariable, mean, new)
    last = b.variable(np.zeros((1, 4, 6, 4), np.float32))
    answer = b.add(Logistic, b.conv(b.add(Concatenation, new, last, axis=3), 4, 3, "NONE"))
    b.add(AssignVariable, last, answer)
    return answer


NETWORKS: tuple[tuple[Callable[[FloatBuilder], str], int, float, tuple[str, ...]], ...] = (
    (classifier, 8, 35.0, ()),
    (classifier, 4, 15.0, ()),
    (joined, 8, 30.0, ()),
    (normalized, 8, 30.0, ()),
    (partly_float, 8, 15.0, ("FLOOR",)),
    (computed_weights, 8, 25.0, ()),
    (streaming, 8, 25.0, ()),
)
"""A network, the bits of its weights, the least dB of its outputs, and what stays in float."""


@pytest.mark.parametrize(("network", "bits", "least", "floats"), NETWORKS)
def test_the_integer_network_is_near_and_exact(
    network: Callable[[FloatBuilder], str], bits: int, least: float, floats: tuple[str, ...]
) -> None:
    builder = FloatBuilder()
    graph = builder.graph(network(builder))
    samples = builder.samples(24)
    runner = Runner(isolated=False)
    result = quantize_graph(graph, samples[:16], Options(bits=bits), runner, silent)
    operators = {node.name: node.OP for node in result.float_graph.nodes}
    assert tuple(operators[name] for name in result.kept_float) == floats
    near = real_outputs(result.graph, samples[16:], runner, lambda n: None)
    found = agreement(real_outputs(graph, samples[16:], runner, lambda n: None), near)
    assert found.sqnr > least
    weights = [layer.stored for layer in result.layers.values()]
    assert max(np.abs(each).max() for each in weights) == (127 if bits == 8 else 7)
    _assert_exact(result.graph, samples[-3:])


def _assert_exact(graph: Graph, samples: Sequence[tuple[np.ndarray, ...]]) -> None:
    """LiteRT's reference kernels and ours agree on the file, run after run."""
    data = write_tflite(graph)
    ours, litert = Interpreter(import_model(data, "net", ".tflite")), LiteRTModel(data)
    for sample in samples:
        stored = stored_inputs(graph, sample)
        for mine, theirs in zip(ours.run(stored), litert.run(stored), strict=True):
            np.testing.assert_array_equal(mine, theirs)


BEHIND = ["CONV_2D", "DEPTHWISE_CONV_2D"]

BEFORE = [
    *("CONV_2D", "CONV_2D", "LOGISTIC", "MUL", "CONV_2D", "ADD", "ADD", "MEAN", "RESHAPE"),
    "FULLY_CONNECTED",
]


@pytest.mark.parametrize(("network", "left"), [(normalized, BEHIND), (computed_weights, BEFORE)])
def test_factors_and_summands_fold_into_weights(
    network: Callable[[FloatBuilder], str], left: list[str]
) -> None:
    builder = FloatBuilder()
    graph = builder.graph(network(builder))
    folded = prepare(graph)
    assert [node.OP for node in folded.nodes] == left
    (sample,) = builder.samples(1)
    before, after = (Interpreter(each).run(sample)[0] for each in (graph, folded))
    np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-5)


def test_a_quantized_network_is_refused() -> None:
    builder = FloatBuilder()
    graph = builder.graph(normalized(builder))
    once = quantize_graph(graph, builder.samples(2), Options(), Runner(isolated=False), silent)
    with pytest.raises(BadInput, match="quantized already"):
        prepare(once.graph)


def test_variables_are_stored_in_int8_as_what_is_assigned() -> None:
    """Read by a layer of int8 and by one of floats; of another scale than the value's maker."""
    b = FloatBuilder()
    x = b.input(1, 2, 4, 4)
    last = b.variable(np.full((1, 2, 4, 4), 0.25, np.float32))
    answer = b.add(Logistic, b.conv(b.add(Add, x, last, activation=NONE), 4, 3, "NONE"))
    floor = b.add(Floor, last)
    b.add(AssignVariable, last, answer)
    graph, samples = b.graph(answer, floor), b.samples(16)
    result = quantize_graph(graph, samples, Options(), Runner(isolated=False), silent).graph
    (state,) = (tensor for tensor in result.tensors.values() if tensor.state)
    assert state.dtype is DType.I8 and state.initial is not None
    first = (state.initial.astype(float) - state.zero_point) * state.scale
    assert np.abs(first - 0.25).max() <= state.scale / 2
    kinds = [node.OP for node in result.nodes]
    assert kinds.count("DEQUANTIZE") == 1  # for FLOOR
    _assert_exact(result, samples[:4])


def test_filters_have_int8_forms() -> None:
    """With and without a bias and RELU, which in a scale that goes below zero is a layer before."""
    b = FloatBuilder(4)
    x = b.input(1, 12)
    first = b.filters(x, 8, 2, 5, Activation.RELU)
    joined = b.add(Concatenation, first, x, axis=1)
    graph = b.graph(b.dense(b.filters(joined, 6, 1, 10, NONE, bias=False), 4))
    samples = tuple((np.tanh(values),) for (values,) in b.samples(256))
    runner = Runner(isolated=False)
    result = quantize_graph(graph, samples[:200], Options(), runner, silent)
    assert not result.kept_float
    assert [node.OP for node in result.graph.nodes if node.OP in ("SVDF", "QUANTIZE")] == [
        *("SVDF", "QUANTIZE", "SVDF")
    ]
    found, real = (
        real_outputs(each, samples[200:], runner, lambda n: None) for each in (result.graph, graph)
    )
    assert agreement(real, found).sqnr > 30
    _assert_exact(result.graph, samples[:20])


@pytest.mark.shared
def test_cells_of_an_lstm_have_int8_forms(shared: Path) -> None:
    data = (shared / "models/tflite-micro/trained_lstm.tflite").read_bytes()
    graph = import_model(data, "net", ".tflite")
    random, runner = np.random.default_rng(0), Runner(isolated=False)
    samples = [(random.uniform(size=(1, 28, 28)).astype(np.float32),) for _ in range(24)]
    result = quantize_graph(graph, samples[:16], Options(), runner, silent)
    assert not result.kept_float
    before, after = (
        real_outputs(each, samples[16:], runner, lambda n: None) for each in (graph, result.graph)
    )
    assert agreement(before, after).sqnr > 25
    _assert_exact(result.graph, samples[:1])
