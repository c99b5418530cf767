"""Layers of few bits: every operator with weights x every number of bits of weights and input.

Each is a network of two layers: the first clamps, so that the input of the second takes few values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.graph import Graph, Quant
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
    """

    operator: str
    channels: int
    outputs: int
    width: int = 7
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    options: tuple[tuple[str, int], ...] = ()


SHAPES = (
    Shape("conv", 16, 8),
    Shape("conv", 5, 9, 6),
    Shape("conv", 32, 4, 1),
    Shape("conv", 70, 6, 4),
    Shape("conv", 16, 6, 8, (1, 1), 2),
    Shape("conv", 8, 8, 7, (3, 3)),
    Shape("conv", 3, 5, 8, (3, 2), 2),
    Shape("conv", 4, 4, 9, (3, 3), 1, (("dilation", 2),)),
    Shape("conv", 9, 10, 6, (2, 3), 1, (("valid", 1),)),
    Shape("depthwise", 16, 16, 9, (3, 3)),
    Shape("depthwise", 10, 10, 6, (2, 3), 2),
    Shape("dense", 40, 12, 1),
    Shape("dense", 7, 9, 3),
    Shape("dense", 32, 32, 4),
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
    if weights != 8:
        tried = WEIGHTS[weights]
        draw_weights(b, second, tried[seed % len(tried)])
    return find_levels(b.graph(second))


def low_bit_layers(weights: int, inputs: int) -> Iterator[Graph]:
    """All shapes, as they are compiled: tensors of few values with few bits."""
    for seed, shape in enumerate(SHAPES):
        yield narrow(low_bit_network(shape, weights, inputs, seed))


def draw_weights(b: Builder, layer: str, levels: Levels) -> None:
    """Draws the weights of a layer anew, in ``levels``."""
    node = next(node for node in b.nodes if layer in node.outputs)
    name = node.inputs[1]
    assert name is not None
    old = b.tensors[name]
    codes = b.random.integers(0, 1 << levels.bits, old.shape)
    codes.flat[:2] = 0, (1 << levels.bits) - 1
    data = (levels.lowest + levels.step * codes).astype(np.int8)
    assert old.quant is not None
    wider = 64 / max(1, int(np.abs(data.astype(np.int16)).max()))
    quant = replace(old.quant, scale=tuple(float(np.float32(s * wider)) for s in old.quant.scale))
    b.tensors[name] = replace(old, data=data, quant=quant)
