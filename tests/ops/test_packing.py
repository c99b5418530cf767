"""Packed weights read back, and the fast requantization is the exact one wherever it is chosen."""

import numpy as np
import pytest

from edgebottle.ops.fixed_point import quantize_multipliers
from edgebottle.ops.packing import (
    SUM_LIMIT,
    Output,
    pack,
    pack_lanes,
    rounded_once,
    rounded_twice,
    scale_fast,
    sum_range,
    unpack_lanes,
)

OUTPUTS = [Output(0, -128, 127), Output(-128, -128, 127), Output(127, -5, 127), Output(-7, -7, 90)]


@pytest.mark.parametrize(
    ("outputs", "taps"), [(1, 1), (2, 4), (3, 5), (4, 8), (5, 27), (17, 40), (64, 64), (12, 576)]
)
def test_lanes_unpack_to_the_weights(outputs, taps):
    weights = np.random.default_rng(taps).integers(-127, 128, (outputs, taps)).astype(np.int8)
    words = pack_lanes(weights)
    assert words is not None
    assert words.shape == (-(-outputs // 4), -(-taps // 4) * 2, 2)
    assert words.nbytes == -(-outputs // 4) * 4 * -(-taps // 4) * 4
    assert np.array_equal(unpack_lanes(words, outputs, taps), weights)


def test_a_word_holds_two_channels_of_taps_0_and_2():
    weights = np.array([[1, 2, 3, 4], [-5, 6, 7, 8], [0, 0, 0, 0], [-1, 0, 0, 0]], np.int8)
    words = pack_lanes(weights)[0].astype(np.int64) & 0xFFFFFFFF
    low, high = 256 * 1 - 5, 256 * 3 + 7
    assert words[0].tolist() == [high << 16 | low, 0xFFFF]
    assert words[1].tolist() == [(256 * 4 + 8) << 16 | 256 * 2 + 6, 0]


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param([[-128] * 4, [-1] * 4], id="a lane below int16"),
        pytest.param([[127] * 600, [127] * 600], id="a sum beyond int32"),
    ],
)
def test_weights_that_might_overflow_are_not_packed(weights):
    assert pack_lanes(np.array(weights, np.int8)) is None


def test_lowest_weights_are_packed_where_the_lane_holds_them():
    weights = np.array([[-128, 5], [3, -128]], np.int8)
    assert np.array_equal(unpack_lanes(pack_lanes(weights), 2, 2), weights)


def test_the_range_of_sums_is_reached():
    weights = np.array([[1, -2, 3], [0, 0, 0], [-128, 127, -1]], np.int8)
    least, most = sum_range(weights, np.array([10, -7, 0]))
    corners = np.stack(np.meshgrid(*[[-128, 127]] * 3), -1).reshape(-1, 3)
    sums = corners @ weights.astype(np.int64).T + [10, -7, 0]
    assert np.array_equal(least, sums.min(axis=0))
    assert np.array_equal(most, sums.max(axis=0))


def sums(scale: float, output: Output, rng: np.random.Generator) -> np.ndarray:
    """Sums around every step of the output, around 0, random ones, and the ends."""
    steps = (np.arange(-257, 258) - 0.5) / scale
    near = np.rint(steps)[:, None] + np.arange(-3, 4)
    ends = [SUM_LIMIT - 1, 1 - SUM_LIMIT]
    values = [
        near.ravel(),
        np.arange(-600, 600),
        rng.integers(-SUM_LIMIT + 1, SUM_LIMIT, 500),
        ends,
    ]
    total = np.concatenate(values)
    return total[np.abs(total) < SUM_LIMIT].astype(np.int64)


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("rounding", ["twice", "once"])
def test_fast_scaling_is_exact(rounding, output):
    rng = np.random.default_rng(1)
    scales = [*2.0 ** rng.uniform(-20, -1, 60), *2.0 ** np.arange(-20.0, -1), 1 / 98, 1 / 64, 0.3]
    if rounding == "twice":
        exact, rows, _ = rounded_twice(*quantize_multipliers(scales), output)
        assert all(row is not None for row in rows)
    else:
        exact, rows, _ = rounded_once(np.array(scales), output)
        assert sum(row is not None for row in rows) > 60
    for channel, (scale, row) in enumerate(zip(scales, rows, strict=True)):
        if row is not None:
            total = sums(scale, output, rng)
            found = scale_fast(total, row.astype(np.int64), output, once=rounding == "once")
            assert np.array_equal(found, exact(total, channel)), scale


@pytest.mark.parametrize("scale", [0.6, 1.0, 3.3, 2.0**-30])
def test_scales_without_a_fast_form(scale):
    _, rows, _ = rounded_twice(*quantize_multipliers([scale]), OUTPUTS[0])
    assert rows == [None]


@pytest.mark.parametrize(
    ("bias", "weight", "is_packed"),
    [(2**31 - 5, 0, True), (-(2**31), 0, True), (2**30, 1, True), (2**31 - 5, 1, False)],
)
def test_channels_with_large_biases_are_packed_if_they_are_constant(bias, weight, is_packed):
    matrix = np.full((1, 3), weight, np.int8)
    functions = rounded_twice(*quantize_multipliers([0.01]), OUTPUTS[3])
    packed = pack(matrix, np.array([bias]), *functions)
    assert (packed is not None) == is_packed
    if packed is not None:
        wanted = 90 if bias > 0 else -7
        row = packed.requant[0].astype(np.int64)
        assert row[1] == 0
        for total in (-700, 0, 5):
            assert scale_fast(np.array([total]), row, OUTPUTS[3]) == wanted


def test_ends_alike_prove_nothing_where_a_shift_wraps():
    """Both ends saturate alike, and sums between them at the other side."""
    matrix = np.array([[-5, 17, 3, -12]], np.int8)
    exact, rows, limits = rounded_twice(*quantize_multipliers([2.0**23.2]), OUTPUTS[0])
    least, most = sum_range(matrix, np.array([-71]))
    between = exact(np.arange(int(least[0]), int(most[0]) + 1), 0)
    assert between[0] == between[-1] and between.min() < between.max()
    assert pack(matrix, np.array([-71]), exact, rows, limits) is None
