"""Architectures: what is planned of them is what is trained, and LiteRT runs it."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from edgebottle.detection.description import AnchorMap
from edgebottle.errors import BadInput
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.passes import optimise
from edgebottle.samples import edge_cases
from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.network import Weighted
from quantize.search.architecture import Architecture, ClassHead, DetectionHead, Stem
from quantize.search.blocks import (
    BLOCKS,
    Attention,
    CompressedConvolution,
    FeedForward,
    FullConvolution,
    FusedBottleneck,
    InvertedBottleneck,
    NetworkBlock,
    PatchEmbedding,
    Residual,
    Separable,
    UniversalBottleneck,
)
from quantize.search.keras_model import keras_model
from quantize.search.untrained import untrained_graph

EACH: tuple[tuple[NetworkBlock, ...], ...] = (
    (InvertedBottleneck(8, 2), InvertedBottleneck(8), InvertedBottleneck(12, expand=1)),
    (UniversalBottleneck(8, start=3), UniversalBottleneck(12, 2, expand=2.5, start=5, middle=7)),
    (UniversalBottleneck(8, start=5, middle=0), UniversalBottleneck(8, 2, start=3, middle=0)),
    (UniversalBottleneck(8, middle=0), UniversalBottleneck(8, expand=2, middle=0)),
    (FusedBottleneck(8, 2, expand=2), FusedBottleneck(8)),
    (CompressedConvolution(8), CompressedConvolution(12, 2, size=5)),
    (FullConvolution(8, 2), FullConvolution(8, size=5)),
    (Separable(8, 2), Separable(8, size=5)),
    (Residual(8), Residual(12, 2)),
    (PatchEmbedding(12, 2), Attention(12, heads=3), FeedForward(12), Attention(12, rank=0.25)),
    (PatchEmbedding(8, 4), Attention(8, heads=2, rank=0.5), FeedForward(8, expand=3)),
)
"""Every kind of block, with and without a shortcut, with and without a stride."""

INPUTS = ((10, 9, 3), (17, 1, 2))
"""An image and a signal."""


def architecture(blocks: tuple[NetworkBlock, ...], shape: tuple[int, int, int]) -> Architecture:
    return Architecture(shape, Stem(8, 3, 1), blocks, ClassHead(4, channels=16))


def test_every_kind_of_block_is_tried() -> None:
    assert {type(block) for blocks in EACH for block in blocks} == set(BLOCKS.values())


@pytest.mark.parametrize("shape", INPUTS, ids=str)
@pytest.mark.parametrize("bits", ["w8a8", "w2a4"])
@pytest.mark.parametrize("blocks", EACH, ids=lambda blocks: blocks[0].KIND)
def test_the_untrained_network_is_litert_s(
    blocks: tuple[NetworkBlock, ...], bits: str, shape: tuple[int, int, int]
) -> None:
    network = architecture(blocks, shape).network()
    graph = untrained_graph(network, Bits(LayerBits.parse(bits)))
    assert network.macs() == graph.macs()
    litert, reference = LiteRTModel(write_tflite(graph)), Interpreter(graph)
    names = [*graph.outputs, *(step.name for step in network.steps)]
    for values in edge_cases(graph, 3).inputs:
        litert.run(values)
        reference.run(values)
        for name in names:
            np.testing.assert_array_equal(litert.tensor(name), reference.values[name], name)


@pytest.mark.parametrize("shape", INPUTS, ids=str)
@pytest.mark.parametrize("bits", ["w8a8", "w4a4", "w1a1"])
@pytest.mark.parametrize("blocks", EACH, ids=lambda blocks: blocks[0].KIND)
def test_no_channel_of_random_weights_is_dead(
    blocks: tuple[NetworkBlock, ...], bits: str, shape: tuple[int, int, int]
) -> None:
    """Costs are those of networks whose channels are all of use, as those of trained ones are."""
    for seed in range(3):
        network = architecture(blocks, shape).network(seed=seed)
        graph = untrained_graph(network, Bits(LayerBits.parse(bits)))
        assert optimise(graph).macs() == network.macs()


DETECTOR = Architecture(
    (24, 20, 3),
    Stem(4, stride=2),
    (FullConvolution(6, 2), InvertedBottleneck(6), CompressedConvolution(8, 2)),
    DetectionHead(("a", "b"), (AnchorMap(4, ((4, 4),)), AnchorMap(8, ((9, 9), (9, 5)))), 3, 8),
)
"""With a separable convolution in front of its heads."""


def test_an_untrained_detector_is_litert_s() -> None:
    graph = untrained_graph(DETECTOR.network())
    shapes = [graph.tensors[name].shape for name in graph.outputs]
    assert shapes == [(1, 6, 5, 4), (1, 6, 5, 2), (1, 3, 3, 8), (1, 3, 3, 4)]
    litert, reference = LiteRTModel(write_tflite(graph)), Interpreter(graph)
    for values in edge_cases(graph, 5).inputs:
        for ours, theirs in zip(reference.run(values), litert.run(values), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_outputs_of_a_detector_keep_8_bits() -> None:
    network = DETECTOR.network()
    levels = network.activation_levels(Bits(LayerBits.parse("w2a2")))
    narrow = {name for name, one in levels.items() if one.bits == 2}
    assert not narrow & set(network.outputs)
    assert {"stem", "map1_filter", "map2_project"} <= narrow


def test_keras_trains_the_very_detector(keras: Any) -> None:
    network = DETECTOR.network()
    model = keras_model(network)
    assert [tuple(one.shape[1:]) for one in model.outputs] == [
        step.shape for name in network.outputs for step in network.steps if step.name == name
    ]
    for step in network.steps:
        if isinstance(step, Weighted):
            layer = model.get_layer(step.name)
            assert tuple(layer.kernel.shape) == step.kernel.shape
            assert layer.use_bias == (step.norm is None)


@pytest.mark.parametrize("blocks", EACH, ids=lambda blocks: blocks[0].KIND)
def test_json_tells_all(blocks: tuple[NetworkBlock, ...]) -> None:
    one = architecture(blocks, INPUTS[0])
    assert Architecture.of_json(one.to_json()) == one


@pytest.mark.parametrize(
    "change, message",
    [
        ({"blocks": [{"kind": "invertd", "channels": 8}]}, "no block 'invertd'"),
        ({"blocks": [{"kind": "full", "channels": 8, "expand": 2}]}, "has no 'expand'"),
        ({"input_shape": [10, 9]}, "no architecture"),
        ({"head": {}}, "no architecture"),
    ],
)
def test_json_that_is_none_is_refused(change: dict[str, Any], message: str) -> None:
    table = architecture(EACH[0], INPUTS[0]).to_json()
    with pytest.raises(BadInput, match=message):
        Architecture.of_json({**table, **change})


@pytest.mark.parametrize("shape", INPUTS, ids=str)
@pytest.mark.parametrize("blocks", EACH, ids=lambda blocks: blocks[0].KIND)
def test_keras_trains_the_very_network(
    blocks: tuple[NetworkBlock, ...], shape: tuple[int, int, int], keras: Any
) -> None:
    from quantize.lowbit.keras_network import read_network

    network = architecture(blocks, shape).network()
    trained = read_network(keras_model(network), network.name)
    numbers = {"kernel", "bias", "norm"}
    assert trained.input_shape == network.input_shape and trained.has_softmax
    for ours, theirs in zip(network.steps, trained.steps, strict=True):
        assert type(ours) is type(theirs)
        names = [each.name for each in fields(ours) if each.name not in numbers]
        for name in names:
            assert getattr(ours, name) == getattr(theirs, name), (ours.name, name)
        if isinstance(ours, Weighted) and isinstance(theirs, Weighted):
            assert ours.kernel.shape == theirs.kernel.shape
            assert (ours.norm is None) == (theirs.norm is None)
