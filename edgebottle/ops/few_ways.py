"""Ways to multiply values of few bits with the vectors of Cortex-A: what each packs and costs.

See ``eb_few.h``. Products are those of stored values, 0 and up where they have few bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

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

PACKED, SPREAD = 0.5, 0.25
"""Instructions of an element that is packed to few bits, and that is spread again rather than
copied as int8; counted."""

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
        cycles: Of those pixels, modelled, on each kind of core that was asked for.
    """

    way: FewWay
    weights: Array
    blocks: tuple[Block, ...]
    step: int
    lowest: int
    added: Int
    cycles: tuple[float, ...] = ()


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

    def is_for(self, kinds: Sequence[VectorCosts]) -> bool:
        """Whether programs for these kinds of core can multiply so."""
        return True

    @abstractmethod
    def pack(self, sums: FewProducts) -> FewWeights | None:
        """Packs a layer; None where this way does not do it."""

    @abstractmethod
    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """What a layer that it packed costs a kind of core."""


def _units(sums: FewProducts) -> tuple[Int, int]:
    """The weights of runs without what all are multiples of, and that."""
    step = int(np.gcd.reduce(np.abs(sums.matrix.astype(np.int64)), axis=None)) or 1
    return runs_of(sums.matrix.astype(np.int64) // step, sums.runs, QUAD), step


def _lanes(values: Int) -> Int:
    """(outputs, runs, vectors, taps) as (lanes, runs, vectors)."""
    return np.asarray(np.moveaxis(values, 3, 1).reshape(-1, *values.shape[1:3]))


def _groups(sums: FewProducts, channels: int) -> int:
    """So many channels at a time."""
    return pad_to(len(sums.matrix), channels) // channels


def _vectors(blocks: tuple[Block, ...]) -> int:
    """Of taps."""
    return sum(part.count for block in blocks for part in block)


class ByteSums(FewWay):
    """Products of bytes, summed up in bytes."""

    TOGETHER = 4

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_bytes"

    def pack(self, sums: FewProducts) -> FewWeights | None:
        """See ``FewWay``: values and weights so small that a few products fit a byte."""
        if sums.bits == 8:
            return None
        values, step = _units(sums)
        blocks = blocks_of(sums.highest * np.abs(_lanes(values)), 255)
        if blocks is None or len(blocks) > MAX_BYTE_BLOCKS:
            return None
        starts = starts_of(values, blocks, sums.highest)
        return FewWeights(
            self,
            pack_quads(values, blocks, self.TOGETHER, starts),
            blocks,
            step,
            0,
            -step * starts.sum(axis=(0, 2)),
        )

    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """See ``FewWay``."""
        each = costs.load + sums.pixels * (costs.multiply + costs.load / 4)
        spilled = 2 * costs.load + costs.simple
        emptied = sums.pixels * (costs.widen + spilled) + (1 + BLOCK_INSTRUCTIONS) * costs.simple
        return _groups(sums, QUAD) * (_vectors(blocks) * each + len(blocks) * emptied)


class HalfSums(FewWay):
    """Products of int8, summed up as int16."""

    TOGETHER = 2

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_halves"

    def pack(self, sums: FewProducts) -> FewWeights | None:
        """See ``FewWay``."""
        values, step = _units(sums)
        blocks = blocks_of(sums.highest * np.abs(_lanes(values)), INT16)
        if blocks is None:
            return None
        weights = pack_quads(values, blocks, self.TOGETHER)
        return FewWeights(self, weights, blocks, step, 0, np.zeros(len(values), np.int64))

    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """See ``FewWay``."""
        each = costs.load + sums.pixels * (2 * costs.multiply_long + costs.load / 2)
        emptied = 2 * sums.pixels * (costs.widen + costs.simple) + BLOCK_INSTRUCTIONS * costs.simple
        return _groups(sums, QUAD) * (_vectors(blocks) * each + len(blocks) * emptied)


class DotSums(FewWay):
    """Products of int8, summed up as int32 by SDOT, with four taps of the sixteen of a load."""

    TOGETHER = 4

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_dots"

    def is_for(self, kinds: Sequence[VectorCosts]) -> bool:
        """See ``FewWay``."""
        return all(costs.dot is not None for costs in kinds)

    def pack(self, sums: FewProducts) -> FewWeights | None:
        """See ``FewWay``."""
        values, step = _units(sums)
        blocks = one_block(*values.shape[1:3])
        weights = pack_quads(values, blocks, self.TOGETHER)
        return FewWeights(self, weights, blocks, step, 0, np.zeros(len(values), np.int64))

    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """See ``FewWay``."""
        assert costs.dot is not None
        each = costs.load + sums.pixels * (costs.dot + costs.load / (QUAD * self.TOGETHER))
        return _groups(sums, QUAD) * _vectors(blocks) * each


class AnySums(HalfSums):
    """Halves, or SDOT with the same weights where the program finds that the core has it."""

    def name(self, sums: FewProducts) -> str:
        """See ``FewWay``."""
        return "eb_few_any"

    def is_for(self, kinds: Sequence[VectorCosts]) -> bool:
        """See ``FewWay``."""
        return len({costs.dot is None for costs in kinds}) > 1

    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """See ``FewWay``."""
        if costs.dot is None:
            return super().cycles(sums, blocks, costs)
        each = costs.load + sums.pixels * (costs.dot + costs.load / self.TOGETHER)
        return _groups(sums, QUAD) * _vectors(blocks) * each


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

    def pack(self, sums: FewProducts) -> FewWeights | None:
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
        return FewWeights(
            self,
            pack_planes(values, levels.bits, blocks),
            blocks,
            levels.step,
            lowest,
            np.zeros(len(values), np.int64),
        )

    def cycles(self, sums: FewProducts, blocks: tuple[Block, ...], costs: VectorCosts) -> float:
        """See ``FewWay``."""
        assert sums.levels is not None
        bits = sums.levels.bits
        each = bits * costs.load
        each += sums.pixels * sums.bits * (costs.load + 3 * bits * costs.simple)
        emptied = sums.pixels * 2 * (bits + sums.bits) * costs.widen
        count = _groups(sums, COUNTED_CHANNELS)
        return count * (_vectors(blocks) * each + len(blocks) * emptied)

    @staticmethod
    def _counts(values: Int, bits: int) -> Int:
        """(lanes, runs, vectors): the bits that are set in eight taps of a plane."""
        planes = np.stack([values >> bit & 1 for bit in range(bits)])
        lanes = planes.reshape(*planes.shape[:-1], -1, 8).sum(axis=-1)
        return np.asarray(np.moveaxis(lanes, -1, 2).reshape(-1, *values.shape[1:3]))


WAYS: Sequence[FewWay] = (ByteSums(), BitCounts(), DotSums(), AnySums(), HalfSums())


def cheapest(sums: FewProducts, kinds: Sequence[VectorCosts]) -> FewWeights | None:
    """The way that costs least; None where none does the layer.

    Of a program for several kinds of core: the way with which that kind fares best that fares
    worst, each beside the way that costs it least.

    Args:
        sums: The products.
        kinds: What instructions cost the kinds of core that the program is for.
    """
    found = [
        replace(packed, cycles=tuple(way.cycles(sums, packed.blocks, costs) for costs in kinds))
        for way in WAYS
        if way.is_for(kinds) and (packed := way.pack(sums)) is not None
    ]
    least: list[float] = [
        min(cycles) for cycles in zip(*(packed.cycles for packed in found), strict=True)
    ]

    def worst(packed: FewWeights) -> float:
        return max(each / best for each, best in zip(packed.cycles, least, strict=True))

    return min(found, key=worst, default=None)


def saves_by_few(
    sums: FewProducts,
    found: FewWeights,
    kinds: Sequence[VectorCosts],
    packed: float,
    spread: float,
    int8: Sequence[float] = (),
) -> bool:
    """Whether products of few bits cost less than those of the same values stored as int8.

    What packs and spreads them is counted in. Of several kinds of core one must gain more than
    any other loses.

    Args:
        sums: The products, of values of few bits.
        found: As they are computed.
        kinds: See ``cheapest``.
        packed: Elements that are packed, to as many pixels as are computed together.
        spread: Those that are spread for them.
        int8: Cycles of each kind with a kernel that knows nothing of few bits, where there is one.
    """
    wide = cheapest(replace(sums, bits=8), kinds)
    if sums.levels is None or wide is None:
        return True
    more = packed * PACKED + spread * SPREAD
    least = [min(each) for each in zip(wide.cycles, int8 or wide.cycles, strict=True)]
    shares = [
        (few + more * costs.simple) / one
        for few, one, costs in zip(found.cycles, least, kinds, strict=True)
    ]
    return max(shares) * min(shares) < 1
