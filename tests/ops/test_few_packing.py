"""Weights of few bits as the kernels for Cortex-A read them: the same sums as of the layer."""

from itertools import product

import numpy as np
import pytest

from edgebottle.ir.levels import levels_of
from edgebottle.ops.base import Isa
from edgebottle.ops.few_packing import RunPart, blocks_of, one_block, runs_of, table_of
from edgebottle.ops.few_ways import (
    AnySums,
    BitCounts,
    ByteSums,
    DotSums,
    FewProducts,
    FewWay,
    FewWeights,
    HalfSums,
    cheapest,
)
from edgebottle.ops.neon_costs import KINDS

LANES = {
    ByteSums: (4, 4, 0, 255),
    HalfSums: (4, 2, -(1 << 15), (1 << 15) - 1),
    AnySums: (4, 2, -(1 << 15), (1 << 15) - 1),
    DotSums: (4, 4, None, None),
}
"""By the way: channels of a vector, vectors that are computed together, what a lane holds."""


def sums_of(bits: int, values: tuple[int, ...], outputs: int, taps: int, runs: int) -> FewProducts:
    matrix = np.random.default_rng(bits).choice(np.array(values, np.int8), (outputs, runs * taps))
    is_filler = np.zeros(runs * taps, bool)
    return FewProducts(matrix, is_filler, levels_of(matrix), bits, runs, runs)


def of_quads(way: FewWay, packed: FewWeights, values: np.ndarray, outputs: int) -> np.ndarray:
    """What ``eb_few_bytes``, ``eb_few_halves`` and ``eb_few_dots`` compute; values: of taps."""
    _, together, lowest, highest = LANES[type(way)]
    vectors = packed.weights.view(np.int8).reshape(-1, 4, 4).astype(np.int64)
    found, at, channel = [], 0, 0
    while channel < outputs:
        quads = together if outputs - channel > 4 * (together - 1) else 1
        total = np.zeros((quads, 4), np.int64)
        for block in packed.blocks:
            lanes = np.zeros((quads, 4, 4), np.int64)
            if isinstance(way, ByteSums):
                lanes, at = vectors[at : at + quads] & 255, at + quads
            for part in block:
                for vector in range(part.first, part.first + part.count):
                    taps = values[part.run, vector]
                    lanes = lanes + taps * vectors[at : at + quads]
                    at += quads
            if lowest is not None:
                assert lanes.min() >= lowest and lanes.max() <= highest
            total += lanes.sum(axis=2)
        found.append(total.ravel())
        channel += 4 * quads
    assert at == len(vectors)
    return np.concatenate(found)[:outputs]


def of_planes(packed: FewWeights, values: np.ndarray, weight_bits: int, outputs: int) -> np.ndarray:
    """What ``eb_few_counts`` computes."""
    planes = np.unpackbits(packed.weights.view(np.uint8), bitorder="little")
    vectors = planes.reshape(-1, weight_bits, 8, 16).astype(np.int64)
    found, at = [], 0
    while 8 * len(found) < outputs:
        total = np.zeros(8, np.int64)
        for block in packed.blocks:
            lanes = np.zeros((2, 8, 2), np.int64)
            for part in block:
                for vector in range(part.first, part.first + part.count):
                    taps = values[part.run, vector]
                    total += taps @ vectors[at, 0].T - 2 * (weight_bits - 1) * (
                        taps @ vectors[at, -1].T
                    )
                    lanes += vectors[at, [0, -1]].reshape(2, 8, 2, 8).sum(axis=3)
                    at += 1
            assert lanes.max() <= 127
        found.append(total)
    assert at == len(vectors)
    return np.concatenate(found)[:outputs]


Case = tuple[int, tuple[int, ...], int, int, int]

CASES: list[Case] = [
    (2, (-2, -1, 0, 1), 18, 48, 3),
    (2, (-3, -1, 1, 3), 13, 26, 2),
    (2, (-96, -64, -32, 0), 5, 7, 1),
    (1, (-1, 1), 33, 72, 3),
    (1, (0, 1), 16, 600, 1),
    (4, tuple(range(-8, 8)), 17, 96, 3),
    (4, tuple(range(-15, 16, 2)), 6, 400, 1),
    (8, (-127, 0, 127), 9, 64, 9),
]
"""Bits of values, weights, outputs, taps of a run, runs."""


WAYS = (ByteSums(), HalfSums(), AnySums(), DotSums(), BitCounts())
PAIRS = list(product(WAYS, CASES))


def does(way: FewWay, case: Case) -> bool:
    bits, _, _, taps, _ = case
    if isinstance(way, BitCounts):
        return bits <= 2 and taps % 8 == 0
    return bits < 8 or not isinstance(way, ByteSums)


def test_ways_refuse_what_they_do_not_do() -> None:
    found = [way.pack(sums_of(*case)) is not None for way, case in PAIRS]
    assert found == [does(way, case) for way, case in PAIRS]


@pytest.mark.parametrize(("way", "case"), [pair for pair in PAIRS if does(*pair)])
def test_packed_weights_give_the_sums(way: FewWay, case: Case) -> None:
    bits, _, outputs, taps, runs = case
    sums = sums_of(*case)
    packed = way.pack(sums)
    assert packed is not None
    least, most = (-128, 127) if bits == 8 else (0, (1 << bits) - 1)
    for values in (
        np.random.default_rng(0).integers(least, most + 1, (1, runs * taps)),
        np.full((1, runs * taps), most),
        np.full((1, runs * taps), least),
    ):
        vectors = runs_of(values, runs, way.taps)[0]
        assert sums.levels is not None
        found = (
            of_planes(packed, vectors, sums.levels.bits, outputs)
            if isinstance(way, BitCounts)
            else of_quads(way, packed, vectors, outputs)
        )
        total = packed.step * found + packed.lowest * values.sum() + packed.added
        assert (total == sums.matrix.astype(np.int64) @ values[0]).all()


def test_blocks_end_where_a_lane_is_full() -> None:
    reach = np.array([[[4, 4, 4, 4], [1, 1, 1, 1]], [[0, 0, 0, 0], [0, 0, 10, 0]]])
    assert blocks_of(reach, 10) == (
        (RunPart(0, 0, 2),),
        (RunPart(0, 2, 2), RunPart(1, 0, 2)),
        (RunPart(1, 2, 2),),
    )
    assert blocks_of(reach, 100) == one_block(2, 4)
    assert blocks_of(reach, 9) is None
    table = table_of(((RunPart(0, 0, 3),), (RunPart(1, 2, 1),)), [0, 160], 4)
    assert table.tolist() == [1, 0, 3, 1, 168, 1]


@pytest.mark.parametrize(
    ("isa", "bits", "weights", "way"),
    [
        (Isa.NEON, 2, (-2, -1, 0, 1), ByteSums),
        (Isa.NEON_COUNTS, 2, (-2, -1, 0, 1), BitCounts),
        (Isa.NEON_DOT, 2, (-2, -1, 0, 1), DotSums),
        (Isa.NEON, 4, tuple(range(-8, 8)), HalfSums),
        (Isa.NEON_COUNTS, 4, tuple(range(-8, 8)), HalfSums),
        (Isa.NEON_DOT, 4, tuple(range(-8, 8)), DotSums),
        (Isa.NEON_ANY, 4, tuple(range(-8, 8)), AnySums),
        (Isa.NEON_ANY, 2, (-2, -1, 0, 1), BitCounts),
        *((isa, 1, (-1, 1), BitCounts) for isa in KINDS),
    ],
)
def test_each_core_takes_what_costs_it_least(
    isa: Isa, bits: int, weights: tuple[int, ...], way: type[FewWay]
) -> None:
    packed = cheapest(sums_of(bits, weights, 32, 96, 3), KINDS[isa])
    assert packed is not None and type(packed.way) is way
    assert len(packed.cycles) == len(KINDS[isa])
