"""Pools: of windows and of whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.elementwise import norm_of
from edgebottle.importers.onnx_operators.moves import joined, strided
from edgebottle.importers.onnx_operators.reduction import reduced
from edgebottle.importers.onnx_operators.table import Translation, data_of, number
from edgebottle.importers.onnx_operators.windows import (
    ATTRIBUTES,
    WHOLE,
    Line,
    bordered,
    check_rank,
    lines_of,
    sliding,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ops.base import Activation

LOWEST = float(np.finfo(np.float32).min)
"""What lies outside of an image of which maxima are taken, where 0 might be a maximum."""

MAX_TAPS = 64
"""Of a window which is asked for the place of its maximum."""

Lines = Sequence[Line]


def _lines(node: OnnxNode, x: Tensor) -> tuple[Line, ...]:
    check_rank(node, x.shape)
    ceil = node.integer("ceil_mode", 0) == 1
    return lines_of(node, x.shape, node.integers("kernel_shape"), ceil)


def _over_axes(b: Builder, op: str, x: Tensor, lines: Lines, border: float) -> Tensor:
    """Pools height and width; of a volume its depth, which does not care for the others, after."""
    if len(x.shape) < 5:
        return b.from_image(_image(b, op, b.image(x), lines, border), len(x.shape))
    volume = b.channels_last(x)
    batch, depth, high, wide, channels = volume.shape
    slices = _image(
        b, op, b.reshape(volume, (batch * depth, high, wide, channels)), lines[1:], border
    )
    high, wide = slices.shape[1:3]
    rows = b.reshape(slices, (batch, depth, high * wide, channels))
    rows = _image(b, op, rows, (lines[0], WHOLE), border)
    return b.channels_first(b.reshape(rows, (batch, rows.shape[1], high, wide, channels)))


def _image(b: Builder, op: str, image: Tensor, lines: Lines, border: float) -> Tensor:
    """Pools an image, channels last; averages count what lies outside."""
    window = sliding(*lines)
    same = window.same(image.shape[1:3]) and (op == "MAX_POOL_2D" or not any(map(any, window.pads)))
    if window.dilation != (1, 1):
        image = bordered(b, image, window.pads, border)
        for axis in (0, 1):
            image = _dilated(b, op, image, axis, replace(lines[axis], pads=(0, 0)), border)
        return image
    if not same:
        image = bordered(b, image, window.pads, border)
    if window.size == (1, 1) and window.stride == (1, 1):
        return image
    return b.add(
        op,
        image,
        filter=window.size,
        stride=window.stride,
        padding=(*window.pads[0], *window.pads[1]) if same else (0, 0, 0, 0),
        activation=Activation.NONE,
    )


def _dilated(b: Builder, op: str, image: Tensor, axis: int, line: Line, border: float) -> Tensor:
    """Pools one axis of an image, whose pixels ``dilation`` apart become neighbours for that."""
    lines: list[Line] = [WHOLE, WHOLE]
    step = line.dilation
    if line.stride % step == 0:  # windows begin at every ``step``-th pixel only
        image = _every(b, image, axis, step, -(-image.shape[1 + axis] // step))
        lines[axis] = replace(line, stride=line.stride // step, dilation=1)
        return _image(b, op, image, lines, border)
    batch, *pixels, channels = image.shape
    count = (pixels[axis] - line.reach) // line.stride + 1
    pads = [(0, 0), (0, 0)]
    pads[axis] = (0, -pixels[axis] % step)
    whole = bordered(b, image, (pads[0], pads[1]), border)
    pixels[axis] += pads[axis][1]
    shape = [batch, *pixels, channels]
    shape[1 + axis] //= step
    shape[2 + axis] *= step
    lines[axis] = Line(line.size, 1, 1, (0, 0))
    made = _image(b, op, b.reshape(whole, shape), lines, border)
    shape = [batch, *pixels, channels]
    shape[1 + axis] = made.shape[1 + axis] * step
    return _every(b, b.reshape(made, shape), axis, line.stride, count)


def _every(b: Builder, image: Tensor, axis: int, step: int, count: int) -> Tensor:
    """``count`` pixels of an axis, ``step`` apart."""
    if step == 1 and count == image.shape[1 + axis]:
        return image
    end, strides = list(image.shape), [1] * 4
    end[1 + axis], strides[1 + axis] = (count - 1) * step + 1, step
    return strided(b, image, [0] * 4, end, strides)


def _max_pool(b: Builder, node: OnnxNode, values: Values) -> Sequence[Value]:
    x = b.as_integers(data_of(b, node, values))
    lines = _lines(node, x)
    border = 0.0 if b.is_never_negative(x) else LOWEST
    if x.dtype is DType.I8:
        border = -128.0
    made = _over_axes(b, "MAX_POOL_2D", x, lines, border)
    if len(node.outputs) < 2 or not node.outputs[1]:
        return [made]
    return [made, _places(b, node, x, lines)]


def _places(b: Builder, node: OnnxNode, x: Tensor, lines: Lines) -> Tensor:
    """Where each maximum is, counted through the whole input."""
    taps = list(product(*(range(line.size) for line in lines)))
    if len(x.shape) > 4 or len(taps) > MAX_TAPS:
        raise node.refuse(f"hands out the places of maxima of {len(taps)} taps, which are too many")
    image = b.image(x)
    batch, high, wide, channels = image.shape
    border = bordered(b, image, (lines[0].pads, lines[1].pads), LOWEST)
    count = [(border.shape[1 + i] - one.reach) // one.stride + 1 for i, one in enumerate(lines)]
    seen: list[Value] = []
    for tap in taps:
        begin = [0, *(tap[i] * lines[i].dilation for i in (0, 1)), 0]
        ends = [begin[1 + i] + (count[i] - 1) * lines[i].stride + 1 for i in (0, 1)]
        steps = (1, lines[0].stride, lines[1].stride, 1)
        part = strided(b, border, begin, [batch, *ends, channels], steps)
        seen.append(b.reshape(part, (part.size, 1)))
    chosen = b.add("ARG_MAX", joined(b, seen, 1), b.ints(1), dtype=DType.I32)
    scale = (1, high) if node.integer("storage_order", 0) else (wide, 1)
    steps_of = [
        sum(t * one.dilation * by for t, one, by in zip(tap, lines, scale, strict=True))
        for tap in taps
    ]
    first = [(np.arange(count[i]) * lines[i].stride - lines[i].pads[0]) * scale[i] for i in (0, 1)]
    planes = np.arange(batch * channels).reshape(batch, 1, 1, channels) * high * wide
    begin_at = planes + first[0][:, None, None] + first[1][:, None]
    moved = b.add("GATHER", b.ints(*steps_of), chosen, axis=0, batch_dims=0)
    places = b.add("ADD", b.reshape(moved, begin_at.shape), begin_at.astype(np.int32))
    return b.from_image(places, len(x.shape))


def _average_pool(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Where TFLite's way of counting the padding is another, sums are scaled place by place."""
    x = data_of(b, node, values)
    lines = _lines(node, x)
    counts_padding = node.integer("count_include_pad", 0) == 1
    if len(x.shape) < 5:
        window, image = sliding(*lines), b.image(x)
        padded = any(map(any, window.pads))
        if (
            padded
            and window.same(image.shape[1:3])
            and window.dilation == (1, 1)
            and not counts_padding
        ):
            made = b.add(
                "AVERAGE_POOL_2D",
                image,
                filter=window.size,
                stride=window.stride,
                padding=(*window.pads[0], *window.pads[1]),
                activation=Activation.NONE,
            )
            return b.from_image(made, len(x.shape))
    made = _over_axes(b, "AVERAGE_POOL_2D", x, lines, 0.0)
    axes = lines[-(len(x.shape) - 2) :]
    factors: Array = np.ones((), np.float64)
    for line, size in zip(axes, x.shape[2:], strict=True):
        factors = factors[..., None] * _factors(line, size, counts_padding)
    return b.add("MUL", made, factors.astype(np.float32)) if (factors != 1).any() else made


def _factors(line: Line, size: int, counts_padding: bool) -> Array:
    """The taps of a window over those that ONNX counts, along one axis."""
    before, after = line.pads
    inside = np.zeros(before + size + after)
    inside[before : before + size] = 1
    if counts_padding:  # what rounding up adds behind the padding is never counted
        inside[: len(inside) - line.extra] = 1
    windows = (len(inside) - line.reach) // line.stride + 1
    counts = np.zeros(windows)
    for tap in range(0, line.reach, line.dilation):
        counts += inside[tap:][: (windows - 1) * line.stride + 1 : line.stride]
    return np.asarray(line.size / np.maximum(counts, 1))


def _norm_pool(b: Builder, node: OnnxNode, values: Values) -> Value:
    """The p-norm of what a window sees: sums, which are averages times the taps."""
    x, p = data_of(b, node, values), node.integer("p", 2)
    lines = _lines(node, x)
    taps = prod(line.size for line in lines)

    def summed(b: Builder, parts: Tensor) -> Tensor:
        return b.add("MUL", _over_axes(b, "AVERAGE_POOL_2D", parts, lines, 0.0), number(taps))

    return norm_of(b, node, x, p, summed)


def _global(op: str) -> Translation:
    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        x = data_of(b, node, values)
        return reduced(b, op, x, _spatial(node, x))

    return Translation(translate)


def _global_norm_pool(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, p = data_of(b, node, values), node.integer("p", 2)
    axes = _spatial(node, x)

    return norm_of(b, node, x, p, lambda b, parts: reduced(b, "SUM", parts, axes))


def _spatial(node: OnnxNode, x: Tensor) -> tuple[int, ...]:
    if len(x.shape) < 3:
        raise node.contradicts(f"pools a tensor of {len(x.shape)} axes")
    return tuple(range(2, len(x.shape)))


TRANSLATIONS: dict[str, Translation] = {
    "MaxPool": Translation(_max_pool, (*ATTRIBUTES, "ceil_mode", "storage_order"), wanted=2),
    "AveragePool": Translation(_average_pool, (*ATTRIBUTES, "ceil_mode", "count_include_pad")),
    "LpPool": Translation(_norm_pool, (*ATTRIBUTES, "ceil_mode", "p")),
    "GlobalAveragePool": _global("MEAN"),
    "GlobalMaxPool": _global("REDUCE_MAX"),
    "GlobalLpPool": Translation(_global_norm_pool, ("p",)),
}
