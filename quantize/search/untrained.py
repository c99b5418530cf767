"""The integer network of an architecture before any training, of which its costs are planned.

Weights are random and scales such as training gives, so that layers get the kernels that they would
get in the end.
"""

from __future__ import annotations

import numpy as np

from edgebottle.importers.int8_builder import StoredWeights
from edgebottle.ir.graph import Graph, Quant
from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.integer_graph import StoredGrid, integer_graph, stored_codes
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.network import (
    INPUT,
    SOFTMAX_STEP,
    FloatNetwork,
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
    levels = network.weight_levels(bits)

    def weights(step: Weighted, input_scale: float, output_scale: float) -> StoredWeights:
        return _weights(step, levels[step.name])

    return integer_graph(network, grids, weights)


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


def _weights(step: Weighted, levels: WeightLevels) -> StoredWeights:
    matrix = step.kernel.reshape(-1, step.channels)
    reach = np.abs(matrix).max(axis=0)
    steps = np.where(reach > 0, reach, 1.0) / levels.largest
    codes = levels.nearest(matrix / steps).reshape(step.kernel.shape)
    values, axis = stored_codes(step, codes, levels.factor)
    return StoredWeights(values, axis, (steps / levels.factor).astype(np.float32), step.bias)
