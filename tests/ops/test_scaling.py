"""Requantization in 32 bits equals LiteRT's for every sum; what the portable kernels read packs."""

import numpy as np
import pytest

from edgebottle.ops.base import Isa
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.kernel import Layer
from edgebottle.ops.packing import Output, sum_range
from edgebottle.ops.scaling import (
    STRIP_TAPS,
    TRIPLE_LIMIT,
    Scaling,
    find_scaling,
    pack_fours,
    pack_scaling,
    pack_strip,
    scale_once,
    scale_twice,
    triple_segment,
    unpack_scaling,
    unpack_strip,
)

CHANNELS = 12
OUTPUTS = [Output(-128, -128, 127), Output(4, -128, 127), Output(127, -5, 127), Output(-7, -7, 90)]


def layer(taps: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Weights, biases and scales of channels, some of them without weights."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-127, 128, (CHANNELS, taps)).astype(np.int8)
    matrix[CHANNELS - 2 :] = 0
    scales = [float(scale) for scale in 2.0 ** rng.uniform(-11, -5, CHANNELS)]
    return matrix, rng.integers(-20000, 20000, CHANNELS), scales


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("taps", [1, 9, 64, 576])
@pytest.mark.parametrize("rounded", [scale_twice, scale_once], ids=lambda rounded: rounded.__name__)
def test_every_output_is_exact(rounded, taps, output):
    matrix, bias, scales = layer(taps, taps)
    least, most = sum_range(matrix, bias)
    exact = rounded(scales, output)
    scaling = find_scaling(least, most, bias, scales, exact, output)
    assert scaling is not None
    read = unpack_scaling(pack_scaling(scaling))
    for channel in range(CHANNELS):
        low, high = int(least[channel]), int(most[channel])
        # every sum near the steps, the ends, and a sample of what lies between
        steps = np.rint((np.arange(-257, 258) - 0.5) / scales[channel]).astype(np.int64)
        sums = np.concatenate([(steps[:, None] + np.arange(-3, 4)).ravel(), [low, high]])
        sums = np.concatenate([sums, np.linspace(low, high, 3000).astype(np.int64)])
        sums = np.tile(np.clip(sums, low, high)[:, None], CHANNELS)
        found = read.outputs(sums - bias)[:, channel]
        assert np.array_equal(found, exact(sums)[:, channel]), channel


def test_every_sum_of_a_small_layer_is_exact():
    matrix, bias, scales = layer(2, 5)
    least, most = sum_range(matrix, bias)
    output = OUTPUTS[1]
    exact = scale_twice(scales, output)
    scaling = find_scaling(least, most, bias, scales, exact, output)
    for channel in range(CHANNELS):
        sums = np.arange(least[channel], most[channel] + 1)[:, None].repeat(CHANNELS, axis=1)
        found = scaling.outputs(sums - bias)[:, channel]
        assert np.array_equal(found, exact(sums)[:, channel]), channel


def test_channels_that_saturate_with_large_biases_are_constant():
    matrix = np.full((2, 3), 5, np.int8)
    bias = np.array([2**31 - 3000, -(2**31) + 3000])
    least, most = sum_range(matrix, bias)
    output = Output(3, -128, 127)
    exact = scale_twice([0.01, 0.01], output)
    scaling = find_scaling(least, most, bias, [0.01, 0.01], exact, output)
    assert scaling is not None
    assert scaling.outputs(np.array([[-1920, 1905], [0, 0]])).tolist() == [[127, -128]] * 2


@pytest.mark.parametrize(
    ("bias", "scale"),
    [(0, 3.3), (0, -0.01), (2**31, 0.01), (-(2**31), 0.01)],
    ids=["scale", "negative", "high", "low"],
)
def test_layers_without_such_a_scaling(bias, scale):
    matrix = np.full((1, 3), 100, np.int8)
    folded = np.array([bias])
    exact = scale_twice([scale], OUTPUTS[1])
    found = find_scaling(*sum_range(matrix, folded), folded, [scale], exact, OUTPUTS[1])
    assert found is None


@pytest.mark.parametrize("has_pivot", [False, True])
def test_records_read_back(has_pivot):
    rng = np.random.default_rng(3)
    limits = {"high": (0, 2**16), "low": (0, 2**16), "places": (1, 24), "low_places": (1, 17)}
    limits |= {"least": (-(2**23), 0), "most": (0, 2**23), "added": (-(2**31), 2**31)}
    limits |= dict.fromkeys(("pivot", "jump"), (-(2**31), 2**31 if has_pivot else -(2**31) + 1))
    values = {name: rng.integers(*limit, 50) for name, limit in limits.items()}
    if not has_pivot:
        values |= dict.fromkeys(("pivot", "jump"), np.zeros(50, np.int64))
    records = pack_scaling(Scaling(**values))
    assert records.shape == (50, 6 if has_pivot else 4)
    read = unpack_scaling(records)
    for name, value in values.items():
        assert np.array_equal(getattr(read, name), value), name


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 3), (5, 5), (3, 1), (10, 4)])
def test_strips_unpack_to_the_weights(height, width):
    weights = np.random.default_rng(1).integers(-128, 128, (height, width, 6)).astype(np.int8)
    packed = pack_strip(weights)
    assert packed.shape[1] % STRIP_TAPS == 0
    assert not packed[:, height * width :].any()
    assert np.array_equal(unpack_strip(packed, height, width), weights)


@pytest.mark.parametrize("channels", [1, 4, 6])
def test_rows_of_zeros_follow_the_weights(channels):
    matrix = np.full((channels, 5), 7, np.int8)
    packed = pack_fours(matrix)
    assert len(packed) % 4 == 0
    assert np.array_equal(packed[:channels], matrix)
    assert not packed[channels:].any()


def split(words: np.ndarray) -> list[int]:
    """The three sums of two words, as ``eb_triple_add`` finds them."""
    first, second = (int(word) & 0xFFFFFFFF for word in words)
    sum0 = ((first << 11 & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31) >> 11
    bottom = ((first - sum0 & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31) >> 21
    rest = second - (bottom << 10) & 0xFFFFFFFF
    sum2 = ((rest << 11 & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31) >> 11
    top = ((rest - sum2 & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31) >> 10
    return [sum0, bottom + top, sum2]


def test_two_words_hold_three_sums_up_to_the_limit():
    ends = [-TRIPLE_LIMIT, -TRIPLE_LIMIT + 1, -1025, -1, 0, 1, 1024, TRIPLE_LIMIT - 1]
    for sums in np.stack(np.meshgrid(ends, ends, ends), -1).reshape(-1, 3):
        words = np.array([sums[0] + (sums[1] << 21), sums[2] + (sums[1] << 10)])
        assert split(words) == sums.tolist()


@pytest.mark.parametrize("taps", [1, 64, 65, 576, 1000])
@pytest.mark.parametrize("weight", [1, 30, 127, -128])
def test_segments_keep_sums_within_the_limit(taps, weight):
    matrix = np.ones((3, taps), np.int8)
    matrix[1] = weight
    segment = triple_segment(matrix)
    assert 1 <= segment <= taps
    assert segment * abs(weight) * 128 < TRIPLE_LIMIT
    fewest = -(-taps * abs(weight) * 128 // (TRIPLE_LIMIT - 1))
    assert -(-taps // segment) <= fewest + 1


@pytest.mark.parametrize(
    "operator",
    [Conv2D, DepthwiseConv2D, FullyConnected],
    ids=lambda operator: operator.OP,
)
def test_the_cases_try_fast_and_plain_kernels(operator):
    chosen, pivots, without = [], [], 0
    for graph in operator.cases():
        node = graph.nodes[0]
        layer = Layer(node, graph.ins(node), graph.outs(node))
        kernel, scaling = node.chosen(layer, Isa.SCALAR)
        chosen.append(Isa.PORTABLE not in kernel.ISAS)
        pivots += [scaling.has_pivot] if isinstance(scaling, Scaling) else []
        without += chosen[-1] and not isinstance(scaling, Scaling)
    assert sum(chosen) >= len(chosen) / 2
    assert not all(chosen)
    assert len(set(pivots)) == (1 if operator is FullyConnected else 2)
    assert (without > 0) == (operator is not DepthwiseConv2D)  # rounded as LiteRT does
