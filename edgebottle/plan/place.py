"""Offsets: packs blocks with given lifetimes into the smallest arena."""

import random
from collections.abc import Sequence

from edgebottle.plan.storage import Block

MOST_PLACED = 100_000
"""Blocks that a search places, at most: of a thousand, as patches have, few orders are tried."""


def live_bytes(blocks: Sequence[Block], step: int) -> int:
    """Bytes of the blocks that are alive at ``step``."""
    return sum(block.nbytes for block in blocks if block.first <= step <= block.last)


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
    conflicts = [
        [
            j
            for j, other in enumerate(blocks)
            if j != i and block.first <= other.last and other.first <= block.last
        ]
        for i, block in enumerate(blocks)
    ]
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
    for _ in range(min(tries, MOST_PLACED // len(blocks)) if len(blocks) > 2 else 0):
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
