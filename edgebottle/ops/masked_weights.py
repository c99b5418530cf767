"""Weights of few bits in words that ``eb_masks.h`` masks, and how many it can add up.

Codes of weights lie ``weight_bits`` apart in a word. A word of values is one value, and its codes
are those of two outputs in lanes of 16 bits; or it is four values of few bits, and its codes are
those of one output for them, in lanes of 8 bits, the last one lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.packing import CHANNELS, pad_to

WORDS = 4
"""Of weights at a time."""

SUMS = {
    (4, 16): "eb_masked_pairs_4_4",
    (2, 16): "eb_masked_pairs_2_8",
    (1, 16): "eb_masked_pairs_1_16",
    (2, 8): "eb_masked_dots_2_4",
    (1, 8): "eb_masked_dots_1_8",
}
"""By the bits of weights and of a lane, the C function that sums up."""

READERS = {
    8: "eb_masked_read_8",
    4: "eb_masked_read_4",
    2: "eb_masked_read_2",
    1: "eb_masked_read_1",
}
"""By the bits of values, the C function that reads them."""

CENTRES = {1: 0, 2: 1, 4: 7}
"""By the bits of weights, what is subtracted from codes, so that products are smaller."""

MIDDLES = {1: 0, 2: 1, 4: 7, 8: 0}
"""By the bits of values, what is subtracted from them; those of 8 bits have a sign."""

VALUE_INSTRUCTIONS = {8: 9, 4: 7, 2: 4, 1: 4}
"""By the bits of values, those that lay one out; counted on a Cortex-M0+."""

PRODUCT_INSTRUCTIONS = {16: 2.4, 8: 1.3}
"""By the bits of a lane, those of a product; the same."""

INT8_INSTRUCTIONS = 3.5
"""Those of a product of int8, four outputs at a time; the same."""

MAX_STREAM = 1024
"""Words of scratch for values at most: a small core has little RAM, and int8 needs no scratch."""


@dataclass(frozen=True)
class MaskedForm:
    """How values and weights lie.

    Attributes:
        weight_bits: Of a weight: 1, 2 or 4.
        bits: Of a value: 1 or 2 with weights of as few, 4 or 8.
        inputs: Of the layer.
        outputs: Of the layer.
    """

    weight_bits: int
    bits: int
    inputs: int
    outputs: int

    @property
    def lane_bits(self) -> int:
        """Where values have 1 or 2 bits, four lie in a word."""
        return 8 if self.bits <= 2 else 16

    @property
    def lanes(self) -> int:
        """Of a word."""
        return 32 // self.lane_bits

    @property
    def word_values(self) -> int:
        """Values in a word of them."""
        return self.lanes if self.lane_bits == 8 else 1

    @property
    def word_outputs(self) -> int:
        """Outputs in a word of weights."""
        return 1 if self.lane_bits == 8 else self.lanes

    @property
    def group(self) -> int:
        """Outputs of four words of weights."""
        return WORDS * self.word_outputs

    @property
    def pays(self) -> bool:
        """Whether there is a function, and outputs are enough that int8 would not be faster."""
        products = PRODUCT_INSTRUCTIONS[self.lane_bits] * pad_to(self.outputs, self.group)
        before = INT8_INSTRUCTIONS * pad_to(self.outputs, CHANNELS)
        is_there = (self.weight_bits, self.lane_bits) in SUMS and self.words <= MAX_STREAM
        return is_there and products + VALUE_INSTRUCTIONS[self.bits] <= before

    @property
    def codes(self) -> int:
        """In each lane of a word of weights: as many words of values."""
        return self.lane_bits // self.weight_bits

    @property
    def words(self) -> int:
        """Words of values."""
        return pad_to(-(-self.inputs // self.word_values), self.codes)

    @property
    def mask(self) -> int:
        """Of the lowest code in each lane."""
        code = (1 << self.weight_bits) - 1
        return sum(code << place for place in range(0, 32, self.lane_bits))

    @property
    def centre(self) -> int:
        """See ``CENTRES``."""
        return CENTRES[self.weight_bits]

    @property
    def middle(self) -> int:
        """See ``MIDDLES``."""
        return MIDDLES[self.bits]

    @property
    def run_words(self) -> int:
        """Words of values whose products fit the lanes."""
        ranges = [most - least for least, most in (self._sum, self._partial) if most > least]
        fitting = min(((1 << self.lane_bits) - 1) // one for one in ranges)
        return min(fitting // self.codes * self.codes, self.words)

    @property
    def runs(self) -> int:
        """Of a batch."""
        return -(-self.words // self.run_words)

    @property
    def stream(self) -> int:
        """Words of values, with one more for each run."""
        return self.words + self.runs

    @property
    def start(self) -> int:
        """What the lanes of sums begin with."""
        return -self._sum[0] * self.run_words

    @property
    def start_word(self) -> int:
        """What a run begins with, but for the sum of its values."""
        if self.lane_bits == 16:
            return self.start * 0x00010001
        return (self.start << 24) + -self._partial[0] * self.run_words * 0x00010101

    @property
    def centre_word(self) -> int:
        """What the sum of the values of a run is multiplied by, to be subtracted."""
        return self.centre * (0x00010001 if self.lane_bits == 16 else 1 << 24)

    @property
    def _sum(self) -> tuple[int, int]:
        """The least and the greatest product of a word of values, in a lane of sums."""
        least, most = self._products(self.centre)
        return self.word_values * least, self.word_values * most

    @property
    def _partial(self) -> tuple[int, int]:
        """The same in the lanes below that of four products, whose codes are not less a centre."""
        if self.lane_bits == 16:
            return 0, 0
        least, most = self._products(0)
        return (self.lanes - 1) * least, (self.lanes - 1) * most

    def _products(self, centre: int) -> tuple[int, int]:
        lowest = -128 if self.bits == 8 else -self.middle
        ends = [
            (one - centre) * other
            for one in (0, (1 << self.weight_bits) - 1)
            for other in (lowest, lowest + (1 << self.bits) - 1)
        ]
        return min(0, *ends), max(0, *ends)

    def pack(self, codes: Array) -> Array:
        """uint32: groups of outputs x words x 4. What fills the words has codes of ``centre``.

        Args:
            codes: uint8, (outputs, inputs): what the bits of each weight say.
        """
        rows = pad_to(self.outputs, self.group)
        taps = np.full((rows, self.words * self.word_values), self.centre, np.uint32)
        taps[: self.outputs, : self.inputs] = codes
        places = self.weight_bits * np.arange(self.codes, dtype=np.uint32)
        lanes = self.lane_bits * np.arange(self.lanes, dtype=np.uint32)
        if self.lane_bits == 16:
            pairs = taps.reshape(-1, WORDS, self.lanes, self.words // self.codes, self.codes)
            words = (pairs << places << lanes[:, None, None]).sum(axis=(2, 4), dtype=np.uint32)
        else:
            fours = taps.reshape(-1, WORDS, self.words // self.codes, self.codes, self.lanes)
            words = (fours << places[:, None] << lanes[::-1]).sum(axis=(3, 4), dtype=np.uint32)
        return np.ascontiguousarray(words.transpose(0, 2, 1)).ravel()
