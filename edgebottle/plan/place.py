"""Offsets: packs blocks with given lifetimes into the smallest arena."""

import random
from collections.abc import Sequence
from itertools import accumulate, compress

import numpy as np

from edgebottle.plan.storage import Block

MOST_PLACED = 100_000
"""Blocks that a search places, at most: of a thousand, as patches have, few orders are tried."""

MAX_NEIGHBOURS = 8_000_000
"""Blocks alive at the same time that it looks at, at most, to place all these."""


def live_bytes(blocks: Sequence[Block], steps: int) -> list[int]:
    """Bytes of the blocks that are alive at each step, from -1 (before the first) to ``steps``."""
    change = [0] * (steps + 3)
    for block in blocks:
        change[block.first + 1] += block.nbytes
        change[block.last + 2] -= block.nbytes
    return list(accumulate(change[:-1]))


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


def place(blocks: Sequence[Block], bound: int, tries: int = 400) -> tuple[int, list[int], str]:
    """Finds offsets.

    Several greedy orders, each placing a block at the lowest address free during its whole
    lifetime; then random changes of the best order until the bound is met or ``tries`` are used.

    Args:
        blocks: What to place.
        bound: A proven lower bound of the arena; the search stops there.
        tries: Random changes to try.

    Returns:
        The size of the arena, the offset of each block, and the name of the order that won.
    """
    conflicts = neighbours(blocks)
    indices = range(len(blocks))
    orders = {
        "by size": sorted(indices, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        "by time": sorted(indices, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
        "by lifetime": sorted(
            indices, key=lambda i: (blocks[i].first - blocks[i].last, -blocks[i].nbytes)
        ),
        "by pressure": sorted(
            indices, key=lambda i: -sum(blocks[j].nbytes for j in conflicts[i]) - blocks[i].nbytes
        ),
    }
    best_size, best_offsets, best_name, best_order = -1, [0] * len(blocks), "none", list(indices)
    for name, order in orders.items():
        size, offsets = _first_fit(blocks, conflicts, order)
        if best_size < 0 or size < best_size:
            best_size, best_offsets, best_name, best_order = size, offsets, name, order
    generator = random.Random(0)
    looks = sum(map(len, conflicts)) + 1
    tries = min(tries, MOST_PLACED // max(len(blocks), 1), MAX_NEIGHBOURS // looks)
    for _ in range(tries if len(blocks) > 2 else 0):
        if best_size <= bound:
            break
        order = list(best_order)
        for _ in range(generator.randint(1, 3)):
            order.insert(
                generator.randrange(len(order)), order.pop(generator.randrange(len(order)))
            )
        size, offsets = _first_fit(blocks, conflicts, order)
        if size < best_size:
            best_size, best_offsets, best_name = size, offsets, "by search"
        if size <= best_size:
            best_order = order
    return max(best_size, 0), best_offsets, best_name


def _first_fit(
    blocks: Sequence[Block], conflicts: Sequence[Sequence[int]], order: Sequence[int]
) -> tuple[int, list[int]]:
    offsets = [-1] * len(blocks)
    for i in order:
        start = 0
        alignment = blocks[i].alignment
        busy = sorted(
            (offsets[j], offsets[j] + blocks[j].nbytes) for j in conflicts[i] if offsets[j] >= 0
        )
        for low, high in busy:
            if start + blocks[i].nbytes <= low:
                break
            start = max(start, -(-high // alignment) * alignment)
        offsets[i] = start
    size = max(
        (offset + block.nbytes for offset, block in zip(offsets, blocks, strict=True)), default=0
    )
    return size, offsets
