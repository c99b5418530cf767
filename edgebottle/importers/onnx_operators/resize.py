"""Resize and Upsample: those of which our kernels compute the very same pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
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

Places = Callable[[Array, int, int, float], Array]
"""From the numbers of output pixels, sizes before and after and the scale to places before."""


def _aligned(at: Array, before: int, after: int, scale: float) -> Array:
    return at * (before - 1) / (after - 1) if after > 1 else at * 0.0


def _symmetric(at: Array, before: int, after: int, scale: float) -> Array:
    adjusted = after / (scale * before)
    return before / 2 * (1 - adjusted) + (at + 0.5) / scale - 0.5


_PLACES: dict[str, Places] = {
    "half_pixel": lambda at, before, after, scale: (at + 0.5) / scale - 0.5,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda at, before, after, scale: (
        (at + 0.5) / scale - 0.5 if after > 1 else at * 0.0
    ),
    "align_corners": _aligned,
    "asymmetric": lambda at, before, after, scale: at / scale,
    "tf_half_pixel_for_nn": lambda at, before, after, scale: (at + 0.5) / scale,
}
"""ONNX's coordinate_transformation_mode."""

_ROUNDED: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda place: np.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: np.floor(place + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
"""ONNX's nearest_mode."""

_OURS = ((False, False), (False, True), (True, False))
"""align_corners and half_pixel_centers of the kernels."""


def _our_places(at: Array, before: int, after: int, mode: tuple[bool, bool]) -> Array:
    """The places of the kernels: those of TFLite."""
    align_corners, half_pixel = mode
    if align_corners and after > 1:
        return at * (before - 1) / (after - 1)
    return (at + 0.5 * half_pixel) * before / after


def _resize(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    for name, usual in (("antialias", 0), ("exclude_outside", 0)):
        if node.integer(name, usual) != usual:
            raise node.refuse(f"has {name}, which edgebottle does not support")
    mode = node.text("mode", "nearest")
    transform = "asymmetric" if node.version < 11 else "half_pixel"
    transform = node.text("coordinate_transformation_mode", transform)
    if mode not in ("nearest", "linear") or transform not in _PLACES:
        raise node.refuse(f"resizes by {mode} and {transform}, which edgebottle does not support")
    sizes, scales = _target(node, values, x)
    if sizes == x.shape:
        return x
    if len(x.shape) not in (3, 4) or sizes[:2] != x.shape[:2]:
        raise node.refuse(f"resizes {list(x.shape)} to {list(sizes)}: edgebottle resizes images")
    rounding = node.text("nearest_mode", "round_prefer_floor" if node.version >= 11 else "floor")
    if rounding not in _ROUNDED:
        raise node.refuse(f"has the nearest_mode '{rounding}'")
    return _image(b, node, x, sizes, scales, mode, _PLACES[transform], _ROUNDED[rounding])


def _image(
    b: Builder,
    node: OnnxNode,
    x: Tensor,
    sizes: tuple[int, ...],
    scales: Sequence[float],
    mode: str,
    places: Places,
    rounded: Callable[[Array], Array],
) -> Tensor:
    """Height and width of an image, or the length of a signal, by whichever mode is the same."""
    image = b.image(x)
    before = image.shape[1:3]
    after = (1, sizes[2]) if len(x.shape) == 3 else (sizes[2], sizes[3])
    factors = [1.0, *scales[2:]][-2:]
    if max(*before, *after) > MAX_SIDE:
        raise node.refuse(f"makes {after[0]} x {after[1]} pixels: too many")
    for ours in _OURS:
        same = all(
            _agree(mode, before[i], after[i], factors[i], places, rounded, ours) for i in (0, 1)
        )
        if same:
            op = "RESIZE_NEAREST_NEIGHBOR" if mode == "nearest" else "RESIZE_BILINEAR"
            made = b.add(
                op,
                image,
                b.ints(*after),
                size=after,
                align_corners=ours[0],
                half_pixel_centers=ours[1],
            )
            return b.from_image(made, len(x.shape))
    if mode == "nearest":
        return b.from_image(_picked(b, image, after, factors, places, rounded), len(x.shape))
    raise node.refuse(
        f"resizes {before[0]} x {before[1]} to {after[0]} x {after[1]} by {mode} and "
        f"{node.text('coordinate_transformation_mode', 'half_pixel')}, which none of our kernels "
        "does exactly; export it with align_corners, half_pixel or asymmetric"
    )


def _picked(
    b: Builder,
    image: Tensor,
    after: Sequence[int],
    factors: Sequence[float],
    places: Places,
    rounded: Callable[[Array], Array],
) -> Tensor:
    """Rows, then columns, by their numbers."""
    for axis in (1, 2):
        before, size = image.shape[axis], after[axis - 1]
        at = np.arange(size, dtype=np.float64)
        theirs = np.round(places(at, before, size, factors[axis - 1]), 9)
        numbers = np.clip(rounded(theirs), 0, before - 1).astype(np.int32)
        if numbers.tolist() != list(range(before)):
            image = b.add("GATHER", image, numbers, axis=axis, batch_dims=0)
    return image


def _agree(
    mode: str,
    before: int,
    after: int,
    scale: float,
    places: Places,
    rounded: Callable[[Array], Array],
    ours: tuple[bool, bool],
) -> bool:
    """Whether a mode of the kernels takes the same pixels along one axis."""
    at = np.arange(after, dtype=np.float64)
    theirs = places(at, before, after, scale)
    mine = _our_places(at, before, after, ours)
    if mode == "linear":
        mine = mine - 0.5 * ours[1]
        return bool(np.allclose(np.clip(theirs, 0, before - 1), np.clip(mine, 0, before - 1)))
    picked = np.clip(rounded(np.round(theirs, 9)), 0, before - 1)
    nearest = np.round(mine, 9)
    nearest = np.floor(nearest + 0.5) if ours[0] else np.floor(nearest)
    return bool((picked == np.clip(nearest, 0, before - 1)).all())


def _target(node: OnnxNode, values: Values, x: Tensor) -> tuple[tuple[int, ...], list[float]]:
    """Size and scale of every axis."""
    rank = len(x.shape)
    first = 1 if node.version < 11 or node.op == "Upsample" else 2
    axes = [axis_of(node, one, rank) for one in node.integers("axes", tuple(range(rank)))]
    given: Sequence[float] = node.numbers("scales")
    if optional(values, first) is not None:
        given = numbers_of(node, values, first, "scales")
    sizes, scales = list(x.shape), [1.0] * rank
    if given:
        if len(given) != len(axes) or not all(1e-6 < one < 1e6 for one in given):
            raise node.contradicts(f"has the scales {list(given)} for {len(axes)} axes")
        for axis, scale in zip(axes, given, strict=True):
            sizes[axis], scales[axis] = int(np.floor(x.shape[axis] * scale)), scale
    elif optional(values, 3) is not None:
        wanted = integers_of(node, values, 3, "sizes")
        if len(wanted) != len(axes):
            raise node.contradicts(f"has the sizes {list(wanted)} for {len(axes)} axes")
        if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise node.refuse("keeps the aspect ratio, which edgebottle does not support")
        for axis, size in zip(axes, wanted, strict=True):
            sizes[axis], scales[axis] = size, size / x.shape[axis]
    else:
        raise node.contradicts("has neither scales nor sizes")
    if min(sizes) < 1:
        raise node.contradicts(f"makes the shape {sizes}")
    return tuple(sizes), scales


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
