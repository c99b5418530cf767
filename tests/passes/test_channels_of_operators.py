"""Channels taken from every operator, in all its cases: never a bit of difference."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import Activation, Operator
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.passes.dead_channels import dead_channels
from tests.samples import assert_same, samples

MAX_SIZE = 600
"""Elements of the inputs of a case that is tried."""


def dense(name: str, source: Tensor, target: Tensor, weights: np.ndarray) -> tuple[Node, Tensor]:
    """The layer that computes ``target`` from ``source``, and its weights."""
    constant = Tensor(f"{name}_weights", weights.shape, DType.I8, Quant((0.02,), (0,)), weights)
    node = FullyConnected(
        name=name,
        inputs=(source.name, constant.name, None),
        outputs=(target.name,),
        keep_num_dims=True,
        activation=Activation.NONE,
    )
    return node, constant


def has_channels(tensor: Tensor) -> bool:
    return tensor.dtype is DType.I8 and len(tensor.shape) > 0 and not tensor.state


def between_layers(case: Graph) -> Graph:
    """A case behind layers that compute its channels, before layers that do not read them all."""
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    tensors, nodes = dict(case.tensors), list(case.nodes)
    inputs, outputs = list(case.inputs), list(case.outputs)
    for place, name in enumerate(case.inputs):
        data = case.tensors[name]
        if has_channels(data):
            source = replace(data, name=f"{name}_source", shape=(*data.shape[:-1], 3))
            weights = random.integers(-50, 51, (data.shape[-1], 3)).astype(np.int8)
            node, constant = dense(f"{name}_layer", source, data, weights)
            nodes.insert(0, node)
            tensors |= {tensor.name: tensor for tensor in (source, constant)}
            inputs[place] = source.name
    for place, name in enumerate(case.outputs):
        data = case.tensors[name]
        if has_channels(data):
            weights = random.integers(-50, 51, (2, data.shape[-1])).astype(np.int8)
            weights[:, random.random(data.shape[-1]) < 0.5] = 0
            target = replace(data, name=f"{name}_target", shape=(*data.shape[:-1], 2))
            node, constant = dense(f"{name}_reader", data, target, weights)
            nodes.append(node)
            tensors |= {tensor.name: tensor for tensor in (target, constant)}
            outputs[place] = target.name
    return Graph(case.name, tensors, tuple(nodes), tuple(inputs), tuple(outputs))


LOSING = {
    *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXPAND_DIMS"),
    *("FULLY_CONNECTED", "HARD_SWISH", "LOGISTIC", "MAX_POOL_2D", "MEAN", "MUL", "PAD", "PADV2"),
    *("QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR"),
    *("RESIZE_NEAREST_NEIGHBOR", "SQUEEZE", "SUB", "TANH", "TRANSPOSE"),
}
"""Operators whose inputs lose channels in some of the cases."""


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.OP)
def test_what_stays_is_computed_as_before(operator: type[Operator]) -> None:
    is_smaller = False
    for case in operator.cases():
        if sum(case.tensors[name].size for name in case.inputs) > MAX_SIZE:
            continue
        before = between_layers(case)
        verify(before)
        after = dead_channels(before)
        verify(after)
        is_smaller |= any(
            after.tensors[name].shape != case.tensors[name].shape for name in case.inputs
        )
        _, inputs = samples(before, 1)[-1]
        assert_same(Interpreter(after).run(inputs), Interpreter(before).run(inputs), case.name)
    assert is_smaller or operator.OP not in LOSING
