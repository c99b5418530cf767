"""Where the bytes of a tensor lie. All byte geometry stands here: nothing else multiplies shapes.

A tensor is rows of pixels. A *pixel* is what the last axis holds, always without gaps and always
from a byte's beginning on: of an element of less than 8 bits the last byte of a pixel may be used
in part. A *row* is what the axes behind the row axis hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

Shape = tuple[int, ...]

ALIGNMENT = 4
"""Bytes: what is held whole in an arena begins at a multiple of it."""

IMAGE_AXES = 4
"""Batch, height, width and channels: a tensor of so many axes has rows along the second."""


def aligned(nbytes: int, alignment: int = ALIGNMENT) -> int:
    """``nbytes``, rounded up to a multiple of ``alignment``."""
    return -(-nbytes // alignment) * alignment


def packed_bytes(count: int, bits: int) -> int:
    """Bytes of ``count`` elements of ``bits`` bits one behind the other, as files hold them."""
    return -(-count * bits // 8)


@dataclass(frozen=True)
class Layout:
    """Where the elements of a tensor lie, or of a part of one.

    Attributes:
        shape: Elements along each axis.
        bits: Of an element: 1, 2, 4 or whole bytes.
        strides: Bits from one index to the next along each axis.
        offset: Byte at which the first element begins.
        row_axis: The axis along which rows follow one another, with what lies before it; None for
            a tensor that is one row.
    """

    shape: Shape
    bits: int
    strides: tuple[int, ...]
    offset: int = 0
    row_axis: int | None = None

    @classmethod
    def contiguous(cls, shape: Shape, bits: int) -> Layout:
        """One pixel behind the other, without gaps."""
        strides, step = [], bits
        for axis in reversed(range(len(shape))):
            strides.append(step)
            step *= shape[axis]
            if axis == len(shape) - 1:
                step = aligned(step, 8)
        row_axis = 1 if len(shape) == IMAGE_AXES else None
        return cls(shape, bits, tuple(reversed(strides)), 0, row_axis)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def element_bytes(self) -> int:
        """Bytes of one element; raises ``ValueError`` where it is less than one."""
        if self.bits < 8:
            raise ValueError(f"an element of {self.bits} bits has no bytes of its own")
        return self.bits // 8

    @cached_property
    def rows(self) -> int:
        """Rows, those of all images of a batch."""
        return prod(self.shape[: self._row_end])

    @property
    def image_rows(self) -> int:
        """Rows of one image of the batch; 1 where there is no row axis."""
        return 1 if self.row_axis is None else self.shape[self.row_axis]

    @property
    def images(self) -> int:
        """Images, one behind the other, that have rows of their own."""
        return 1 if self.row_axis is None else prod(self.shape[: self.row_axis])

    @cached_property
    def pixels(self) -> int:
        """Pixels of a row."""
        return prod(self.shape[self._row_end : -1])

    @property
    def pixel_elements(self) -> int:
        """Elements of a pixel: channels."""
        return self.shape[-1] if self.shape else 1

    @property
    def row_elements(self) -> int:
        """Elements of a row."""
        return self.pixels * self.pixel_elements

    @cached_property
    def pixel_bytes(self) -> int:
        """Bytes that the elements of a pixel take."""
        return packed_bytes(self.pixel_elements, self.bits)

    @cached_property
    def row_bytes(self) -> int:
        """Bytes that the pixels of a row take, without gaps between them."""
        return self.pixels * self.pixel_bytes

    @cached_property
    def nbytes(self) -> int:
        """Bytes that all rows take, without gaps between them."""
        return self.rows * self.row_bytes

    @property
    def extent(self) -> int:
        """Bytes from the first to the last, with the gaps between."""
        pairs = zip(self.shape[:-1], self.strides[:-1], strict=True)
        return self.pixel_bytes + sum((dim - 1) * stride // 8 for dim, stride in pairs)

    @cached_property
    def row_stride(self) -> int:
        """Bytes from one row to the next; those of the row where there is but one."""
        return self._stride_within(0, self._row_end, self.row_bytes)

    @cached_property
    def pixel_stride(self) -> int:
        """Bytes from one pixel to the next within a row; those of the pixel where it is alone."""
        return self._stride_within(self._row_end, len(self.shape) - 1, self.pixel_bytes)

    @cached_property
    def is_contiguous(self) -> bool:
        """Whether nothing lies between two elements that follow each other."""
        dense = Layout.contiguous(self.shape, self.bits).strides
        pairs = zip(self.shape, self.strides, dense, strict=True)
        return all(dim == 1 or stride == step for dim, stride, step in pairs)

    @property
    def in_a_byte(self) -> int:
        """Elements that share a byte, where a pixel has as many; 1 of elements of whole bytes."""
        return max(1, 8 // self.bits)

    @property
    def in_bytes(self) -> Layout:
        """The same bytes as elements of one byte each, where an element has less than one.

        Raises:
            ValueError: the elements of a pixel do not lie one behind the other.
        """
        if self.bits >= 8:
            return self
        if self.pixel_elements > 1 and self.strides[-1] != self.bits:
            raise ValueError(f"elements of {self.bits} bits lie apart")
        shape, strides = (*self.shape[:-1], self.pixel_bytes), (*self.strides[:-1], 8)
        return replace(self, shape=shape, strides=strides, bits=8)

    def reshaped(self, shape: Shape) -> Layout:
        """The elements of a tensor without gaps under another shape.

        Raises:
            ValueError: pixels that are no longer the same end inside a byte.
        """
        found = Layout.contiguous(shape, self.bits)
        if found.pixel_elements != self.pixel_elements:
            for layout in (self, found):
                _whole_bytes(layout.pixel_elements * self.bits)
        return found

    def stride(self, axis: int) -> int:
        """Bytes from one index of ``axis`` to the next; raises ``ValueError`` within a byte."""
        return _whole_bytes(self.strides[axis])

    @property
    def byte_strides(self) -> tuple[int, ...]:
        """The same of every axis."""
        return tuple(map(_whole_bytes, self.strides))

    def address(self, row: int) -> int:
        """The byte at which a row begins; rows are numbered through all images."""
        first = self.offset
        for axis in reversed(range(self._row_end)):
            row, index = divmod(row, self.shape[axis])
            first += index * self.strides[axis] // 8
        return first

    def slice(self, axis: int, start: int, stop: int, step: int = 1) -> Layout:
        """The part whose indices along ``axis`` are those of ``range(start, stop, step)``.

        Raises:
            ValueError: it begins or ends inside a byte.
        """
        picked = range(start, stop, step)
        if axis == len(self.shape) - 1 and (stop != self.shape[axis] or step != 1):
            _whole_bytes(stop * self.bits)
            _whole_bytes(step * self.bits if step != 1 else 0)
        offset = self.offset + _whole_bytes(start * self.strides[axis])
        strides = _replaced(self.strides, axis, step * self.strides[axis])
        shape = _replaced(self.shape, axis, len(picked))
        return replace(self, shape=shape, strides=strides, offset=offset)

    def box(self, origin: Sequence[int], shape: Shape) -> Layout:
        """The part of ``shape`` whose first element is that at ``origin``; raises as ``slice``."""
        found = self
        for axis, (start, count) in enumerate(zip(origin, shape, strict=True)):
            found = found.slice(axis, start, start + count)
        return found

    def index(self, axis: int, number: int) -> Layout:
        """The elements at one index of ``axis``, which is gone then; raises as ``slice``."""
        part = self.slice(axis, number, number + 1)
        kept = [other for other in range(len(self.shape)) if other != axis]
        return part.permuted(kept)

    def repeated(self, axis: int, count: int) -> Layout:
        """The same elements, the only index of ``axis`` read ``count`` times."""
        shape, strides = _replaced(self.shape, axis, count), _replaced(self.strides, axis, 0)
        return replace(self, shape=shape, strides=strides)

    def permuted(self, axes: Sequence[int | None]) -> Layout:
        """The same elements with the axes in another order.

        Args:
            axes: The axis that comes to each place; None for a new one of one element. An axis that
                is left out must have one element.
        """
        return replace(
            self,
            shape=tuple(1 if axis is None else self.shape[axis] for axis in axes),
            strides=tuple(0 if axis is None else self.strides[axis] for axis in axes),
            row_axis=1 if len(axes) == IMAGE_AXES else None,
        )

    @property
    def _row_end(self) -> int:
        """The first axis within a row."""
        return 0 if self.row_axis is None else self.row_axis + 1

    def _stride_within(self, first: int, end: int, alone: int) -> int:
        """The step along the innermost of some axes that has more than one index."""
        for axis in reversed(range(first, end)):
            if self.shape[axis] > 1:
                return self.strides[axis] // 8
        return alone


def _whole_bytes(bits: int) -> int:
    if bits % 8:
        raise ValueError(f"{bits} bits end inside a byte")
    return bits // 8


def _replaced(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])
