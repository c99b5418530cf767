"""Mean average precision at an overlap of 0.5: how good boxes are, against labels.

As PASCAL VOC has it since 2010 (Everingham et al., "The PASCAL Visual Object Classes Challenge: A
Retrospective", 2015): the area under the curve of precision over recall, where precision at a
recall is the highest at that recall or a larger one. Boxes are taken from the highest score down,
over all images; each goes to the true box of its label that it overlaps most, which only the first
of them finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.detection.boxes import Boxes

MATCHED = 0.5
"""Intersection over union of a box with a true one that it finds."""

TrueBoxes = NDArray[np.int32]
"""(n, 5): y_min, x_min, y_max, x_max in sixteenths of a pixel, label."""


@dataclass(frozen=True)
class LabelPrecision:
    """How well one label is detected.

    Attributes:
        label: Its name.
        precision: Average precision at an overlap of 0.5, 0 .. 1; 0 without true boxes.
        truths: True boxes.
        boxes: Of the network.
        found: Of them, those that found a true box.
    """

    label: str
    precision: float
    truths: int
    boxes: int
    found: int


def label_precisions(
    labels: Sequence[str], boxes: Sequence[Boxes], truths: Sequence[TrueBoxes]
) -> tuple[LabelPrecision, ...]:
    """The average precision of each label.

    Args:
        labels: Their names.
        boxes: Of each image.
        truths: Of each image.
    """
    return tuple(
        _of_label(
            name,
            [each[each[:, 5] == number] for each in boxes],
            [each[each[:, 4] == number] for each in truths],
        )
        for number, name in enumerate(labels)
    )


def mean_precision(labels: Sequence[LabelPrecision]) -> float:
    """The mean over the labels that have true boxes, 0 .. 1; 0 where none has."""
    known = [one.precision for one in labels if one.truths]
    return float(np.mean(known)) if known else 0.0


def _of_label(name: str, boxes: Sequence[Boxes], truths: Sequence[TrueBoxes]) -> LabelPrecision:
    total = sum(map(len, truths))
    pairs = [
        (-int(score), image, hit)
        for image, (found, true) in enumerate(zip(boxes, truths, strict=True))
        for score, hit in zip(found[:, 4], _hits(found, true), strict=True)
    ]
    hits = np.array([hit for _, _, hit in sorted(pairs, key=lambda one: one[:2])], bool)
    found = int(hits.sum())
    return LabelPrecision(name, average_precision(hits, total), total, len(hits), found)


def _hits(boxes: Boxes, truths: TrueBoxes) -> list[bool]:
    """For each box of an image and a label, from the best down, whether it finds a true one."""
    hits, taken = [], set[int]()
    for box in boxes[np.argsort(-boxes[:, 4], kind="stable")]:
        shares = overlaps(box[:4], truths[:, :4])
        best = int(shares.argmax()) if len(shares) else -1
        is_hit = best >= 0 and shares[best] >= MATCHED and best not in taken
        hits.append(bool(is_hit))
        if is_hit:
            taken.add(best)
    return hits


def overlaps(box: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float64]:
    """Intersection over union of a box with others, (n,); 0 where neither has an area."""
    one, many = box.astype(np.float64), others.astype(np.float64)
    ends = np.minimum(one[2:4], many[:, 2:4]) - np.maximum(one[:2], many[:, :2])
    shared = np.prod(np.maximum(ends, 0), axis=1)
    areas = np.prod(many[:, 2:4] - many[:, :2], axis=1) + np.prod(one[2:4] - one[:2])
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))


def average_precision(hits: NDArray[np.bool_], truths: int) -> float:
    """The area under the curve, 0 .. 1.

    Args:
        hits: For each box, from the highest score down, whether it finds a true one.
        truths: True boxes that there are.
    """
    if not truths or not len(hits):
        return 0.0
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0.0], right / truths])
    return float(np.sum(np.diff(recall) * highest))
