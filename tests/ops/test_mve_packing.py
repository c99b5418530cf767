"""Weights and scales for the MVE kernels read back, and the layers that suit them take them."""

import numpy as np
import pytest

from edgebottle.codegen.model import write_model
from edgebottle.ir.dtypes import DType
from edgebottle.ops.base import Isa
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.mve_packing import (
    LANES,
    even_and_odd,
    pack_scales,
    pack_weights,
    quads,
    unpack_weights,
)
from edgebottle.plan.planner import make_plan


@pytest.mark.parametrize(
    ("outputs", "taps"), [(1, 1), (3, 16), (4, 17), (5, 27), (8, 40), (17, 64), (12, 150)]
)
def test_weights_unpack(outputs, taps):
    weights = np.random.default_rng(taps).integers(-128, 128, (outputs, taps)).astype(np.int8)
    packed = pack_weights(weights)
    assert packed.size == -(-outputs // 4) * 4 * taps + LANES
    assert np.array_equal(unpack_weights(packed, outputs, taps), weights)


def test_sixteen_taps_of_each_channel_then_what_is_left():
    weights = np.arange(2 * 18, dtype=np.int8).reshape(2, 18)
    packed = pack_weights(weights)
    assert packed[:32].tolist() == [*range(16), *range(18, 34)]
    assert packed[64:68].tolist() == [16, 17, 34, 35]
    assert not packed[32:64].any() and not packed[68:].any()


@pytest.mark.parametrize("vectors", [quads, even_and_odd])
@pytest.mark.parametrize("channels", [8, 9, 12, 15, 16, 23])
def test_every_channel_has_its_scales(vectors, channels):
    bias, multiplier = np.arange(channels) - 5, np.arange(channels) + (1 << 30)
    shift = -(np.arange(channels) % 32)
    chosen = vectors(channels)
    packed = pack_scales(bias, multiplier, shift, chosen)
    assert packed.shape == (len(chosen), 3, 4)
    assert {channel for vector in chosen for channel in vector} == set(range(channels))
    for vector, rows in zip(chosen, packed, strict=True):
        for lane, channel in enumerate(vector):
            assert rows[:, lane].tolist() == [bias[channel], multiplier[channel], shift[channel]]


@pytest.mark.parametrize("shift", [1, -32])
def test_shifts_the_kernels_do_not_do(shift):
    values = np.ones(4, np.int32)
    assert pack_scales(values, values, shift * values, quads(4)) is None


@pytest.mark.parametrize("operator", [Conv2D, DepthwiseConv2D])
def test_layers_that_suit_the_kernel_take_it(operator):
    taken = 0
    for graph in operator.cases():
        (node,) = graph.nodes
        data, weights = graph.ins(node)[:2]
        plan = make_plan(graph, Isa.MVE)
        has_kernel = "_s8_mve_row(" in write_model(graph, plan).files[f"eb_{graph.name}_model.c"]
        is_whole = weights.shape[3] == data.shape[3]
        suits = data.dtype is DType.I8 and is_whole
        if operator is DepthwiseConv2D:
            suits = suits and data.shape[3] >= 8
        assert suits or not has_kernel, graph.name
        taken += has_kernel
    assert taken >= 10
