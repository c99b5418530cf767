"""Weights of few bits in the order that ``eb_tables_s8.h`` reads, and what its tables take.

Four bits of weights make a code, eight codes a word. Values of an input lie in fields, one for each
of several pixels; ``TableForm`` says how many codes can be added before a field overflows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.packing import CHANNELS, pad_to

CODE_BITS = 4
"""Bits of weights that a table is indexed with."""

CODES = 8
"""Codes of a word."""

MAX_RUN_WORDS = {1: 2, 2: 2, 4: 8}
"""By the bits of weights, words of a channel between two emptyings of the fields, at most.

More need more scratch for tables.
"""

TABLE_WORDS = {1: 16, 2: 16, 4: 1}
"""By the bits of weights, words for a code: weights of 4 bits are multiplied instead."""

SUMS = {1: "eb_table_sums", 2: "eb_table_sums", 4: "eb_product_sums"}
"""By the bits of weights, the C function that sums up."""

MAKERS = {
    (1, 1): "eb_tables_1_1",
    (1, 2): "eb_tables_1_2",
    (1, 4): "eb_tables_1_4",
    (1, 8): "eb_tables_1_8",
    (2, 1): "eb_tables_2_1",
    (2, 2): "eb_tables_2_2",
    (2, 4): "eb_tables_2_4",
    (2, 8): "eb_tables_2_8",
    (4, 1): "eb_tables_4_1",
    (4, 4): "eb_tables_4_4",
    (4, 8): "eb_tables_4_8",
}
"""By the bits of weights and of values, the C function that makes tables."""

CENTRES = {(2, 2): (1, 1), (4, 8): (7, 128)}
"""By the same, what is subtracted from codes and from values where products get smaller by it.

More of them fit the fields then.
"""


@dataclass(frozen=True)
class TableForm:
    """How windows and weights lie.

    Attributes:
        weight_bits: Of a weight: 1, 2 or 4.
        bits: Of a value of the input, which is not negative: 1, 2, 4 or 8.
        depth: Channels of a pixel of the input, which begins with a byte.
        window: Pixels of a window.
        outputs: Channels of the output.
        is_counted: Outputs take few values, which are counted instead of scaled.
    """

    weight_bits: int
    bits: int
    depth: int
    window: int
    outputs: int
    is_counted: bool = False

    @property
    def pixel_bytes(self) -> int:
        """Of the input."""
        return -(-self.depth * self.bits // 8)

    @property
    def pixel_taps(self) -> int:
        """Taps of a pixel, those that fill its last byte included."""
        return self.pixel_bytes * 8 // self.bits

    @property
    def codes(self) -> int:
        """Of a window and channel."""
        return -(-self.window * self.pixel_taps * self.weight_bits // CODE_BITS)

    @property
    def values(self) -> int:
        """Words of a window: a byte of every pixel, and zeros for the taps of the last code."""
        return -(-self.codes * CODE_BITS // self.weight_bits * self.bits // 8)

    @property
    def field_bits(self) -> int:
        """Of a tap in one pixel: a word holds four pixels, or two."""
        return 8 if self.bits <= 2 else 16

    @property
    def words(self) -> int:
        """Of the weights of a channel."""
        return -(-self.codes // CODES)

    @property
    def code_taps(self) -> int:
        """Weights of a code."""
        return CODE_BITS // self.weight_bits

    @property
    def centres(self) -> tuple[int, int]:
        """See ``CENTRES``."""
        return CENTRES.get((self.weight_bits, self.bits), (0, 0))

    @property
    def products(self) -> tuple[int, int]:
        """The least and the greatest product of a code and a value, each less its centre."""
        code, value = self.centres
        ends = [
            (one - code) * (other - value)
            for one in (0, (1 << self.weight_bits) - 1)
            for other in (0, (1 << self.bits) - 1)
        ]
        return min(ends), max(ends)

    @property
    def run_words(self) -> int:
        """Words of a channel whose sums fit the fields; 0 where those of one do not."""
        least, most = self.products
        fitting = ((1 << self.field_bits) - 1) // ((most - least) * self.code_taps * CODES)
        return min(fitting, self.words, MAX_RUN_WORDS[self.weight_bits])

    @property
    def runs(self) -> int:
        """Of a window."""
        return -(-self.words // self.run_words)

    @property
    def start(self) -> int:
        """What a field begins with, so that it never falls below 0."""
        return -self.products[0] * self.run_words * CODES * self.code_taps

    @property
    def pays(self) -> bool:
        """Whether channels are enough that tables cost less than products of int8 do.

        Counted on a Cortex-M0+ and RV32: a table takes 60 to 100 instructions, and each channel
        then saves 3 (2 bits, two pixels in a word), 12 (1 bit or four pixels) or more.
        """
        if self.weight_bits == 4:
            return self.run_words > 0 and self.outputs >= 24
        if self.weight_bits == 1 or self.field_bits == 8:
            return self.outputs >= 8
        return self.outputs >= (16 if self.is_counted else 24)

    @property
    def is_exact(self) -> bool:
        """Whether sums of a window fit 16 bits where two of them share a word."""
        largest = self.products[1] * self.words * CODES * self.code_taps
        return self.field_bits > 8 or self.runs * self.start + largest < 1 << 16

    @property
    def table_words(self) -> int:
        """Of the tables of a run."""
        return self.run_words * CODES * TABLE_WORDS[self.weight_bits]

    @property
    def scratch(self) -> int:
        """Bytes: windows, tables, two words of sums for each channel, a pixel of zero points."""
        sums = 2 * (1 + pad_to(self.outputs, CHANNELS))
        return 4 * (self.values + self.table_words + sums) + self.pixel_bytes

    def pack(self, codes: Array) -> Array:
        """The words, run by run: fours of channels, words, channels of a four.

        Args:
            codes: uint8, (outputs, taps): what the bits of each weight say.
        """
        taps = np.zeros((pad_to(self.outputs, CHANNELS), self.window, self.pixel_taps), np.uint8)
        taps[: self.outputs, :, : self.depth] = codes.reshape(self.outputs, self.window, -1)
        count = CODE_BITS // self.weight_bits
        flat = taps.reshape(len(taps), -1)
        flat = np.pad(flat, ((0, 0), (0, self.codes * count - flat.shape[1])))
        each = flat.reshape(len(taps), -1, count) << (self.weight_bits * np.arange(count))
        skipped = self.words * CODES - self.codes
        nibbles = np.pad(each.sum(axis=2), ((0, 0), (skipped, 0))).astype(np.uint32)
        shifted = nibbles.reshape(len(taps), -1, CODES) << (CODE_BITS * np.arange(CODES))
        words = shifted.sum(axis=2).astype(np.uint32).reshape(-1, CHANNELS, self.words)
        runs = [
            words[:, :, first : first + self.run_words].transpose(0, 2, 1).ravel()
            for first in range(0, self.words, self.run_words)
        ]
        return np.concatenate(runs)
