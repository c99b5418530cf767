"""TFLite_Detection_PostProcess: the boxes of a single-shot detector that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    CValue,
    Emitter,
    Isa,
    Operator,
    Signature,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import constant, plain
from edgebottle.ops.movement import data_input
from edgebottle.ops.table import value_of

SCRATCH_BYTES = 4 * 4 + 4 + 1
"""For each box: decoded, its score, and whether it is left."""

MAX_PLACES = 1 << 16

PER_CLASS = 100
"""Detections of a class where the file does not say."""


@dataclass(frozen=True, kw_only=True)
class DetectionPostProcess(Operator):
    """Boxes, classes, scores and number of detections, of encoded boxes, scores, and anchors.

    A custom operator of TFLite. Places behind the last detection are zero.

    Limits:
        float32, anchors are constants, one image. Where scores are the same to the last bit, the
        classes of a box, or detections of several classes, come in their order; in LiteRT in
        any.

    Attributes:
        detections: At most.
        per_detection: Classes that a detection has places for.
        per_class: Detections of one class at most, where each class is looked at for itself; 0
            where each box counts with its best class alone.
        classes: Without the background.
        least_score: Boxes below it are left out.
        most_overlap: Intersection over union above which the box with the lower score goes.
        scales: Of y, x, height and width in encoded boxes.
    """

    OP: ClassVar[str] = "TFLite_Detection_PostProcess"
    SIGNATURE: ClassVar[Signature] = Signature("", 3, 3, outputs=4, version=1)

    detections: int
    per_detection: int
    per_class: int
    classes: int
    least_score: float
    most_overlap: float
    scales: tuple[float, float, float, float]

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """See ``Operator``; the options are a map in FlexBuffers' format."""
        from flatbuffers import flexbuffers

        label = f"{name} ({cls.OP})"
        try:
            fields = dict(flexbuffers.Loads(bytes(options)))

            def scale(axis: str) -> float:
                return float(np.float32(fields[f"{axis}_scale"]))

            by_class = bool(fields.get("use_regular_nms", False))
            return cls(
                name=name,
                inputs=inputs,
                outputs=outputs,
                detections=int(fields["max_detections"]),
                per_detection=int(fields["max_classes_per_detection"]),
                per_class=int(fields.get("detections_per_class", PER_CLASS)) if by_class else 0,
                classes=int(fields["num_classes"]),
                least_score=float(np.float32(fields["nms_score_threshold"])),
                most_overlap=float(np.float32(fields["nms_iou_threshold"])),
                scales=(scale("y"), scale("x"), scale("h"), scale("w")),
            )
        except Exception as error:  # whatever a reader of damaged bytes raises
            raise BadModel(f"{label} has options that cannot be read: {error!r}") from None

    def custom_options(self) -> bytes:
        """See ``Operator``."""
        from flatbuffers import flexbuffers

        y, x, height, width = self.scales
        fields = {
            "max_detections": self.detections,
            "max_classes_per_detection": self.per_detection,
            "detections_per_class": self.per_class or PER_CLASS,
            "use_regular_nms": self.per_class > 0,
            "nms_score_threshold": self.least_score,
            "nms_iou_threshold": self.most_overlap,
            "num_classes": self.classes,
            "y_scale": y,
            "x_scale": x,
            "h_scale": height,
            "w_scale": width,
        }
        return bytes(flexbuffers.Dumps(fields))

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        places = self.detections * self.per_detection
        if min(self.detections, self.per_detection, self.classes) < 1 or places > MAX_PLACES:
            raise UnsupportedOp(
                f"{where(self)} finds {self.detections} boxes of {self.per_detection} of "
                f"{self.classes} classes"
            )
        shapes: tuple[Shape, ...] = ((1, places, 4), (1, places), (1, places), (1,))
        return tuple((shape, DType.F32) for shape in shapes)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        encoded, scores, anchors = (data_input(ins, index) for index in range(3))
        for tensor in (encoded, scores, anchors):
            require_dtype(self, tensor, DType.F32)
        shapes = [encoded.shape, scores.shape, anchors.shape]
        count = anchors.shape[0] if anchors.shape else 0
        if (
            [len(shape) for shape in shapes] != [3, 3, 2]
            or encoded.shape[:2] != (1, count)
            or scores.shape[:2] != (1, count)
            or encoded.shape[2] < 4
            or anchors.shape[1] != 4
            or scores.shape[2] - self.classes not in (0, 1)
        ):
            raise UnsupportedOp(
                f"{where(self)} has boxes, scores and anchors of the shapes "
                f"{', '.join(str(list(shape)) for shape in shapes)} for {self.classes} classes"
            )
        if (anchors.constant()[:, 2:] < 0).any():
            raise UnsupportedOp(f"{where(self)} has anchors of negative size")
        if not 0 < self.most_overlap <= 1 or self.per_class < 0 or 0 in self.scales:
            raise UnsupportedOp(
                f"{where(self)} has an overlap of {self.most_overlap:g}, {self.per_class} "
                f"detections of a class, and the scales {self.scales}"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        encoded, scores, anchors = (value_of(values, index) for index in range(3))
        boxes = self.decoded(encoded[0, :, :4], anchors)
        scores = scores[0, :, scores.shape[2] - self.classes :]
        results = [np.zeros(out.shape, np.float32) for out in outs]
        count = 0
        if self.per_class:
            count = self._by_class(boxes, scores, results)
        else:
            best = scores.max(axis=1)
            for found in self._suppressed(boxes, best, self.detections):
                order = np.argsort(-scores[found], kind="stable")[: self.per_detection]
                places = count * self.per_detection + np.arange(len(order))
                results[0][0, places] = boxes[found]
                results[1][0, places] = order
                results[2][0, places] = scores[found, order]
                count += 1
        results[3][0] = count
        return tuple(results)

    def decoded(self, encoded: Array, anchors: Array) -> Array:
        """[boxes, 4] float32: y_min, x_min, y_max, x_max; computed in double precision."""
        wide, anchor = encoded.astype(np.float64), anchors.astype(np.float64)
        scaled = wide / np.array(self.scales)
        centre = (scaled[:, :2] * anchor[:, 2:] + anchor[:, :2]).astype(np.float32)
        half = (0.5 * np.exp(scaled[:, 2:]) * anchor[:, 2:]).astype(np.float32)
        return np.concatenate([centre - half, centre + half], axis=1)

    def _by_class(self, boxes: Array, scores: Array, results: list[Array]) -> int:
        """Fills in the best detections of all classes; returns how many."""
        found = [
            (float(scores[box, label]), box, label)
            for label in range(self.classes)
            for box in self._suppressed(boxes, scores[:, label], self.per_class)
        ]
        found.sort(key=lambda one: -one[0])
        for place, (score, box, label) in enumerate(found[: self.detections]):
            results[0][0, place], results[1][0, place] = boxes[box], label
            results[2][0, place] = score
        return min(len(found), self.detections)

    def _suppressed(self, boxes: Array, scores: Array, most: int) -> list[int]:
        """The boxes of the highest scores that overlap none before them too much."""
        order = np.argsort(-scores, kind="stable")
        left = [int(box) for box in order if scores[box] >= np.float32(self.least_score)]
        found: list[int] = []
        while left and len(found) < most:
            first, *left = left
            found.append(first)
            limit = np.float32(self.most_overlap)
            left = [box for box in left if not _overlap(boxes[first], boxes[box]) > limit]
        return found

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """See ``Operator``."""
        return SCRATCH_BYTES * data_input(ins).shape[1]

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        encoded, scores = data_input(e.tensors[0]), data_input(e.tensors[0], 1)
        y, x, height, width = self.scales
        fields: dict[str, CValue] = {
            "boxes": encoded.shape[1],
            "box_elements": encoded.shape[2],
            "score_classes": scores.shape[2],
            "background": scores.shape[2] - self.classes,
            "classes": self.classes,
            "detections": self.detections,
            "per_detection": self.per_detection,
            "per_class": self.per_class,
            "least_score": self.least_score,
            "most_overlap": self.most_overlap,
            "y_scale": y,
            "x_scale": x,
            "h_scale": height,
            "w_scale": width,
        }
        e.include("eb_detection.h")
        pointers = [*(e.input(index) for index in range(3)), *(e.output(i) for i in range(4))]
        params = e.params("eb_detection", fields)
        return f"eb_detection_all({params}, {', '.join(pointers)}, {e.scratch()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """As many detections as there are places: LiteRT leaves the rest as they were."""
        for case, classes, background, per_detection, per_class in (
            ("fast", 3, 1, 1, 0),
            ("two_classes_each", 4, 0, 2, 0),
            ("by_class", 3, 1, 1, 2),
        ):
            node = cls(
                name="detect",
                inputs=("boxes", "scores", "anchors"),
                outputs=("y", "classes", "best", "count"),
                detections=4,
                per_detection=per_detection,
                per_class=per_class,
                classes=classes,
                least_score=-100.0,
                most_overlap=0.3,
                scales=(10.0, 10.0, 50.0, 50.0),
            )
            anchors = np.array(
                [[0.1 * i, 0.3 * (i % 4), 0.2, 0.4] for i in range(24)], dtype=np.float32
            )
            tensors = [
                plain("boxes", (1, 24, 4)),
                plain("scores", (1, 24, classes + background)),
                constant("anchors", anchors),
            ]
            shapes = [shape for shape, _ in node.infer(tensors)]
            tensors += map(plain, node.outputs, shapes)
            yield one_node_graph(f"detection_{case}", node, tensors)


def _overlap(a: Array, b: Array) -> np.float32:
    """Intersection over union in single precision, 0 for a box without an area."""
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    if area_a <= 0 or area_b <= 0:
        return np.float32(0)
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), np.float32(0))
    shared = np.float32(sides[0] * sides[1])
    return np.float32(shared / (area_a + area_b - shared))
