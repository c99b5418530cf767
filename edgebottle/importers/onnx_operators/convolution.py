"""Conv and ConvTranspose, of signals and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import box, equal_parts, joined
from edgebottle.importers.onnx_operators.table import (
    Translation,
    constant_of,
    data_of,
    grid_of,
    gridded,
    optional,
    value_of,
)
from edgebottle.importers.onnx_operators.windows import (
    ATTRIBUTES,
    MAX_WINDOW,
    Pairs,
    SlidingWindow,
    bordered,
    check_rank,
    window_of,
)
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.window_padding import same_padding


def _weights(node: OnnxNode, values: Values, rank: int) -> Array:
    """The weights with 4 axes, of which the third is 1 for signals."""
    weights = constant_of(node, values, 1, "weights")
    if weights.ndim != rank or weights.dtype.kind != "f" or not weights.size:
        raise node.contradicts(f"has weights of the shape {list(weights.shape)}")
    size = node.integers("kernel_shape", weights.shape[2:])
    if size != weights.shape[2:]:
        raise node.contradicts(
            f"has the kernel_shape {list(size)} and weights of the shape {list(weights.shape)}"
        )
    return weights if rank == 4 else weights[:, :, None, :]


def _bias(node: OnnxNode, values: Values, outputs: int) -> Array:
    """The bias, or zeros."""
    if optional(values, 2) is None:
        return np.zeros(outputs, np.float32)
    bias = constant_of(node, values, 2, "biases")
    if bias.size != outputs:
        raise node.contradicts(f"has {bias.size} biases for {outputs} output channels")
    return bias.reshape(outputs)


def _conv(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    check_rank(node, x.shape)
    weights, groups = _weights(node, values, len(x.shape)), node.integer("group", 1)
    outputs, depth = weights.shape[:2]
    if groups < 1 or depth * groups != x.shape[1] or outputs % groups:
        raise node.contradicts(
            f"has {x.shape[1]} input channels, weights for {depth}, {outputs} output channels and "
            f"{groups} groups"
        )
    window = window_of(node, x.shape, weights.shape[4 - len(x.shape) + 2 :])
    image = b.image(x)
    same = window.same(image.shape[1:3])
    if not same:
        image = bordered(b, image, window.pads)
    fields: dict[str, Any] = {
        "stride": window.stride,
        "dilation": window.dilation,
        "padding": (*window.pads[0], *window.pads[1]) if same else (0, 0, 0, 0),
        "activation": Activation.NONE,
    }
    bias, grid = _bias(node, values, outputs), grid_of(value_of(node, values, 1))
    if groups == x.shape[1] and groups > 1:
        kernel = gridded(b, weights.transpose(1, 2, 3, 0), grid, 3)
        fields["depth_multiplier"] = outputs // groups
        made = b.add("DEPTHWISE_CONV_2D", image, kernel, bias, **fields)
    else:
        kernel = gridded(b, weights.transpose(0, 2, 3, 1), grid, 0)
        made = b.add("CONV_2D", image, kernel, bias, **fields)
    return b.from_image(made, len(x.shape))


def _conv_transpose(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    check_rank(node, x.shape)
    weights, groups = _weights(node, values, len(x.shape)), node.integer("group", 1)
    outputs = weights.shape[1] * groups
    if groups < 1 or weights.shape[0] != x.shape[1] or x.shape[1] % groups:
        raise node.contradicts(
            f"has {x.shape[1]} input channels, weights for {weights.shape[0]} and {groups} groups"
        )
    window, size = _transposed_window(node, x.shape[2:], weights.shape[2:])
    weights = _dilated(weights, window.dilation)
    bias = _bias(node, values, outputs)
    image = b.image(x)
    parts = _channel_parts(b, image, groups)
    made = [
        _transposed(b, part, chunk, added, window, size)
        for part, chunk, added in zip(
            parts, np.split(weights, groups), np.split(bias, groups), strict=True
        )
    ]
    whole = joined(b, made, 3)
    return b.from_image(whole, len(x.shape))


def _channel_parts(b: Builder, image: Tensor, groups: int) -> Sequence[Tensor]:
    if groups == 1:
        return [image]
    return equal_parts(b, image, 3, groups)


def _dilated(weights: Array, dilation: tuple[int, int]) -> Array:
    """The weights of a window without dilation: zeros between its taps."""
    if dilation == (1, 1):
        return weights
    high, wide = ((weights.shape[2 + i] - 1) * dilation[i] + 1 for i in (0, 1))
    spread = np.zeros((*weights.shape[:2], high, wide), np.float32)
    spread[:, :, :: dilation[0], :: dilation[1]] = weights
    return spread


def _transposed_window(
    node: OnnxNode, image: Sequence[int], kernel: Sequence[int]
) -> tuple[SlidingWindow, tuple[int, int]]:
    """The window, whose pads are what is cut off its output, and the size of what is left."""
    axes = len(image)
    strides = node.integers("strides", (1,) * axes)
    dilations = node.integers("dilations", (1,) * axes)
    pads = node.integers("pads", (0,) * (2 * axes))
    extra = node.integers("output_padding", (0,) * axes)
    wanted = node.integers("output_shape", ())
    size, mode = kernel[-axes:], node.text("auto_pad", "NOTSET")
    lengths = {len(strides), len(dilations), len(extra), len(pads) // 2, len(wanted) or axes, axes}
    numbers = (*strides, *dilations, *pads, *extra, *wanted)
    if max(numbers) > MAX_WINDOW:
        raise node.refuse(f"has strides, pads or sizes of more than {MAX_WINDOW:,}")
    if len(lengths) > 1 or min(*strides, *dilations) < 1 or min(*pads, *extra) < 0:
        raise node.contradicts("has strides, dilations, pads or output_padding that are none")
    cuts, sizes = [], []
    for i in range(axes):
        full = (image[i] - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1 + extra[i]
        cut = (pads[i], pads[axes + i])
        if wanted or mode in ("SAME_UPPER", "SAME_LOWER"):
            target = wanted[i] if wanted else image[i] * strides[i]
            total = max(full - target, 0)
            less, more = total // 2, total - total // 2
            cut = (less, more) if mode == "SAME_UPPER" else (more, less)
            full = max(full, target)
        elif mode not in ("NOTSET", "VALID"):
            raise node.refuse(f"has the auto_pad '{mode}'")
        cuts.append(cut)
        sizes.append(full - sum(cut))
        beyond = full - ((image[i] - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1)
        if sizes[-1] < 1 or beyond >= strides[i] + (size[i] == 1):
            raise node.refuse(f"makes {sizes[-1]} pixels of {image[i]}")
    if axes == 1:
        one = SlidingWindow((1, size[0]), (1, strides[0]), (1, dilations[0]), ((0, 0), cuts[0]))
        return one, (1, sizes[0])
    window = SlidingWindow(
        (size[0], size[1]),
        (strides[0], strides[1]),
        (dilations[0], dilations[1]),
        (cuts[0], cuts[1]),
    )
    return window, (sizes[0], sizes[1])


def _transposed(
    b: Builder,
    image: Tensor,
    weights: Array,
    bias: Array,
    window: SlidingWindow,
    size: tuple[int, int],
) -> Tensor:
    """One group: with TFLite's SAME where that cuts off as much, else whole and cut."""
    same = all(
        window.pads[i] == same_padding(size[i], weights.shape[2 + i], window.stride[i])
        and -(-size[i] // window.stride[i]) == image.shape[1 + i]
        for i in (0, 1)
    )
    full = size if same else _uncut(size, window.pads)
    shape = (image.shape[0], *full, weights.shape[1])
    made = b.add(
        "TRANSPOSE_CONV",
        b.ints(*shape),
        weights.transpose(1, 2, 3, 0),
        image,
        bias,
        stride=window.stride,
        size=full,
        same=same,
        activation=Activation.NONE,
    )
    if full == size:
        return made
    begin = (0, window.pads[0][0], window.pads[1][0], 0)
    return box(b, made, begin, (shape[0], *size, shape[3]))


def _uncut(size: tuple[int, int], cuts: Pairs) -> tuple[int, int]:
    return size[0] + sum(cuts[0]), size[1] + sum(cuts[1])


TRANSLATIONS: dict[str, Translation] = {
    "Conv": Translation(_conv, (*ATTRIBUTES, "group"), 2, 3),
    "ConvTranspose": Translation(
        _conv_transpose, (*ATTRIBUTES, "group", "output_padding", "output_shape"), 2, 3
    ),
}
