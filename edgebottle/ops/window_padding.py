"""TFLite's SAME and VALID: how a window that moves over an image is padded."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Shape

Extents = Sequence[int]
"""Height and width."""

Padding = tuple[int, int, int, int]
"""Rows and pixels outside of the image: top, bottom, left, right."""

SAME, VALID = 0, 1
"""Codes of TFLite's schema."""

MAX_PADDED = 1 << 24
"""Elements of a padded image, at most, or twice those of the image: 32-bit indices are enough, and
a computer can hold it. More is a dilation or a window far beyond the image."""

MAX_SIDE = (1 << 15) - 1
"""Pixels of a window, of its stride and dilation, and of the padding on one side, at most, and rows
of what is upsampled: C has 16 bits for each."""


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding (before, after) of SAME along one axis."""
    output = -(-size // stride)
    total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padding_of(
    code: int, image: Extents, window: Extents, stride: Extents, dilation: Extents, label: str
) -> Padding:
    """The padding that a code of the schema stands for.

    Args:
        code: ``SAME`` or ``VALID``.
        image: Height and width, in pixels.
        window: Height and width, in taps.
        stride: Rows and pixels from one window to the next.
        dilation: Rows and pixels from one tap to the next.
        label: The layer, for messages.

    Raises:
        UnsupportedOp: the code is another.
    """
    if code == VALID:
        return (0, 0, 0, 0)
    if code != SAME:
        raise UnsupportedOp(f"{label} uses the padding {code}")
    return (
        *same_padding(image[0], window[0], stride[0], dilation[0]),
        *same_padding(image[1], window[1], stride[1], dilation[1]),
    )


def code_of(
    padding: Padding,
    image: Extents,
    window: Extents,
    stride: Extents,
    dilation: Extents,
    label: str,
) -> int:
    """Inverse of ``padding_of``; raises ``UnsupportedOp`` where TFLite has no code."""
    for code in (VALID, SAME):
        if padding == padding_of(code, image, window, stride, dilation, label):
            return code
    raise UnsupportedOp(f"{label} uses padding that is neither SAME nor VALID")


def check_padding(image: Shape, padding: Padding, label: str) -> None:
    """Refuses what is nearly all padding.

    Args:
        image: Of 4 axes.
        padding: Around it.
        label: The layer, for messages.

    Raises:
        UnsupportedOp: the padded image has more than ``MAX_PADDED`` elements.
    """
    top, bottom, left, right = padding
    padded = (image[1] + top + bottom) * (image[2] + left + right) * image[3]
    if padded > max(MAX_PADDED, 2 * math.prod(image)):
        raise UnsupportedOp(
            f"{label} pads an image of {image[1]} x {image[2]} with {top + bottom} rows and "
            f"{left + right} columns: its window or dilation is far beyond the image"
        )


def check_sides(sides: Sequence[int], label: str) -> None:
    """Refuses what the parameters of a kernel cannot hold.

    Args:
        sides: Of a window, its stride, its dilation, its padding.
        label: The layer, for messages.

    Raises:
        UnsupportedOp: one is more than ``MAX_SIDE``.
    """
    if max(sides) > MAX_SIDE:
        raise UnsupportedOp(
            f"{label} has a window, stride, dilation or padding of {max(sides)} pixels, and "
            f"edgebottle supports at most {MAX_SIDE}"
        )
