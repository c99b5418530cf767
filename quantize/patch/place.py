"""Offsets: packs blocks into the smallest arena where some pairs may overlap by so much."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgebottle.ir.layout import aligned
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.place import PlaceOne, first_fit, neighbours
from edgebottle.plan.storage import Block
from edgebottle.plan.work import Work

MAX_COST = 100_000
"""Units of work for placing all blocks beyond which only one order is tried from both ends: so
many are alive at once where hundreds of branches meet; real networks have some thousands."""


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


def pack(
    blocks: Sequence[Block],
    overlays: Mapping[tuple[int, int], int],
    bound: int,
    *,
    tries: int,
    seed: int = 0,
    work: Work | None = None,
) -> Packing:
    """Finds offsets: greedy orders first, then changes around what sticks out above ``bound``.

    Each block takes the lowest place, or the highest below ``bound``, that is free during its
    whole lifetime.

    Args:
        blocks: What to place.
        overlays: See ``conflicts``.
        bound: What the arena should not exceed.
        tries: Changes to try.
        seed: Of the changes.
        work: What may be spent on it.
    """
    search = _Search(blocks, conflicts(blocks, overlays), bound, random.Random(seed))
    work = work or Work(UNLIMITED)
    work.spend(search.spent)
    for _ in range(tries):
        if search.best.nbytes <= bound or work.is_spent:
            break
        work.spend(search.cost)
        search.change()
    return search.best


class _TooLarge(Exception):
    """A block ends above what the arena may have."""


class _Search:
    """A walk over the orders in which the blocks are placed.

    Attributes:
        best: The smallest arena so far.
        cost: Units of work that placing all blocks once takes.
        spent: What the start has taken.
    """

    def __init__(
        self, blocks: Sequence[Block], gaps: Gaps, bound: int, generator: random.Random
    ) -> None:
        """Starts from the best of the greedy orders."""
        self.blocks, self.gaps, self.bound = blocks, gaps, bound
        self.cost = sum(map(len, gaps)) + 3 * len(blocks)
        self._random = generator
        self._others = [[other for other, _, _ in own] for own in gaps]
        indices = range(len(blocks))
        orders = {
            "by size": sorted(indices, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
            "by time": sorted(indices, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
            "backwards": sorted(indices, key=lambda i: (-blocks[i].last, -blocks[i].nbytes)),
        }
        starts = []
        for name, order in list(orders.items())[: 1 if self.cost > MAX_COST else None]:
            for all_high in (False, True):
                high = [all_high] * len(blocks)
                offsets = first_fit(order, self._placer(high, UNLIMITED), self._others)
                starts.append((self._packing(offsets, name), order, high))
        self._stay(*min(starts, key=lambda start: start[0].nbytes))
        self.best = self._here
        self.spent = len(starts) * self.cost

    def change(self) -> None:
        """Tries one change, and stays with it unless it is for the worse."""
        order, high, touched = list(self._order), list(self._high), set[int]()
        for _ in range(self._random.randint(1, 2)):
            self._move(order, high, touched)
        anyway = self._random.random() < 0.02
        placer = self._placer(high, UNLIMITED if anyway else self._here.nbytes)
        before = self._here.offsets
        try:
            offsets = first_fit(order, placer, self._others, before=before, touched=touched)
        except _TooLarge:
            return
        packing = self._packing(offsets, "by search")
        if anyway or packing.nbytes < self._here.nbytes or self._excess(packing) <= self._above:
            self._stay(packing, order, high)
        if packing.nbytes < self.best.nbytes:
            self.best = packing

    def _move(self, order: list[int], high: list[bool], touched: set[int]) -> None:
        """Moves a block that sticks out, or one that may be in its way.

        Args:
            order: Of the blocks.
            high: Which take the highest place below the bound.
            touched: Grows by the blocks that may have to be placed anew.
        """
        generator = self._random
        block = generator.choice(self._outside)
        for chance in (0.6, 0.3):
            if self._others[block] and generator.random() < chance:
                block = generator.choice(self._others[block])
        if generator.random() < 0.7:
            place = order.index(block)
            order.pop(place)
            end = len(order) if generator.random() < 0.5 else place
            order.insert(generator.randint(0, end), block)
            touched |= {block, *self._others[block]}
        if generator.random() < 0.4:
            high[block] = not high[block]
            touched.add(block)

    def _stay(self, packing: Packing, order: list[int], high: list[bool]) -> None:
        self._here, self._order, self._high = packing, order, high
        self._outside = [
            i for i, b in enumerate(self.blocks) if packing.offsets[i] + b.nbytes > self.bound
        ]
        self._above = self._excess(packing)

    def _excess(self, packing: Packing) -> tuple[int, int]:
        ends = [o + b.nbytes for o, b in zip(packing.offsets, self.blocks, strict=True)]
        return packing.nbytes, sum([end - self.bound for end in ends if end > self.bound])

    def _packing(self, offsets: Sequence[int], strategy: str) -> Packing:
        ends = [offset + block.nbytes for offset, block in zip(offsets, self.blocks, strict=True)]
        return Packing(max(ends, default=0), tuple(offsets), strategy)

    def _placer(self, high: Sequence[bool], most: int) -> PlaceOne:
        """Finds the place of a block; raises ``_TooLarge`` where it ends above ``most``."""

        def place_one(i: int, offsets: Sequence[int]) -> int:
            spans = [
                (offset - below, offset + above)
                for j, below, above in self.gaps[i]
                if (offset := offsets[j]) >= 0
            ]
            block, place = self.blocks[i], -1
            if high[i]:
                place = _highest(spans, self.bound - block.nbytes, block.alignment)
            place = place if place >= 0 else _lowest(spans, block.alignment)
            if place + block.nbytes > most:
                raise _TooLarge
            return place

        return place_one


Spans = list[tuple[int, int]]
"""For other blocks: up to where, and from where on, a block may begin."""


def _lowest(spans: Spans, alignment: int) -> int:
    """The lowest place."""
    start = 0
    spans.sort()
    for low, top in spans:
        if low >= start:
            break
        if start < top:
            start = -(-top // alignment) * alignment
    return start


def _highest(spans: Spans, start: int, alignment: int) -> int:
    """The highest place not above ``start``, negative when there is none."""
    start -= start % alignment
    for top, low in sorted([(top, low) for low, top in spans], reverse=True):
        if top <= start:
            break
        if low < start:
            start = low - low % alignment
    return start
