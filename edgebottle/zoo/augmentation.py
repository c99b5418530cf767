"""Random changes of training images, in NumPy: the same seed gives the same images anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

AT_ONCE = 1 << 15
"""Values of images that are read at once: few enough that a cache holds them."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes of each training image; the defaults change nothing.

    Attributes:
        degrees: largest rotation either way.
        scale: largest relative change of size either way.
        shift: largest translation along each axis, in pixels.
        flip: mirror half of the images left to right.
        erase: side of a square set to zero at a random place, in pixels.
    """

    degrees: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    flip: bool = False
    erase: int = 0

    def resized(self, factor: float) -> Augmentation:
        """The same of images so many times as large: what is in pixels grows with them."""
        return replace(self, shift=self.shift * factor, erase=round(self.erase * factor))


def augment(images: Floats, how: Augmentation, random: np.random.Generator) -> Floats:
    """Changes each image at random; what comes from outside the image is zero.

    Args:
        images: (n, height, width, channels), float32.
        how: what may change and how much.
        random: the source of chance.

    Returns:
        New images of the same shape.
    """
    count, height, width, channels = images.shape
    angle = np.radians(random.uniform(-how.degrees, how.degrees, count))
    zoom = 1.0 + random.uniform(-how.scale, how.scale, count)
    mirror = np.where(random.random(count) < 0.5 * how.flip, -1.0, 1.0)
    shift_y, shift_x = random.uniform(-how.shift, how.shift, (2, count))
    # Output pixel (row, column), from the centre, is read at source (y, x).
    row = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
    column = np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2

    def per_image(values: NDArray[np.float64]) -> Floats:
        return values.astype(np.float32)[:, None, None]

    cosine, sine = per_image(np.cos(angle) / zoom), per_image(np.sin(angle) / zoom)
    y = cosine * row - sine * column + per_image(shift_y) + (height - 1) / 2
    x = per_image(mirror) * (sine * row + cosine * column) + per_image(shift_x) + (width - 1) / 2
    result = np.empty_like(images)
    some = max(1, AT_ONCE // (height * width * channels))
    for part in (slice(start, start + some) for start in range(0, count, some)):
        result[part] = _bilinear(images[part], y[part], x[part])
    if how.erase:
        _erase(result, how.erase, random)
    return result


def _bilinear(images: Floats, y: Floats, x: Floats) -> Floats:
    """Reads ``images`` at (y, x), each (n, height, width), with zeros around the image."""
    count, height, width, channels = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(-1, channels)
    y, x = np.clip(y, -1, height), np.clip(x, -1, width)
    top = np.minimum(np.floor(y), height - 1).astype(np.int32)
    left = np.minimum(np.floor(x), width - 1).astype(np.int32)
    down, right = (y - top)[..., None], (x - left)[..., None]
    stride = width + 2
    image = np.arange(count, dtype=np.int32)[:, None, None] * ((height + 2) * stride)
    index = image + (top + 1) * stride + (left + 1)
    upper, lower = (
        padded.take(place, axis=0) * (1 - right) + padded.take(place + 1, axis=0) * right
        for place in (index, index + stride)
    )
    result: Floats = (upper * (1 - down) + lower * down).astype(np.float32)
    return result


def _erase(images: Floats, side: int, random: np.random.Generator) -> None:
    """Sets a square of each image to zero, in place; it may hang over the border."""
    count, height, width, _ = images.shape
    top = random.integers(1 - side, height, size=(count, 1))
    left = random.integers(1 - side, width, size=(count, 1))
    row, column = np.arange(height)[None, :], np.arange(width)[None, :]
    in_rows = (row >= top) & (row < top + side)
    in_columns = (column >= left) & (column < left + side)
    images[in_rows[:, :, None] & in_columns[:, None, :]] = 0.0
