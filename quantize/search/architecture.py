"""A network as frozen data: what is costed without training, and what is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from edgebottle.detection.description import AnchorMap, BoxDescription, BoxRules, described
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array, Shape
from quantize.lowbit.network import (
    INPUT,
    Addition,
    AxesMoved,
    FloatNetwork,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    MovingWindow,
    NewShape,
    Normalization,
    Product,
    SoftmaxOfRows,
    Weighted,
)
from quantize.search.blocks import (
    BLOCKS,
    Attended,
    Convolved,
    Filtered,
    NetworkBlock,
    Row,
    Separable,
)

CEILING = 6.0
"""Of every ReLU: what is quantized has an upper end anyway."""

EPSILON = 1e-3
"""Of every normalization, as Keras has it."""


@dataclass(frozen=True)
class Stem:
    """The first convolution.

    Attributes:
        channels: Of what it computes.
        size: Height and width of its window.
        stride: From one window to the next.
    """

    channels: int
    size: int = 3
    stride: int = 1


@dataclass(frozen=True)
class ClassHead:
    """What makes classes of the last block.

    Attributes:
        classes: How many.
        channels: Of a convolution of one pixel before the mean over all pixels; 0 for none.
    """

    classes: int
    channels: int = 0


@dataclass(frozen=True)
class DetectionHead:
    """What makes boxes and scores of feature maps, with a convolution for each (Liu et al., 2016).

    Attributes:
        labels: Names of what is detected.
        maps: Each is read from the last block of its stride.
        size: Of the windows of the convolutions.
        channels: Of a separable convolution in front of both; 0 for none.
    """

    labels: tuple[str, ...]
    maps: tuple[AnchorMap, ...]
    size: int = 1
    channels: int = 0

    @property
    def classes(self) -> int:
        """Labels."""
        return len(self.labels)


Head = ClassHead | DetectionHead


@dataclass(frozen=True)
class Architecture:
    """A network without its numbers.

    Attributes:
        input_shape: Height, width and channels of an image; a signal is an image of the width 1,
            so that it can be streamed row by row.
        stem: What reads the input.
        blocks: What follows, in order.
        head: What ends it.
    """

    input_shape: tuple[int, int, int]
    stem: Stem
    blocks: tuple[NetworkBlock, ...]
    head: Head

    def network(self, name: str = "network", seed: int = 0) -> FloatNetwork:
        """Its steps, with random weights that keep the size of what they read.

        Args:
            name: C identifier.
            seed: Of the weights.
        """
        stack = _Stack(self.input_shape, seed)
        stem = self.stem
        value = stack.row(INPUT, "stem", Convolved("", stem.channels, stem.size, stem.stride))
        ends = [value]
        for number, block in enumerate(self.blocks, start=1):
            value = stack.block(value, f"block{number}", block)
            ends.append(value)
        if isinstance(self.head, DetectionHead):
            outputs = stack.boxes(self.head, ends)
            steps = tuple(stack.steps.values())
            return FloatNetwork(name, self.input_shape, steps, has_softmax=False, outputs=outputs)
        if self.head.channels:
            value = stack.row(value, "head", Convolved("", self.head.channels))
        stack.classes(value, self.head.classes)
        return FloatNetwork(name, self.input_shape, tuple(stack.steps.values()), has_softmax=True)

    def boxes(self, rules: BoxRules | None = None) -> BoxDescription:
        """What the outputs of a detector mean; raises ``BadInput`` where it detects nothing."""
        if not isinstance(self.head, DetectionHead):
            raise BadInput("the network has a head for classes, which makes no boxes")
        return described(self.head.labels, self.input_shape[:2], self.head.maps, rules)

    def to_json(self) -> dict[str, Any]:
        """What ``of_json`` reads."""
        blocks = [{"kind": block.KIND, **asdict(block)} for block in self.blocks]
        return {**asdict(self), "input_shape": list(self.input_shape), "blocks": blocks}

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> Architecture:
        """The architecture that ``to_json`` told of; raises ``BadInput``."""
        try:
            height, width, channels = table["input_shape"]
            return cls(
                (height, width, channels),
                Stem(**table["stem"]),
                tuple(_block_of(each) for each in table["blocks"]),
                _head_of(table["head"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"this is no architecture: {error}") from error


def _head_of(table: Mapping[str, Any]) -> Head:
    """A head for detection is known by its maps."""
    if "maps" not in table:
        return ClassHead(**table)
    maps = tuple(
        AnchorMap(each["stride"], tuple((height, width) for height, width in each["anchors"]))
        for each in table["maps"]
    )
    return DetectionHead(**{**table, "labels": tuple(table["labels"]), "maps": maps})


def _block_of(table: Mapping[str, Any]) -> NetworkBlock:
    kind = table["kind"]
    if kind not in BLOCKS:
        raise BadInput(f"there is no block '{kind}': known are {', '.join(BLOCKS)}")
    known = {one.name for one in fields(BLOCKS[kind])}
    unknown = sorted(set(table) - known - {"kind"})
    if unknown:
        raise BadInput(f"a block '{kind}' has no '{unknown[0]}'")
    return BLOCKS[kind](**{name: table[name] for name in table if name != "kind"})


class _Stack:
    """Adds steps."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.steps: dict[str, LayerStep] = {}
        self._shapes: dict[str, Shape] = {INPUT: shape}
        self._strides = {INPUT: 1}
        self._random = np.random.default_rng(seed)

    def block(self, source: str, name: str, block: NetworkBlock) -> str:
        """Adds the rows of a block and its shortcut; the name of what it computes."""
        channels = self._shapes[source][-1]
        shortcut, kept = block.shortcut(channels), source
        if shortcut is not None and shortcut.row is not None:
            kept = self.row(source, f"{name}_{shortcut.row.name}", shortcut.row)
        value = source
        for row in block.rows(channels):
            value = self.row(value, f"{name}_{row.name}", row)
        if shortcut is None:
            return value
        ceiling = CEILING if shortcut.clamps else None
        self._strides[f"{name}_add"] = self._strides[value]
        return self._add(
            Addition(
                name=f"{name}_add",
                sources=(kept, value),
                shape=self._shapes[value],
                is_clamped=shortcut.clamps,
                ceiling=ceiling,
            )
        )

    def row(self, source: str, name: str, row: Row, *, is_last: bool = False) -> str:
        """Adds attention, or a convolution, normalized if it is not the last one; its name."""
        if isinstance(row, Attended):
            return self._attended(source, name, row)
        height, width, inputs = self._shapes[source]
        size = (min(row.size, _odd(height)), min(row.size, _odd(width)))
        strides = (row.stride, row.stride)
        shape = (-(-height // row.stride), -(-width // row.stride))
        is_filter = isinstance(row, Filtered)
        outputs = inputs if isinstance(row, Filtered) else row.channels
        self._strides[name] = self._strides[source] * row.stride
        kernel_shape = (*size, inputs, 1) if is_filter else (*size, inputs, outputs)
        return self._add(
            Weighted(
                name=name,
                sources=(source,),
                shape=(*shape, outputs),
                is_clamped=row.clamps,
                ceiling=CEILING if row.clamps else None,
                product=Product.DEPTHWISE if is_filter else Product.CONVOLUTION,
                kernel=self._kernel(kernel_shape, size[0] * size[1] * (1 if is_filter else inputs)),
                bias=np.zeros(outputs, np.float32),
                norm=None if is_last else _no_change(outputs),
                window=MovingWindow(strides=strides, is_same=True),
            )
        )

    def _attended(self, source: str, name: str, row: Attended) -> str:
        """Adds queries, keys and values, their two products, and the softmax between these."""
        height, width, channels = shape = self._shapes[source]
        if channels % row.heads:
            raise BadInput(f"{name} cannot part {channels} channels into {row.heads} heads")
        tokens, depth = height * width, channels // row.heads
        parts = tokens, row.heads, depth
        query = self._heads(source, f"{name}_query", row, parts, (1, 0, 2))
        convolution = self.steps[f"{name}_query"]
        assert isinstance(convolution, Weighted) and convolution.norm is not None
        gamma = np.full(channels, depth**-0.5, np.float32)
        self.steps[convolution.name] = replace(
            convolution, norm=replace(convolution.norm, gamma=gamma)
        )
        key = self._heads(source, f"{name}_key", row, parts, (1, 2, 0))
        scores = self._product(f"{name}_scores", query, key)
        shares = self._add(
            SoftmaxOfRows(name=f"{name}_shares", sources=(scores,), shape=self._shapes[scores])
        )
        value = self._heads(source, f"{name}_value", row, parts, (1, 0, 2))
        mixed = self._moved(f"{name}_tokens", self._product(f"{name}_heads", shares, value))
        if self._shapes[mixed] != shape:
            mixed = self._add(NewShape(name=name, sources=(mixed,), shape=shape))
        self._strides[mixed] = self._strides[source]
        return mixed

    def _heads(
        self, source: str, name: str, row: Attended, shape: Shape, order: tuple[int, int, int]
    ) -> str:
        """Adds a convolution and parts what it computes into heads, whose axes it moves.

        Args:
            source: What it reads.
            name: Of the convolution.
            row: The attention.
            shape: Tokens, heads, channels of a head.
            order: Of these axes, then.
        """
        if row.rank:
            source = self.row(source, f"{name}_factor", Convolved("", row.rank, clamps=False))
        value = self.row(source, name, Convolved("", shape[1] * shape[2], clamps=False))
        if self._shapes[value] != shape:
            value = self._add(NewShape(name=f"{name}_heads", sources=(value,), shape=shape))
        return self._moved(f"{name}_axes", value, order)

    def _moved(self, name: str, source: str, order: tuple[int, int, int] = (1, 0, 2)) -> str:
        """Adds the axes of a value in another order."""
        shape = tuple(self._shapes[source][axis] for axis in order)
        return self._add(AxesMoved(name=name, sources=(source,), shape=shape, order=order))

    def _product(self, name: str, left: str, right: str) -> str:
        """Adds a product of matrices."""
        depth = self._shapes[left][-1]
        shape = (*self._shapes[left][:-1], self._shapes[right][-1])
        return self._add(MatrixProduct(name=name, sources=(left, right), shape=shape, depth=depth))

    def boxes(self, head: DetectionHead, ends: Sequence[str]) -> tuple[str, ...]:
        """Adds boxes and scores of each map.

        Args:
            head: With the maps.
            ends: What the blocks compute, in order.

        Returns:
            Names of boxes and scores, map by map.
        """
        last = {self._strides[name]: name for name in ends}
        outputs = []
        for number, one in enumerate(head.maps, start=1):
            if one.stride not in last:
                known = ", ".join(map(str, last))
                raise BadInput(f"no block has a stride of {one.stride} pixels: there are {known}")
            source, name = last[one.stride], f"map{number}"
            if head.channels:
                for row in Separable(head.channels).rows(0):
                    source = self.row(source, f"{name}_{row.name}", row)
            for kind, channels in (("boxes", 4), ("scores", head.classes)):
                row = Convolved("", len(one.anchors) * channels, head.size, clamps=False)
                outputs.append(self.row(source, f"{name}_{kind}", row, is_last=True))
        return tuple(outputs)

    def classes(self, source: str, classes: int) -> None:
        """Adds the mean over all pixels and the logits."""
        channels = self._shapes[source][-1]
        mean = self._add(MeanOfPixels(name="mean", sources=(source,), shape=(channels,)))
        self._add(
            Weighted(
                name="logits",
                sources=(mean,),
                shape=(classes,),
                product=Product.DENSE,
                kernel=self._kernel((channels, classes), channels),
                bias=np.zeros(classes, np.float32),
            )
        )

    def _add(self, step: LayerStep) -> str:
        self.steps[step.name] = step
        self._shapes[step.name] = step.shape
        return step.name

    def _kernel(self, shape: Shape, products: int) -> Array:
        """Of the variance that keeps the size of activations (He et al., 2015)."""
        deviation = np.float32(np.sqrt(2.0 / products))
        return self._random.standard_normal(shape, np.float32) * deviation


def _odd(length: int) -> int:
    """The largest window along an axis that sees something new at each place."""
    return 2 * length - 1


def _no_change(channels: int) -> Normalization:
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    return Normalization(ones, zeros, zeros, ones, EPSILON)
