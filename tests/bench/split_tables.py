"""What ``tests.bench.split`` has found, as tables in Markdown: means and spreads over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.ir.graph import Array

BUDGETS = (40, 60, 80, 100, 150, 200, 250)
"""Bytes of a frame, at which methods are compared."""


@dataclass(frozen=True)
class Sent:
    """What is sent in one way, over all seeds.

    Attributes:
        what: A method or a kind of picture.
        rate: Of a method, from 1; 0 of a picture.
        accuracy: Of each seed, in percent.
        lost: Points of each seed below its teacher.
        bytes: Of a frame, the mean over samples and seeds, header included.
        tables: Of these, those that are the same for all pictures; 0 of others.
    """

    what: str
    rate: int
    accuracy: Array
    lost: Array
    bytes: float
    tables: float

    @property
    def is_picture(self) -> bool:
        """Whether the teacher sees a picture."""
        return self.rate == 0


def found_of(lines: Sequence[Mapping[str, Any]], name: str) -> list[Sent]:
    """All that is known of some data, in the order in which it was measured.

    Args:
        lines: Of the bench.
        name: Of the data.
    """
    known = [line for line in lines if line["data"] == name]
    teachers = {line["seed"]: line["teacher"] for line in known if "teacher" in line}
    cells: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for line in known:
        if line["seed"] not in teachers:
            continue
        for number, rate in enumerate(line.get("rates", [line]), start=1):
            key = (line["what"], number if "rates" in line else 0)
            lost = teachers[line["seed"]] - rate["accuracy"]
            numbers = (100 * rate["accuracy"], 100 * lost, rate["bytes"], line.get("tables", 0))
            cells.setdefault(key, []).append(numbers)
    found = []
    for (what, number), seen in cells.items():
        accuracy, lost, nbytes, common = np.array(seen).T
        found.append(Sent(what, number, accuracy, lost, nbytes.mean(), common.mean()))
    return found


def tables(lines: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    """Everything, methods beside pictures that are as accurate, and methods at equal bytes."""
    found = found_of(lines, name)
    yield from _rows(found)
    yield ""
    yield from _equal(found)
    seeds = sorted({line["seed"] for line in lines if line["data"] == name})
    yield f"\nSeeds: {', '.join(map(str, seeds))}; ± is the standard deviation over them."


def _rows(found: Sequence[Sent]) -> Iterator[str]:
    yield "| what is sent | rate | accuracy | lost | bytes of a frame | JPEG as accurate | WebP |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for one in found:
        forms = ("jpeg", "webp")
        beside = ["" if one.is_picture else _beside(found, form, one) for form in forms]
        cells = (one.what, one.rate or "-", _spread(one.accuracy), _spread(one.lost))
        yield "| " + " | ".join(map(str, (*cells, f"{one.bytes:.1f}", *beside))) + " |"


def _spread(numbers: Array) -> str:
    return f"{numbers.mean():.2f} ± {numbers.std():.2f}"


def _cheapest(found: Sequence[Sent], form: str, beside: Sent) -> Sent | None:
    """The pictures of fewest bytes that are as accurate in the mean; None where none are."""
    able = [
        one
        for one in found
        if one.is_picture
        and one.what.startswith(form)
        and one.accuracy.mean() >= beside.accuracy.mean()
    ]
    return min(able, key=lambda one: one.bytes, default=None)


def _beside(found: Sequence[Sent], form: str, one: Sent) -> str:
    """How many bytes less than pictures; in brackets without the tables that they may have."""
    other = _cheapest(found, form, one)
    if other is None:
        return "none"
    text = f"{other.bytes:.0f}: {_saved(one, other.bytes)}"
    return f"{text} ({_saved(one, other.bytes - other.tables)})" if other.tables else text


def _saved(one: Sent, others: float) -> str:
    return f"{100 * (one.bytes / others - 1):+.0f} %"


def _equal(found: Sequence[Sent]) -> Iterator[str]:
    """The accuracy of each method's highest rate within so many bytes."""
    methods = list(dict.fromkeys(one.what for one in found if not one.is_picture))
    yield "| accuracy within bytes | " + " | ".join(map(str, BUDGETS)) + " |"
    yield "|---|" + "--:|" * len(BUDGETS)
    for method in methods:
        cells = []
        for budget in BUDGETS:
            able = [one for one in found if one.what == method and one.bytes <= budget]
            highest = max(able, key=lambda one: one.rate, default=None)
            cells.append("-" if highest is None else _spread(highest.accuracy))
        yield f"| {method} | " + " | ".join(cells) + " |"
