"""The integer network of an architecture before any training, of which its costs are planned.

Weights are random and scales such as training gives, so that layers get the kernels that they would
get in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgebottle.importers.int8_builder import StoredWeights
from edgebottle.ir.graph import Array, Graph, Quant
from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.integer_graph import StoredGrid, integer_graph, stored_codes
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.network import (
    INPUT,
    SOFTMAX_STEP,
    Addition,
    FloatNetwork,
    MeanOfPixels,
    SoftmaxOfRows,
    Weighted,
)

INT8 = Bits(LayerBits())

UNIT_SPAN = 1.0
"""Of inputs: from 0 to it."""

CLAMPED_SPAN = 4.0
"""Of what a ReLU has clamped, from 0: most of what is normalized to the variance 1."""

OPEN_SPAN = 8.0
"""Of what no ReLU clamps, around 0."""


def untrained_graph(network: FloatNetwork, bits: Bits = INT8) -> Graph:
    """The int8 graph of a network with random weights, of batch 1.

    Args:
        network: From ``Architecture.network``.
        bits: Of each layer.
    """
    fixed = {step.name for step in network.steps if isinstance(step, SoftmaxOfRows)}
    grids = {
        name: _softmax_grid(one) if name in fixed else _grid(name, one)
        for name, one in network.activation_levels(bits).items()
    }
    stored = _constants(network, grids, network.weight_levels(bits))
    return integer_graph(network, grids, lambda step, *scales: stored[step.name])


def _grid(name: str, levels: ActivationLevels) -> StoredGrid:
    span = OPEN_SPAN
    if name == INPUT:
        span = UNIT_SPAN
    elif levels.is_clamped:
        span = CLAMPED_SPAN
    zero = (levels.last + 1) // 2 if span == OPEN_SPAN else 0
    scale = float(np.float32(span / levels.last))
    return StoredGrid(Quant((scale,), (levels.lowest + zero,)), levels)


def _softmax_grid(levels: ActivationLevels) -> StoredGrid:
    return StoredGrid(Quant((SOFTMAX_STEP,), (levels.lowest,)), levels)


@dataclass(frozen=True)
class _ChannelSpans:
    """The least and the largest real value of each channel."""

    low: Array
    high: Array


def _constants(
    network: FloatNetwork, grids: Mapping[str, StoredGrid], levels: Mapping[str, WeightLevels]
) -> dict[str, StoredWeights]:
    """Random weights, and biases with which no channel holds the same in every run.

    Random channels do, where windows have few places: of nine weights all are negative once in 512
    times, and what they make of values that a ReLU left is clamped to zero. The passes would take
    such a channel away, and the costs would be those of a smaller network. Trained networks hardly
    have any.
    """
    owners, stored = network.owners(), dict[str, StoredWeights]()
    spans = {INPUT: _whole(grids[INPUT], network.input_shape[-1])}
    for step in network.steps:
        made, read = grids[owners[step.name]], [spans[source] for source in step.sources]
        if isinstance(step, Weighted):
            stored[step.name], found = _weights(step, levels[step.name], read[0], made)
        elif isinstance(step, Addition):
            found = _ChannelSpans(read[0].low + read[1].low, read[0].high + read[1].high)
        elif isinstance(step, MeanOfPixels):
            found = read[0]
        else:
            found = _whole(made, step.shape[-1])
        spans[step.name] = _ChannelSpans(
            *(_on_grid(values, made) for values in (found.low, found.high))
        )
    return stored


def _weights(
    step: Weighted, levels: WeightLevels, read: _ChannelSpans, made: StoredGrid
) -> tuple[StoredWeights, _ChannelSpans]:
    """Constants of a layer, and its sums: widened and moved where they reach half a grid only."""
    matrix = step.kernel.reshape(-1, step.channels)
    reach = np.abs(matrix).max(axis=0)
    steps = np.where(reach > 0, reach, 1.0) / levels.largest
    codes = levels.nearest(matrix / steps).reshape(step.kernel.shape)
    low, high = _sums(step, codes * steps.reshape(step.channel_shape), read)
    unit = made.quant.scale[0]
    least = made.levels.last * unit / 2
    is_poor = _on_grid(high, made) - _on_grid(low, made) < least
    factor = np.where(is_poor, np.maximum(least / np.maximum(high - low, unit / 256), 1.0), 1.0)
    low, high, steps = low * factor, high * factor, steps * factor
    bias = np.where(is_poor, _middle(made) - (low + high) / 2, step.bias)
    values, axis = stored_codes(step, codes, levels.factor)
    found = StoredWeights(values, axis, (steps / levels.factor).astype(np.float32), bias)
    return found, _ChannelSpans(low + bias, high + bias)


def _sums(step: Weighted, weights: Array, read: _ChannelSpans) -> tuple[Array, Array]:
    """The least and the largest sum of products of each channel, where nothing is padded."""
    ends = [weights * each[:, None] for each in (read.low, read.high)]
    axes = tuple(range(weights.ndim - len(step.channel_shape)))
    low, high = np.minimum(*ends).sum(axis=axes), np.maximum(*ends).sum(axis=axes)
    return low.reshape(-1), high.reshape(-1)


def _whole(grid: StoredGrid, channels: int) -> _ChannelSpans:
    """All of a grid, in each channel."""
    zero, last = grid.quant.zero_point[0] - grid.levels.lowest, grid.levels.last
    ends = ((level - zero) * grid.quant.scale[0] for level in (0, last))
    return _ChannelSpans(*(np.full(channels, end) for end in ends))


def _on_grid(values: Array, grid: StoredGrid) -> Array:
    """The nearest values of a grid."""
    unit, zero = grid.quant.scale[0], grid.quant.zero_point[0] - grid.levels.lowest
    stored = np.clip(np.rint(values / unit) + zero, 0, grid.levels.last)
    return np.asarray((stored - zero) * unit)


def _middle(grid: StoredGrid) -> float:
    """A real value in the middle of a grid, halfway between two of its levels."""
    zero = grid.quant.zero_point[0] - grid.levels.lowest
    return (grid.levels.last // 2 + 0.5 - zero) * grid.quant.scale[0]
