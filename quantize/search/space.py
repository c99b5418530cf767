"""What a search may choose: every parameter with its values, and the network of a choice."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, cast

from edgebottle.detection.description import AnchorMap
from edgebottle.errors import BadInput
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, DetectionHead, Head, Stem
from quantize.search.blocks import BLOCKS, Attention, FeedForward, NetworkBlock, PatchEmbedding

INT8 = LayerBits()

OF_DETECTION = ("labels", "anchors")
"""Of a space: empty where classes are told apart."""

MAX_MAPS = 2
"""That boxes are read from: those of the largest strides."""

MIN_ANCHOR = 2
"""Strides of a map that the side of an anchor must have, as a rule: smaller ones are missed."""

Value = int | float | str | bool
Choice = Mapping[str, Value]
"""A value for each parameter of a space, by name."""

FIELDS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "universal": ("expand", "size", "start"),
    "inverted": ("expand", "size"),
    "fused": ("expand", "size"),
    "compressed": ("size",),
    "full": ("size",),
    "separable": ("size",),
    "residual": ("size",),
    "attention": ("expand", "patch", "heads", "rank"),
}
"""What else is chosen of a stage of each kind of block; ``size`` is that of its main window.

A stage of attention is a transformer: patches, and then blocks of attention and feed-forward in
turn.
"""

MIDDLE_SIZED = ("universal", "inverted")
"""Kinds whose main window is called ``middle``."""


@dataclass(frozen=True)
class Parameter:
    """One thing to choose.

    Attributes:
        name: Such as ``stage2_depth``.
        values: All that it may be, from small to large where there is an order.
    """

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Candidate:
    """A network with how it is run.

    Attributes:
        architecture: The network.
        bits: Of its layers.
        schedule: That its board runs it by: ``auto``, ``layers`` or ``min-ram``.
        row_fed: Its input comes row by row, and is never whole in memory.
        stages: The number of the stage that each block belongs to, from 1: networks share weights
            by it while they are searched.
    """

    architecture: Architecture
    bits: Bits
    schedule: str
    row_fed: bool
    stages: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """What ``of_json`` reads; equal for equal candidates only."""
        return {
            "architecture": self.architecture.to_json(),
            "bits": self.bits.to_json(),
            "schedule": self.schedule,
            "row_fed": self.row_fed,
            "stages": list(self.stages),
        }

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> Candidate:
        """The candidate that ``to_json`` told of; raises ``BadInput``."""
        try:
            return cls(
                Architecture.of_json(table["architecture"]),
                Bits.of_table(table["bits"], "candidate"),
                str(table["schedule"]),
                bool(table["row_fed"]),
                tuple(map(int, table["stages"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"this is no candidate: {error}") from error


@dataclass(frozen=True)
class Space:
    """The networks that may be found.

    A network is a stem, some stages of like blocks, and a head. The first block of a stage has its
    stride and changes the channels, the others keep both.

    Attributes:
        classes: That the head tells apart.
        shapes: Of the input: resolutions, grey (1 channel) or colour (3), signals (width 1).
        stem_channels: Of the first convolution.
        stem_sizes: Of its window.
        stem_strides: Of it.
        stages: How many there are at most.
        kinds: Of blocks, of ``FIELDS_OF_KIND``.
        depths: Blocks of a stage, 0 for no stage.
        strides: Of a stage.
        channels: Of a stage.
        expands: Of blocks that widen.
        sizes: Of the main window of a block.
        starts: Of the window before it, where the kind has one; 0 for none.
        patches: Height and width of those that a stage of attention begins with, whose stride they
            are.
        heads: Of attention.
        ranks: Of attention: 1, or a share of the channels between two factors.
        head_channels: Of the convolution before the mean, or of the separable ones before boxes; 0
            for none.
        labels: Names of what is detected, as many as classes; empty for a head for classes.
        anchors: Of a detector: heights and widths in pixels of the largest shape.
        head_sizes: Of a detector: of the windows that make boxes.
        bits: Of a stage, such as ``w4a4``.
        schedules: That the network may be run by.
        row_fed: Whether its input may come row by row.
    """

    classes: int
    shapes: tuple[tuple[int, int, int], ...]
    stem_channels: tuple[int, ...] = (4, 8, 12, 16, 24, 32)
    stem_sizes: tuple[int, ...] = (3, 5)
    stem_strides: tuple[int, ...] = (1, 2)
    stages: int = 4
    kinds: tuple[str, ...] = ("inverted", "universal", "fused", "full", "separable", "residual")
    depths: tuple[int, ...] = (0, 1, 2, 3)
    strides: tuple[int, ...] = (1, 2)
    channels: tuple[int, ...] = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96)
    expands: tuple[float, ...] = (1, 2, 3, 4, 6)
    sizes: tuple[int, ...] = (3, 5, 7)
    starts: tuple[int, ...] = (0, 3, 5)
    patches: tuple[int, ...] = (1, 2, 4)
    heads: tuple[int, ...] = (1, 2, 4)
    ranks: tuple[float, ...] = (0.25, 1)
    head_channels: tuple[int, ...] = (0, 48, 64, 96, 128, 192)
    labels: tuple[str, ...] = ()
    anchors: tuple[tuple[int, int], ...] = ()
    head_sizes: tuple[int, ...] = (1, 3)
    bits: tuple[str, ...] = ("w8a8",)
    schedules: tuple[str, ...] = ("min-ram",)
    row_fed: tuple[bool, ...] = (False,)

    def __post_init__(self) -> None:
        """Raises ``BadInput`` where there is nothing to choose, or it is not known."""
        for name, values in asdict(self).items():
            if isinstance(values, tuple) and not values and name not in OF_DETECTION:
                raise BadInput(f"the space has no {name} to choose from")
        for kind in self.kinds:
            if kind not in FIELDS_OF_KIND:
                known = ", ".join(FIELDS_OF_KIND)
                raise BadInput(f"there is no block '{kind}' for a stage: known are {known}")
        if self.classes < 2 and not self.labels:
            raise BadInput(f"classes is {self.classes}: there is nothing to tell apart")
        if self.labels and (len(self.labels) != self.classes or not self.anchors):
            raise BadInput(
                f"a space for {len(self.labels)} labels needs as many classes, and anchors; it has "
                f"{self.classes} and {len(self.anchors)}"
            )
        if self.labels and self.bits != (str(INT8),):
            raise BadInput(f'detectors have 8 bits: bits is {list(self.bits)}, and not ["{INT8}"]')
        if self.has_attention:
            for heads in self.heads:
                odd = [one for one in self.channels if one % heads]
                if odd:
                    raise BadInput(f"attention cannot part {odd[0]} channels into {heads} heads")
        for bits in self.bits:
            LayerBits.parse(bits)

    @property
    def has_attention(self) -> bool:
        """Whether a stage may be a transformer."""
        return Attention.KIND in self.kinds

    def parameters(self) -> Iterator[Parameter]:
        """All of them, always the same: those that a choice has no use for change nothing."""
        yield Parameter("shape", tuple("x".join(map(str, shape)) for shape in self.shapes))
        yield Parameter("stem_channels", self.stem_channels)
        yield Parameter("stem_size", self.stem_sizes)
        yield Parameter("stem_stride", self.stem_strides)
        for stage in range(1, self.stages + 1):
            for name, values in self._of_stage().items():
                yield Parameter(f"stage{stage}_{name}", values)
        yield Parameter("head_channels", self.head_channels)
        if self.labels:
            yield Parameter("head_size", self.head_sizes)
        yield Parameter("schedule", self.schedules)
        yield Parameter("row_fed", self.row_fed)

    def _of_stage(self) -> dict[str, tuple[Value, ...]]:
        attention = {"patch": self.patches, "heads": self.heads, "rank": self.ranks}
        return {
            "kind": self.kinds,
            "depth": self.depths,
            "stride": self.strides,
            "channels": self.channels,
            "expand": self.expands,
            "size": self.sizes,
            "start": self.starts,
            **(attention if self.has_attention else {}),
            "bits": self.bits,
        }

    def candidate(self, choice: Choice) -> Candidate:
        """The network of a choice; raises ``BadInput`` for one that is none of this space."""
        for parameter in self.parameters():
            if choice.get(parameter.name) not in parameter.values:
                raise BadInput(
                    f"{parameter.name} is {choice.get(parameter.name)!r}, which the space lacks"
                )
        blocks: list[NetworkBlock] = []
        widths: list[LayerBits] = []
        stages: list[int] = []
        for stage in range(1, self.stages + 1):
            named = {name: choice[f"stage{stage}_{name}"] for name in self._of_stage()}
            added = _stage_blocks(named)
            blocks += added
            widths += [LayerBits.parse(str(named["bits"]))] * len(added)
            stages += [stage] * len(added)
        number, size, stride = (int(choice[f"stem_{it}"]) for it in ("channels", "size", "stride"))
        height, width, channels = map(int, str(choice["shape"]).split("x"))
        stem = Stem(number, size, stride)
        head = self._head(choice, height, (stem, *blocks))
        architecture = Architecture((height, width, channels), stem, tuple(blocks), head)
        return Candidate(
            architecture,
            _bits_of(architecture, widths),
            str(choice["schedule"]),
            bool(choice["row_fed"]),
            tuple(stages),
        )

    def _head(self, choice: Choice, height: int, parts: Sequence[Stem | NetworkBlock]) -> Head:
        """What ends a network of some stem and blocks."""
        channels = int(choice["head_channels"])
        if not self.labels:
            return ClassHead(self.classes, channels)
        factor = height / max(shape[0] for shape in self.shapes)
        strides = tuple(accumulate((part.stride for part in parts), operator.mul))
        maps = anchor_maps(self.anchors, factor, strides)
        return DetectionHead(self.labels, maps, int(choice["head_size"]), channels)

    def largest(self) -> dict[str, Value]:
        """The last of all values: the largest, of those that have an order."""
        return {one.name: one.values[-1] for one in self.parameters()}

    def drawn(self, generator: random.Random) -> dict[str, Value]:
        """A choice, each value as likely as any other."""
        return {one.name: generator.choice(one.values) for one in self.parameters()}

    def changed(
        self, choice: Choice, generator: random.Random, changes: int = 1
    ) -> dict[str, Value]:
        """A choice with other values of some parameters.

        Args:
            choice: Of this space.
            generator: Draws which, and what they become.
            changes: How many, at most.
        """
        result = dict(choice)
        free = [one for one in self.parameters() if len(one.values) > 1]
        for parameter in generator.sample(free, min(changes, len(free))):
            others = [each for each in parameter.values if each != choice[parameter.name]]
            result[parameter.name] = generator.choice(others)
        return result


def anchor_maps(
    anchors: Sequence[tuple[int, int]], factor: float, strides: Sequence[int]
) -> tuple[AnchorMap, ...]:
    """Which anchors start from which map: each from the coarsest that is fine enough for it.

    Args:
        anchors: Heights and widths in pixels of the largest image.
        factor: Height of the image against that.
        strides: Of all that blocks compute.
    """
    coarse = sorted(set(strides), reverse=True)[:MAX_MAPS]
    found: dict[int, list[tuple[int, int]]] = {}
    for height, width in anchors:
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        side = (size[0] * size[1]) ** 0.5
        suiting = [stride for stride in coarse if side >= MIN_ANCHOR * stride]
        sizes = found.setdefault(suiting[0] if suiting else coarse[-1], [])
        if size not in sizes:
            sizes.append(size)
    return tuple(AnchorMap(stride, tuple(found[stride])) for stride in sorted(found))


def _stage_blocks(named: Mapping[str, Value]) -> list[NetworkBlock]:
    """The blocks of a stage, given its parameters."""
    kind = str(named["kind"])
    own: dict[str, Any] = {name: named[name] for name in FIELDS_OF_KIND[kind]}
    if kind in MIDDLE_SIZED:
        own["middle"] = own.pop("size")
    make = cast(Any, BLOCKS[kind])
    if kind == Attention.KIND:
        return _transformer_blocks(named, own)
    depth = int(named["depth"])
    strides = [int(named["stride"]), *[1] * (depth - 1)] if depth else []
    return [make(channels=int(named["channels"]), stride=stride, **own) for stride in strides]


def _transformer_blocks(named: Mapping[str, Value], own: Mapping[str, Any]) -> list[NetworkBlock]:
    """Patches, and behind them attention and feed-forward in turn."""
    channels, depth = int(named["channels"]), int(named["depth"])
    pair = (
        Attention(channels, heads=own["heads"], rank=own["rank"]),
        FeedForward(channels, expand=own["expand"]),
    )
    return [PatchEmbedding(channels, own["patch"]), *pair * depth] if depth else []


def _bits_of(architecture: Architecture, widths: Sequence[LayerBits]) -> Bits:
    """The plan in which the layers of each block are as they would be with its bits everywhere."""
    if len(set(widths)) <= 1:
        return Bits(widths[0] if widths else INT8)
    network = architecture.network()
    levels = {one: network.activation_levels(Bits(one)) for one in set(widths)}
    by_block = {f"block{number}": one for number, one in enumerate(widths, start=1)}
    layers = {}
    for name in network.layer_names():
        block = name.split("_")[0]
        if block in by_block:
            one = by_block[block]
            layers[name] = LayerBits(one.weights, levels[one][name].bits)
    return Bits(INT8, {name: one for name, one in layers.items() if one != INT8})
