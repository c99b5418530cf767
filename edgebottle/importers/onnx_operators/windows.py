"""What convolutions and pools share: windows that move, and their padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode
from edgebottle.importers.onnx_operators.moves import padded
from edgebottle.ir.graph import Shape, Tensor
from edgebottle.ops.window_padding import same_padding

ATTRIBUTES = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")

MAX_WINDOW = 1 << 16
"""Pixels of a window, a step or a border: far beyond any image of a microcontroller."""

Pairs = tuple[tuple[int, int], tuple[int, int]]
"""Before and after, of height and width."""


@dataclass(frozen=True)
class SlidingWindow:
    """A window over height and width; a signal has one row.

    Attributes:
        size: In taps.
        stride: From one window to the next.
        dilation: From one tap to the next.
        pads: Outside of the image.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pairs

    def same(self, image: Sequence[int]) -> bool:
        """Whether the padding is TFLite's SAME."""
        return all(
            self.pads[i] == same_padding(image[i], self.size[i], self.stride[i], self.dilation[i])
            for i in (0, 1)
        )


@dataclass(frozen=True)
class Line:
    """A window along one axis.

    Attributes:
        size: In taps.
        stride: From one window to the next.
        dilation: From one tap to the next.
        pads: Before and after the axis.
        extra: How much of what is after it only rounding up adds.
    """

    size: int
    stride: int
    dilation: int
    pads: tuple[int, int]
    extra: int = 0

    @property
    def reach(self) -> int:
        """Pixels from the first to the last of a window."""
        return (self.size - 1) * self.dilation + 1


WHOLE = Line(1, 1, 1, (0, 0))
"""A window of one pixel, along an axis that is left as it is."""


def sliding(high: Line, wide: Line) -> SlidingWindow:
    """A window over an image."""
    return SlidingWindow(
        (high.size, wide.size),
        (high.stride, wide.stride),
        (high.dilation, wide.dilation),
        (high.pads, wide.pads),
    )


def check_rank(node: OnnxNode, shape: Shape) -> None:
    """Refuses what is neither a signal nor an image nor a volume."""
    if len(shape) not in (3, 4, 5):
        raise node.refuse(
            f"has {len(shape) - 2} spatial axes; edgebottle supports signals (1), images (2) and "
            "volumes (3)"
        )


def lines_of(
    node: OnnxNode, shape: Shape, kernel: Sequence[int], ceil: bool = False
) -> tuple[Line, ...]:
    """The window of a node along each spatial axis; a signal is an image of one row.

    Args:
        node: The node.
        shape: Of its input, channels first, 3 to 5 axes.
        kernel: Its size along each spatial axis.
        ceil: Windows that begin within the image or the padding before it count, whole or not.

    Raises:
        BadModel: its attributes contradict each other.
        UnsupportedOp: it pads with less than nothing.
    """
    image = shape[2:]
    axes = len(image)
    strides = node.integers("strides", (1,) * axes)
    dilations = node.integers("dilations", (1,) * axes)
    pads = node.integers("pads", (0,) * (2 * axes))
    lengths = {len(kernel), len(strides), len(dilations), len(pads) // 2, axes}
    if len(lengths) > 1 or len(pads) % 2 or min(*kernel, *strides, *dilations) < 1:
        raise node.contradicts(
            f"has the window {list(kernel)}, strides {list(strides)}, dilations {list(dilations)} "
            f"and pads {list(pads)} for {axes} spatial axes"
        )
    if max(*kernel, *strides, *dilations, *pads) > MAX_WINDOW:
        raise node.refuse(f"has a window, a stride or pads of more than {MAX_WINDOW:,}")
    if min(pads) < 0:
        raise node.refuse("has negative pads, which edgebottle does not support")
    lines = tuple(
        _padded_line(
            node,
            image[i],
            Line(kernel[i], strides[i], dilations[i], (pads[i], pads[axes + i])),
            ceil,
        )
        for i in range(axes)
    )
    return (WHOLE, *lines) if axes == 1 else lines


def _padded_line(node: OnnxNode, size: int, line: Line, ceil: bool) -> Line:
    """The window along an axis of ``size`` pixels with the padding that it has in the end."""
    mode, pads = node.text("auto_pad", "NOTSET"), line.pads
    if mode == "VALID":
        pads = (0, 0)
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        before, after = same_padding(size, line.size, line.stride, line.dilation)
        return replace(line, pads=(before, after) if mode == "SAME_UPPER" else (after, before))
    elif mode != "NOTSET":
        raise node.refuse(f"has the auto_pad '{mode}'")
    span = size + sum(pads) - line.reach
    if span < 0 and not ceil:
        raise node.refuse("has a window larger than its image")
    if ceil and span % line.stride:
        windows = -(-span // line.stride) + 1
        if (windows - 1) * line.stride < size + pads[0]:  # it begins within
            extra = (windows - 1) * line.stride - span
            return replace(line, pads=(pads[0], pads[1] + extra), extra=extra)
    return replace(line, pads=pads)


def bordered(b: Builder, image: Tensor, pads: Pairs, border: float = 0) -> Tensor:
    """``image``, channels last, with a border."""
    paddings = ((0, 0), *pads, (0, 0))
    return padded(b, image, paddings, border)
