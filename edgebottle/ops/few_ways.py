"""Ways to multiply values of few bits with the vectors of Cortex-A: what each packs and costs.

See ``eb_few.h``. Products are those of stored values, 0 and up where they have few bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array, Int
from edgebottle.ir.levels import Levels
from edgebottle.ops.few_packing import (
    COUNTED_CHANNELS,
    COUNTED_TAPS,
    QUAD,
    Block,
    blocks_of,
    one_block,
    pack_planes,
    pack_quads,
    runs_of,
    starts_of,
)
from edgebottle.ops.neon_costs import VectorCosts
from edgebottle.ops.packing import pad_to

PIXELS = 4
"""Of a tile."""

BLOCK_INSTRUCTIONS = 5
"""Besides, of a block of taps for each quad of channels: where its values lie; counted."""

INT16 = (1 << 15) - 1

MAX_BYTE_BLOCKS = 128
"""Of sums of bytes: two to each uint16."""


@dataclass(frozen=True)
class FewProducts:
    """The products of a layer.

    Attributes:
        matrix: int8, (outputs, products), zeros where the bytes of a pixel are filled.
        is_filler: (products,): which of them fill.
        levels: Of the weights, if they are few.
        bits: Of a stored value.
        runs: Of a window.
        height: Rows of a window.
        pixels: That are computed together.
    """

    matrix: Array
    is_filler: Array
    levels: Levels | None
    bits: int
    runs: int
    height: int
    pixels: int = PIXELS

    @property
    def highest(self) -> int:
        """The greatest magnitude of a value."""
        return 128 if self.bits == 8 else (1 << self.bits) - 1


@dataclass(frozen=True)
class FewWeights:
    """What the C of a way reads.

    Attributes:
        way: The way.
        weights: int8, flat.
        blocks: Of a window.
        step: What its sums are multiplied with.
        lowest: What the sum of a window is multiplied with, and added.
        added: To each output, beside its bias.
        cycles: Of those pixels, modelled.
    """

    way: FewWay
    weights: Array
    blocks: tuple[Block, ...]
    step: int
    lowest: int
    added: Int
    cycles: float


class FewWay(ABC):
    """One way to multiply.

    Attributes:
        taps: Of a vector of weights.
        planes: Values are planes of bits.
    """

    taps = QUAD
    planes = False

    @abstractmethod
    def name(self, sums: FewProducts) -> str:
        """Of the function in C, without its form: ``EB_FEW_FORMS``."""

    @abstractmethod
    def pack(self, sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
        """Packs a layer; None where this way does not do it."""


def _units(sums: FewProducts) -> tuple[Int, int]:
    """The weights of runs without what all are multiples of, and that."""
    step = int(np.gcd.reduce(np.abs(sums.matrix.astype(np.int64)), axis=None)) or 1
    return runs_of(sums.matrix.astype(np.int64) // step, sums.runs, QUAD), step


def _lanes(values: Int) -> Int:
    """(outputs, runs, vectors, taps) as (lanes, runs, vectors)."""
    return np.asarray(np.moveaxis(values, 3, 1).reshape(-1, *values.shape[1:3]))


def _vectors(values: Int) -> tuple[int, int]:
    """Quads of channels, and vectors of taps of each."""
    return pad_to(len(values), QUAD) // QUAD, values.shape[1] * values.shape[2]


class ByteSums(FewWay):
    """Products of bytes, summed up in bytes."""

    TOGETHER = 4

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_bytes"

    def pack(self, sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
        """See ``FewWay``: values and weights so small that a few products fit a byte."""
        if sums.bits == 8:
            return None
        values, step = _units(sums)
        blocks = blocks_of(sums.highest * np.abs(_lanes(values)), 255)
        if blocks is None or len(blocks) > MAX_BYTE_BLOCKS:
            return None
        starts = starts_of(values, blocks, sums.highest)
        count, vectors = _vectors(values)
        taps = vectors * (costs.load + sums.pixels * costs.multiply + sums.pixels * costs.load / 4)
        spilled = 2 * costs.load + costs.simple
        emptied = sums.pixels * (costs.widen + spilled) + (1 + BLOCK_INSTRUCTIONS) * costs.simple
        return FewWeights(
            self,
            pack_quads(values, blocks, self.TOGETHER, starts),
            blocks,
            step,
            0,
            -step * starts.sum(axis=(0, 2)),
            count * (taps + len(blocks) * emptied),
        )


class HalfSums(FewWay):
    """Products of int8, summed up as int16."""

    TOGETHER = 2

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_halves"

    def pack(self, sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
        """See ``FewWay``."""
        values, step = _units(sums)
        blocks = blocks_of(sums.highest * np.abs(_lanes(values)), INT16)
        if blocks is None:
            return None
        count, vectors = _vectors(values)
        taps = vectors * (
            costs.load + 2 * sums.pixels * costs.multiply_long + sums.pixels * costs.load / 2
        )
        emptied = len(blocks) * 2 * sums.pixels * costs.widen
        weights = pack_quads(values, blocks, self.TOGETHER)
        none = np.zeros(len(values), np.int64)
        return FewWeights(self, weights, blocks, step, 0, none, count * (taps + emptied))


class DotSums(FewWay):
    """Products of int8, summed up as int32 by SDOT."""

    TOGETHER = 4

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_dots"

    def pack(self, sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
        """See ``FewWay``."""
        if costs.dot is None:
            return None
        values, step = _units(sums)
        blocks = one_block(*values.shape[1:3])
        count, vectors = _vectors(values)
        taps = vectors * (costs.load + sums.pixels * costs.dot + sums.pixels * costs.load / 4)
        weights = pack_quads(values, blocks, self.TOGETHER)
        none = np.zeros(len(values), np.int64)
        return FewWeights(self, weights, blocks, step, 0, none, count * taps)


class BitCounts(FewWay):
    """Bits that planes of values and of weights both have set."""

    taps = COUNTED_TAPS
    planes = True
    MAX_COUNT = 127
    """Of a lane, which is added to by the bits of one plane and subtracted from by another's."""

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        assert sums.levels is not None
        return f"eb_few_counts_{sums.levels.bits}_{sums.bits}"

    def pack(self, sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
        """See ``FewWay``: 1 or 2 bits, of which a pixel fills bytes; sums that fit."""
        levels = sums.levels
        products = sums.matrix.shape[1]
        if levels is None or max(levels.bits, sums.bits) > 2 or products // sums.runs % 8:
            return None
        middle = 2 if levels.bits == 2 else 0
        if products * sums.highest * max(middle, 1) > INT16:
            return None
        lowest = levels.lowest + middle * levels.step
        if lowest and 8 * sums.highest * sums.height > 255:
            return None
        found = levels.codes(np.where(sums.is_filler, levels.lowest, sums.matrix))
        codes = np.where(sums.is_filler, 0, found.astype(np.int64) - middle)
        values = runs_of(codes, sums.runs, COUNTED_TAPS)
        blocks = blocks_of(self._counts(values, levels.bits), self.MAX_COUNT)
        assert blocks is not None
        count = pad_to(len(values), COUNTED_CHANNELS) // COUNTED_CHANNELS
        vectors = values.shape[1] * values.shape[2]
        products_of_bits = levels.bits * sums.bits
        each = levels.bits * costs.load
        each += sums.pixels * (sums.bits * costs.load + 3 * products_of_bits * costs.simple)
        emptied = len(blocks) * sums.pixels * 2 * (levels.bits + sums.bits) * costs.widen
        return FewWeights(
            self,
            pack_planes(values, levels.bits, blocks),
            blocks,
            levels.step,
            lowest,
            np.zeros(len(values), np.int64),
            count * (vectors * each + emptied),
        )

    @staticmethod
    def _counts(values: Int, bits: int) -> Int:
        """(lanes, runs, vectors): the bits that are set in eight taps of a plane."""
        planes = np.stack([values >> bit & 1 for bit in range(bits)])
        lanes = planes.reshape(*planes.shape[:-1], -1, 8).sum(axis=-1)
        return np.asarray(np.moveaxis(lanes, -1, 2).reshape(-1, *values.shape[1:3]))


WAYS: Sequence[FewWay] = (ByteSums(), BitCounts(), DotSums(), HalfSums())


def cheapest(sums: FewProducts, costs: VectorCosts) -> FewWeights | None:
    """The way that costs a kind of core least; None where none does the layer."""
    found = (way.pack(sums, costs) for way in WAYS)
    return min(filter(None, found), key=lambda packed: packed.cycles, default=None)
