"""From what was trained to the integer network: the very codes of the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from edgebottle.importers.int8_builder import StoredWeights
from edgebottle.ir.graph import Array, Graph, Quant
from quantize.lowbit.integer_graph import StoredGrid, integer_graph, stored_codes
from quantize.lowbit.network import Weighted
from quantize.lowbit.simulation import Simulation, WeightedProduct
from quantize.post.weights import least_scales


def integer_network(simulation: Simulation) -> Graph:
    """The int8 graph of a trained network, of batch 1."""
    grids = {}
    for name, grid in simulation.grids.items():
        scale, zero_point = grid.stored()
        grids[name] = StoredGrid(Quant((scale,), (zero_point,)), grid.levels)

    def weights(step: Weighted, input_scale: float, output_scale: float) -> StoredWeights:
        return stored_weights(simulation.products[step.name], step, input_scale, output_scale)

    return integer_graph(simulation.network, grids, weights)


def stored_weights(
    product: WeightedProduct, step: Weighted, input_scale: float, output_scale: float
) -> StoredWeights:
    """The weights of a layer as TFLite has them, its normalization in scales and biases.

    Where a factor of the normalization is negative, the codes of its channel are negated: the
    negative of a code is one as well.

    Args:
        product: The trained layer.
        step: What it is made of.
        input_scale: Of what it reads.
        output_scale: Of what it computes.
    """
    assert product.grid is not None, "it has levels"
    kernel = ops.convert_to_tensor(product.kernel)
    steps = product.grid.steps(kernel)
    codes = _numpy(product.grid.codes(kernel, steps))
    factor = product.grid.levels.factor
    scales = _numpy(steps).ravel().astype(np.float64) / factor
    slope, bias = product.folded()
    signs = np.ones_like(scales)
    if slope is not None:
        factors = _numpy(slope).astype(np.float64)
        signs, scales = np.where(factors < 0, -1.0, 1.0), scales * np.abs(factors)
    biases = _numpy(bias).astype(np.float64)
    scales = np.maximum(scales, least_scales(biases, input_scale, output_scale))
    signed = codes * signs.reshape(step.channel_shape)
    values, axis = stored_codes(step, signed, factor)
    return StoredWeights(values, axis, scales.astype(np.float32), biases)


def _numpy(tensor: Any) -> Array:
    return np.asarray(ops.convert_to_numpy(tensor))
