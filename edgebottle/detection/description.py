"""What the outputs of a single-shot detector mean: anchors, the coding of boxes, thresholds.

It travels as JSON in the metadata of the ``.tflite`` file, whose outputs stay plain tensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgebottle.errors import BadInput, BadModel
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor

FORMAT = 1
"""Of the JSON."""

MAX_SIDE = 2047
"""Pixels of an image along an axis: sixteenths of them fit into 16 bits."""

MAX_CANDIDATES = 256
"""Boxes that are compared with each other, at most: they have 12 bytes each on a board."""

MAX_LABELS = 1000

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class AnchorMap:
    """The boxes that a feature map starts from: at each of its places one of each size.

    Attributes:
        stride: Pixels of the image from one place to the next; the first is in the middle of the
            first ``stride`` pixels.
        anchors: Heights and widths, in pixels of the image.
    """

    stride: int
    anchors: tuple[Size, ...]


@dataclass(frozen=True)
class BoxMap:
    """Two outputs of the network, of the same rows and columns.

    Attributes:
        anchors: Where its boxes start from.
        boxes: Number of the output with, for each anchor, how far the centre moves along y and
            along x, and the logarithms of how much height and width grow.
        scores: Number of the output with, for each anchor, the logit of each label.
    """

    anchors: AnchorMap
    boxes: int
    scores: int


@dataclass(frozen=True)
class BoxRules:
    """How boxes are told from numbers, and which of them are kept.

    Attributes:
        centre_scale: An output of 1 moves the centre by this share of the anchor's size.
        size_scale: An output of 1 stands for a logarithm of this.
        least_score: Boxes below are left out, 0 .. 1.
        most_overlap: Intersection over union with a better box of the same label above which a
            box is left out, 0 .. 1.
        candidates: The best boxes that are compared with each other.
    """

    centre_scale: float = 0.1
    size_scale: float = 0.2
    least_score: float = 0.1
    most_overlap: float = 0.45
    candidates: int = 100


@dataclass(frozen=True)
class BoxDescription:
    """What the outputs of a network mean.

    Attributes:
        labels: Names of what it detects.
        image: Height and width of its input.
        maps: Its outputs.
        rules: How boxes come of them.
    """

    labels: tuple[str, ...]
    image: Size
    maps: tuple[BoxMap, ...]
    rules: BoxRules = BoxRules()

    def __post_init__(self) -> None:
        """Raises ``BadInput`` for numbers that no image or no arithmetic of a board has."""
        sizes = [size for one in self.maps for size in one.anchors.anchors]
        rules, (height, width) = self.rules, self.image
        for is_wrong, message in (
            (not 0 < len(self.labels) <= MAX_LABELS, f"{len(self.labels)} labels"),
            (not sizes, "no anchors"),
            (any(not 1 <= side <= MAX_SIDE for size in sizes for side in size), f"anchors {sizes}"),
            (any(not 1 <= side <= MAX_SIDE for side in self.image), f"images {height}x{width}"),
            (any(not 1 <= one.anchors.stride <= MAX_SIDE for one in self.maps), "such strides"),
            (not 0 < rules.centre_scale <= 16, f"a centre_scale of {rules.centre_scale:g}"),
            (not 0 < rules.size_scale <= 16, f"a size_scale of {rules.size_scale:g}"),
            (not 0 <= rules.least_score <= 1, f"a least_score of {rules.least_score:g}"),
            (not 0 < rules.most_overlap <= 1, f"a most_overlap of {rules.most_overlap:g}"),
            (not 0 < rules.candidates <= MAX_CANDIDATES, f"{rules.candidates} candidates"),
        ):
            if is_wrong:
                raise BadInput(f"a detector cannot have {message}")

    def to_json(self) -> str:
        """What ``of_json`` reads."""
        table = {"format": FORMAT, **asdict(self), **asdict(self.rules)}
        del table["rules"]
        table["maps"] = [
            {**asdict(one.anchors), "boxes": one.boxes, "scores": one.scores} for one in self.maps
        ]
        return json.dumps(table, separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str | bytes) -> BoxDescription:
        """The description that ``to_json`` wrote; raises ``BadModel`` for anything else."""
        try:
            table = json.loads(text)
            if table.pop("format") != FORMAT:
                raise BadModel("the description of its boxes is of another format")
            image, maps = table.pop("image"), table.pop("maps")
            labels = tuple(map(str, table.pop("labels")))
            height, width = map(int, image)
            rules = BoxRules(**table)
            return cls(labels, (height, width), tuple(map(_box_map, maps)), rules)
        except (AttributeError, KeyError, TypeError, ValueError, BadInput) as error:
            raise BadModel(f"the description of its boxes is broken: {error}") from error

    def check(self, graph: Graph) -> None:
        """Raises ``BadModel`` where a network has no such outputs, in int8 or in floats."""
        shapes = [graph.tensors[name].shape for name in graph.inputs]
        if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1:3] != self.image:
            raise BadModel(f"it takes {shapes}, but its boxes are described for {self.image}")
        for one in self.maps:
            boxes, scores = (_output(graph, number) for number in (one.boxes, one.scores))
            count = len(one.anchors.anchors)
            expected = [4 * count, len(self.labels) * count]
            found = [boxes.shape[-1:], scores.shape[-1:]]
            is_same = len(boxes.shape) == 4 and boxes.shape[:-1] == scores.shape[:-1]
            if not is_same or found != [(one,) for one in expected] or boxes.shape[0] != 1:
                raise BadModel(
                    f"outputs {one.boxes} and {one.scores} have the shapes {list(boxes.shape)} and "
                    f"{list(scores.shape)}, which are no {count} anchors of {len(self.labels)} "
                    "labels"
                )


def _box_map(table: Mapping[str, Any]) -> BoxMap:
    anchors = tuple((int(height), int(width)) for height, width in table["anchors"])
    return BoxMap(
        AnchorMap(int(table["stride"]), anchors), int(table["boxes"]), int(table["scores"])
    )


def _output(graph: Graph, number: int) -> Tensor:
    if not 0 <= number < len(graph.outputs):
        raise BadModel(f"its boxes are described for output {number}, and there is none")
    tensor = graph.tensors[graph.outputs[number]]
    if tensor.dtype not in (DType.I8, DType.F32):
        raise BadModel(f"output {number} has boxes or scores of the type {tensor.dtype.label}")
    return tensor


def described(
    labels: Sequence[str], image: Size, maps: Sequence[AnchorMap], rules: BoxRules | None = None
) -> BoxDescription:
    """The description of a network whose outputs are boxes and scores of one map after the other.

    Args:
        labels: Names of what it detects.
        image: Height and width of its input.
        maps: Of its outputs, in order.
        rules: How boxes come of them.
    """
    numbered = (BoxMap(one, 2 * number, 2 * number + 1) for number, one in enumerate(maps))
    return BoxDescription(tuple(labels), image, tuple(numbered), rules or BoxRules())
