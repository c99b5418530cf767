"""Accuracy by class, and the confusion matrix: for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.columns import FittedTable
from edgebottle.report.markup import section
from edgebottle.report.page import Cell, table
from hil.confusion import ClassFigures, Confusion, class_figures, matrix
from hil.records import Record

MAX_MATRIX = 12
"""Classes of a matrix for the terminal; the page has twice as many."""

MAX_CLASSES = 25
"""Rows of classes, those with the lowest recall."""

MAX_PAIRS = 8
"""Rows of confusions, the most frequent ones."""

_HEAD = ("class", "samples>", "right>", "recall>", "precision>", "taken for it>")
_PAIRS = ("class>", "taken for>", "samples>")
_MATRIX = "Confusion: a row for each right class, a column for each answer"


def confusion_tables(record: Record) -> tuple[FittedTable, ...]:
    """What became of each class; nothing without labels."""
    figures = class_figures(record.confusion)
    if not figures:
        return ()
    by_class = FittedTable(_caption(figures), _HEAD)
    by_class.rows.extend(_rows(figures))
    if len(figures) <= MAX_MATRIX:
        labels = [str(item.label) for item in figures]
        crossed = FittedTable(_MATRIX, ("class", *(f"{label}>" for label in labels)))
        crossed.rows.extend(_matrix_rows(record.confusion, labels))
        return by_class, crossed
    pairs = FittedTable("Most frequent confusions", _PAIRS)
    pairs.rows.extend(_pairs(record.confusion))
    return by_class, pairs


def confusion_section(record: Record) -> str:
    """The same as HTML; empty without labels."""
    figures = class_figures(record.confusion)
    if not figures:
        return ""
    classes = table(_caption(figures), _HEAD, _cells(_rows(figures)), "matrix")
    labels = [str(item.label) for item in figures]
    if len(figures) <= 2 * MAX_MATRIX:
        rows = _cells(_matrix_rows(record.confusion, labels))
        head = ("class", *(f"{label}>" for label in labels))
        crossed = table(_MATRIX, head, rows, "matrix")
    else:
        crossed = table("Most frequent confusions", _PAIRS, _cells(_pairs(record.confusion)))
    return section("Accuracy by class", classes + crossed)


def _caption(figures: Sequence[ClassFigures]) -> str:
    if len(figures) <= MAX_CLASSES:
        return "Classes"
    return f"The {MAX_CLASSES} of {len(figures)} classes with the lowest recall"


def _rows(figures: Sequence[ClassFigures]) -> list[tuple[str, ...]]:
    shown = list(figures)
    if len(shown) > MAX_CLASSES:
        known = [item for item in shown if item.recall is not None]
        shown = sorted(known, key=lambda item: item.recall or 0.0)[:MAX_CLASSES]
    return [
        (
            str(item.label),
            f"{item.samples:,}",
            f"{item.correct:,}",
            _percent(item.recall),
            _percent(item.precision),
            f"{item.guesses:,}",
        )
        for item in shown
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _matrix_rows(confusion: Sequence[Confusion], labels: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        (label, *(str(count) if count else "." for count in row))
        for label, row in zip(labels, matrix(confusion), strict=True)
    ]


def _pairs(confusion: Sequence[Confusion]) -> list[tuple[str, ...]]:
    wrong = sorted((c for c in confusion if c.label != c.guess), key=lambda cell: -cell.count)
    return [(str(c.label), str(c.guess), f"{c.count:,}") for c in wrong[:MAX_PAIRS]]


def _cells(rows: Sequence[tuple[str, ...]]) -> list[list[Cell]]:
    return [list(row) for row in rows]
