"""Which anchors learn which true boxes, and what their outputs should be then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.detection.boxes import SUBPIXELS
from edgebottle.detection.description import BoxDescription
from edgebottle.detection.precision import TrueBoxes, overlaps
from edgebottle.zoo.augmentation import Floats

POSITIVE = 0.45
"""Intersection over union with a true box from which on an anchor learns it."""

NEGATIVE = 0.35
"""Below, an anchor learns that there is nothing; between both it learns nothing."""

NEAREST = 0.7
"""Share of the overlap of the best anchor from which on others learn a true box as well: of a
small box no anchor may come to ``POSITIVE``."""


@dataclass(frozen=True)
class Anchors:
    """All anchors of a detector, in the order of its outputs.

    Attributes:
        corners: (n, 4) int32: y_min, x_min, y_max, x_max in sixteenths of a pixel.
        description: Of the detector.
        weights: Of each label, float32: how much its boxes count.
    """

    corners: NDArray[np.int32]
    description: BoxDescription
    weights: Floats

    @classmethod
    def of(cls, description: BoxDescription, truths: Sequence[TrueBoxes]) -> Anchors:
        """The anchors of a description, whose maps cover the image as padded strides do.

        Args:
            description: Of the detector.
            truths: All that will be learned: a label with few boxes counts more, by the root of how
                many times fewer it has.
        """
        parts = []
        for one in description.maps:
            stride = one.anchors.stride
            rows, columns = (-(-side // stride) for side in description.image)
            y, x = ((np.arange(count) + 0.5) * stride for count in (rows, columns))
            middles = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)[:, :, None]
            halves = np.array(one.anchors.anchors) / 2
            parts.append(np.concatenate([middles - halves, middles + halves], -1).reshape(-1, 4))
        corners = np.rint(np.concatenate(parts) * SUBPIXELS).astype(np.int32)
        found = np.concatenate([each[:, 4] for each in truths])
        counts = np.bincount(found, minlength=len(description.labels))
        weights = np.sqrt(counts.max() / np.maximum(counts, 1)).astype(np.float32)
        return cls(corners, description, weights)

    def targets(self, truths: TrueBoxes) -> Floats:
        """What the outputs for an image should be.

        A true box is learned by every anchor that it overlaps enough, and by those that it overlaps
        most.

        Returns:
            (n, 5 + labels): boxes as the outputs code them, how much they count (0 where there is
            none), then for each label 1 where it is there, 0 where not, -1 where nothing is
            learned.
        """
        labels = len(self.description.labels)
        found = np.zeros((len(self.corners), 5 + labels), np.float32)
        if not len(truths):
            return found
        shares = np.stack([overlaps(one[:4], self.corners) for one in truths], axis=1)
        owner, share = shares.argmax(axis=1), shares.max(axis=1)
        best = shares.max(axis=0)
        near = (shares >= NEAREST * best) & (shares > 0)
        for number in np.argsort(-best):  # the hardest to find last: nothing is taken from it
            nearest = near[:, number]
            owner[nearest], share[nearest] = number, 1.0
        found[(share >= NEGATIVE) & (share < POSITIVE), 5:] = -1
        learned = share >= POSITIVE
        found[learned, :4] = self._coded(self.corners[learned], truths[owner[learned], :4])
        found[learned, 4] = self.weights[truths[owner[learned], 4]]
        found[learned, 5 + truths[owner[learned], 4]] = 1
        return found

    def _coded(self, anchors: NDArray[np.int32], boxes: NDArray[np.int32]) -> Floats:
        rules = self.description.rules
        sizes, wanted = ((one[:, 2:] - one[:, :2]).astype(float) for one in (anchors, boxes))
        middles = ((one[:, :2] + one[:, 2:]) / 2 for one in (anchors, boxes))
        before, after = middles
        moved = (after - before) / sizes / rules.centre_scale
        grown = np.log(np.maximum(wanted, 1) / sizes) / rules.size_scale
        return np.concatenate([moved, grown], axis=1).astype(np.float32)
