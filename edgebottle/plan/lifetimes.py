"""Which blocks are alive when, how many bytes they take, and what each must keep clear of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate, compress

import numpy as np

from edgebottle.ir.graph import Int
from edgebottle.ir.layout import aligned
from edgebottle.plan.storage import Block

Gaps = Sequence[Sequence[tuple[int, int, int]]]
"""For each block its conflicts: (other, least distance to it from above, from below)."""

Overlays = Mapping[tuple[int, int], int]
"""For (output, input), numbers of blocks: the least distance at which the input may begin above the
output although both are alive."""


def live_bytes(blocks: Sequence[Block], steps: int) -> list[int]:
    """Bytes of the blocks that are alive at each step, from -1 (before the first) to ``steps``."""
    change = [0] * (steps + 3)
    for block in blocks:
        change[block.first + 1] += block.nbytes
        change[block.last + 2] -= block.nbytes
    return list(accumulate(change[:-1]))


def covered_bytes(spans: Int) -> int:
    """Bytes in any of the spans, each counted once.

    Args:
        spans: (spans, 2): the first byte, and the one after the last.
    """
    lows, highs = spans[np.argsort(spans[:, 0])].T
    tops = np.maximum.accumulate(highs)
    fresh = np.maximum(lows[1:], tops[:-1])
    return int(np.maximum(highs[1:] - fresh, 0).sum() + (highs - lows)[:1].sum())


def neighbours(blocks: Sequence[Block]) -> list[list[int]]:
    """For each block the others that are alive at the same time, ascending."""
    first = np.array([block.first for block in blocks])
    last = np.array([block.last for block in blocks])
    numbers = list(range(len(blocks)))
    found = []
    for i, block in enumerate(blocks):
        alive = (first <= block.last) & (last >= block.first)
        alive[i] = False
        found.append(list(compress(numbers, alive.tolist())))
    return found


def conflicts(blocks: Sequence[Block], overlays: Overlays) -> Gaps:
    """What each block must keep clear of.

    Returns:
        For each block: another block alive at the same time, how far below it this one must begin
        at the least, and how far above it.
    """
    sizes = [aligned(block.nbytes) for block in blocks]
    others = neighbours(blocks)
    found = [[(j, sizes[i], sizes[j]) for j in own] for i, own in enumerate(others)]
    for (output, source), distance in overlays.items():
        for i, j in ((output, source), (source, output)):
            k = bisect_left(others[i], j)
            if k < len(others[i]) and others[i][k] == j:
                _, below, above = found[i][k]
                near = aligned(distance)
                found[i][k] = (j, near, above) if i == output else (j, below, near)
    return found
