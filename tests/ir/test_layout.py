"""Layouts against arrays of bit numbers, whole bytes and less."""

from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from edgebottle.ir.layout import ALIGNMENT, Layout, aligned, packed_bytes

BITS = (1, 2, 4, 8, 16, 32)

SHAPES = [shape for rank in range(6) for shape in product((1, 2, 5), repeat=rank)]
LAYOUTS = [Layout.contiguous(shape, bits) for shape, bits in product(SHAPES, BITS)]


def places(layout: Layout) -> NDArray[np.int64]:
    """The bit at which each element begins, from the strides alone."""
    found = np.full(layout.shape, layout.offset * 8, np.int64)
    for axis, (dim, stride) in enumerate(zip(layout.shape, layout.strides, strict=True)):
        along = np.arange(dim) * stride
        found += along.reshape(-1, *[1] * (len(layout.shape) - axis - 1))
    return found


def test_elements_follow_one_another_and_pixels_begin_with_a_byte() -> None:
    for layout in LAYOUTS:
        _check_elements(layout)


def _check_elements(layout: Layout) -> None:
    flat = places(layout).ravel()
    pixel = layout.shape[-1] if layout.shape else 1
    per_pixel = -(-pixel * layout.bits // 8)
    number, within = np.divmod(np.arange(layout.size), pixel)
    assert np.array_equal(flat, number * per_pixel * 8 + within * layout.bits)
    assert layout.is_contiguous
    assert layout.nbytes == layout.extent == len(number) // pixel * per_pixel
    assert layout.pixel_bytes == layout.pixel_stride == per_pixel
    assert layout.rows * layout.row_bytes == layout.nbytes
    assert layout.rows * layout.row_elements == layout.size


def test_rows_are_where_they_are_said_to_be() -> None:
    for layout in LAYOUTS:
        rows = layout.shape[0] * layout.shape[1] if len(layout.shape) == 4 else 1
        first = places(layout).reshape(rows, -1)[:, 0]
        assert layout.rows == rows
        assert [layout.address(row) * 8 for row in range(rows)] == first.tolist()
        assert layout.row_stride == layout.row_bytes


def test_a_part_is_where_it_was_in_the_whole() -> None:
    """Parts of every axis that begin and end with a byte, a thousand of them all."""
    parts = [
        (layout, axis, start, stop)
        for layout in LAYOUTS
        for axis, dim in enumerate(layout.shape)
        for start, stop in combinations(range(dim + 1), 2)
    ]
    tried = 0
    for layout, axis, start, stop in Random(0).sample(parts, 1200):
        ends = [start] if stop == layout.shape[axis] else [start, stop]
        last = axis == len(layout.shape) - 1
        if not (last and any(end * layout.bits % 8 for end in ends)):
            _check_part(layout, axis, start, stop)
            tried += 1
    assert tried > 1000


def _check_part(layout: Layout, axis: int, start: int, stop: int) -> None:
    part = layout.slice(axis, start, stop)
    whole = np.moveaxis(places(layout), axis, 0)[start:stop]
    assert np.array_equal(places(part), np.moveaxis(whole, 0, axis))
    outer = int(np.prod(layout.shape[:axis]))
    assert part.is_contiguous or outer > 1
    assert part.extent <= layout.nbytes - part.offset


@pytest.mark.parametrize(("bits", "start", "stop"), [(4, 1, 2), (4, 0, 3), (2, 4, 5), (1, 2, 9)])
def test_no_part_begins_or_ends_inside_a_byte(bits: int, start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="inside a byte"):
        image(bits, 9).slice(3, start, stop)


def image(bits: int = 8, channels: int = 6) -> Layout:
    return Layout.contiguous((1, 5, 4, channels), bits)


def test_the_parts_of_an_image_keep_its_strides() -> None:
    channels = image().slice(3, 2, 4)
    assert (channels.offset, channels.row_stride, channels.pixel_stride) == (2, 24, 6)
    assert (channels.row_bytes, channels.pixel_bytes, channels.nbytes) == (8, 2, 40)
    assert channels.extent == 19 * 6 + 2
    crop = image().box((0, 1, 2, 0), (1, 3, 1, 6))
    assert (crop.offset, crop.row_stride, crop.pixel_stride) == (36, 24, 6)
    assert not crop.is_contiguous
    assert [crop.address(row) for row in range(3)] == [36, 60, 84]
    assert image().slice(1, 2, 3).row_stride == image().row_bytes


def test_two_images_have_the_rows_of_both() -> None:
    both = Layout.contiguous((2, 5, 4, 6), 8)
    assert (both.rows, both.row_bytes) == (10, 24)
    crop = both.slice(1, 1, 3)
    assert [crop.address(row) for row in range(4)] == [24, 48, 144, 168]


@pytest.mark.parametrize(
    ("bits", "channels", "pixel"), [(4, 5, 3), (2, 5, 2), (1, 9, 2), (1, 8, 1)]
)
def test_packed_pixels(bits: int, channels: int, pixel: int) -> None:
    layout = image(bits, channels)
    assert (layout.pixel_bytes, layout.row_bytes, layout.nbytes) == (pixel, 4 * pixel, 20 * pixel)
    assert layout.slice(1, 2, 4).offset == 8 * pixel
    with pytest.raises(ValueError, match="no bytes of its own"):
        _ = layout.element_bytes


def test_a_signal_has_rows_along_its_long_axis() -> None:
    signal = Layout((1, 1, 100, 3), 8, (2400, 2400, 24, 8), row_axis=2)
    standing = Layout.contiguous((1, 100, 1, 3), 8)
    for name in ("rows", "row_bytes", "row_stride", "pixel_bytes", "pixel_stride", "nbytes"):
        assert getattr(signal, name) == getattr(standing, name), name
    assert signal.address(7) == standing.address(7) == 21


def test_axes_are_dropped_added_and_exchanged() -> None:
    matrix = Layout.contiguous((3, 5), 16)
    assert matrix.permuted((1, 0)).byte_strides == (2, 10)
    assert matrix.permuted((0, None, 1)).shape == (3, 1, 5)
    column = matrix.index(1, 4)
    assert (column.shape, column.byte_strides, column.offset) == ((3,), (10,), 8)
    backwards = matrix.slice(1, 4, -1, -2)
    assert (backwards.shape, backwards.byte_strides, backwards.offset) == ((3, 3), (10, -4), 8)


@pytest.mark.parametrize(("bits", "nbytes"), [(1, 2), (2, 3), (4, 5), (8, 9), (32, 36)])
def test_files_pack_all_elements(bits: int, nbytes: int) -> None:
    assert packed_bytes(9, bits) == nbytes


def test_alignment() -> None:
    assert [aligned(nbytes) for nbytes in (0, 1, 4, 5)] == [0, ALIGNMENT, ALIGNMENT, 8]
    assert aligned(9, 8) == 16
