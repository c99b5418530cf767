"""Architectures: what is planned of them is what is trained, and LiteRT runs it."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.samples import edge_cases
from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.network import Weighted
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import (
    BLOCKS,
    CompressedConvolution,
    FullConvolution,
    FusedBottleneck,
    InvertedBottleneck,
    NetworkBlock,
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
