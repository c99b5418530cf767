"""Conv and ConvTranspose, of signals, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import (
    box,
    equal_parts,
    joined,
    padded,
    strided,
)
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
    WHOLE,
    Line,
    bordered,
    check_rank,
    lines_of,
    sliding,
)
from edgebottle.ir.graph import Array, Quant, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.window_padding import same_padding

Lines = Sequence[Line]


def _weights(node: OnnxNode, values: Values, rank: int) -> Array:
    """The weights, with 4 axes for signals as well: those have one row."""
    weights = constant_of(node, values, 1, "weights")
    if weights.ndim != rank or weights.dtype.kind != "f" or not weights.size:
        raise node.contradicts(f"has weights of the shape {list(weights.shape)}")
    size = node.integers("kernel_shape", weights.shape[2:])
    if size != weights.shape[2:]:
        raise node.contradicts(
            f"has the kernel_shape {list(size)} and weights of the shape {list(weights.shape)}"
        )
    return weights[:, :, None, :] if rank == 3 else weights


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
    rank = len(x.shape)
    check_rank(node, x.shape)
    weights, groups = _weights(node, values, rank), node.integer("group", 1)
    outputs, depth = weights.shape[:2]
    if groups < 1 or depth * groups != x.shape[1] or outputs % groups:
        raise node.contradicts(
            f"has {x.shape[1]} input channels, weights for {depth}, {outputs} output channels and "
            f"{groups} groups"
        )
    lines = lines_of(node, x.shape, weights.shape[2:][-(rank - 2) :])
    bias, grid = _bias(node, values, outputs), grid_of(value_of(node, values, 1))
    if rank < 5:
        made = _planes(b, b.image(x), weights, grid, bias, lines)
        return b.from_image(made, rank)
    return b.channels_first(_volume(b, b.channels_last(x), weights, bias, lines))


def _planes(
    b: Builder, image: Tensor, weights: Array, grid: Quant | None, bias: Array, lines: Lines
) -> Tensor:
    """The convolution of an image, channels last, with weights (outputs, depth, height, width)."""
    window, groups = sliding(*lines), image.shape[3] // weights.shape[1]
    same = window.same(image.shape[1:3])
    if not same:
        image = bordered(b, image, window.pads)
    fields: dict[str, Any] = {
        "stride": window.stride,
        "dilation": window.dilation,
        "padding": (*window.pads[0], *window.pads[1]) if same else (0, 0, 0, 0),
        "activation": Activation.NONE,
    }
    if groups == image.shape[3] and groups > 1:
        kernel = gridded(b, weights.transpose(1, 2, 3, 0), grid, 3)
        fields["depth_multiplier"] = len(weights) // groups
        return b.add("DEPTHWISE_CONV_2D", image, kernel, bias, **fields)
    kernel = gridded(b, weights.transpose(0, 2, 3, 1), grid, 0)
    return b.add("CONV_2D", image, kernel, bias, **fields)


def _volume(b: Builder, x: Tensor, weights: Array, bias: Array, lines: Lines) -> Tensor:
    """The sum over the taps of depth, each a convolution of images: the slices that it sees."""
    line, pads = lines[0], lines[0].pads
    batch, depth, high, wide, channels = x.shape
    flat = b.reshape(x, (batch, depth, high * wide, channels))
    flat = bordered(b, flat, (pads, (0, 0)))
    count = (flat.shape[1] - line.reach) // line.stride + 1
    total: Tensor | None = None
    for tap in range(line.size):
        begin = tap * line.dilation
        end = (batch, begin + (count - 1) * line.stride + 1, *flat.shape[2:])
        seen = strided(b, flat, (0, begin, 0, 0), end, (1, line.stride, 1, 1))
        images = b.reshape(seen, (batch * count, high, wide, channels))
        added = np.zeros_like(bias) if tap else bias
        made = _planes(b, images, weights[:, :, tap], None, added, lines[1:])
        total = made if total is None else b.add("ADD", total, made)
    assert total is not None
    return b.reshape(total, (batch, count, *total.shape[1:]))


def _conv_transpose(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    rank = len(x.shape)
    check_rank(node, x.shape)
    weights, groups = _weights(node, values, rank), node.integer("group", 1)
    outputs = weights.shape[1] * groups
    if groups < 1 or weights.shape[0] != x.shape[1] or x.shape[1] % groups:
        raise node.contradicts(
            f"has {x.shape[1]} input channels, weights for {weights.shape[0]} and {groups} groups"
        )
    axes = _transposed_axes(node, x.shape[2:], weights.shape[2:][-(rank - 2) :])
    bias = _bias(node, values, outputs)
    if rank < 5:
        axes = [_UNCHANGED, *axes][-2:]
        return b.from_image(_transposed_image(b, b.image(x), weights, bias, axes), rank)
    volume = _transposed_volume(b, b.channels_last(x), weights, outputs, axes)
    whole = b.channels_first(volume)
    return b.add("ADD", whole, bias.reshape(-1, 1, 1, 1)) if bias.any() else whole


@dataclass(frozen=True)
class _TransposedAxis:
    """How an axis grows.

    Attributes:
        line: The window; its pads are what is cut off the output.
        size: Elements that are left.
    """

    line: Line
    size: int

    @property
    def full(self) -> int:
        """Elements before the cut."""
        return self.size + sum(self.line.pads)


_UNCHANGED = _TransposedAxis(WHOLE, 1)


def _transposed_axes(
    node: OnnxNode, image: Sequence[int], size: Sequence[int]
) -> list[_TransposedAxis]:
    """What becomes of each spatial axis."""
    axes = len(image)
    strides = node.integers("strides", (1,) * axes)
    dilations = node.integers("dilations", (1,) * axes)
    pads = node.integers("pads", (0,) * (2 * axes))
    extra = node.integers("output_padding", (0,) * axes)
    wanted = node.integers("output_shape", ())[-axes:]
    mode = node.text("auto_pad", "NOTSET")
    lengths = {len(strides), len(dilations), len(extra), len(pads) // 2, len(wanted) or axes, axes}
    numbers = (*strides, *dilations, *pads, *extra, *wanted)
    if max(numbers) > MAX_WINDOW:
        raise node.refuse(f"has strides, pads or sizes of more than {MAX_WINDOW:,}")
    if len(lengths) > 1 or min(*strides, *dilations) < 1 or min(*pads, *extra) < 0:
        raise node.contradicts("has strides, dilations, pads or output_padding that are none")
    found = []
    for i in range(axes):
        reached = (image[i] - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1
        full, cut = reached + extra[i], (pads[i], pads[axes + i])
        if wanted or mode in ("SAME_UPPER", "SAME_LOWER"):
            target = wanted[i] if wanted else image[i] * strides[i]
            total = max(full - target, 0)
            less, more = total // 2, total - total // 2
            cut = (less, more) if mode == "SAME_UPPER" else (more, less)
            full = max(full, target)
        elif mode not in ("NOTSET", "VALID"):
            raise node.refuse(f"has the auto_pad '{mode}'")
        if full - sum(cut) < 1 or full - reached >= strides[i] + (size[i] == 1):
            raise node.refuse(f"makes {full - sum(cut)} pixels of {image[i]}")
        line = Line(size[i], strides[i], dilations[i], cut)
        found.append(_TransposedAxis(line, full - sum(cut)))
    return found


def _transposed_image(
    b: Builder, image: Tensor, weights: Array, bias: Array, axes: Sequence[_TransposedAxis]
) -> Tensor:
    """All groups."""
    groups = len(bias) // weights.shape[1]
    weights = _dilated(weights, (axes[0].line.dilation, axes[1].line.dilation))
    parts = zip(
        equal_parts(b, image, 3, groups),
        np.split(weights, groups),
        np.split(bias, groups),
        strict=True,
    )
    return joined(b, [_transposed(b, *part, axes) for part in parts], 3)


def _dilated(weights: Array, dilation: tuple[int, int]) -> Array:
    """The weights of a window without dilation: zeros between its taps."""
    if dilation == (1, 1):
        return weights
    high, wide = ((weights.shape[2 + i] - 1) * dilation[i] + 1 for i in (0, 1))
    spread = np.zeros((*weights.shape[:2], high, wide), np.float32)
    spread[:, :, :: dilation[0], :: dilation[1]] = weights
    return spread


def _transposed(
    b: Builder, image: Tensor, weights: Array, bias: Array, axes: Sequence[_TransposedAxis]
) -> Tensor:
    """One group: with TFLite's SAME where that cuts off as much, else whole and cut."""
    lines = [one.line for one in axes]
    same = all(
        one.line.pads == same_padding(one.size, weights.shape[2 + i], one.line.stride)
        and -(-one.size // one.line.stride) == image.shape[1 + i]
        for i, one in enumerate(axes)
    )
    size = (axes[0].size, axes[1].size)
    full = size if same else (axes[0].full, axes[1].full)
    shape = (image.shape[0], *full, weights.shape[1])
    made = b.add(
        "TRANSPOSE_CONV",
        b.ints(*shape),
        weights.transpose(1, 2, 3, 0),
        image,
        bias,
        stride=(lines[0].stride, lines[1].stride),
        size=full,
        same=same,
        activation=Activation.NONE,
    )
    begin = (0, lines[0].pads[0], lines[1].pads[0], 0)
    return made if full == size else box(b, made, begin, (shape[0], *size, shape[3]))


def _transposed_volume(
    b: Builder, x: Tensor, weights: Array, outputs: int, axes: Sequence[_TransposedAxis]
) -> Tensor:
    """The sum over the taps of depth, each of which spreads its images over the output's."""
    batch, depth = x.shape[:2]
    line, size, full = axes[0].line, axes[0].size, axes[0].full
    images = b.reshape(x, (batch * depth, *x.shape[2:]))
    reached = (depth - 1) * line.stride + 1
    total: Tensor | None = None
    for tap in range(line.size):
        zeros = np.zeros(outputs, np.float32)
        made = _transposed_image(b, images, weights[:, :, tap], zeros, axes[1:])
        cells = b.reshape(made, (batch, depth, 1, made.size // (batch * depth)))
        cells = padded(b, cells, ((0, 0), (0, 0), (0, line.stride - 1), (0, 0)))
        rows = b.reshape(cells, (batch, depth * line.stride, cells.shape[3]))
        rows = box(b, rows, (0, 0, 0), (batch, reached, rows.shape[2]))
        before = tap * line.dilation
        rows = padded(b, rows, ((0, 0), (before, full - reached - before), (0, 0)))
        total = rows if total is None else b.add("ADD", total, rows)
    assert total is not None
    cut = box(b, total, (0, line.pads[0], 0), (batch, size, total.shape[2]))
    return b.reshape(cut, (batch, size, axes[1].size, axes[2].size, outputs))


TRANSLATIONS: dict[str, Translation] = {
    "Conv": Translation(_conv, (*ATTRIBUTES, "group"), 2, 3),
    "ConvTranspose": Translation(
        _conv_transpose, (*ATTRIBUTES, "group", "output_padding", "output_shape"), 2, 3
    ),
}
