"""Resize and Upsample.

Where a kernel of ours computes the very same pixels it is used; else rows and columns are picked by
their numbers, or multiplied by the matrix of their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.products import dense
from edgebottle.importers.onnx_operators.reduction import along_last
from edgebottle.importers.onnx_operators.resize_weights import (
    CROP,
    PLACES,
    ROUNDED,
    Axis,
    Filter,
    Places,
    inside,
    matrix_of,
    places_of,
)
from edgebottle.importers.onnx_operators.table import (
    Translation,
    axis_of,
    data_of,
    integers_of,
    numbers_of,
    optional,
)
from edgebottle.ir.graph import Array, Tensor

MAX_SIDE = (1 << 15) - 1
"""Pixels along a side that the kernels count."""

MAX_WEIGHTS = 1 << 22
"""Of an axis: more than a microcontroller holds."""

_OURS = ((False, False), (False, True), (True, False))
"""align_corners and half_pixel_centers of the kernels."""

_MODES = ("nearest", "linear", "cubic")


@dataclass(frozen=True)
class _Resizing:
    """What is to be done.

    Attributes:
        axes: Those that change, by their number.
        places: Where the output pixels lie.
        rounded: To which pixel, for ``nearest``; None for other modes.
        kind: How neighbours are weighted.
        beyond: What output pixels outside of the image are; None where they are as its edge is.
    """

    axes: Mapping[int, Axis]
    places: Places
    rounded: Callable[[Array], Array] | None
    kind: Filter
    beyond: float | None


def _our_places(axis: Axis, mode: tuple[bool, bool]) -> Array:
    """The places of the kernels: those of TFLite."""
    at = np.arange(axis.after, dtype=np.float64)
    align_corners, half_pixel = mode
    if align_corners and axis.after > 1:
        return at * (axis.before - 1) / (axis.after - 1)
    return (at + 0.5 * half_pixel) * axis.before / axis.after


def _resize(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    how = _resizing(node, values, x)
    if not how.axes:
        return x
    made = _by_kernel(b, x, how)
    if made is not None:
        return made
    made = x
    for number, axis in how.axes.items():
        if how.rounded is None:
            if axis.before * axis.after > MAX_WEIGHTS:
                raise node.refuse(f"resizes {axis.before} pixels to {axis.after}: too many weights")
            matrix = matrix_of(axis, how.places, how.kind)
            made = along_last(b, made, number, _times(matrix))
        else:
            made = _picked(b, made, number, _numbers(axis, how.places, how.rounded))
    return made if how.beyond is None else _with_outside(b, made, how)


def _times(matrix: Array) -> Callable[[Builder, Tensor], Tensor]:
    return lambda b, x: dense(b, x, matrix)


def _resizing(node: OnnxNode, values: Values, x: Tensor) -> _Resizing:
    """What the node asks for; raises ``UnsupportedOp`` and ``BadModel``."""
    mode = node.text("mode", "nearest")
    transform = "asymmetric" if node.version < 11 else "half_pixel"
    transform = node.text("coordinate_transformation_mode", transform)
    mode = "linear" if mode == "bilinear" else mode
    rounding = node.text("nearest_mode", "round_prefer_floor" if node.version >= 11 else "floor")
    if mode not in _MODES or transform not in PLACES or rounding not in ROUNDED:
        raise node.refuse(
            f"resizes by {mode}, {transform} and {rounding}, which ONNX does not have"
        )
    kind = Filter(
        mode == "cubic",
        node.number("cubic_coeff_a", -0.75),
        node.integer("antialias", 0) == 1 and mode != "nearest",
        node.integer("exclude_outside", 0) == 1,
    )
    every = _axes(node, values, x, transform == CROP)
    axes = {
        number: axis
        for number, axis in every.items()
        if axis != Axis(axis.before, axis.before, 1.0)
    }
    if max((axis.after for axis in axes.values()), default=1) > MAX_SIDE:
        raise node.refuse(f"makes {[axis.after for axis in axes.values()]} pixels: too many")
    beyond = node.number("extrapolation_value", 0.0) if transform == CROP else None
    rounded = ROUNDED[rounding] if mode == "nearest" else None
    return _Resizing(axes, PLACES[transform], rounded, kind, beyond)


def _by_kernel(b: Builder, x: Tensor, how: _Resizing) -> Tensor | None:
    """Height and width of an image, or the length of a signal, by whichever mode is the same."""
    rank = len(x.shape)
    special = how.kind.cubic or how.kind.antialias or how.beyond is not None
    if rank not in (3, 4) or special or min(how.axes) < 2:
        return None
    pixels = [1, *x.shape[2:]][-2:]
    sides = [how.axes.get(rank - 2 + i, Axis(pixels[i], pixels[i], 1.0)) for i in (0, 1)]
    after = (sides[0].after, sides[1].after)
    for ours in _OURS:
        if all(_agree(side, how, ours) for side in sides):
            made = b.add(
                "RESIZE_BILINEAR" if how.rounded is None else "RESIZE_NEAREST_NEIGHBOR",
                b.image(x),
                b.ints(*after),
                size=after,
                align_corners=ours[0],
                half_pixel_centers=ours[1],
            )
            return b.from_image(made, rank)
    return None


def _agree(axis: Axis, how: _Resizing, ours: tuple[bool, bool]) -> bool:
    """Whether a mode of the kernels takes the same pixels along one axis."""
    mine, last = _our_places(axis, ours), axis.before - 1
    if how.rounded is None:
        theirs = places_of(axis, how.places)
        mine = mine - 0.5 * ours[1]
        return bool(np.allclose(np.clip(theirs, 0, last), np.clip(mine, 0, last)))
    nearest = np.round(mine, 9)
    nearest = np.floor(nearest + 0.5) if ours[0] else np.floor(nearest)
    return bool((_numbers(axis, how.places, how.rounded) == np.clip(nearest, 0, last)).all())


def _numbers(axis: Axis, places: Places, rounded: Callable[[Array], Array]) -> Array:
    """The number of the pixel that each output pixel is."""
    return np.clip(rounded(places_of(axis, places)), 0, axis.before - 1).astype(np.int32)


def _picked(b: Builder, x: Tensor, axis: int, numbers: Array) -> Tensor:
    """Elements along an axis by their numbers."""
    if numbers.tolist() == list(range(x.shape[axis])):
        return x
    return b.add("GATHER", x, numbers, axis=axis, batch_dims=0)


def _with_outside(b: Builder, x: Tensor, how: _Resizing) -> Tensor:
    """``x`` with another value where output pixels lie outside of the image."""
    within: Array = np.ones((1,) * len(x.shape), np.bool_)
    for number, axis in how.axes.items():
        shape = [axis.after if at == number else 1 for at in range(len(x.shape))]
        within = within & inside(axis, how.places).reshape(shape)
    if within.all():
        return x
    kept = b.add("MUL", x, within.astype(np.float32))
    if not how.beyond:
        return kept
    return b.add("ADD", kept, np.where(within, 0, how.beyond).astype(np.float32))


def _axes(node: OnnxNode, values: Values, x: Tensor, crops: bool) -> dict[int, Axis]:
    """What becomes of each axis that the node names."""
    rank = len(x.shape)
    first = 1 if node.version < 11 or node.op == "Upsample" else 2
    axes = [axis_of(node, one, rank) for one in node.integers("axes", tuple(range(rank)))]
    before = [x.shape[axis] for axis in axes]
    scales: Sequence[float] = node.numbers("scales")
    if optional(values, first) is not None:
        scales = numbers_of(node, values, first, "scales")
    roi: Sequence[float] = (0.0,) * len(axes) + (1.0,) * len(axes)
    if crops:
        roi = numbers_of(node, values, 1, "roi")
    if len(roi) != 2 * len(axes):
        raise node.contradicts(f"has a roi of {len(roi)} numbers for {len(axes)} axes")
    if scales:
        if len(scales) != len(axes) or not all(1e-6 < one < 1e6 for one in scales):
            raise node.contradicts(f"has the scales {list(scales)} for {len(axes)} axes")
        spans = [roi[len(axes) + i] - roi[i] for i in range(len(axes))]
        sizes = [
            int(np.floor(dim * span * scale))
            for dim, span, scale in zip(before, spans, scales, strict=True)
        ]
    elif optional(values, 3) is not None:
        sizes, scales = _sized(node, integers_of(node, values, 3, "sizes"), before)
    else:
        raise node.contradicts("has neither scales nor sizes")
    if min(sizes, default=1) < 1 or prod(sizes) > MAX_SIDE**2:
        raise node.contradicts(f"makes the sizes {sizes} of {before}")
    count = len(axes)
    return {
        axis: Axis(before[i], sizes[i], scales[i], roi[i], roi[count + i])
        for i, axis in enumerate(axes)
    }


def _sized(
    node: OnnxNode, wanted: Sequence[int], before: Sequence[int]
) -> tuple[list[int], list[float]]:
    """Sizes and scales where the file gives sizes, or limits of them."""
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if len(wanted) != len(before):
        raise node.contradicts(f"has the sizes {list(wanted)} for {len(before)} axes")
    scales = [size / dim for size, dim in zip(wanted, before, strict=True)]
    if policy == "stretch":
        return list(wanted), scales
    choose = {"not_larger": min, "not_smaller": max}.get(policy)
    if choose is None:
        raise node.refuse(f"keeps the aspect ratio by '{policy}', which ONNX does not have")
    scale = choose(scales)
    return [int(np.floor(scale * dim + 0.5)) for dim in before], [scale] * len(before)


TRANSLATIONS: dict[str, Translation] = {
    "Resize": Translation(
        _resize,
        (
            *("antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a"),
            *("exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode"),
            "nearest_mode",
        ),
        1,
        4,
    ),
    "Upsample": Translation(_resize, ("mode", "scales"), 1, 2),
}
