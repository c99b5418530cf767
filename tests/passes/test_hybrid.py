"""Layers of floats by int8 weights: what passes may do with them, and what they stand for."""

from dataclasses import fields, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops import HYBRID
from edgebottle.passes.float_weights import float_weights
from edgebottle.passes.fuse_dilation import fuse_dilation
from edgebottle.passes.fuse_pad import fuse_pad
from tests.graphs import Builder
from tests.passes.batched_networks import dilated_image
from tests.samples import samples


def as_hybrid(graph: Graph) -> Graph:
    """An int8 network with float activations and biases, and its int8 weights."""

    def tensor(one: Tensor) -> Tensor:
        if one.dtype is DType.I32 and one.quant is not None:
            values = one.constant().astype(np.float32) / np.float32(1000)
            return Tensor(one.name, one.shape, DType.F32, data=values)
        is_activation = one.dtype is DType.I8 and one.data is None
        return replace(one, dtype=DType.F32, quant=None) if is_activation else one

    nodes = [
        HYBRID[node.OP](**{field.name: getattr(node, field.name) for field in fields(node)})
        if node.OP in HYBRID
        else node
        for node in graph.nodes
    ]
    changed = {name: tensor(one) for name, one in graph.tensors.items()}
    found = replace(graph, tensors=changed, nodes=tuple(nodes))
    verify(found)
    return found


def padded() -> Graph:
    b = Builder("padded")
    inner = b.pad(b.input(1, 6, 7, 2), (0, 0), (1, 2), (0, 1), (0, 0))
    return as_hybrid(b.graph(b.conv(inner, 3, valid=1), b.depthwise(inner, valid=1, stride=2)))


def test_padding_moves_into_them_exactly():
    graph = padded()
    fused = fuse_pad(graph)
    assert [node.OP for node in fused.nodes] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
    for kind, inputs in samples(graph):
        outputs = zip(Interpreter(graph).run(inputs), Interpreter(fused).run(inputs), strict=True)
        for before, after in outputs:
            np.testing.assert_array_equal(after, before, kind)


def test_parts_of_an_image_keep_their_own_ranges():
    graph = as_hybrid(dilated_image())
    assert fuse_dilation(graph) == graph


def test_float_weights_are_what_they_stand_for():
    graph = padded()
    plain = float_weights(graph)
    verify(plain)
    assert not any(one.dtype.is_quantized for one in plain.tensors.values())
    (inputs,) = (values for kind, values in samples(graph) if kind == "random-0")
    for rounded, real in zip(
        Interpreter(graph).run(inputs), Interpreter(plain).run(inputs), strict=True
    ):
        assert 0 < np.abs(rounded - real).max() < 0.01 * np.abs(real).max()
