"""Operands that an operator reads, or writes, under other axes than those of the tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from edgebottle.ir.graph import Array, Shape
from edgebottle.ir.layout import Layout


@dataclass(frozen=True)
class Seen:
    """A tensor whose bytes are taken for those of another shape, the axes of that in any order.

    So the heads of attention, which are parts of the channels of a token, are read where they lie.

    Attributes:
        shape: As many elements as the tensor has, in the order in which they lie.
        order: Axis i that is seen is axis ``order[i]`` of ``shape``.
    """

    shape: Shape
    order: tuple[int, ...]

    @classmethod
    def plain(cls, shape: Shape) -> Self:
        """A tensor of ``shape`` as it is."""
        return cls(shape, tuple(range(len(shape))))

    @property
    def seen(self) -> Shape:
        """The shape that is seen."""
        return tuple(self.shape[axis] for axis in self.order)

    def layout(self, bits: int) -> Layout:
        """Where the elements that are seen lie."""
        return Layout.contiguous(self.shape, bits).permuted(self.order)

    def read(self, value: Array) -> Array:
        """What is seen of a tensor's value."""
        return value.reshape(self.shape).transpose(self.order)

    def stored(self, value: Array) -> Array:
        """The elements, in the order in which they lie, of a tensor seen as ``value``."""
        places = sorted(range(len(self.order)), key=self.order.__getitem__)
        return value.transpose(places)
