"""Layers with constant weights, seen as one sum of products for each output channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgebottle.ir.access import All, AxisMap
from edgebottle.ir.graph import Int, Mask


@dataclass(frozen=True)
class ProductOperands:
    """Inputs of a layer that sums products of two tensors computed at run time.

    Attributes:
        factors: Indices of the two.
        bias: Index of the constant biases.
    """

    factors: tuple[int, int]
    bias: int


@dataclass(frozen=True)
class RecurrentOperands:
    """Inputs of a layer that remembers its last output, and cells, from step to step.

    Attributes:
        weights: Constant weights: index, and that of what they are multiplied with.
        biases: Constant biases: index, and that of the weights to whose sums they are added.
        hidden: Index of the last output, a state.
        cells: Index of the contents of the cells, a state; int16 of a power of two in int8 layers.
    """

    weights: Mapping[int, int]
    biases: Mapping[int, int]
    hidden: int
    cells: int


@dataclass(frozen=True)
class FilterOperands:
    """Inputs of a layer whose filters remember their last results, and weigh them by their age.

    Attributes:
        features: Index of the constant weights that make a new result.
        time: Index of the constant weights of results, [filters, results]; int16 in int8 layers.
        bias: Index of the constant biases, which may be absent.
        state: Index of the results, a state; int16 in int8 layers.
        rank: Filters of one output.
    """

    features: int
    time: int
    bias: int
    state: int
    rank: int


OtherOperands = ProductOperands | RecurrentOperands | FilterOperands
"""Of layers that sum products, but not of constant weights and one input alone."""


@dataclass(frozen=True)
class WeightedOperands:
    """Where a layer has its weights and biases.

    Attributes:
        weights: Index of the input.
        bias: Index of the input, which may be absent.
        axis: The axis of the weights' output channels.
    """

    weights: int
    bias: int
    axis: int


@dataclass(frozen=True)
class WeightedSums:
    """Output o is bias[o] + the sum over t, i of weights[o, t, i] * (x[reads[o, i]] - zero_point).

    What a tap sees outside of the image counts as the zero point, that is, as nothing.

    Attributes:
        weights: [outputs, taps, terms], without their zero point.
        reads: [outputs or 1, terms], the channel of the input that a term reads.
        bias: [outputs].
        channels: Of the input. For a fully connected layer they are those of the input flattened
            to what it multiplies.
        zero_point: Of the input.
        inside: [taps], taps that see the image at every position of the window.
        outside: [taps], taps that never see it.
    """

    weights: Int
    reads: Int
    bias: Int
    channels: int
    zero_point: int
    inside: Mask
    outside: Mask

    @cached_property
    def used(self) -> Mask:
        """[outputs, taps, terms], weights that are not zero."""
        return np.asarray(self.weights != 0)

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
            if not taps.any():
                continue
            weights = self.weights if taps.all() else self.weights[:, taps]
            positive = np.maximum(weights, 0).sum(axis=1)
            negative = weights.sum(axis=1) - positive
            lowest += (positive * least + negative * most).sum(axis=1)
            highest += (positive * most + negative * least).sum(axis=1)
        return lowest, highest


def terms_read(channels: AxisMap, outputs: int) -> Int:
    """``reads`` of a layer whose ``outputs`` channels read so; one row where all read alike."""
    rows = 1 if isinstance(channels, All) else outputs
    return np.array([channels.reads(output) for output in range(rows)], dtype=np.int64)


def seen_taps(axis: AxisMap, outputs: int, extent: int) -> tuple[Mask, Mask]:
    """For each tap of a window along one axis: whether it always, and whether it ever sees data.

    Args:
        axis: How the axis is read: ``Same`` or a ``Window``, which move evenly.
        outputs: Indices of the output.
        extent: Indices of the input.
    """
    first, second = np.array(axis.reads(0)), np.array(axis.reads(1))
    stride = second - first
    entering = np.maximum(-(first // stride), 0)  # the first output beyond the padding before
    always = (first >= 0) & (first + (outputs - 1) * stride < extent)
    ever = (entering < outputs) & (first + entering * stride < extent)
    return always, ever
