"""Average precision, against cases counted by hand."""

import numpy as np
import pytest

from edgebottle.detection.precision import (
    average_precision,
    label_precisions,
    mean_precision,
    overlaps,
)


def square(top: int, left: int, *more: int, side: int = 10) -> list[int]:
    return [top, left, top + side, left + side, *more]


TRUTHS = (
    np.array([square(0, 0, 0), square(50, 50, 0), square(0, 50, 1)], np.int32),
    np.array([square(20, 20, 0)], np.int32),
)
BOXES = (
    np.array(
        [
            square(0, 0, 900, 0),  # finds the first
            square(1, 0, 800, 0),  # the first once more: none
            square(52, 50, 500, 0),  # 8 of 12 rows in common: 80 / 120 finds the second
            square(0, 50, 450, 0),  # the right place, another label: none
        ],
        np.int32,
    ),
    np.array([square(26, 20, 700, 0)], np.int32),  # 40 / 160: none
)


def test_a_case_by_hand() -> None:
    """From the best down: found, not, not, found, not; of three true boxes.

    Precision is 1 up to a recall of 1/3, and 2/4 up to one of 2/3: (1 + 1/2) / 3.
    """
    zero, one = label_precisions(["a", "b"], BOXES, TRUTHS)
    assert (zero.truths, zero.boxes, zero.found) == (3, 5, 2)
    assert zero.precision == pytest.approx((1 + 1 / 2) / 3)
    assert (one.truths, one.boxes, one.found, one.precision) == (1, 0, 0, 0.0)
    assert mean_precision([zero, one]) == pytest.approx(0.25)


def test_a_label_without_true_boxes_does_not_count() -> None:
    figures = label_precisions(["a", "b", "never"], BOXES, TRUTHS)
    assert figures[2].truths == 0
    assert mean_precision(figures) == mean_precision(figures[:2])
    assert mean_precision(figures[2:]) == 0.0


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [
        ([], 4, 0.0),
        ([True], 0, 0.0),
        ([False, False], 4, 0.0),
        ([True, True], 2, 1.0),
        ([False, True], 1, 0.5),
        ([True, False, True], 2, 0.5 * 1 + 0.5 * 2 / 3),
        ([False, True, True], 2, 2 / 3),  # the precision further on counts
    ],
)
def test_area_under_the_highest_precision(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(np.array(hits, bool), truths) == pytest.approx(expected)


def test_overlaps() -> None:
    box = np.array([0, 0, 10, 10], np.int32)
    others = np.array([[0, 0, 10, 10], [0, 5, 10, 15], [20, 20, 30, 30], [3, 3, 3, 3]], np.int32)
    assert overlaps(box, others).tolist() == pytest.approx([1.0, 1 / 3, 0.0, 0.0])
    assert overlaps(others[3], others[3:]).tolist() == [0.0]
