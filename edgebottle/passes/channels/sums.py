"""Layers with constant weights, seen as one sum of products for each output channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Tensor, Tensors
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fixed_point import Int
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.weights import bias_values, operands, weights_zero_point

Weighted = Convolution | FullyConnected
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Sums:
    """Output o is bias[o] + the sum over t, i of weights[o, t, i] * (x[reads[o, i]] - zero_point).

    What a tap sees outside of the image counts as the zero point, that is, as nothing.

    Attributes:
        weights: [outputs, taps, terms], without their zero point.
        reads: [outputs or 1, terms], the channel of the input that a term reads. For a fully
            connected layer channels are those of the input flattened to what it multiplies.
        bias: [outputs].
        zero_point: Of the input.
        inside: [taps], taps that see the image at every position of the window.
        outside: [taps], taps that never see it.
    """

    weights: Int
    reads: Int
    bias: Int
    zero_point: int
    inside: Mask
    outside: Mask

    @property
    def crossing(self) -> Mask:
        """[taps], taps that see the image at some positions of the window only."""
        return ~(self.inside | self.outside)

    def bounds(self, low: Int, high: Int) -> tuple[Int, Int]:
        """Bounds of each output's accumulator, before it wraps into int32.

        Args:
            low: [channels], the lowest stored value of each input channel.
            high: [channels], the highest.
        """
        below = (low - self.zero_point)[self.reads]
        above = (high - self.zero_point)[self.reads]
        lowest, highest = self.bias.copy(), self.bias.copy()
        for taps, least, most in (
            (self.inside, below, above),
            (self.crossing, np.minimum(below, 0), np.maximum(above, 0)),
        ):
            positive = np.maximum(self.weights[:, taps], 0).sum(axis=1)
            negative = np.minimum(self.weights[:, taps], 0).sum(axis=1)
            lowest += (positive * least + negative * most).sum(axis=1)
            highest += (positive * most + negative * least).sum(axis=1)
        return lowest, highest


def sums_of(node: Node, ins: Tensors, outs: Sequence[Tensor]) -> Sums | None:
    """The sums of an int8 layer with constant weights; None for any other node."""
    if not isinstance(node, Weighted) or outs[0].dtype is not DType.I8:
        return None
    data, weights, bias = operands(ins)
    added = bias_values(bias, outs[0].shape[-1], DType.I8).astype(np.int64)
    values = weights.constant().astype(np.int64)
    if isinstance(node, FullyConnected):
        values = (values - weights_zero_point(weights))[:, None, :]
        reads = np.arange(weights.shape[1])[None, :]
        inside, outside = np.ones(1, dtype=bool), np.zeros(1, dtype=bool)
        return Sums(values, reads, added, data.zero_point, inside, outside)
    outputs = np.arange(outs[0].shape[3])
    if isinstance(node, DepthwiseConv2D):
        values = values.reshape(-1, outputs.size).T[:, :, None]
        reads = outputs[:, None] // node.depth_multiplier
    else:
        assert isinstance(node, Conv2D)
        depth = weights.shape[3]
        values = values.reshape(outputs.size, -1, depth)
        per_group = outputs.size * depth // data.shape[3]
        starts = outputs // per_group * depth if per_group < outputs.size else np.zeros(1, int)
        reads = starts[:, None] + np.arange(depth)
    inside, outside = _taps(node, data, weights, outs[0])
    return Sums(values, reads, added, data.zero_point, inside, outside)


def _taps(node: Convolution, data: Tensor, weights: Tensor, out: Tensor) -> tuple[Mask, Mask]:
    """For each tap of the window: whether it always, and whether it never sees the image."""
    sees = []
    for axis in (0, 1):
        first = np.arange(out.shape[1 + axis]) * node.stride[axis] - node.padding[2 * axis]
        taps = np.arange(weights.shape[1 + axis]) * node.dilation[axis]
        position = first[None, :] + taps[:, None]
        sees.append((position >= 0) & (position < data.shape[1 + axis]))
    (rows_all, columns_all), (rows_any, columns_any) = (
        [fold(seen, axis=1) for seen in sees] for fold in (np.all, np.any)
    )
    inside = rows_all[:, None] & columns_all[None, :]
    outside = ~(rows_any[:, None] & columns_any[None, :])
    return inside.ravel(), outside.ravel()
