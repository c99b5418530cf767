"""From the outputs of a detector to boxes, in integers: the reference of ``eb_boxes.h``.

C and NumPy give the same boxes to the last bit on every board, as nothing here is floating point
but the tables, which are made once. Coordinates are sixteenths of a pixel, scores 65535ths.

Boxes and anchors are coded as in Liu et al., "SSD", 2016; suppression is greedy, label by label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.detection.description import BoxDescription, BoxMap, BoxRules
from edgebottle.errors import BadModel
from edgebottle.ir.graph import Array, Graph, Quant

SUBPIXELS = 16
"""Of a pixel, in which coordinates are counted."""

CERTAIN = 65535
"""The score of a probability of 1."""

ONE = 1 << 16
"""Of fixed-point factors."""

MAX_GROWTH = 2047.0
"""No side of a box is longer than this many sides of its anchor: it would leave any image."""

MAX_CENTRE = 1 << 22
"""Of ``MapTables.centre``: further on, every box leaves its image."""

CODES = 256
"""Values that an int8 output takes."""

Boxes = NDArray[np.int32]
"""(n, 6): y_min, x_min, y_max, x_max in sixteenths of a pixel, score, label; the best first."""


@dataclass(frozen=True)
class MapTables:
    """What boxes of a map are computed with.

    Attributes:
        stride: From one place to the next, in sixteenths of a pixel.
        sizes: (anchors, 2) int32, heights and widths in sixteenths of a pixel.
        scores: (256,) int32, of each stored logit from -128 on: 0 .. ``CERTAIN``.
        growth: (256,) int32, of each stored logarithm from -128 on: a factor by ``ONE``.
        centre: What one step of a stored distance is, as a factor by ``ONE`` of the anchor's size.
        zero_point: Of distances.
    """

    stride: int
    sizes: Array
    scores: Array
    growth: Array
    centre: int
    zero_point: int


def map_tables(one: BoxMap, rules: BoxRules, boxes: Quant, scores: Quant) -> MapTables:
    """The tables of a map, given the quantization of its two outputs."""
    codes = np.arange(CODES) - CODES // 2
    logits = (codes - scores.zero_point[0]) * float(scores.scale[0])
    distances = (codes - boxes.zero_point[0]) * float(boxes.scale[0])
    growth = np.exp(np.minimum(distances * rules.size_scale, np.log(MAX_GROWTH)))
    centre = round(ONE * float(boxes.scale[0]) * rules.centre_scale)
    return MapTables(
        stride=one.anchors.stride * SUBPIXELS,
        sizes=np.array(one.anchors.anchors, np.int32) * SUBPIXELS,
        scores=np.rint(CERTAIN * _sigmoid(logits)).astype(np.int32),
        growth=np.rint(ONE * growth).astype(np.int32),
        centre=min(centre, MAX_CENTRE),
        zero_point=boxes.zero_point[0],
    )


class BoxDecoder:
    """Makes boxes of the int8 outputs of a network."""

    def __init__(self, description: BoxDescription, graph: Graph) -> None:
        """Makes the tables.

        Args:
            description: Of the outputs.
            graph: The network, int8.

        Raises:
            BadModel: it has other outputs, or floating-point ones.
        """
        description.check(graph)
        self.description = description
        self.tables = tuple(
            map_tables(one, description.rules, _quant(graph, one.boxes), _quant(graph, one.scores))
            for one in description.maps
        )

    def boxes(self, outputs: Sequence[Array]) -> Boxes:
        """The boxes of an image.

        Args:
            outputs: Of the network, int8.
        """
        parts = [
            _stored_candidates(tables, outputs[one.boxes], outputs[one.scores])
            for one, tables in zip(self.description.maps, self.tables, strict=True)
        ]
        return best_boxes(self.description, parts)


def real_boxes(description: BoxDescription, outputs: Sequence[Array]) -> Boxes:
    """The boxes of an image, given real outputs: of a network that is not quantized yet."""
    rules, parts = description.rules, []
    for one in description.maps:
        moved, scores = outputs[one.boxes], outputs[one.scores]
        rows, columns = moved.shape[1:3]
        moved = moved.reshape(rows, columns, -1, 4).astype(np.float64)
        sizes = np.array(one.anchors.anchors, np.float64) * SUBPIXELS
        middles = _middles(rows, columns, one.anchors.stride * SUBPIXELS)
        middles = middles + moved[..., :2] * rules.centre_scale * sizes
        growth = np.minimum(moved[..., 2:] * rules.size_scale, np.log(MAX_GROWTH))
        halves = np.exp(growth) * sizes / 2
        logits = scores.reshape(-1, len(description.labels)).astype(np.float64)
        parts.append((np.rint(_corners(middles, halves)), np.rint(CERTAIN * _sigmoid(logits))))
    whole = [(one.astype(np.int64), two.astype(np.int64)) for one, two in parts]
    return best_boxes(description, whole)


def _stored_candidates(tables: MapTables, boxes: Array, scores: Array) -> tuple[Array, Array]:
    """All boxes of a map, (n, 4), and the scores of their labels, (n, labels), int64."""
    rows, columns = boxes.shape[1:3]
    moved = boxes.reshape(rows, columns, -1, 4).astype(np.int64)
    sizes = tables.sizes.astype(np.int64)
    steps = (moved[..., :2] - tables.zero_point) * tables.centre * sizes
    middles = _middles(rows, columns, tables.stride) + ((steps + ONE // 2) >> 16)
    halves = (tables.growth.astype(np.int64)[moved[..., 2:] + CODES // 2] * sizes + ONE) >> 17
    labels = scores.size // (rows * columns * len(sizes))
    found = tables.scores.astype(np.int64)[scores.astype(np.int64) + CODES // 2]
    return _corners(middles, halves), found.reshape(-1, labels)


def _middles(rows: int, columns: int, stride: int) -> Array:
    """(rows, columns, 1, 2): the middles of all places."""
    y, x = ((2 * np.arange(count) + 1) * stride // 2 for count in (rows, columns))
    return np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)[:, :, None]


def _corners(middles: Array, halves: Array) -> Array:
    return np.concatenate([middles - halves, middles + halves], axis=-1).reshape(-1, 4)


def best_boxes(description: BoxDescription, parts: Sequence[tuple[Array, Array]]) -> Boxes:
    """The best of all candidates that overlap none of their label that is better.

    Of equal scores the first counts: in the order of maps, rows, columns, anchors, labels.

    Args:
        description: Says how many are looked at, and what is left out.
        parts: For each map all boxes, (n, 4), and the scores of their labels, (n, labels).
    """
    rules, (height, width) = description.rules, description.image
    corners = np.concatenate([boxes for boxes, _ in parts])
    scores = np.concatenate([scores for _, scores in parts]).ravel()
    ends = np.array([height, width, height, width]) * SUBPIXELS
    corners = np.clip(corners, 0, ends)
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= least_score(rules)][: rules.candidates]
    place, label = np.divmod(order, len(description.labels))
    found = np.column_stack([corners[place], scores[order], label]).astype(np.int32)
    return _suppressed(found, most_overlap(rules))


def least_score(rules: BoxRules) -> int:
    """The least score, as scores are counted."""
    return round(CERTAIN * rules.least_score)


def most_overlap(rules: BoxRules) -> int:
    """The largest overlap, by ``ONE``."""
    return round(ONE * rules.most_overlap)


def _suppressed(boxes: Boxes, limit: int) -> Boxes:
    kept: list[int] = []
    wide = boxes.astype(np.int64)
    areas = (wide[:, 2] - wide[:, 0]) * (wide[:, 3] - wide[:, 1])
    for number, box in enumerate(wide):
        rivals = np.array([one for one in kept if wide[one, 5] == box[5]], np.int64)
        both = wide[rivals]
        ends = np.minimum(both[:, 2:4], box[2:4]) - np.maximum(both[:, :2], box[:2])
        shared = np.prod(np.maximum(ends, 0), axis=1)
        if not (shared * (ONE + limit) > limit * (areas[rivals] + areas[number])).any():
            kept.append(number)
    return boxes[kept]


def _sigmoid(logits: Array) -> Array:
    """Probabilities, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)))


def _quant(graph: Graph, number: int) -> Quant:
    tensor = graph.tensors[graph.outputs[number]]
    if tensor.quant is None or tensor.dtype.bits != 8:
        raise BadModel(
            f"boxes are made of int8 outputs, and output {number} is none: quantize the network, "
            "or leave its conversions out with --io int8"
        )
    return tensor.quant
