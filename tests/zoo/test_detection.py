"""What detectors learn: anchors, changed images, and the loss."""

from typing import Any

import numpy as np
import pytest

from edgebottle.detection.boxes import SUBPIXELS, real_boxes
from edgebottle.detection.description import AnchorMap, BoxDescription, BoxRules, described
from edgebottle.detection.precision import TrueBoxes
from edgebottle.zoo.anchors import Anchors
from edgebottle.zoo.detection import BoxAugmentation, augmented, detection_loss

DESCRIPTION = described(
    ("a", "b"),
    (32, 48),
    (AnchorMap(8, ((8, 8), (16, 16))), AnchorMap(16, ((24, 32),))),
    BoxRules(most_overlap=0.3),
)
"""With maps of 4x6 and 2x3 places: 54 anchors."""


def truths(*boxes: tuple[float, float, float, float, int]) -> TrueBoxes:
    """Corners in pixels, and a label."""
    return np.array([[*(SUBPIXELS * np.array(box[:4])), box[4]] for box in boxes], np.int32)


BOXES = truths((3, 10, 17, 27, 0), (1, 30, 9, 37, 1), (4, 4, 30, 40, 1), (26, 42, 31, 47, 0))
"""One of about each anchor, and one that is smaller than any."""


def as_outputs(targets: np.ndarray, description: BoxDescription) -> list[np.ndarray]:
    """The outputs of a network that says what it should."""
    logits = np.where(targets[:, 5:] > 0, 6.0, -6.0)
    outputs, done, labels = [], 0, len(description.labels)
    for one in description.maps:
        rows, columns = (-(-side // one.anchors.stride) for side in description.image)
        count = rows * columns * len(one.anchors.anchors)
        part = slice(done, done + count)
        outputs.append(targets[part, :4].reshape(1, rows, columns, -1))
        outputs.append(logits[part].reshape(1, rows, columns, -1))
        assert outputs[-1].shape[-1] == labels * len(one.anchors.anchors)
        done += count
    assert done == len(targets)
    return outputs


def test_what_is_learned_is_decoded_to_the_true_boxes() -> None:
    targets = Anchors.of(DESCRIPTION, [BOXES]).targets(BOXES)
    found = real_boxes(DESCRIPTION, as_outputs(targets, DESCRIPTION))
    ours = sorted([*box[:4], box[5]] for box in found.tolist())
    np.testing.assert_allclose(ours, sorted(BOXES.tolist()), atol=1)


def test_anchors_that_are_near_but_not_nearest_learn_nothing() -> None:
    targets = Anchors.of(DESCRIPTION, [BOXES]).targets(BOXES)
    learned, scores = targets[:, 4] > 0, targets[:, 5:]
    assert (scores[learned].sum(axis=1) == 1).all()
    ignored = (scores < 0).all(axis=1)
    assert ignored.any() and not (ignored & learned).any()
    assert (scores[~learned & ~ignored] == 0).all() and (~learned & ~ignored).sum() > 30


def test_labels_with_few_boxes_count_more() -> None:
    anchors = Anchors.of(DESCRIPTION, [BOXES, BOXES[:1], BOXES[[0, 0, 0, 0, 0]]])
    assert anchors.weights.tolist() == pytest.approx([1.0, 2.0])
    targets = anchors.targets(BOXES)
    for label in (0, 1):
        found = targets[targets[:, 5 + label] > 0, 4]
        assert len(found) and (found == anchors.weights[label]).all()


def test_an_image_without_boxes() -> None:
    anchors = Anchors.of(DESCRIPTION, [BOXES])
    assert not anchors.targets(BOXES[:0]).any()


def bright(box: np.ndarray) -> np.ndarray:
    """An image that is bright in a box."""
    image = np.zeros((32, 48, 3), np.float32)
    top, left, bottom, right = box[:4] // SUBPIXELS
    image[top:bottom, left:right] = 1
    return image


def test_boxes_move_with_their_images() -> None:
    box = truths((8, 12, 20, 32, 1))
    images = np.stack([bright(box[0])] * 60)
    how = BoxAugmentation(scale=0.2, shift=0.1, light=0.0)
    changed, boxes = augmented(images, [box] * 60, how, np.random.default_rng(1))
    middles = set()
    for image, found in zip(changed, boxes, strict=True):
        (corners,) = found[:, :4] / SUBPIXELS
        rows, columns = (np.flatnonzero((image[..., 0] > 0.5).any(axis=axis)) for axis in (1, 0))
        seen = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        np.testing.assert_allclose(seen, corners, atol=1.01)
        middles.add((corners[1] + corners[3] > 48, corners[0] + corners[2] > 32))
    assert len(middles) == 4, "mirrored along both axes"


def test_no_change_but_mirrors_changes_nothing_else() -> None:
    image = np.random.default_rng(0).random((1, 32, 48, 3), np.float32)
    how = BoxAugmentation(scale=0.0, shift=0.0, light=0.0)
    changed, _ = augmented(image, [BOXES], how, np.random.default_rng(3))
    mirrors = (image, image[:, ::-1], image[:, :, ::-1], image[:, ::-1, ::-1])
    assert any(np.allclose(changed, one, atol=1e-6) for one in mirrors)


def test_boxes_that_leave_the_image_are_left_out() -> None:
    box = truths((0, 0, 4, 4, 0))
    how = BoxAugmentation(scale=0.0, shift=0.5, light=0.0)
    images = np.zeros((50, 32, 48, 3), np.float32)
    _, boxes = augmented(images, [box] * 50, how, np.random.default_rng(0))
    assert {len(one) for one in boxes} == {0, 1}
    ends = np.array([32, 48, 32, 48]) * SUBPIXELS
    assert all((one[:, :4] >= 0).all() and (one[:, :4] <= ends).all() for one in boxes)


def test_the_loss_is_least_where_outputs_are_as_they_should_be() -> None:
    pytest.importorskip("keras", reason="Keras (of the extra train) is not installed")
    targets = Anchors.of(DESCRIPTION, [BOXES]).targets(BOXES)[None]
    loss = detection_loss(1.0)

    def lost(boxes: Any, logits: Any) -> float:
        found = np.concatenate([boxes, logits], axis=-1).astype(np.float32)
        return float(np.asarray(loss(targets, found))[0])

    right = np.where(targets[..., 5:] > 0, 9.0, -9.0)
    best = lost(targets[..., :4], right)
    assert 0 <= best < 0.01
    assert lost(targets[..., :4] + 1, right) == pytest.approx(4 * 0.5, abs=0.01)
    assert lost(targets[..., :4], -right) > 10
    ignored = np.where(targets[..., 5:] < 0, 9.0, right)
    assert lost(targets[..., :4], ignored) == pytest.approx(best)
