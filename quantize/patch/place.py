"""Offsets: packs blocks into the smallest arena where some pairs may overlap by so much."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgebottle.plan.storage import Block
from quantize.patch.rows import aligned


@dataclass(frozen=True)
class Packing:
    """Where each block begins.

    Attributes:
        nbytes: Size of the arena.
        offsets: Of each block.
        strategy: What found it.
    """

    nbytes: int
    offsets: tuple[int, ...]
    strategy: str


Gaps = Sequence[Sequence[tuple[int, int, int]]]
"""For each block its conflicts: (other, least distance to it from above, from below)."""


def conflicts(blocks: Sequence[Block], overlays: Mapping[tuple[int, int], int]) -> Gaps:
    """What each block must keep clear of.

    Args:
        blocks: What to place.
        overlays: For (output, input), numbers of blocks: the least distance at which the input may
            begin above the output although both are alive.

    Returns:
        For each block: another block alive at the same time, how far below it this one must begin
        at the least, and how far above it.
    """
    found: list[list[tuple[int, int, int]]] = [[] for _ in blocks]
    for i, block in enumerate(blocks):
        for j, other in enumerate(blocks):
            if i != j and block.first <= other.last and other.first <= block.last:
                below = overlays.get((i, j), block.nbytes)
                above = overlays.get((j, i), other.nbytes)
                found[i].append((j, aligned(below, 4), aligned(above, 4)))
    return found


def pack(
    blocks: Sequence[Block], overlays: Mapping[tuple[int, int], int], bound: int, tries: int
) -> Packing:
    """Finds offsets: greedy orders first, then random changes until ``bound`` is met.

    Each block takes the lowest place, or the highest below ``bound``, that is free during its
    whole lifetime.

    Args:
        blocks: What to place.
        overlays: See ``conflicts``.
        bound: What the arena should not exceed.
        tries: Random changes to try.
    """
    gaps = conflicts(blocks, overlays)
    indices = range(len(blocks))
    orders = {
        "by size": sorted(indices, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        "by time": sorted(indices, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
        "backwards": sorted(indices, key=lambda i: (-blocks[i].last, -blocks[i].nbytes)),
        "by lifetime": sorted(
            indices, key=lambda i: (blocks[i].first - blocks[i].last, -blocks[i].nbytes)
        ),
    }
    best: Packing | None = None
    state: tuple[list[int], list[bool]] = (list(indices), [False] * len(blocks))
    for name, order in orders.items():
        for high in (False, True):
            flags = [high] * len(blocks)
            packing = _first_fit(blocks, gaps, order, flags, bound, name)
            if best is None or packing.nbytes < best.nbytes:
                best, state = packing, (order, flags)
            if best.nbytes <= bound:
                return best
    assert best is not None
    generator = random.Random(0)
    for _ in range(tries if len(blocks) > 1 else 0):
        order, flags = list(state[0]), list(state[1])
        for _ in range(generator.randint(1, 3)):
            moved = order.pop(generator.randrange(len(order)))
            order.insert(generator.randrange(len(order) + 1), moved)
            flags[moved] ^= generator.random() < 0.5
        packing = _first_fit(blocks, gaps, order, flags, bound, "by search")
        if packing.nbytes <= best.nbytes:
            best, state = packing, (order, flags)
        if best.nbytes <= bound:
            break
    return best


def _first_fit(
    blocks: Sequence[Block],
    gaps: Gaps,
    order: Sequence[int],
    high: Sequence[bool],
    bound: int,
    strategy: str,
) -> Packing:
    offsets = [-1] * len(blocks)
    for i in order:
        # Where this block may not begin: strictly between low and top.
        taken = sorted(
            (offsets[j] - below, offsets[j] + above)
            for j, below, above in gaps[i]
            if offsets[j] >= 0 and below + above > 0
        )
        place = _highest(taken, bound - blocks[i].nbytes, blocks[i].alignment) if high[i] else -1
        offsets[i] = place if place >= 0 else _lowest(taken, blocks[i].alignment)
    size = max((o + b.nbytes for o, b in zip(offsets, blocks, strict=True)), default=0)
    return Packing(size, tuple(offsets), strategy)


def _lowest(taken: Sequence[tuple[int, int]], alignment: int) -> int:
    start = 0
    for low, top in taken:
        if low < start < top:
            start = aligned(top, alignment)
    return start


def _highest(taken: Sequence[tuple[int, int]], start: int, alignment: int) -> int:
    """The highest place not above ``start``, negative when there is none."""
    start -= start % alignment
    for low, top in sorted(taken, key=lambda span: -span[1]):
        if low < start < top:
            start = low - low % alignment
    return start
