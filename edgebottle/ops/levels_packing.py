"""Weights of few bits in the order and form that ``eb_tile_levels.h`` reads.

Of 4 bits, the codes of four channels lie in a 16-bit lane, those of two taps in the two lanes of a
word: one for taps 0 and 2, then one for 1 and 3. ``pack_codes`` proves that no sum is ambiguous.

Of 2 and 1 bits, the lanes of two channels are what is left of a word that is rotated and masked: it
holds four or eight taps of four channels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgebottle.ir.graph import Array, Int, Tensor
from edgebottle.ir.levels import Levels
from edgebottle.ops.base import CValue
from edgebottle.ops.packing import CHANNELS, SPLIT, TAPS, Packed, pack_requant, pad_to

SIGNED = 8
"""Of 4 bits, the code of a fourth channel that is stored as 0: its lane has a sign."""

TURNS = {2: 8, 1: 4}
"""By bits, the most words between two additions to the totals: what the tiles unroll."""


def pack_codes(codes: Array, bits: int) -> Array | None:
    """Packs codes of four channels.

    Args:
        codes: uint8, (outputs, taps).
        bits: 1, 2 or 4.

    Returns:
        int32, (fours of channels, words); None where the sums of a lane cannot be told apart.
    """
    return _pack_fours(codes) if bits == 4 else _pack_pairs(codes, bits)


def _pack_fours(codes: Array) -> Array | None:
    outputs, taps = codes.shape
    signed = codes.astype(np.int64)
    signed[CHANNELS - 1 :: CHANNELS] -= SIGNED
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, TAPS)), np.int64)
    padded[:outputs, :taps] = signed
    quads = padded.reshape(-1, CHANNELS, padded.shape[1])
    places = 4 * np.arange(CHANNELS)
    if np.any(128 * np.abs(quads).sum(axis=2) >= 1 << (31 - places)):
        return None
    lanes = (quads << places[:, None]).sum(axis=1)
    fours = lanes.reshape(len(lanes), -1, TAPS)[..., SPLIT]
    words = (fours & 0xFFFF).astype("<u2").reshape(len(lanes), -1)
    return np.ascontiguousarray(words).view(np.int32)


def _pack_pairs(codes: Array, bits: int) -> Array:
    """Two channels to a lane, the second one in its highest bits, where codes have a sign."""
    outputs, taps = codes.shape
    sign = 1 << (bits - 1)
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, _word_taps(bits))), np.int64)
    padded[:outputs, :taps] = codes
    padded[1::2, :taps] ^= sign
    # (fours of channels, lanes of a four, channels of a lane, words, taps of a word)
    apart = padded.reshape(-1, 2, 2, padded.shape[1] // _word_taps(bits), _word_taps(bits))
    words = np.zeros((len(apart), apart.shape[3]), np.int64)
    for lane, channel, tap in np.ndindex(2, 2, _word_taps(bits)):
        four, half, top = tap // TAPS, tap % 2, tap % TAPS // 2
        turned = 2 * bits * (2 * (2 * four + half) + lane)
        place = (turned + (16 - bits) * channel + 16 * top) % 32
        words |= apart[:, lane, channel, :, tap] << place
    return words.astype("<u4").view(np.int32)


def _word_taps(bits: int) -> int:
    """Taps of four channels that a word holds."""
    return 32 // (CHANNELS * bits)


def run_words(codes: Array, bits: int) -> int:
    """The most words whose lower sums of lanes stay within their bits.

    Args:
        codes: uint8, (outputs, taps).
        bits: 1 or 2.

    Returns:
        At most ``TURNS``: runs of so many words, the first one shorter.
    """
    taps = _word_taps(bits)
    words = pad_to(codes.shape[1], taps) // taps
    padded = np.zeros((len(codes), words * taps), np.int64)
    padded[:, : codes.shape[1]] = codes
    sums = padded.reshape(len(codes), words, taps).sum(axis=2)
    before = np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))
    for run in range(min(TURNS[bits], words), 1, -1):
        ends = np.arange(words, 0, -run)
        largest = (before[:, ends] - before[:, np.maximum(ends - run, 0)]).max()
        if 128 * largest <= 1 << (15 - bits):
            return run
    return 1


def unit_taps(weights: Tensor) -> int:
    """The taps that tiles read are a multiple of this."""
    return 2 * TAPS if weights.levels is not None and weights.levels.bits == 1 else TAPS


def pack_levels(
    weights: Tensor,
    matrix: Array,
    bias: Array,
    scaling: tuple[Callable[[Int, int], Int], list[Array | None], list[int]],
) -> Packed | None:
    """Packs a layer of few bits, if the tiles compute it exactly.

    Args:
        weights: With levels.
        matrix: Its values, (outputs, taps).
        bias: With the input's zero point folded in, not wrapped.
        scaling: As for ``packing.pack``.
    """
    levels = weights.levels
    assert levels is not None
    words = pack_codes(levels.codes(matrix), levels.bits)
    requant = None if words is None else pack_requant(matrix, bias, *scaling)
    return None if words is None or requant is None else Packed(words, requant)


TILES = {
    (4, 2): "eb_tile_levels_4_4x2",
    (2, 2): "eb_tile_levels_2_4x2",
    (1, 2): "eb_tile_levels_1_4x2",
    (4, 1): "eb_tile_levels_4_4x1",
    (2, 1): "eb_tile_levels_2_4x1",
    (1, 1): "eb_tile_levels_1_4x1",
}
"""By bits and pixels."""

TILES_OF_BITS: dict[int, dict[int, tuple[str, str]]] = {
    4: {
        4: ("eb_tile_levels_4_4x2_to_4", "eb_tile_levels_4_4x1_to_4"),
        2: ("eb_tile_levels_2_4x2_to_4", "eb_tile_levels_2_4x1_to_4"),
        1: ("eb_tile_levels_1_4x2_to_4", "eb_tile_levels_1_4x1_to_4"),
    },
    3: {
        4: ("eb_tile_levels_4_4x2_to_3", "eb_tile_levels_4_4x1_to_3"),
        2: ("eb_tile_levels_2_4x2_to_3", "eb_tile_levels_2_4x1_to_3"),
        1: ("eb_tile_levels_1_4x2_to_3", "eb_tile_levels_1_4x1_to_3"),
    },
    2: {
        4: ("eb_tile_levels_4_4x2_to_2", "eb_tile_levels_4_4x1_to_2"),
        2: ("eb_tile_levels_2_4x2_to_2", "eb_tile_levels_2_4x1_to_2"),
        1: ("eb_tile_levels_1_4x2_to_2", "eb_tile_levels_1_4x1_to_2"),
    },
    1: {
        4: ("eb_tile_levels_4_4x2_to_1", "eb_tile_levels_4_4x1_to_1"),
        2: ("eb_tile_levels_2_4x2_to_1", "eb_tile_levels_2_4x1_to_1"),
        1: ("eb_tile_levels_1_4x2_to_1", "eb_tile_levels_1_4x1_to_1"),
    },
}
"""By the bits that outputs saturate to, and by bits: of two pixels, and of one."""

WHOLE_TILE = "eb_tile_levels_4_4x2_whole"
"""Of 4 bits and two pixels, where ``has_whole_steps``."""

WHOLE_TILES_OF_BITS = {
    4: "eb_tile_levels_4_4x2_whole_to_4",
    3: "eb_tile_levels_4_4x2_whole_to_3",
    2: "eb_tile_levels_4_4x2_whole_to_2",
    1: "eb_tile_levels_4_4x2_whole_to_1",
}
"""The same by the bits that outputs saturate to."""

TILES_ONCE = {
    4: "eb_tile_levels_4_4x1_once",
    2: "eb_tile_levels_2_4x1_once",
    1: "eb_tile_levels_1_4x1_once",
}
"""By bits: of a pixel whose sums are rounded once."""


WHOLE_TILE_ONCE = "eb_tile_levels_4_4x1_once_whole"
"""Of 4 bits, where ``has_whole_steps``."""


def has_whole_steps(levels: Levels, matrix: Array) -> bool:
    """Whether weights of 4 bits are whole numbers of steps, whose sums can be told apart.

    Args:
        levels: Of the weights.
        matrix: The weights, (outputs, taps).
    """
    if levels.bits != 4 or levels.lowest % levels.step != 0:
        return False
    sums = np.abs(matrix.astype(np.int64) // levels.step).sum(axis=1)
    places = 4 * (np.arange(len(sums)) % CHANNELS)
    return bool(np.all(128 * sums < 1 << (31 - places)))


def level_fields(
    weights: Tensor,
    matrix: Array,
    prefix: str = "",
    *,
    once: bool = False,
    output_bits: int = 8,
) -> dict[str, CValue]:
    """The fields of ``eb_levels``.

    Args:
        weights: With levels.
        matrix: Its values, (outputs, taps).
        prefix: Of the names of the fields.
        once: Sums are rounded once.
        output_bits: Outputs saturate to them; of less than 8 they are stored with few.
    """
    levels = weights.levels
    assert levels is not None
    bits = levels.bits
    is_whole = has_whole_steps(levels, matrix)
    if output_bits < 8:
        pair, single = TILES_OF_BITS[output_bits][bits]
        whole = WHOLE_TILES_OF_BITS[output_bits]
    else:
        pair, single, whole = TILES[bits, 2], TILES[bits, 1], WHOLE_TILE
    fields: dict[str, CValue] = {
        "pair": "NULL" if once else whole if is_whole else pair,
        "single": WHOLE_TILE_ONCE if once and is_whole else TILES_ONCE[bits] if once else single,
        "bits": bits,
        "lowest": levels.lowest,
        "step": levels.step,
        "run": run_words(levels.codes(matrix), bits) if bits < 4 else 0,
        "is_whole": int(is_whole),
    }
    return {prefix + name: value for name, value in fields.items()}
