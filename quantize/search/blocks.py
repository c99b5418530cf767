"""The blocks that networks are made of, as data: each is a few rows, of convolutions as a rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Convolved:
    """A convolution over all channels, normalized.

    Attributes:
        name: In its block.
        channels: Of what it computes.
        size: Height and width of the window; along an axis of one pixel 1.
        stride: From one window to the next.
        clamps: A ReLU follows.
    """

    name: str
    channels: int
    size: int = 1
    stride: int = 1
    clamps: bool = True


@dataclass(frozen=True)
class Filtered:
    """A depthwise convolution, normalized.

    Attributes:
        name: In its block.
        size: Height and width of the window; along an axis of one pixel 1.
        stride: From one window to the next.
        clamps: A ReLU follows.
    """

    name: str
    size: int = 3
    stride: int = 1
    clamps: bool = True


@dataclass(frozen=True)
class Attended:
    """Self-attention of all pixels: a mean of their values for each, by how its query suits keys.

    Queries, keys and values are convolutions of one pixel, normalized. The first normalization of
    the queries begins with the factor that keeps scores small, so that no layer multiplies with it.

    Attributes:
        name: In its block.
        heads: Parts of the channels that are attended to apart.
        rank: Channels between the two factors of each of the three convolutions; 0 for one factor.
    """

    name: str
    heads: int
    rank: int = 0


Row = Convolved | Filtered | Attended


@dataclass(frozen=True)
class Shortcut:
    """What is added to the last row of a block.

    Attributes:
        row: That the block's input goes through; None for the input itself.
        clamps: A ReLU follows the sum.
    """

    row: Convolved | None = None
    clamps: bool = False


@dataclass(frozen=True)
class NetworkBlock(ABC):
    """A block: its fields are what a search may choose.

    Attributes:
        channels: Of what it computes.
        stride: Of its output against its input.
    """

    KIND: ClassVar[str]
    """What files call it."""

    SOURCE: ClassVar[str]
    """Where it was described."""

    ADDS_INPUT: ClassVar[bool] = True
    """Its input is added to what it computes, where shapes allow it."""

    channels: int
    stride: int = 1

    @abstractmethod
    def rows(self, channels: int) -> tuple[Row, ...]:
        """Its rows, given the channels of its input."""

    def shortcut(self, channels: int) -> Shortcut | None:
        """What is added to the last of its rows, given the channels of its input."""
        is_same = self.stride == 1 and self.channels == channels
        return Shortcut() if self.ADDS_INPUT and is_same else None


@dataclass(frozen=True)
class UniversalBottleneck(NetworkBlock):
    """An expansion and a projection with depthwise convolutions before and between them.

    Without either it is a feed-forward block, with ``start`` alone a ConvNext block, with
    ``middle`` alone an inverted bottleneck, with both the extra depthwise block.

    Attributes:
        expand: How many times as many channels as the input has are between the two, 1 for none.
        start: Window of the depthwise convolution of the input, 0 for none.
        middle: Window of the one of the expanded channels, 0 for none.
    """

    KIND: ClassVar[str] = "universal"
    SOURCE: ClassVar[str] = "Qin et al., MobileNetV4, 2024"

    expand: float = 4.0
    start: int = 0
    middle: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """The last depthwise convolution has the stride, or the projection where there is none."""
        rows: list[Row] = []
        if self.start:
            stride = 1 if self.middle else self.stride
            rows.append(Filtered("start", self.start, stride, clamps=False))
        if self.expand != 1:
            rows.append(Convolved("expand", rounded_channels(channels * self.expand)))
        if self.middle:
            rows.append(Filtered("middle", self.middle, self.stride))
        stride = 1 if self.start or self.middle else self.stride
        return (*rows, Convolved("project", self.channels, stride=stride, clamps=False))


@dataclass(frozen=True)
class InvertedBottleneck(UniversalBottleneck):
    """Without a depthwise convolution at its start."""

    KIND: ClassVar[str] = "inverted"
    SOURCE: ClassVar[str] = "Sandler et al., MobileNetV2: Inverted Residuals, 2018"


@dataclass(frozen=True)
class FusedBottleneck(NetworkBlock):
    """Expansion and spatial convolution in one.

    Attributes:
        expand: How many times as many channels as the input has are computed by it.
        size: Of its window.
    """

    KIND: ClassVar[str] = "fused"
    SOURCE: ClassVar[str] = "Xiong et al., MobileDets: Searching for Object Detection, 2021"

    expand: float = 4.0
    size: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """Two convolutions."""
        wide = rounded_channels(channels * self.expand)
        return (
            Convolved("expand", wide, self.size, self.stride),
            Convolved("project", self.channels, clamps=False),
        )


@dataclass(frozen=True)
class CompressedConvolution(NetworkBlock):
    """A convolution between two of one pixel, of fewer channels (Tucker convolution).

    Attributes:
        squeeze: Its input's channels, as a share of the block's.
        narrow: Its output's channels, as a share of the block's output.
        size: Of its window.
    """

    KIND: ClassVar[str] = "compressed"
    SOURCE: ClassVar[str] = "Xiong et al., MobileDets: Searching for Object Detection, 2021"

    squeeze: float = 0.5
    narrow: float = 0.75
    size: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """Three convolutions."""
        return (
            Convolved("squeeze", rounded_channels(channels * self.squeeze)),
            Convolved(
                "window", rounded_channels(self.channels * self.narrow), self.size, self.stride
            ),
            Convolved("project", self.channels, clamps=False),
        )


@dataclass(frozen=True)
class FullConvolution(NetworkBlock):
    """One convolution over windows and all channels.

    Attributes:
        size: Of its window.
    """

    KIND: ClassVar[str] = "full"
    SOURCE: ClassVar[str] = "Xiong et al., MobileDets: Searching for Object Detection, 2021"
    ADDS_INPUT: ClassVar[bool] = False

    size: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """One."""
        return (Convolved("window", self.channels, self.size, self.stride),)


@dataclass(frozen=True)
class Separable(NetworkBlock):
    """A depthwise convolution and one of one pixel.

    Attributes:
        size: Of the window of the first.
    """

    KIND: ClassVar[str] = "separable"
    SOURCE: ClassVar[str] = "Howard et al., MobileNets, 2017; Zhang et al., Hello Edge, 2017"
    ADDS_INPUT: ClassVar[bool] = False

    size: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """Both with a ReLU."""
        return (Filtered("filter", self.size, self.stride), Convolved("project", self.channels))


@dataclass(frozen=True)
class Residual(NetworkBlock):
    """Two convolutions to which the input is added, through a third where shapes differ.

    Attributes:
        size: Of the windows of the two.
    """

    KIND: ClassVar[str] = "residual"
    SOURCE: ClassVar[str] = "He et al., Deep Residual Learning for Image Recognition, 2016"

    size: int = 3

    def rows(self, channels: int) -> tuple[Row, ...]:
        """Only the first has a ReLU of its own."""
        return (
            Convolved("first", self.channels, self.size, self.stride),
            Convolved("second", self.channels, self.size, clamps=False),
        )

    def shortcut(self, channels: int) -> Shortcut | None:
        """Always."""
        if super().shortcut(channels) is not None:
            return Shortcut(clamps=True)
        row = Convolved("shortcut", self.channels, stride=self.stride, clamps=False)
        return Shortcut(row, clamps=True)


@dataclass(frozen=True)
class PatchEmbedding(NetworkBlock):
    """A convolution of windows that do not overlap: each is a token of what follows."""

    KIND: ClassVar[str] = "patches"
    SOURCE: ClassVar[str] = "Dosovitskiy et al., An Image is Worth 16x16 Words, 2021"
    ADDS_INPUT: ClassVar[bool] = False

    def rows(self, channels: int) -> tuple[Row, ...]:
        """One, whose window is its stride."""
        return (Convolved("embed", self.channels, self.stride, self.stride, clamps=False),)


@dataclass(frozen=True)
class Attention(NetworkBlock):
    """Self-attention of all pixels, which keeps channels and stride.

    Convolutions are normalized by the batch and not by layers (Graham et al., LeViT, 2021): so
    nothing is left to compute of normalizations on a board.

    Attributes:
        heads: Parts of the channels that are attended to apart.
        rank: Channels between the two factors of each convolution, as a share of its own; 1 for
            one factor.
    """

    KIND: ClassVar[str] = "attention"
    SOURCE: ClassVar[str] = "Liang et al., MCUFormer, 2023"

    heads: int = 1
    rank: float = 1.0

    def rows(self, channels: int) -> tuple[Row, ...]:
        """What attention mixes is projected."""
        rank = rounded_channels(self.channels * self.rank) if self.rank != 1 else 0
        factor = (Convolved("factor", rank, clamps=False),) if rank else ()
        project = Convolved("project", self.channels, clamps=False)
        return (Attended("mix", self.heads, rank), *factor, project)


@dataclass(frozen=True)
class FeedForward(NetworkBlock):
    """What follows attention in a transformer: each pixel is widened, clamped and projected.

    Attributes:
        expand: How many times as many channels as the input has are between the two.
    """

    KIND: ClassVar[str] = "feed-forward"
    SOURCE: ClassVar[str] = "Liang et al., MCUFormer, 2023"

    expand: float = 2.0

    def rows(self, channels: int) -> tuple[Row, ...]:
        """Two convolutions of one pixel."""
        return (
            Convolved("expand", rounded_channels(channels * self.expand), stride=self.stride),
            Convolved("project", self.channels, clamps=False),
        )


BLOCKS: dict[str, type[NetworkBlock]] = {
    kind.KIND: kind
    for kind in (
        *(UniversalBottleneck, InvertedBottleneck, FusedBottleneck, CompressedConvolution),
        *(FullConvolution, Separable, Residual, PatchEmbedding, Attention, FeedForward),
    )
}
"""All kinds, by what files call them."""


def rounded_channels(channels: float) -> int:
    """A whole number of channels, at least 1."""
    return max(1, round(channels))
