"""Offsets: packs blocks with given lifetimes into the smallest arena.

Blocks are placed one after the other, each where it is free during its whole lifetime, in a few
greedy orders; then changes of the best order are tried. Which orders, and which changes, is the
business of a strategy: ``AnyBlock`` for blocks that must keep apart, ``Protruding`` for blocks of
which some pairs may overlap by so much, and which may also be placed from the top down.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from operator import add, itemgetter

from edgebottle.plan.lifetimes import Gaps, Overlays, conflicts
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.storage import Block
from edgebottle.plan.work import Work

MAX_PLACED = 100_000
"""Blocks that ``AnyBlock`` places: of a thousand, as patches have, few orders are tried."""

MAX_NEIGHBOURS = 8_000_000
"""Blocks alive at the same time that it looks at to place all these."""

MAX_COST = 100_000
"""Units of work for placing all blocks beyond which ``Protruding`` tries only one order, from both
ends: so many are alive at once where hundreds of branches meet; real networks have some
thousands."""

PlaceOne = Callable[[int, Sequence[int]], int]
"""The offset of a block, from those of all blocks: -1 for the ones not yet placed."""

_by_top = itemgetter(1)

Spans = list[tuple[int, int]]
"""For other blocks: up to where, and from where on, a block may begin."""


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


class Strategy(ABC):
    """Which orders are tried first, and which changes of the best one afterwards.

    Attributes:
        BOTH_ENDS: Orders are tried from the top down as well.
        ANYWAY: How likely it is that a change for the worse is kept.
    """

    BOTH_ENDS = False
    ANYWAY = 0.0

    @abstractmethod
    def orders(self, blocks: Sequence[Block], gaps: Gaps) -> dict[str, list[int]]:
        """Greedy orders, by name."""

    @abstractmethod
    def tries(self, gaps: Gaps) -> int:
        """Changes to try."""

    @abstractmethod
    def change(self, walk: OffsetSearch, order: list[int], high: list[bool]) -> set[int]:
        """Changes an arrangement.

        Args:
            walk: Where the search stands.
            order: Of the blocks.
            high: Which take the highest place below the bound.

        Returns:
            The blocks that may have to be placed anew.
        """

    @abstractmethod
    def badness(self, walk: OffsetSearch, packing: Packing) -> tuple[int, ...]:
        """What must not grow by a change; the size of the arena comes first."""


class AnyBlock(Strategy):
    """Moves blocks at random."""

    def orders(self, blocks: Sequence[Block], gaps: Gaps) -> dict[str, list[int]]:
        """Four, of which the last begins where most is alive."""
        indices = range(len(blocks))
        return {
            **_by_size_and_time(blocks),
            "by lifetime": sorted(
                indices, key=lambda i: (blocks[i].first - blocks[i].last, -blocks[i].nbytes)
            ),
            "by pressure": sorted(
                indices,
                key=lambda i: -sum(blocks[j].nbytes for j, _, _ in gaps[i]) - blocks[i].nbytes,
            ),
        }

    def tries(self, gaps: Gaps) -> int:
        """400, fewer of many blocks, none where there is nothing to change."""
        looks = sum(map(len, gaps)) + 1
        few = min(400, MAX_PLACED // max(len(gaps), 1), MAX_NEIGHBOURS // looks)
        return few if len(gaps) > 2 else 0

    def change(self, walk: OffsetSearch, order: list[int], high: list[bool]) -> set[int]:
        """Moves up to three."""
        touched, generator = set[int](), walk.random
        for _ in range(1 + below(generator, 3)):
            to, start = below(generator, len(order)), below(generator, len(order))
            touched |= walk.moved(order, start, to)
        return touched

    def badness(self, walk: OffsetSearch, packing: Packing) -> tuple[int, ...]:
        """The size alone."""
        return (packing.nbytes,)


class Protruding(Strategy):
    """Moves blocks that stick out above the bound, or that may be in their way."""

    BOTH_ENDS = True
    ANYWAY = 0.02

    def orders(self, blocks: Sequence[Block], gaps: Gaps) -> dict[str, list[int]]:
        """Three, one where placing all costs much."""
        indices = range(len(blocks))
        backwards = sorted(indices, key=lambda i: (-blocks[i].last, -blocks[i].nbytes))
        orders = {**_by_size_and_time(blocks), "backwards": backwards}
        return dict(list(orders.items())[: 1 if _cost(gaps) > MAX_COST else None])

    def tries(self, gaps: Gaps) -> int:
        """As many for all."""
        return 200

    def change(self, walk: OffsetSearch, order: list[int], high: list[bool]) -> set[int]:
        """Moves one or two, and turns them around."""
        touched = set[int]()
        outside = walk.outside()
        for _ in range(1 + below(walk.random, 2)):
            self._move(walk, outside, order, high, touched)
        return touched

    def _move(
        self,
        walk: OffsetSearch,
        outside: Sequence[int],
        order: list[int],
        high: list[bool],
        touched: set[int],
    ) -> None:
        generator = walk.random
        block = outside[below(generator, len(outside))]
        for chance in (0.6, 0.3):
            others = walk.others[block]
            if others and generator.random() < chance:
                block = others[below(generator, len(others))]
        if generator.random() < 0.7:
            place = order.index(block)
            end = len(order) - 1 if generator.random() < 0.5 else place
            touched |= walk.moved(order, place, below(generator, end + 1))
        if generator.random() < 0.4:
            high[block] = not high[block]
            touched.add(block)

    def badness(self, walk: OffsetSearch, packing: Packing) -> tuple[int, ...]:
        """The size, and by how much all blocks together stick out."""
        return packing.nbytes, walk.excess(packing)


def below(generator: random.Random, count: int) -> int:
    """A number from 0 to ``count`` - 1: that of ``randrange``, without its checks."""
    bits = count.bit_length()
    drawn = generator.getrandbits(bits)
    while drawn >= count:
        drawn = generator.getrandbits(bits)
    return drawn


def _by_size_and_time(blocks: Sequence[Block]) -> dict[str, list[int]]:
    indices = range(len(blocks))
    return {
        "by size": sorted(indices, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        "by time": sorted(indices, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
    }


def _cost(gaps: Gaps) -> int:
    """Units of work that placing all blocks once takes."""
    return sum(map(len, gaps)) + 3 * len(gaps)


def pack(
    blocks: Sequence[Block],
    bound: int,
    strategy: Strategy,
    *,
    overlays: Overlays | None = None,
    seed: int = 0,
    work: Work | None = None,
) -> Packing:
    """Finds offsets.

    Args:
        blocks: What to place.
        bound: What the arena should not exceed; the search stops there.
        strategy: Where it starts, and what it changes.
        overlays: Pairs that may overlap.
        seed: Of the changes.
        work: What may be spent on it.
    """
    gaps = conflicts(blocks, overlays or {})
    work, cost = work or Work(UNLIMITED), _cost(gaps)
    walk = OffsetSearch(blocks, gaps, bound, strategy, random.Random(seed))
    work.spend(walk.starts * cost)
    for _ in range(strategy.tries(gaps)):
        if walk.best.nbytes <= bound or work.is_spent:
            break
        work.spend(cost)
        walk.change()
    return walk.best


class _TooLarge(Exception):
    """A block ends above what the arena may have."""


class OffsetSearch:
    """A walk over the orders in which the blocks are placed.

    Attributes:
        blocks: What is placed.
        bound: What the arena should not exceed.
        others: For each block those that it must keep clear of.
        random: The source of all changes.
        best: The smallest arena so far.
        starts: How often all blocks were placed to begin with.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        gaps: Gaps,
        bound: int,
        strategy: Strategy,
        generator: random.Random,
    ) -> None:
        """Starts from the best of the greedy orders."""
        self.blocks, self.bound, self.random = blocks, bound, generator
        self.others = [[other for other, _, _ in own] for own in gaps]
        self._apart = [frozenset(others) for others in self.others]
        self._gaps, self._strategy = gaps, strategy
        self._sizes = [block.nbytes for block in blocks]
        self._alignments = [block.alignment for block in blocks]
        starts = []
        for name, order in strategy.orders(blocks, gaps).items():
            for all_high in (False, True) if strategy.BOTH_ENDS else (False,):
                high = [all_high] * len(blocks)
                offsets = first_fit(order, self._placer(high, UNLIMITED), self.others)
                starts.append((self._packing(offsets, name), order, high))
        self.starts = len(starts)
        self._outside: list[int] | None = None
        self._here, self._order, self._high = min(starts, key=lambda start: start[0].nbytes)
        self._badness = strategy.badness(self, self._here)
        self.best = self._here

    def moved(self, order: list[int], start: int, to: int) -> set[int]:
        """Moves a block in an order; the blocks that may have to be placed anew for that alone.

        Those are the block, and what it must keep clear of and has now another place to. What comes
        after both its places follows from where the block is put.
        """
        if to == start:
            return set()
        block = order.pop(start)
        order.insert(to, block)
        passed = order[to + 1 : start + 1] if to < start else order[start:to]
        return {block, *self._apart[block].intersection(passed)}

    def outside(self) -> list[int]:
        """The blocks that end above the bound."""
        if self._outside is None:
            ends = zip(self._here.offsets, self._sizes, strict=True)
            self._outside = [i for i, (at, size) in enumerate(ends) if at + size > self.bound]
        return self._outside

    def change(self) -> None:
        """Tries one change, and stays with it unless it is for the worse."""
        order, high, strategy = list(self._order), list(self._high), self._strategy
        touched = strategy.change(self, order, high)
        anyway = strategy.ANYWAY > 0 and self.random.random() < strategy.ANYWAY
        if not touched:
            return
        placer = self._placer(high, UNLIMITED if anyway else self._here.nbytes)
        before = self._here.offsets
        try:
            offsets = first_fit(order, placer, self.others, before=before, touched=touched)
        except _TooLarge:
            return
        if tuple(offsets) == before:
            self._order, self._high = order, high
            return
        packing = self._packing(offsets, "by search")
        badness = strategy.badness(self, packing)
        if anyway or badness <= self._badness:
            self._here, self._order, self._high = packing, order, high
            self._badness, self._outside = badness, None
        if packing.nbytes < self.best.nbytes:
            self.best = packing

    def _packing(self, offsets: Sequence[int], strategy: str) -> Packing:
        return Packing(max(map(add, offsets, self._sizes), default=0), tuple(offsets), strategy)

    def excess(self, packing: Packing) -> int:
        """By how much all blocks together end above the bound."""
        ends = map(add, packing.offsets, self._sizes)
        return sum([end - self.bound for end in ends if end > self.bound])

    def _placer(self, high: Sequence[bool], most: int) -> PlaceOne:
        """Finds the place of a block; raises ``_TooLarge`` where it ends above ``most``."""
        gaps, sizes, alignments, bound = self._gaps, self._sizes, self._alignments, self.bound

        def place_one(i: int, offsets: Sequence[int]) -> int:
            spans = [
                (offset - below, offset + above)
                for j, below, above in gaps[i]
                if (offset := offsets[j]) >= 0
            ]
            place = _highest(spans, bound - sizes[i], alignments[i]) if high[i] else -1
            if place < 0:
                place = _lowest(spans, alignments[i])
            if place + sizes[i] > most:
                raise _TooLarge
            return place

        return place_one


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
    for low, top in sorted(spans, key=_by_top, reverse=True):
        if top <= start:
            break
        if low < start:
            start = low - low % alignment
    return start


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
        touched: Blocks that stand elsewhere in the order now, and those of their conflicts that
            they have passed; blocks that ``place_one`` treats in another way than before.

    Returns:
        The offset of each block.
    """
    offsets = [-1] * len(order)
    if before is None:
        for i in order:
            offsets[i] = place_one(i, offsets)
        return offsets
    is_open = [False] * len(order)
    for i in touched:
        is_open[i] = True
    for i in order:
        if not is_open[i]:
            offsets[i] = before[i]
            continue
        offsets[i] = offset = place_one(i, offsets)
        if offset != before[i]:
            for j in conflicts[i]:
                is_open[j] = True
    return offsets
