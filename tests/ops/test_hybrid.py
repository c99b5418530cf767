"""Inputs that are quantized at run time: each step of them as in LiteRT, in NumPy and in C."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops.base import Activation, Isa, one_node_graph
from edgebottle.ops.case_tensors import constant
from edgebottle.ops.hybrid_convolution import HybridConv2D, HybridDepthwiseConv2D
from edgebottle.ops.hybrid_dense import HybridFullyConnected
from tests.ops.compiled import run_compiled

COUNT = 67
"""Not a multiple of eight: LiteRT rounds the rest in another way."""


def _dense(asymmetric: bool) -> Graph:
    """Gives its inputs, quantized."""
    node = HybridFullyConnected(
        name="same",
        inputs=("x", "w", "b"),
        outputs=("y",),
        keep_num_dims=False,
        activation=Activation.NONE,
        asymmetric=asymmetric,
    )
    weights = constant("w", np.eye(COUNT, dtype=np.int8), Quant((1.0,), (0,)))
    tensors = [Tensor(name, (1, COUNT), DType.F32) for name in "xy"]
    bias = constant("b", np.zeros(COUNT, np.float32))
    return one_node_graph(f"dense_{asymmetric}", node, [tensors[0], weights, bias, tensors[1]])


def _conv() -> Graph:
    """The same of a pixel's only channel, twice."""
    node = HybridConv2D(
        name="same",
        inputs=("x", "w", "b"),
        outputs=("y",),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0, 0, 0),
        activation=Activation.NONE,
    )
    weights = constant("w", np.ones((2, 1, 1, 1), np.int8), Quant((1.0, 0.5), (0, 0), 0))
    tensors = [Tensor("x", (1, 1, COUNT, 1), DType.F32), Tensor("y", (1, 1, COUNT, 2), DType.F32)]
    bias = constant("b", np.zeros(2, np.float32))
    return one_node_graph("conv", node, [tensors[0], weights, bias, tensors[1]])


def _values(seed: int) -> Array:
    """What networks of integers give: steps of a grid whose ends often make halves of others."""
    random = np.random.default_rng(seed)
    span = int(random.choice([2, 6, 30, 34, 50, 102, 170, 255]))
    below = int(random.integers(0, span + 1))
    values = random.uniform(-below, span - below, COUNT)
    values[:2] = -below, span - below
    if seed % 3:
        values = np.rint(2 * values) / 2
    scale = np.float32(random.uniform(0.01, 1)) if seed % 2 else np.float32(0.25)
    return np.asarray(values.astype(np.float32) * scale)


def _below_halves() -> Array:
    """Floats just below a half, between ends that make a step one."""
    below = np.nextafter(np.float32(0.5), np.float32(0))
    values = np.where(np.arange(COUNT) % 2, below, -below)
    values[:2] = -128, 127
    return np.asarray(values, np.float32)


def test_groups_need_a_scale_each() -> None:
    """LiteRT reads one for each output, whether it is there or not."""
    graph = next(iter(HybridDepthwiseConv2D.cases()))
    (node,), weights = graph.nodes, graph.tensors["weights"]
    for channels in (3, 1):
        shape = (1, *weights.shape[1:3], 3)
        one = replace(weights, shape=shape, quant=Quant((0.5,), (0,)), data=np.ones(shape, np.int8))
        data = replace(graph.tensors[graph.inputs[0]], shape=(1, 5, 4, channels))
        ins = (data, one, graph.tensors["bias"])
        with pytest.raises(UnsupportedOp, match="one scale for all"):
            node.check(ins, graph.outs(node))


def test_inputs_are_quantized_as_in_litert(tmp_path: Path) -> None:
    graphs = [_dense(False), _dense(True), _conv()]
    values = [*(_values(seed) for seed in range(300)), _below_halves()]
    runs = [(one, [(v.reshape(one.tensors["x"].shape),) for v in values]) for one in graphs]
    compiled = run_compiled(runs, Isa.PORTABLE, tmp_path)
    for (graph, inputs), in_c in zip(runs, compiled, strict=True):
        litert, interpreter = LiteRTModel(write_tflite(graph)), Interpreter(graph)
        for sample, c in zip(inputs, in_c, strict=True):
            expected = litert.run(sample)
            np.testing.assert_array_equal(interpreter.run(sample), expected, graph.name)
            np.testing.assert_array_equal(c, expected, f"{graph.name} in C")
