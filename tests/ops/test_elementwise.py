"""Elementwise operators against LiteRT over every stored value, and every pair of them."""

import numpy as np
import pytest

from edgebottle.errors import UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.litert import LiteRTModel
from edgebottle.ops.add import Add
from edgebottle.ops.base import Activation, Isa, Operator, one_node_graph
from edgebottle.ops.broadcasting import plan_walk
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.hard_swish import HardSwish
from edgebottle.ops.logistic import Logistic
from edgebottle.ops.mul import Mul
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.relu import Relu
from edgebottle.ops.relu6 import Relu6
from edgebottle.ops.relu_n1_to_1 import ReluN1To1
from edgebottle.ops.softmax import OUTPUT_QUANTS, Softmax
from edgebottle.ops.sub import Sub
from edgebottle.ops.table import per_tensor
from edgebottle.ops.tanh import Tanh
from edgebottle.plan.planner import make_plan
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples

BYTES = np.arange(-128, 128, dtype=np.int8)
PAIRS = tuple(grid.ravel() for grid in np.meshgrid(BYTES, BYTES, indexing="ij"))
UNARY = (HardSwish, Logistic, Quantize, Relu, Relu6, ReluN1To1, Tanh)
FIXED_OUTPUT = {Logistic: per_tensor(1 / 256, -128), Tanh: per_tensor(1 / 128, 0)}


def check(graph: Graph, *inputs: np.ndarray) -> None:
    verify(graph)
    assert_same(
        Interpreter(graph).run(inputs), LiteRTModel(write_tflite(graph)).run(inputs), graph.name
    )


def binary(
    cls: type[BinaryOperator], quants: tuple[Quant, Quant, Quant], activation: Activation
) -> Graph:
    return cls.graph(f"{cls.OP} {quants} {activation}", ((65536,), (65536,)), quants, activation)


def unary(cls: type[Operator], quant: Quant, out: Quant) -> Graph:
    attributes = {"dtype": DType.I8} if cls is Quantize else {}
    node = cls(name="node", inputs=("x",), outputs=("y",), **attributes)
    tensors = (Tensor("x", (256,), DType.I8, quant), Tensor("y", (256,), DType.I8, out))
    return one_node_graph(f"{cls.OP} {quant} {out}", node, tensors)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cls", (Add, Sub, Mul), ids=lambda cls: cls.OP)
def test_every_pair(cls, seed):
    random = np.random.default_rng(seed)
    a, b = np.exp(random.uniform(-8, 2, size=2))
    b = a if seed == 1 else b
    real = a * b * 100 if cls is Mul else a + b
    scales = a, b, a if seed == 2 and cls is not Mul else real * np.exp(random.uniform(-3, 2))
    quants = tuple(per_tensor(scale, int(random.integers(-128, 128))) for scale in scales)
    check(binary(cls, quants, Activation(seed % 4)), *PAIRS)


# Where plausible other ways to compute the multipliers, or to negate, differ from LiteRT.
TIES = (
    (Mul, 0.05, 0.192, 0.0384),
    (Mul, 0.189, 0.026, 0.7273),
    (Sub, 0.0457763671875, 0.03125, 0.109375),
    (Sub, 0.2509765625, 0.25, 0.3125),
)
RATIOS_THAT_MEET_TIES = ((0.024, 0.032), (0.185, 0.222), (0.14, 0.112))


@pytest.mark.parametrize(("cls", "a", "b", "out"), TIES)
def test_scales_that_meet_ties(cls, a, b, out):
    quants = per_tensor(a, 0), per_tensor(b, 0), per_tensor(out, 0)
    check(binary(cls, quants, Activation.NONE), *PAIRS)


@pytest.mark.parametrize("cls", UNARY, ids=lambda cls: cls.OP)
def test_every_value(cls):
    random = np.random.default_rng(len(cls.OP))
    for trial in range(40):
        scale = float(np.exp(random.uniform(-8, 1)))
        zero_point, out_zero_point = (int(zero) for zero in random.integers(-128, 128, size=2))
        quant = per_tensor(scale, zero_point)
        out = per_tensor(scale * float(np.exp(random.uniform(-1.5, 2))), out_zero_point)
        out = quant if trial == 0 else out
        check(unary(cls, quant, FIXED_OUTPUT.get(cls, out)), BYTES)


@pytest.mark.parametrize("cls", (Relu, Quantize), ids=lambda cls: cls.OP)
@pytest.mark.parametrize(("scale", "out_scale"), RATIOS_THAT_MEET_TIES)
def test_ratios_that_meet_ties(cls, scale, out_scale):
    check(unary(cls, per_tensor(scale, 0), per_tensor(out_scale, 0)), BYTES)


@pytest.mark.parametrize("dtype", (DType.I8, DType.I16), ids=lambda dtype: dtype.label)
def test_softmax_rows(dtype):
    random = np.random.default_rng(3)
    for length in (1, 2, 3, 10, 12, 100, 511):
        scale, beta = (float(np.float32(np.exp(random.uniform(*r)))) for r in ((-7, 3), (-2, 2)))
        at = np.arange(length)
        rows = (
            np.full(length, -128),
            np.full(length, 127),
            np.where(at == length // 2, 127, -128),
            at % 256 - 128,
            random.integers(-4, 4, length),
            *(random.integers(-128, 128, length) for _ in range(20)),
            *(np.clip(random.normal(0, 30, length), -128, 127) for _ in range(20)),
        )
        values = np.stack(rows).astype(np.int8)
        x = Tensor("x", values.shape, DType.I8, per_tensor(scale, 9))
        y = Tensor("y", values.shape, dtype, OUTPUT_QUANTS[dtype])
        node = Softmax(name="node", inputs=("x",), outputs=("y",), beta=beta, dtype=dtype)
        check(one_node_graph(f"softmax {length} {scale} {beta}", node, (x, y)), values)


def quantize_graph(size: int, scale: float, zero_point: int) -> Graph:
    x = Tensor("x", (size,), DType.F32)
    y = Tensor("y", (size,), DType.I8, per_tensor(scale, zero_point))
    node = Quantize(name="node", inputs=("x",), outputs=("y",), dtype=DType.I8)
    return one_node_graph("quantize", node, (x, y))


def test_quantize_next_to_ties():
    random = np.random.default_rng(4)
    for _ in range(20):
        scale = float(np.exp(random.uniform(-6, 1)))
        ties = ((np.arange(-300, 300) + 0.5) * scale).astype(np.float32)
        values = [ties, *(np.nextafter(ties, np.float32(end)) for end in (-1e9, 1e9))]
        graph = quantize_graph(1800, scale, int(random.integers(-128, 128)))
        check(graph, np.concatenate(values))


def test_quantize_saturates():
    graph = quantize_graph(5, 1.0, 3)
    values = np.array([np.inf, -np.inf, np.nan, 3.4e38, -3.4e38], np.float32)
    (result,) = Interpreter(graph).run((values,))
    assert result.tolist() == [127, -128, -128, 127, -128]


@pytest.mark.parametrize(
    ("a", "b", "keep_channels", "extent", "strides"),
    [
        ((1, 3, 5, 4), (1, 3, 5, 4), False, (1, 1, 20), ((0, 0, 1), (0, 0, 1))),
        ((1, 3, 5, 4), (1, 3, 5, 4), True, (1, 5, 4), ((0, 4, 1), (0, 4, 1))),
        ((1, 3, 5, 4), (4,), False, (1, 5, 4), ((0, 4, 1), (0, 0, 1))),
        ((1, 3, 5, 4), (1, 3, 1, 1), False, (1, 1, 20), ((0, 0, 1), (0, 0, 0))),
        ((2, 3, 5), (2, 1, 5), False, (2, 3, 5), ((15, 5, 1), (5, 0, 1))),
        ((1, 3, 5, 1), (1, 3, 5, 1), True, (1, 5, 1), ((0, 1, 0), (0, 1, 0))),
        ((), (), False, (1, 1, 1), ((0, 0, 0), (0, 0, 0))),
    ],
)
def test_walks(a, b, keep_channels, extent, strides):
    walk = plan_walk((a, b), np.broadcast_shapes(a, b), keep_channels=keep_channels)
    assert walk is not None
    assert (walk.extent, walk.strides) == (extent, strides)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ((1, 3, 1, 2, 1, 2, 2), (2,), "more than 6 axes"),
        ((3, 4), (5,), "do not broadcast"),
    ],
)
def test_refused_shapes(a, b, words):
    x, y = Tensor("a", a, DType.F32), Tensor("b", b, DType.F32)
    node = Add(name="sum", inputs=("a", "b"), outputs=("y",))
    with pytest.raises(UnsupportedOp, match=words):
        ((shape, dtype),) = node.infer((x, y))
        node.check((x, y), (Tensor("y", shape, dtype),))


def test_refused_quantization():
    fine = per_tensor(1e-9, 0)
    with pytest.raises(UnsupportedOp, match=r"HARD_SWISH. scales by .*2\^0"):
        verify(unary(HardSwish, per_tensor(0.1, 0), fine))
    with pytest.raises(UnsupportedOp, match=r"ADD., with 20 bits to spare, scales by .*2\^0"):
        verify(binary(Add, (per_tensor(1.0, 0), per_tensor(1.0, 0), fine), Activation.NONE))
    with pytest.raises(UnsupportedOp, match=r"MUL. scales by 1e.09.*2\^13"):
        verify(binary(Mul, (per_tensor(1.0, 0), per_tensor(1.0, 0), fine), Activation.NONE))


def concatenation_graph(dtype: DType) -> Graph:
    """Every elementwise operator of ``dtype``, writing into a slice of one tensor."""
    quant = None if dtype is DType.F32 else per_tensor(1 / 256, -128)
    shape = (2, 3, 5, 4)
    x = Tensor("x", shape, dtype, None if quant is None else per_tensor(0.04, 3))
    row = Tensor("row", (2, 3, 1, 4), dtype, x.quant)
    real = Tensor("real", shape, DType.F32)
    common = {"inputs": ("x",)}
    both = {"inputs": ("row", "x")}
    nodes = [
        Relu(name="relu", outputs=("r",), **common),
        Logistic(name="logistic", outputs=("l",), **common),
        Tanh(name="tanh", outputs=("t",), **common),
        HardSwish(name="hard_swish", outputs=("h",), **common),
        Softmax(name="softmax", outputs=("p",), beta=1.0, dtype=dtype, **common),
        Add(name="add", outputs=("a",), **both),
        Sub(name="sub", outputs=("s",), **both),
        Mul(name="mul", outputs=("m",), **both),
    ]
    if dtype is DType.I8:
        nodes.append(Quantize(name="q", inputs=("real",), outputs=("q",), dtype=dtype))
    made = tuple(node.outputs[0] for node in nodes)
    joined = Concatenation(name="join", inputs=made, outputs=("y",), axis=3)
    slices = [Tensor(name, shape, dtype, quant) for name in made]
    out = Tensor("y", (*shape[:3], 4 * len(made)), dtype, quant)
    tensors = {tensor.name: tensor for tensor in (x, row, real, *slices, out)}
    inputs = ("x", "row", "real") if dtype is DType.I8 else ("x", "row")
    return Graph("strided", tensors, (*nodes, joined), inputs, ("y",)).with_nodes((*nodes, joined))


@pytest.mark.parametrize("dtype", (DType.I8, DType.F32), ids=lambda dtype: dtype.label)
def test_kernels_write_into_slices(dtype, tmp_path):
    graph = concatenation_graph(dtype)
    verify(graph)
    assert [step.node for step in make_plan(graph, Isa.PORTABLE).steps if step.elided] == ["join"]
    inputs = [sample for _, sample in samples(graph)]
    (outputs,) = run_compiled([(graph, inputs)], Isa.PORTABLE, tmp_path)
    for sample, found in zip(inputs, outputs, strict=True):
        assert_same(found, Interpreter(graph).run(sample), graph.name)
