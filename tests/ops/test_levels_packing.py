"""Codes of few bits read back by their places, and refused where sums are ambiguous."""

import numpy as np
import pytest

from edgebottle.ir.levels import Levels
from edgebottle.ops.conv_2d_counts import pack_bits
from edgebottle.ops.fields_packing import FOUR_2, FOUR_4, SIX_2
from edgebottle.ops.levels_packing import has_whole_steps, pack_codes, run_words


def lanes_of(words: np.ndarray, bits: int) -> np.ndarray:
    """The codes as the tiles read them, (channels, taps): those with a sign signed."""
    found = []
    unsigned = words.astype(np.int64) & 0xFFFFFFFF
    sizes = 4 * len(words), words.shape[1] * 8 // bits
    for channel, tap in np.ndindex(sizes):
        four, top, half = tap // 4, tap % 4 // 2, tap % 2
        if bits == 4:
            word, place = unsigned[channel // 4, 2 * four + half], 4 * (channel % 4)
            is_signed = channel % 4 == 3
        else:
            step = 2 * four + half
            word = unsigned[channel // 4, step * bits // 4]
            place = (4 * (step % (4 // bits)) + 2 * (channel % 4 // 2)) * bits
            place += (channel % 2) * (16 - bits)
            is_signed = channel % 2 == 1
        code = ((word | word << 32) >> (place + 16 * top) % 32) & ((1 << bits) - 1)
        found.append(code - (1 << bits if is_signed and code >> (bits - 1) else 0))
    return np.array(found).reshape(sizes)


@pytest.mark.parametrize(
    ("bits", "outputs", "taps"), [(4, 5, 10), (2, 4, 9), (1, 9, 12), (1, 4, 8)]
)
def test_lanes_hold_the_codes_of_four_channels(bits, outputs, taps):
    codes = np.random.default_rng(taps).integers(0, 1 << bits, (outputs, taps), np.uint8)
    words = pack_codes(codes, bits)
    assert words is not None
    unit = 8 if bits == 1 else 4
    assert words.nbytes == 4 * -(-outputs // 4) * unit * -(-taps // unit) * bits // 8
    found = lanes_of(words, bits)[:outputs, :taps]
    signed = np.arange(outputs) % 4 == 3 if bits == 4 else np.arange(outputs) % 2 == 1
    expected = codes.astype(int) - signed[:, None] * (1 << (bits - 1))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("bits", "taps", "code", "run"),
    [(2, 100, 3, 5), (2, 100, 2, 8), (2, 28, 2, 7), (2, 3, 3, 1), (1, 300, 1, 4), (1, 9, 1, 2)],
)
def test_runs_are_as_long_as_lower_sums_stay_within_their_bits(bits, taps, code, run):
    """Of 2 bits, 64 times the value -128 has 14 bits."""
    assert run_words(np.full((4, taps), code, np.uint8), bits) == run


def test_sums_that_leave_their_bits_are_refused():
    """The fourth sum of 4 bits has 20 bits: 512 codes of -8, times values of -128, leave them."""
    codes = np.zeros((4, 512), np.uint8)
    assert pack_codes(codes, 4) is None
    codes[3, 0] = 9
    assert pack_codes(codes, 4) is not None


@pytest.mark.parametrize(
    ("levels", "taps", "is_whole"),
    [
        (Levels(4, -126, 18), 100, True),
        (Levels(4, -8, 1), 100, True),
        (Levels(4, -8, 1), 512, False),  # as above, of the fourth channel
        (Levels(4, -120, 1), 30, True),
        (Levels(4, -120, 1), 40, False),
        (Levels(4, -15, 2), 100, False),
        (Levels(2, -96, 32), 100, False),
    ],
)
def test_sums_begin_with_whole_steps_where_they_stay_in_their_bits(levels, taps, is_whole):
    assert has_whole_steps(levels, np.full((4, taps), levels.lowest, np.int8)) == is_whole


@pytest.mark.parametrize("fields", [SIX_2, FOUR_2, FOUR_4], ids=["six_2", "four_2", "four_4"])
def test_rotated_words_hold_taps_of_their_channels(fields):
    """All bits of a word of weights are codes, and none is in the place of another."""
    bits = 4 if fields is FOUR_4 else 2
    codes = np.random.default_rng(bits).integers(0, 1 << bits, (5, 23), np.uint8)
    words = fields.pack(codes).astype(np.int64) & 0xFFFFFFFF
    for channel in range(len(codes)):
        tile, place = channel // fields.channels, channel % fields.channels * fields.apart
        doubled = words[tile] | words[tile] << 32
        taps = [doubled >> (one + place) % 32 & ((1 << bits) - 1) for one in fields.places]
        assert np.stack(taps, axis=1).ravel()[:23].tolist() == codes[channel].tolist()


def test_bits_lie_from_the_lowest_one_on():
    assert pack_bits(np.array([[1, 0, 1] + [0] * 29 + [1]], np.uint8)).tolist() == [[5, 1]]
