"""Offsets: packs blocks with given lifetimes into the smallest arena."""

import random
from collections.abc import Callable, Collection, Sequence
from itertools import accumulate, compress

import numpy as np

from edgebottle.plan.storage import Block

MAX_PLACED = 100_000
"""Blocks that a search places, at most: of a thousand, as patches have, few orders are tried."""

MAX_NEIGHBOURS = 8_000_000
"""Blocks alive at the same time that it looks at, at most, to place all these."""


PlaceOne = Callable[[int, Sequence[int]], int]
"""The offset of a block, from those of all blocks: -1 for the ones not yet placed."""


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

    def lowest(i: int, offsets: Sequence[int]) -> int:
        """The lowest place that is free."""
        start, nbytes, alignment = 0, blocks[i].nbytes, blocks[i].alignment
        busy = [(low, low + blocks[j].nbytes) for j in conflicts[i] if (low := offsets[j]) >= 0]
        for low, high in sorted(busy):
            if start + nbytes <= low:
                break
            start = max(start, -(-high // alignment) * alignment)
        return start

    best_size, best_offsets, best_name, best_order = -1, [0] * len(blocks), "none", [0]
    for name, order in _greedy_orders(blocks, conflicts).items():
        offsets = first_fit(order, lowest, conflicts)
        size = _size(blocks, offsets)
        if best_size < 0 or size < best_size:
            best_size, best_offsets, best_name, best_order = size, offsets, name, order
    here = best_offsets
    generator = random.Random(0)
    looks = sum(map(len, conflicts)) + 1
    tries = min(tries, MAX_PLACED // max(len(blocks), 1), MAX_NEIGHBOURS // looks)
    for _ in range(tries if len(blocks) > 2 else 0):
        if best_size <= bound:
            break
        order, touched = list(best_order), set[int]()
        for _ in range(generator.randint(1, 3)):
            to, start = generator.randrange(len(order)), generator.randrange(len(order))
            block = order.pop(start)
            order.insert(to, block)
            touched |= {block, *conflicts[block]}
        offsets = first_fit(order, lowest, conflicts, before=here, touched=touched)
        size = _size(blocks, offsets)
        if size < best_size:
            best_size, best_offsets, best_name = size, offsets, "by search"
        if size <= best_size:
            best_order, here = order, offsets
    return max(best_size, 0), best_offsets, best_name


def _greedy_orders(
    blocks: Sequence[Block], conflicts: Sequence[Sequence[int]]
) -> dict[str, list[int]]:
    """Orders in which to place the blocks, by name."""
    indices = range(len(blocks))
    return {
        "by size": sorted(indices, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        "by time": sorted(indices, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
        "by lifetime": sorted(
            indices, key=lambda i: (blocks[i].first - blocks[i].last, -blocks[i].nbytes)
        ),
        "by pressure": sorted(
            indices, key=lambda i: -sum(blocks[j].nbytes for j in conflicts[i]) - blocks[i].nbytes
        ),
    }


def _size(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    ends = [offset + block.nbytes for offset, block in zip(offsets, blocks, strict=True)]
    return max(ends, default=0)


def first_fit(
    order: Sequence[int],
    place_one: PlaceOne,
    conflicts: Sequence[Sequence[int]],
    *,
    before: Sequence[int] | None = None,
    touched: Collection[int] = (),
) -> list[int]:
    """Places blocks one after the other; after a change of the order only those it may move.

    Args:
        order: Numbers of the blocks.
        place_one: Gives the offset of a block; of the offsets that it gets, those of the blocks
            that come later are -1.
        conflicts: For each block the others that it must keep clear of.
        before: The offsets that the order gave before it was changed; None to place all.
        touched: Blocks that stand elsewhere in the order now, and their conflicts; blocks that
            ``place_one`` treats in another way than before.

    Returns:
        The offset of each block.
    """
    offsets = [-1] * len(order)
    if before is None:
        for i in order:
            offsets[i] = place_one(i, offsets)
        return offsets
    is_open = bytearray(len(order))
    for i in touched:
        is_open[i] = 1
    for i in order:
        if not is_open[i]:
            offsets[i] = before[i]
            continue
        offsets[i] = offset = place_one(i, offsets)
        if offset != before[i]:
            for j in conflicts[i]:
                is_open[j] = 1
    return offsets
