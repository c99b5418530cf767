"""Thresholds of counters of bits, tried for every sum and count."""

import numpy as np
import pytest

from edgebottle.ir.levels import Levels
from edgebottle.ops.conv_2d_slices import Thresholds, pack_slices


@pytest.mark.parametrize("levels", [Levels(1, -1, 2), Levels(1, 0, 1), Levels(1, -3, 3)])
def test_counters_reach_thresholds_where_sums_do(levels: Levels) -> None:
    taps = 21
    sums = levels.lowest * np.arange(taps + 1)[:, None] + levels.step * np.arange(taps + 1)
    least = np.arange(sums.min() - 1, sums.max() + 2)
    found = Thresholds.find(levels, taps, least)
    assert found is not None
    outputs, slices = len(least), found.words.shape[2]
    words = np.repeat(found.words.view(np.uint32).astype(np.int64), 32, axis=0)[:outputs]
    bits = ~words >> (np.arange(outputs) % 32)[:, None, None] & 1
    thresholds = (bits << np.arange(slices)).sum(axis=2)
    for total in range(taps + 1):
        steps, rest = divmod(-levels.lowest * total, levels.step)
        for count in range(total + 1):
            counter = count + found.start - steps
            assert 0 <= counter < 1 << slices
            reached = counter >= thresholds[:, rest // found.unit]
            assert (reached == (sums[total, count] >= least)).all()


def test_counters_of_too_many_bits_and_sets_are_refused() -> None:
    assert Thresholds.find(Levels(1, -64, 127), 9, np.zeros(1, np.int64)) is None
    assert Thresholds.find(Levels(1, -1, 2), 1400, np.zeros(1, np.int64)) is None
    assert Thresholds.find(Levels(1, 0, 1), 1400, np.zeros(1, np.int64)) is not None


def test_a_word_holds_a_tap_of_32_channels() -> None:
    codes = np.zeros((33, 17), np.uint8)
    codes[0, 1] = codes[31, 1] = codes[32, 16] = 1
    words = pack_slices(codes).view(np.uint32)
    assert words.shape == (2, 32)
    assert words[0, 1] == 0x80000001 and words[1, 16] == 1 and words.sum() == 0x80000002
