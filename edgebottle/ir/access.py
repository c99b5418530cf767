"""How an operator reads: for each axis of its output, which indices of the input an index needs.

From these relations follow the rows that an output row needs, halos, windows of parts, and which
channels depend on which. Nothing else asks what operator a node is in order to know them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Same:
    """Index i reads index i."""

    def reads(self, index: int) -> tuple[int, ...]:
        """Indices of the input that ``index`` of the output reads."""
        return (index,)


@dataclass(frozen=True)
class Window:
    """Index i reads ``taps`` indices from ``i * stride - before`` on, ``dilation`` apart.

    Those below 0 or beyond the last are padding.
    """

    stride: int
    taps: int
    dilation: int = 1
    before: int = 0

    def reads(self, index: int) -> tuple[int, ...]:
        """Indices of the input that ``index`` of the output reads, ascending."""
        first = index * self.stride - self.before
        return tuple(range(first, first + self.taps * self.dilation, self.dilation))


@dataclass(frozen=True)
class Offset:
    """Index i reads index ``i - before``; where there is none, it does not depend on the input.

    So reads what is padded, cropped (``before`` is negative then) or joined.
    """

    before: int

    def reads(self, index: int) -> tuple[int, ...]:
        """The index of the input that ``index`` of the output reads."""
        return (index - self.before,)


@dataclass(frozen=True)
class Broadcast:
    """Every index reads the only one of the input, which may lack the axis."""

    def reads(self, index: int) -> tuple[int, ...]:
        """Always index 0."""
        return (0,)


@dataclass(frozen=True)
class All:
    """Every index reads all ``extent`` indices, in any order."""

    extent: int

    def reads(self, index: int) -> tuple[int, ...]:
        """All indices of the input."""
        return tuple(range(self.extent))


@dataclass(frozen=True)
class Listed:
    """Index i reads the indices ``places[i]``, as resizing does."""

    places: tuple[tuple[int, ...], ...]

    def reads(self, index: int) -> tuple[int, ...]:
        """Indices of the input that ``index`` of the output reads."""
        return self.places[index]


AxisMap = Same | Window | Offset | Broadcast | All | Listed
"""What an index of one output axis reads along the axis of the input."""

Access = tuple[AxisMap, ...]
"""One relation for each axis of the output."""


def window(stride: int, taps: int, dilation: int = 1, padding: tuple[int, int] = (0, 0)) -> AxisMap:
    """A window, which is ``Same`` where it is one index wide and moves with the output.

    Args:
        stride: From one window to the next.
        taps: Of a window.
        dilation: From one tap to the next.
        padding: Before the first index and after the last.
    """
    before, _ = padding
    if (stride, taps, padding) == (1, 1, (0, 0)):
        return Same()
    return Window(stride, taps, dilation, before)


def origin(access: Access) -> tuple[int, ...] | None:
    """Where in the input the output lies, which is a box of it; None where it is no box."""
    if not all(isinstance(axis, Same | Offset) for axis in access):
        return None
    return tuple(-axis.before if isinstance(axis, Offset) else 0 for axis in access)


def joined_axis(accesses: Sequence[Access | None]) -> int | None:
    """The axis along which inputs lie side by side in the output, in any order.

    Args:
        accesses: Of each input.

    Returns:
        None where the inputs are not joined along one axis.
    """
    axes = set()
    for access in accesses:
        moved = [i for i, axis in enumerate(access or ()) if not isinstance(axis, Same)]
        if access is None or len(moved) != 1 or not isinstance(access[moved[0]], Offset):
            return None
        axes.add(moved[0])
    return axes.pop() if len(axes) == 1 else None
