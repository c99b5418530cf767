"""Weights of few bits in the order and form that ``eb_tile_levels.h`` reads.

The codes of four channels lie in a 16-bit lane, those of two taps in the two lanes of a word: of 4
bits a word of them for taps 0 and 2, then one for 1 and 3; of 2 bits a word holds four taps, a byte
each; of 1 bit eight of them. ``pack_codes`` proves that no sum is ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgebottle.ir.graph import Array, Int, Tensor
from edgebottle.ops.base import CValue
from edgebottle.ops.packing import CHANNELS, SPLIT, TAPS, Packed, pack_requant, pad_to

SIGNED = 8
"""Of 4 bits, the code of a fourth channel that is stored as 0: its lane has a sign."""

NIBBLES = (0, 1, 4, 5, 2, 3, 6, 7)
"""Of 1 bit, the taps whose codes the nibbles of a word hold."""


def pack_codes(codes: Array, bits: int) -> Array | None:
    """Packs codes four channels to a lane.

    Args:
        codes: uint8, (outputs, taps).
        bits: 1, 2 or 4.

    Returns:
        int32, (fours of channels, words); None where the sums of a lane cannot be told apart.
    """
    outputs, taps = codes.shape
    unit = 2 * TAPS if bits == 1 else TAPS
    signed = codes.astype(np.int64)
    signed[CHANNELS - 1 :: CHANNELS] -= SIGNED if bits == 4 else 0
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, unit)), np.int64)
    padded[:outputs, :taps] = signed
    quads = padded.reshape(-1, CHANNELS, padded.shape[1])
    places = bits * np.arange(CHANNELS)
    if np.any(128 * np.abs(quads).sum(axis=2) >= 1 << (31 - places)):
        return None
    lanes = (quads << places[:, None]).sum(axis=1)
    return np.ascontiguousarray(_words(lanes, bits)).view(np.int32)


def _words(lanes: Int, bits: int) -> Array:
    """Lanes of taps one behind the other, (fours of channels, taps), as words in memory."""
    if bits == 4:
        fours = lanes.reshape(len(lanes), -1, TAPS)[..., SPLIT]
        return (fours & 0xFFFF).astype("<u2").reshape(len(lanes), -1)
    if bits == 2:
        return lanes.astype("<u1")
    eights = lanes.reshape(len(lanes), -1, 2 * TAPS)[..., NIBBLES].reshape(len(lanes), -1)
    return (eights[:, 0::2] | eights[:, 1::2] << 4).astype("<u1")


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
    (4, 2, False): "eb_tile_levels_4_4x2",
    (4, 2, True): "eb_tile_levels_4_4x2_once",
    (4, 1, False): "eb_tile_levels_4_4x1",
    (4, 1, True): "eb_tile_levels_4_4x1_once",
    (2, 2, False): "eb_tile_levels_2_4x2",
    (2, 2, True): "eb_tile_levels_2_4x2_once",
    (2, 1, False): "eb_tile_levels_2_4x1",
    (2, 1, True): "eb_tile_levels_2_4x1_once",
    (1, 2, False): "eb_tile_levels_1_4x2",
    (1, 2, True): "eb_tile_levels_1_4x2_once",
    (1, 1, False): "eb_tile_levels_1_4x1",
    (1, 1, True): "eb_tile_levels_1_4x1_once",
}
"""By bits, pixels, and whether sums are rounded once."""


def level_fields(weights: Tensor, prefix: str = "", *, once: bool = False) -> dict[str, CValue]:
    """The fields of ``eb_levels``."""
    levels = weights.levels
    assert levels is not None
    fields: dict[str, CValue] = {
        "pair": TILES[levels.bits, 2, once],
        "single": TILES[levels.bits, 1, once],
        "bits": levels.bits,
        "lowest": levels.lowest,
        "step": levels.step,
    }
    return {prefix + name: value for name, value in fields.items()}
