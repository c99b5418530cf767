"""Weights and taps in the order in which the kernels of ``eb_few.h`` read them.

Values of few bits are spread in memory, row by row. A window of them is some runs of taps that lie
side by side; a run is cut where sums have to be emptied into wider ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array, Int
from edgebottle.ops.packing import pad_to

QUAD = 4
"""Channels of a vector of products, and taps of each."""

COUNTED_CHANNELS, COUNTED_TAPS = 8, 16
"""The same of a vector of planes."""


@dataclass(frozen=True)
class RunPart:
    """Some taps of a run.

    Attributes:
        run: Its number.
        first: The first of its vectors.
        count: How many vectors.
    """

    run: int
    first: int
    count: int


Block = tuple[RunPart, ...]
"""Segments whose products are summed up in the same narrow lanes."""


def runs_of(matrix: Array, runs: int, taps: int) -> Int:
    """Cuts the taps of each output into runs, each padded with zeros to whole vectors.

    Args:
        matrix: (outputs, products).
        runs: Of a window.
        taps: Of a vector.

    Returns:
        int64, (outputs, runs, vectors, taps).
    """
    parts = matrix.astype(np.int64).reshape(len(matrix), runs, -1)
    padded = np.zeros((*parts.shape[:2], pad_to(parts.shape[2], taps)), np.int64)
    padded[..., : parts.shape[2]] = parts
    return padded.reshape(len(matrix), runs, -1, taps)


def blocks_of(reach: Int, limit: int) -> tuple[Block, ...] | None:
    """Cuts a window into blocks whose sums stay in their lanes.

    Args:
        reach: (lanes, runs, vectors): how far apart the products can lie that are added to a lane.
        limit: How far apart its sums may lie.

    Returns:
        None where one product is too much.
    """
    if reach.max(initial=0) > limit:
        return None
    blocks: list[list[RunPart]] = [[]]
    held = np.zeros(len(reach), np.int64)
    for run in range(reach.shape[1]):
        first = 0
        for vector in range(reach.shape[2]):
            if (held + reach[:, run, vector]).max() > limit:
                if vector > first:
                    blocks[-1].append(RunPart(run, first, vector - first))
                blocks.append([])
                held[:], first = 0, vector
            held += reach[:, run, vector]
        blocks[-1].append(RunPart(run, first, reach.shape[2] - first))
    return tuple(tuple(block) for block in blocks)


def one_block(runs: int, vectors: int) -> tuple[Block, ...]:
    """All runs of a window."""
    return (tuple(RunPart(run, 0, vectors) for run in range(runs)),)


def table_of(blocks: tuple[Block, ...], offsets: list[int], vector: int) -> Array:
    """``eb_few.blocks``.

    Args:
        blocks: Of a window.
        offsets: Of each run, the bytes from the first value of the window.
        vector: Bytes of values that a vector of weights is multiplied with.
    """
    words: list[int] = []
    for block in blocks:
        words.append(len(block))
        for part in block:
            words += [offsets[part.run] + vector * part.first, part.count]
    return np.array(words, np.int32)


def _groups(quads: int, together: int, channels: int) -> Iterator[slice]:
    """Quads that the C computes together: ``EB_FEW_QUADS``."""
    first = 0
    while channels - QUAD * first > QUAD * (together - 1):
        yield slice(first, first + together)
        first += together
    for quad in range(first, quads):
        yield slice(quad, quad + 1)


def pack_quads(
    values: Int, blocks: tuple[Block, ...], together: int, starts: Int | None = None
) -> Array:
    """Packs weights for four channels of four taps at a time.

    Args:
        values: Of ``runs_of``.
        blocks: Of a window.
        together: Quads that are computed together.
        starts: (blocks, outputs, taps of a vector): what lanes start with; None where they do not.

    Returns:
        int8, flat: for each group of quads, for each block, a vector of starts for each quad, then
        for each vector of taps one for each quad.
    """
    outputs = len(values)
    quads = pad_to(outputs, QUAD) // QUAD
    padded = np.zeros((QUAD * quads, *values.shape[1:]), np.int64)
    padded[:outputs] = values
    apart = padded.reshape(quads, QUAD, *values.shape[1:])
    begin = np.zeros((len(blocks), QUAD * quads, QUAD), np.int64)
    if starts is not None:
        begin[:, :outputs] = starts
    parts = []
    for group in _groups(quads, together, outputs):
        for number, block in enumerate(blocks):
            if starts is not None:
                parts.append(begin[number].reshape(quads, -1)[group].ravel())
            for part in block:
                taken = apart[group, :, part.run, part.first : part.first + part.count]
                parts.append(taken.transpose(2, 0, 1, 3).ravel())
    return np.asarray(np.concatenate(parts).astype(np.uint8).view(np.int8))


def starts_of(values: Int, blocks: tuple[Block, ...], highest: int) -> Int:
    """Where sums of bytes start, so that none is below 0.

    Args:
        values: Of ``runs_of``.
        blocks: Of a window.
        highest: Values that are multiplied are 0 .. highest.

    Returns:
        (blocks, outputs, taps of a vector).
    """
    below = highest * np.minimum(values, 0)
    return np.stack(
        [
            -sum(below[:, p.run, p.first : p.first + p.count].sum(axis=1) for p in block)
            for block in blocks
        ]
    )


def pack_planes(codes: Int, bits: int, blocks: tuple[Block, ...]) -> Array:
    """Packs weights for eight channels of sixteen taps at a time.

    Args:
        codes: Of ``runs_of``: of 1 bit, or of 2 bits as two's complement.
        bits: Of a weight.
        blocks: Of a window.

    Returns:
        int8, flat: for each eight channels and each vector of taps one for each bit.
    """
    outputs = len(codes)
    padded = np.zeros((pad_to(outputs, COUNTED_CHANNELS), *codes.shape[1:]), np.int64)
    padded[:outputs] = codes
    planes = np.stack([padded >> bit & 1 for bit in range(bits)]).astype(np.uint8)
    packed = np.packbits(planes, axis=-1, bitorder="little")
    eights = packed.reshape(bits, -1, COUNTED_CHANNELS, *packed.shape[2:])
    parts = [
        eight[:, :, part.run, part.first : part.first + part.count].transpose(2, 0, 1, 3).ravel()
        for eight in eights.transpose(1, 0, 2, 3, 4, 5)
        for block in blocks
        for part in block
    ]
    return np.asarray(np.concatenate(parts).view(np.int8))
