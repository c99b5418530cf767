"""Layers of few bits: every operator with weights x every number of bits of weights and input.

Each is a network of two layers: the first clamps, so that the input of the second takes few values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.ir.levels import Levels
from edgebottle.ops.base import Activation
from edgebottle.passes.find_levels import find_levels
from edgebottle.passes.narrow import narrow
from tests.graphs import Builder

BITS = (1, 2, 4, 8)

ZERO_POINT = {8: -128, 4: 112, 2: 124, 1: 126}
"""By the bits of a tensor after a RELU: up to 127 are so many values."""

WEIGHTS = {
    4: (Levels(4, -7, 1), Levels(4, -8, 1), Levels(4, -15, 2)),
    2: (Levels(2, -3, 2), Levels(2, -2, 1), Levels(2, -1, 1), Levels(2, -96, 32)),
    1: (Levels(1, -1, 2), Levels(1, 0, 1), Levels(1, -64, 127)),
}
"""By the bits of weights, the progressions that are tried."""

SPREAD = 4.0
"""About what a layer of ``Builder`` makes of random inputs, at most."""


@dataclass(frozen=True)
class Shape:
    """A layer with weights.

    Attributes:
        operator: ``conv``, ``depthwise`` or ``dense``.
        channels: Of the input.
        outputs: Channels of the output.
        width: Of the image, which is 5 high; outer rows of a dense layer.
        kernel: Height and width of the window.
        stride: Of the window.
        options: Of ``Builder.conv``.
        clamped: The output takes as few values as the input.
        one_scale: All outputs have the same.
        followed: Another layer reads the output, which is stored with few bits where it is clamped.
    """

    operator: str
    channels: int
    outputs: int
    width: int = 7
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    options: tuple[tuple[str, int], ...] = ()
    clamped: bool = False
    one_scale: bool = False
    followed: bool = False


SHAPES = (
    Shape("conv", 16, 8),
    Shape("conv", 5, 9, 6),
    Shape("conv", 32, 4, 1),
    Shape("conv", 70, 6, 4),
    Shape("conv", 16, 6, 8, (1, 1), 2),
    Shape("conv", 8, 26, 7, (3, 3)),
    Shape("conv", 3, 5, 8, (3, 2), 2),
    Shape("conv", 4, 4, 9, (3, 3), 1, (("dilation", 2),)),
    Shape("conv", 9, 10, 6, (2, 3), 1, (("valid", 1),)),
    Shape("depthwise", 16, 16, 9, (3, 3), clamped=True, followed=True),
    Shape("depthwise", 10, 10, 17, (2, 3), 2),
    Shape("dense", 40, 12, 1),
    Shape("dense", 7, 9, 3),
    Shape("dense", 32, 32, 4),
    Shape("conv", 12, 9, 7, (3, 3), clamped=True),
    Shape("conv", 40, 24, 5, clamped=True),
    Shape("dense", 24, 18, 5, one_scale=True),
    Shape("dense", 50, 7, 1, one_scale=True),
    Shape("conv", 12, 37, 7, (3, 3), clamped=True, followed=True),
    Shape("depthwise", 6, 6, 8, (3, 3), 2, clamped=True),
)


def low_bit_network(shape: Shape, weights: int, inputs: int, seed: int) -> Graph:
    """A layer of int8, and one of few bits behind it; bits of 8 leave it as it is."""
    b = Builder(f"w{weights}a{inputs}_{seed}", seed)
    if shape.operator == "dense":
        first = b.dense(b.input(shape.width, 6), shape.channels, keep_num_dims=True)
        second = b.dense(first, shape.outputs, keep_num_dims=True)
    else:
        first = b.conv(b.input(1, 5, shape.width, 3), shape.channels)
        second = (
            b.depthwise(first, shape.kernel, shape.stride)
            if shape.operator == "depthwise"
            else b.conv(first, shape.outputs, shape.kernel, shape.stride, **dict(shape.options))
        )
    steps = 1 << inputs
    quant = Quant((SPREAD / steps,), (ZERO_POINT[inputs],))
    b.tensors[first] = replace(b.tensors[first], quant=quant)
    b.nodes[0] = replace(b.nodes[0], activation=Activation.RELU)
    if shape.clamped:
        b.tensors[second] = replace(b.tensors[second], quant=quant)
        b.nodes[1] = replace(b.nodes[1], activation=Activation.RELU)
    if weights != 8:
        tried = WEIGHTS[weights]
        draw_weights(b, second, tried[seed % len(tried)])
    spread(b, second)
    if shape.one_scale:
        _share_scale(b, second)
    if shape.followed:
        second = b.conv(second, 5)
        spread(b, second)
    return find_levels(b.graph(second))


def low_bit_layers(weights: int, inputs: int) -> Iterator[Graph]:
    """All shapes, as they are compiled: tensors of few values with few bits."""
    for seed, shape in enumerate(SHAPES):
        yield narrow(low_bit_network(shape, weights, inputs, seed))


def draw_weights(b: Builder, layer: str, levels: Levels, values: int | None = None) -> None:
    """Draws the weights of a layer anew, in ``levels``: of all codes, or of so many."""
    name = _operands(b, layer)[1]
    old = b.tensors[name]
    count = values or 1 << levels.bits
    codes = b.random.integers(0, count, old.shape)
    codes.flat[:2] = 0, count - 1
    data = (levels.lowest + levels.step * codes).astype(np.int8)
    b.tensors[name] = replace(old, data=data)


def _share_scale(b: Builder, layer: str) -> None:
    """All outputs of a layer are scaled by what one of them is."""
    for name in _operands(b, layer)[1:]:
        quant = b.tensors[name].quant
        assert quant is not None
        b.tensors[name] = replace(b.tensors[name], quant=Quant((max(quant.scale),), (0,)))


def spread(b: Builder, layer: str) -> None:
    """Scales the weights of a layer, and draws its biases, so that its outputs are spread.

    They depend on all inputs then, and few are clamped. Sums of few values are scaled down as well.
    """
    data, weights, bias = (b.tensors[name] for name in _operands(b, layer))
    assert weights.data is not None and weights.quant is not None
    channels = len(weights.quant.scale)
    size = float(np.sqrt(np.square(weights.data.astype(float)).sum() / channels))
    sums = size * _deviation(data)
    wanted = min(_deviation(b.tensors[layer]), sums / 2)
    real = wanted * b.tensors[layer].scale / (sums * data.scale)
    scales = [float(np.float32(real * one)) for one in b.random.uniform(0.5, 1.5, channels)]
    added = b.random.integers(-int(sums) - 1, int(sums) + 2, channels)
    if data.zero_point in (*ZERO_POINT.values(), 120):  # after a RELU: no value is below it
        matrix = np.moveaxis(weights.data, weights.quant.axis, 0).reshape(channels, -1)
        added -= (matrix.sum(axis=1, dtype=np.int64) * _deviation(data) / 2).astype(np.int64)
    quant = Quant(tuple(float(np.float32(data.scale * one)) for one in scales), (0,) * channels, 0)
    b.tensors[weights.name] = replace(weights, quant=replace(weights.quant, scale=tuple(scales)))
    b.tensors[bias.name] = replace(bias, data=added.astype(np.int32), quant=quant)


def _operands(b: Builder, layer: str) -> tuple[str, str, str]:
    """Names of input, weights and bias."""
    node = next(node for node in b.nodes if layer in node.outputs)
    data, weights, bias = node.inputs
    assert data is not None and weights is not None and bias is not None
    return data, weights, bias


def _deviation(tensor: Tensor) -> float:
    """About how far the stored values are from the zero point."""
    steps = 128 - tensor.zero_point
    return steps / 2 if steps in (2, 4, 8, 16) else 40.0
