"""What convolutions and pools share: windows that move, and their padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

    def reach(self, axis: int) -> int:
        """Pixels from the first to the last of a window."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def same(self, image: Sequence[int]) -> bool:
        """Whether the padding is TFLite's SAME."""
        return all(
            self.pads[i] == same_padding(image[i], self.size[i], self.stride[i], self.dilation[i])
            for i in (0, 1)
        )

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return any(map(any, self.pads))


def check_rank(node: OnnxNode, shape: Shape) -> None:
    """Refuses what is neither a signal nor an image."""
    if len(shape) not in (3, 4):
        raise node.refuse(
            f"has {len(shape) - 2} spatial axes; edgebottle supports signals (1) and images (2)"
        )


def window_of(
    node: OnnxNode, shape: Shape, kernel: Sequence[int], ceil: bool = False
) -> SlidingWindow:
    """The window of a node over an input of ``shape``, with its channels first.

    Args:
        node: The node.
        shape: Of its input, 3 or 4 axes.
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
    pairs = [
        _pads(node, image[i], kernel[i], strides[i], dilations[i], (pads[i], pads[axes + i]), ceil)
        for i in range(axes)
    ]
    if axes == 1:
        return SlidingWindow((1, kernel[0]), (1, strides[0]), (1, dilations[0]), ((0, 0), pairs[0]))
    return SlidingWindow(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        (dilations[0], dilations[1]),
        (pairs[0], pairs[1]),
    )


def _pads(
    node: OnnxNode,
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int],
    ceil: bool,
) -> tuple[int, int]:
    """Padding before and after along one axis."""
    mode = node.text("auto_pad", "NOTSET")
    if mode == "VALID":
        pads = (0, 0)
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        before, after = same_padding(size, kernel, stride, dilation)
        return (before, after) if mode == "SAME_UPPER" else (after, before)
    elif mode != "NOTSET":
        raise node.refuse(f"has the auto_pad '{mode}'")
    reach = (kernel - 1) * dilation + 1
    span = size + sum(pads) - reach
    if span < 0 and not ceil:
        raise node.refuse("has a window larger than its image")
    if ceil and span % stride:
        windows = -(-span // stride) + 1
        if (windows - 1) * stride < size + pads[0]:  # it begins within
            return pads[0], pads[1] + (windows - 1) * stride - span
    return pads


def bordered(b: Builder, image: Tensor, pads: Pairs, border: float = 0) -> Tensor:
    """``image``, channels last, with a border."""
    paddings = ((0, 0), *pads, (0, 0))
    return padded(b, image, paddings, border)
