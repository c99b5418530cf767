"""Folds a sequence of names into nested loops, and unfolds it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgebottle.plan.plan import Loop

Item = str | Loop

MAX_COMPARED = 500_000_000
"""Items compared, at most, until the program is taken as it is."""

COMPARISON = 5_000
"""A comparison of two sequences costs as much as so many items, however short they are."""

CODING = 100
"""To number an item costs as much as to compare so many."""

LONGEST_PERIOD = 2048
"""Longer repeats are not looked for: that would take long, and they are rare."""


def fold(sequence: Sequence[Item]) -> tuple[Item, ...]:
    """A short program of nested loops that says the same as ``sequence``.

    Repeats of the shortest period are folded first, over and over until none is left, so that
    inner loops are found before the loops around them.
    """
    items = list(sequence)
    codes, period, left = _codes(items), 1, MAX_COMPARED
    while period <= min(len(items) // 2, LONGEST_PERIOD) and left > 0:
        left -= len(items) + COMPARISON
        folded = _fold_period(items, codes, period)
        if folded is None:
            period += 1
        else:
            items, period = folded, 1
            codes = _codes(items)
            left -= CODING * len(items)
    return tuple(items)


def _codes(items: Sequence[Item]) -> NDArray[np.int32]:
    """A number for each item: the same for the same ones."""
    numbers: dict[Item, int] = {}
    return np.array([numbers.setdefault(item, len(numbers)) for item in items], np.int32)


def unfold(program: Sequence[Item]) -> Iterator[str]:
    """The names of ``program`` one after the other: the inverse of ``fold``."""
    for item in program:
        if isinstance(item, str):
            yield item
        else:
            for _ in range(item.count):
                yield from unfold(item.body)


def size(program: Sequence[Item]) -> int:
    """Names and loops in ``program``: what its C is proportional to."""
    return sum(1 if isinstance(item, str) else 1 + size(item.body) for item in program)


def _fold_period(items: list[Item], codes: NDArray[np.int32], period: int) -> list[Item] | None:
    """Folds the runs of ``items`` that repeat with ``period``; None when there are none."""
    same = codes[:-period] == codes[period:]
    if not same.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
    result: list[Item] = []
    start = 0
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        first = max(first, start)
        count = (end - first) // period + 1
        if count < 2:
            continue
        result += items[start:first]
        result.append(_loop(count, items[first : first + period]))
        start = first + count * period
    return [*result, *items[start:]] if start else None


def _loop(count: int, body: list[Item]) -> Loop:
    if len(body) == 1 and isinstance(body[0], Loop):
        return Loop(count * body[0].count, body[0].body)
    return Loop(count, tuple(body))
