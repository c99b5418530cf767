"""The records of the packed 3x3 depthwise kernel, against their inverse and LiteRT's rounding."""

import numpy as np
import pytest

from edgebottle.ops.depthwise_packing import pack_3x3, pack_window, unpack_3x3, unpack_window
from edgebottle.ops.depthwise_scaling import find_packing
from edgebottle.ops.depthwise_sums import Sums
from tests.waiting import calls_of


def sums(channels: int, places: tuple[int, int], zero_point: int = -128, seed: int = 1) -> Sums:
    """Channels whose shifts lie within ``places``."""
    random = np.random.default_rng(seed)
    return Sums(
        weights=random.integers(-128, 128, (9, channels)).astype(np.int8),
        bias=random.integers(-20000, 20000, channels),
        multiplier=random.integers(1 << 30, 1 << 31, channels).astype(np.int32),
        shift=-np.resize(np.linspace(*places, 6).round(), channels).astype(np.int8),
        zero_point=zero_point,
    )


@pytest.mark.parametrize(
    ("channels", "places", "zero_point", "shift", "is_by_sign"),
    [
        (6, (3, 9), -128, 10, False),
        (6, (1, 7), -128, 8, False),
        (6, (5, 11), -128, 10, False),
        (24, (9, 15), -128, 12, False),
        (6, (9, 9), -128, 10, False),
        (24, (12, 18), -128, 10, False),
        (6, (3, 9), 3, 10, True),
        (6, (2, 7), -60, 8, True),
        (6, (5, 11), 127, 12, True),
        (24, (9, 11), 0, 12, True),
    ],
)
def test_every_sum_gives_the_output_of_litert(channels, places, zero_point, shift, is_by_sign):
    wanted = sums(channels, places, zero_point)
    packing = find_packing(wanted)
    assert packing is not None
    assert (packing.shift, packing.scaling.is_by_sign) == (shift, is_by_sign)
    low, high = wanted.reach()
    for channel in range(channels):
        acc = np.arange(low[channel], high[channel] + 1)[:, None]
        one = Sums(
            wanted.weights[:, [channel]],
            wanted.bias[[channel]],
            wanted.multiplier[[channel]],
            wanted.shift[[channel]],
            wanted.zero_point,
        )
        scaling = packing.scaling.take(np.array([channel]))
        np.testing.assert_array_equal(
            scaling.outputs(acc, one.bias, packing.shift), one.outputs(acc)
        )


@pytest.mark.parametrize("places", [(-1, 0), (2, 30)])
def test_scales_too_far_apart_are_refused(places):
    assert find_packing(sums(64, places)) is None


def test_few_outputs_of_small_sums_are_exact():
    """Weights of 2 bits and 16 outputs: no second rounding where nothing is shifted."""
    random = np.random.default_rng(4)
    wanted = Sums(
        weights=(2 * random.integers(0, 4, (9, 12)) - 3).astype(np.int8),
        bias=random.integers(-300, 300, 12),
        multiplier=random.integers(1 << 30, 1 << 31, 12).astype(np.int32),
        shift=-np.resize([0, 1, 2], 12).astype(np.int8),
        zero_point=0,
        low=0,
        high=15,
    )
    packing = find_packing(wanted)
    assert packing is not None
    low, high = wanted.reach()
    acc = np.arange(low.min(), high.max() + 1)[:, None]
    found = packing.scaling.outputs(acc, wanted.bias, packing.shift)
    np.testing.assert_array_equal(np.clip(found, 0, 15), wanted.outputs(acc))


@pytest.mark.parametrize("zero_point", [-128, 3])
def test_unpacking_inverts_packing(zero_point):
    wanted = sums(9, (3, 9), zero_point)
    packing = find_packing(wanted)
    assert packing is not None
    packed = pack_3x3(wanted, packing.scaling)
    assert packed.dtype == np.int32
    weights, scaling = unpack_3x3(packed)
    np.testing.assert_array_equal(weights >> packing.scaling.gain, wanted.weights)
    for name in ("bias", "multiplier", "offset"):
        np.testing.assert_array_equal(getattr(scaling, name), getattr(packing.scaling, name))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 3), (2, 5), (7, 4)])
def test_unpacking_a_window_inverts_packing(height, width):
    weights = np.random.default_rng(2).integers(-128, 128, (height, width, 6)).astype(np.int8)
    packed = pack_window(weights)
    assert packed.shape == (6, -(-height // 2), -(-width // 2), 2, 2)
    np.testing.assert_array_equal(unpack_window(packed, height, width), weights)


def test_a_scale_that_cannot_be_is_refused_at_once() -> None:
    """A network of 1,000 layers may have hundreds of such layers."""
    find_packing.cache_clear()
    found, calls = calls_of(lambda: find_packing(sums(8, (3, 30), zero_point=3)))
    assert found is None
    assert calls < 4000
