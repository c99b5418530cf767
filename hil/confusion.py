"""Which classes a network takes for which: counted, and by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Confusion:
    """One cell of the confusion matrix that is not zero.

    Attributes:
        label: The right class.
        guess: The class that the network gave.
        count: Samples.
    """

    label: int
    guess: int
    count: int


@dataclass(frozen=True)
class ClassFigures:
    """How well a network knows one class.

    Attributes:
        label: The class.
        samples: Of this class.
        guesses: Samples that the network took for this class.
        correct: Of them, those that are.
        recall: ``correct / samples``; None without samples.
        precision: ``correct / guesses``; None without guesses.
    """

    label: int
    samples: int
    guesses: int
    correct: int
    recall: float | None
    precision: float | None


def count_confusion(labels: Sequence[int], guesses: Sequence[int]) -> tuple[Confusion, ...]:
    """The confusion matrix of as many ``guesses`` as ``labels``, by label and guess."""
    counts = Counter(zip(labels, guesses, strict=True))
    return tuple(Confusion(label, guess, n) for (label, guess), n in sorted(counts.items()))


def class_figures(confusion: Sequence[Confusion]) -> tuple[ClassFigures, ...]:
    """One for each class that occurs, as a label or as a guess."""
    samples: Counter[int] = Counter()
    guesses: Counter[int] = Counter()
    correct: Counter[int] = Counter()
    for cell in confusion:
        samples[cell.label] += cell.count
        guesses[cell.guess] += cell.count
        if cell.label == cell.guess:
            correct[cell.label] += cell.count
    return tuple(
        ClassFigures(
            label,
            samples[label],
            guesses[label],
            correct[label],
            correct[label] / samples[label] if samples[label] else None,
            correct[label] / guesses[label] if guesses[label] else None,
        )
        for label in sorted(samples.keys() | guesses.keys())
    )


def matrix(confusion: Sequence[Confusion]) -> tuple[tuple[int, ...], ...]:
    """A row for each class that occurs, in ascending order, with a count for each guess."""
    labels = [figures.label for figures in class_figures(confusion)]
    counts = {(cell.label, cell.guess): cell.count for cell in confusion}
    return tuple(tuple(counts.get((row, column), 0) for column in labels) for row in labels)
