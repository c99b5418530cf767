"""Pools: of windows and of whole images."""

from __future__ import annotations

from itertools import product

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import strided
from edgebottle.importers.onnx_operators.table import Translation, data_of
from edgebottle.importers.onnx_operators.windows import (
    ATTRIBUTES,
    SlidingWindow,
    bordered,
    check_rank,
    window_of,
)
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ops.base import Activation

LOWEST = float(np.finfo(np.float32).min)
"""What lies outside of an image of which maxima are taken, where 0 might be a maximum."""

MAX_TAPS = 64
"""Of a window with dilation, which is taken apart."""


def _window(node: OnnxNode, x: Tensor) -> SlidingWindow:
    check_rank(node, x.shape)
    ceil = node.integer("ceil_mode", 0) == 1
    return window_of(node, x.shape, node.integers("kernel_shape"), ceil)


def _pooled(b: Builder, op: str, image: Tensor, window: SlidingWindow, same: bool) -> Tensor:
    return b.add(
        op,
        image,
        filter=window.size,
        stride=window.stride,
        padding=(*window.pads[0], *window.pads[1]) if same else (0, 0, 0, 0),
        activation=Activation.NONE,
    )


def _max_pool(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    window, image = _window(node, x), b.image(x)
    border = 0.0 if b.is_never_negative(x) else LOWEST
    if window.dilation != (1, 1):
        made = _dilated_maximum(b, node, bordered(b, image, window.pads, border), window)
    elif window.same(image.shape[1:3]):
        made = _pooled(b, "MAX_POOL_2D", image, window, True)
    else:
        image = bordered(b, image, window.pads, border)
        made = _pooled(b, "MAX_POOL_2D", image, window, False)
    return b.from_image(made, len(x.shape))


def _dilated_maximum(b: Builder, node: OnnxNode, image: Tensor, window: SlidingWindow) -> Tensor:
    """The maximum of what each tap of the window sees."""
    if window.size[0] * window.size[1] > MAX_TAPS:
        raise node.refuse(f"has a window of {window.size} with dilation, which is too large")
    count = [(image.shape[1 + i] - window.reach(i)) // window.stride[i] + 1 for i in (0, 1)]
    result: Tensor | None = None
    for y, x in product(*map(range, window.size)):
        begin = (0, y * window.dilation[0], x * window.dilation[1], 0)
        ends = (begin[1 + i] + (count[i] - 1) * window.stride[i] + 1 for i in (0, 1))
        end = (image.shape[0], *ends, image.shape[3])
        seen = strided(b, image, begin, end, (1, *window.stride, 1))
        result = seen if result is None else b.add("MAXIMUM", result, seen)
    assert result is not None
    return result


def _average_pool(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Where TFLite's way of counting the padding is another, sums are scaled place by place."""
    x = data_of(b, node, values)
    window, image = _window(node, x), b.image(x)
    if window.dilation != (1, 1):
        raise node.refuse("averages with dilation, which edgebottle does not support")
    counts_padding = node.integer("count_include_pad", 0) == 1
    if window.same(image.shape[1:3]) and not (counts_padding and window.padded):
        made = _pooled(b, "AVERAGE_POOL_2D", image, window, True)
    else:
        factors = _factors(node, x, window, counts_padding)
        image = bordered(b, image, window.pads)
        made = _pooled(b, "AVERAGE_POOL_2D", image, window, False)
        if (factors != 1).any():
            made = b.add("MUL", made, factors)
    return b.from_image(made, len(x.shape))


def _factors(node: OnnxNode, x: Tensor, window: SlidingWindow, counts_padding: bool) -> Array:
    """The taps of a window over those that ONNX counts, of shape (1, height, width, 1)."""
    image = (1, *x.shape[2:]) if len(x.shape) == 3 else x.shape[2:]
    pads = node.integers("pads", (0,) * (2 * (len(x.shape) - 2)))
    given = node.text("auto_pad", "NOTSET") == "NOTSET"
    after = (0, pads[1]) if len(x.shape) == 3 else pads[2:]
    shares = []
    for i in (0, 1):
        before, behind = window.pads[i]
        inside = np.zeros(before + image[i] + behind)
        inside[before : before + image[i]] = 1
        if counts_padding:
            # What rounding up adds behind the padding is never counted.
            counted = before + image[i] + (after[i] if given else behind)
            inside[:counted] = 1
        starts = range(0, len(inside) - window.size[i] + 1, window.stride[i])
        counts = np.array([inside[start : start + window.size[i]].sum() for start in starts])
        shares.append(window.size[i] / np.maximum(counts, 1))
    return np.asarray(np.outer(*shares), np.float32)[None, :, :, None]


def _global(op: str) -> Translation:
    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        x = data_of(b, node, values)
        if len(x.shape) < 3:
            raise node.contradicts(f"pools a tensor of {len(x.shape)} axes")
        axes = tuple(range(2, len(x.shape)))
        return b.add(op, x, b.ints(*axes), axes=axes, keep_dims=True)

    return Translation(translate)


TRANSLATIONS: dict[str, Translation] = {
    "MaxPool": Translation(_max_pool, (*ATTRIBUTES, "ceil_mode", "storage_order")),
    "AveragePool": Translation(_average_pool, (*ATTRIBUTES, "ceil_mode", "count_include_pad")),
    "GlobalAveragePool": _global("MEAN"),
    "GlobalMaxPool": _global("REDUCE_MAX"),
}
