"""What each output pixel of a Resize takes of the pixels along one axis, as a matrix.

The definitions are those of ONNX's Resize: places by coordinate_transformation_mode, then the
neighbours of a place with weights, those beyond an edge taken for the edge, or left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array


@dataclass(frozen=True)
class Axis:
    """How an axis is resized.

    Attributes:
        before: Its pixels.
        after: Those of the output.
        scale: From input to output, which ``after`` is only near to.
        begin: Of the part that is resized, 0 to 1: tf_crop_and_resize.
        end: Of that part.
    """

    before: int
    after: int
    scale: float
    begin: float = 0.0
    end: float = 1.0


Places = Callable[[Array, Axis], Array]
"""From the numbers of output pixels to places between those of the input."""


def _aligned(at: Array, axis: Axis) -> Array:
    return at * (axis.before - 1) / (axis.after - 1) if axis.after > 1 else at * 0.0


def _half_pixel(at: Array, axis: Axis) -> Array:
    return (at + 0.5) / axis.scale - 0.5


def _symmetric(at: Array, axis: Axis) -> Array:
    adjusted = axis.after / (axis.scale * axis.before)
    return axis.before / 2 * (1 - adjusted) + _half_pixel(at, axis)


def _cropped(at: Array, axis: Axis) -> Array:
    last = axis.before - 1
    if axis.after == 1:
        return at * 0.0 + 0.5 * (axis.begin + axis.end) * last
    return axis.begin * last + at * (axis.end - axis.begin) * last / (axis.after - 1)


CROP = "tf_crop_and_resize"

PLACES: dict[str, Places] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda at, axis: _half_pixel(at, axis) if axis.after > 1 else at * 0.0,
    "align_corners": _aligned,
    "asymmetric": lambda at, axis: at / axis.scale,
    "tf_half_pixel_for_nn": lambda at, axis: (at + 0.5) / axis.scale,
    CROP: _cropped,
}
"""ONNX's coordinate_transformation_mode."""

ROUNDED: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda place: np.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: np.floor(place + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
"""ONNX's nearest_mode."""


@dataclass(frozen=True)
class Filter:
    """How neighbours are weighted.

    Attributes:
        cubic: By a cubic polynomial over four of them; else linearly over two.
        coefficient: Of the polynomial.
        antialias: Over as many more as the image gets smaller.
        excludes: Those beyond the edges are left out; else they are as the edge is.
    """

    cubic: bool
    coefficient: float
    antialias: bool
    excludes: bool


def places_of(axis: Axis, places: Places) -> Array:
    """The places of all output pixels, without the noise of float64."""
    return np.round(places(np.arange(axis.after, dtype=np.float64), axis), 9)


def inside(axis: Axis, places: Places) -> Array:
    """Which output pixels lie within the image."""
    at = places_of(axis, places)
    return (at >= 0) & (at <= axis.before - 1)


def matrix_of(axis: Axis, places: Places, kind: Filter) -> Array:
    """The weights, of shape (after, before), in float32."""
    narrow = min(axis.scale, 1.0) if kind.antialias else 1.0
    reach = int(np.ceil((2 if kind.cubic else 1) / narrow))
    found = np.zeros((axis.after, axis.before))
    for row, place in enumerate(places_of(axis, places)):
        first = int(np.floor(place))
        taps = np.arange(first - reach, first + reach + 2)
        weights = _weights((taps - place) * narrow, kind)
        if kind.excludes:
            weights[(taps < 0) | (taps >= axis.before)] = 0
        total = weights.sum()
        np.add.at(found[row], np.clip(taps, 0, axis.before - 1), weights / (total or 1.0))
    return found.astype(np.float32)


def _weights(distance: Array, kind: Filter) -> Array:
    """Of neighbours at a distance.

    Cubic: R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.
    """
    d, a = np.abs(distance), kind.coefficient
    if not kind.cubic:
        return np.asarray(np.clip(1 - d, 0, 1))
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
