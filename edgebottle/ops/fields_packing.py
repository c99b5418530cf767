"""Weights of few bits whose products are fields of 64 bits: what ``eb_fields.h`` reads.

A word of weights holds some taps of two or three channels. Rotated by one of ``places`` and masked,
it has a tap of the first channel in its lowest bits, and of the others ``apart`` bits above each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.ops.packing import pad_to

PIXELS = 4
"""Of a tile."""


@dataclass(frozen=True, eq=False)
class Fields:
    """How products are laid out.

    Attributes:
        channels: Of a tile.
        apart: Bits between the channels of a tap.
        places: How far a word is rotated for each of its taps.
        tiles: In C, by the bits of outputs: of all pixels, and of half of them.
        once: The same where a window has at most ``once_words``, so that no field is emptied.
        nibbles: ``tiles`` whose outputs are stored with 4 bits.
        nibbles_once: ``once`` whose outputs are stored with 4 bits.
        once_words: 0 where there is no ``once``.
    """

    channels: int
    apart: int
    places: tuple[int, ...]
    tiles: Mapping[int, tuple[str, str]]
    once: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    nibbles: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    nibbles_once: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    once_words: int = 0

    def tiles_of(self, taps: int, *, is_nibbles: bool) -> Mapping[int, tuple[str, str]]:
        """``tiles`` of windows of so many taps, by the bits of outputs."""
        if self.words(taps) <= self.once_words:
            return self.nibbles_once if is_nibbles else self.once
        return self.nibbles if is_nibbles else self.tiles

    def words(self, taps: int) -> int:
        """Words of the channels of a tile."""
        return pad_to(taps, len(self.places)) // len(self.places)

    def pack(self, codes: Array) -> Array:
        """Packs codes.

        Args:
            codes: uint8, (outputs, taps).

        Returns:
            int32, (tiles of channels, words).
        """
        outputs, taps = codes.shape
        count = len(self.places)
        padded = np.zeros((pad_to(outputs, self.channels), pad_to(taps, count)), np.uint64)
        padded[:outputs, :taps] = codes
        tiles = padded.reshape(-1, self.channels, self.words(taps), count)
        apart = self.apart * np.arange(self.channels)
        places = (apart[:, None, None] + np.array(self.places)) % 32
        words = (tiles << places.astype(np.uint64)).sum(axis=(1, 3))
        return np.asarray(words.astype(np.uint32).view(np.int32))


SIX_2 = Fields(
    channels=3,
    apart=10,
    places=(0, 2, 4, 6, 8),
    tiles={
        1: ("eb_fields_six_2_to_1", "eb_fields_six_2_half_to_1"),
        2: ("eb_fields_six_2_to_2", "eb_fields_six_2_half_to_2"),
        3: ("eb_fields_six_2_to_3", "eb_fields_six_2_half_to_3"),
        4: ("eb_fields_six_2_to_4", "eb_fields_six_2_half_to_4"),
        8: ("eb_fields_six_2_to_8", "eb_fields_six_2_half_to_8"),
    },
)
FOUR_2 = Fields(
    channels=2,
    apart=28,
    places=(4, 6, 12, 14, 20, 22, 28, 30),
    tiles={
        1: ("eb_fields_four_2_to_1", "eb_fields_four_2_half_to_1"),
        2: ("eb_fields_four_2_to_2", "eb_fields_four_2_half_to_2"),
        3: ("eb_fields_four_2_to_3", "eb_fields_four_2_half_to_3"),
        4: ("eb_fields_four_2_to_4", "eb_fields_four_2_half_to_4"),
        8: ("eb_fields_four_2_to_8", "eb_fields_four_2_half_to_8"),
    },
    once={
        1: ("eb_fields_four_2_once_to_1", "eb_fields_four_2_once_half_to_1"),
        2: ("eb_fields_four_2_once_to_2", "eb_fields_four_2_once_half_to_2"),
        3: ("eb_fields_four_2_once_to_3", "eb_fields_four_2_once_half_to_3"),
        4: ("eb_fields_four_2_once_to_4", "eb_fields_four_2_once_half_to_4"),
        8: ("eb_fields_four_2_once_to_8", "eb_fields_four_2_once_half_to_8"),
    },
    nibbles={
        3: ("eb_fields_four_2_nibbles_3", "eb_fields_four_2_half_nibbles_3"),
        4: ("eb_fields_four_2_nibbles_4", "eb_fields_four_2_half_nibbles_4"),
    },
    nibbles_once={
        3: ("eb_fields_four_2_once_nibbles_3", "eb_fields_four_2_once_half_nibbles_3"),
        4: ("eb_fields_four_2_once_nibbles_4", "eb_fields_four_2_once_half_nibbles_4"),
    },
    once_words=8,
)
FOUR_4 = Fields(
    channels=2,
    apart=28,
    places=(4, 12, 20, 28),
    tiles={
        1: ("eb_fields_four_4_to_1", "eb_fields_four_4_half_to_1"),
        2: ("eb_fields_four_4_to_2", "eb_fields_four_4_half_to_2"),
        3: ("eb_fields_four_4_to_3", "eb_fields_four_4_half_to_3"),
        4: ("eb_fields_four_4_to_4", "eb_fields_four_4_half_to_4"),
        8: ("eb_fields_four_4_to_8", "eb_fields_four_4_half_to_8"),
    },
    once={
        1: ("eb_fields_four_4_once_to_1", "eb_fields_four_4_once_half_to_1"),
        2: ("eb_fields_four_4_once_to_2", "eb_fields_four_4_once_half_to_2"),
        3: ("eb_fields_four_4_once_to_3", "eb_fields_four_4_once_half_to_3"),
        4: ("eb_fields_four_4_once_to_4", "eb_fields_four_4_once_half_to_4"),
        8: ("eb_fields_four_4_once_to_8", "eb_fields_four_4_once_half_to_8"),
    },
    nibbles={
        3: ("eb_fields_four_4_nibbles_3", "eb_fields_four_4_half_nibbles_3"),
        4: ("eb_fields_four_4_nibbles_4", "eb_fields_four_4_half_nibbles_4"),
    },
    nibbles_once={
        3: ("eb_fields_four_4_once_nibbles_3", "eb_fields_four_4_once_half_nibbles_3"),
        4: ("eb_fields_four_4_once_nibbles_4", "eb_fields_four_4_once_half_nibbles_4"),
    },
    once_words=16,
)

FIELDS: dict[tuple[int, DType], tuple[Fields, str]] = {
    (2, DType.U2): (SIX_2, "eb_spread_2_30"),
    (2, DType.U4): (FOUR_2, "eb_spread_4_14"),
    (4, DType.U2): (FOUR_4, "eb_spread_2_14"),
    (4, DType.U4): (FOUR_4, "eb_spread_4_14"),
}
"""By the bits of weights and the type of the input, and what spreads the latter in C."""
