"""From what was trained to the integer network: the very codes of the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from edgebottle.importers.int8_builder import Int8Builder, StoredWeights, WindowMove
from edgebottle.ir.graph import Array, Graph, Quant, unused_name
from quantize.lowbit.network import (
    INPUT,
    UNCLAMPED,
    Addition,
    Computed,
    LayerStep,
    MeanOfPixels,
    NewShape,
    Pool,
    Product,
    Weighted,
    ZeroBorder,
)
from quantize.lowbit.simulation import Simulation, WeightedProduct
from quantize.post.weights import least_scales

SOFTMAX = "probabilities"
"""The name of the layer that makes them."""


def integer_network(simulation: Simulation) -> Graph:
    """The int8 graph of a trained network, of batch 1."""
    network = simulation.network
    quants = {name: _quant(*grid.stored()) for name, grid in simulation.grids.items()}
    builder = Int8Builder(network.name, INPUT, (1, *network.input_shape), quants[INPUT])
    values = {INPUT: INPUT}
    for step in network.steps:
        sources = [values[source] for source in step.sources]
        values[step.name] = _add(builder, simulation, step, sources, quants)
    output = values[network.steps[-1].name]
    if network.has_softmax:
        name = unused_name(SOFTMAX, values)
        builder.softmax(name, output)
        output = name
    return builder.graph(output)


def _quant(scale: float, zero_point: int) -> Quant:
    return Quant((scale,), (zero_point,))


def _add(
    builder: Int8Builder,
    simulation: Simulation,
    step: LayerStep,
    sources: list[str],
    quants: dict[str, Quant],
) -> str:
    """Adds a step; the name of the tensor that it computes."""
    if isinstance(step, Pool):
        move = step.window
        window = WindowMove(step.size, move.strides, move.is_same)
        builder.pool(step.name, sources[0], window, is_maximum=step.is_maximum)
    elif isinstance(step, ZeroBorder):
        builder.border(step.name, sources[0], step.border)
    elif isinstance(step, NewShape):
        builder.reshape(step.name, sources[0], (1, *step.shape))
    elif isinstance(step, Computed):
        return _add_computed(builder, simulation, step, sources, quants)
    return step.name


def _add_computed(
    builder: Int8Builder,
    simulation: Simulation,
    step: Computed,
    sources: list[str],
    quants: dict[str, Quant],
) -> str:
    """A step with a scale of its own; what no RELU and no saturation ends, MAXIMUM does."""
    quant, levels = quants[step.name], simulation.grids[step.name].levels
    is_open = not step.is_clamped and levels.lowest > np.iinfo(np.int8).min
    if isinstance(step, MeanOfPixels) and step.is_clamped:
        is_open = levels.lowest > np.iinfo(np.int8).min
    name = f"{step.name}{UNCLAMPED}" if is_open else step.name
    if isinstance(step, Addition):
        builder.add(name, (sources[0], sources[1]), quant, clamps=step.is_clamped)
    elif isinstance(step, MeanOfPixels):
        builder.mean(name, sources[0], quant, keeps_axes=step.keeps_axes)
    else:
        assert isinstance(step, Weighted), "there are no other steps"
        scale = quants[simulation.owners[step.sources[0]]].scale[0]
        weights = stored_weights(simulation.products[step.name], step, scale, quant.scale[0])
        if step.product is Product.DENSE:
            builder.dense(name, sources[0], weights, quant, clamps=step.is_clamped)
        else:
            move = step.window
            size = (step.kernel.shape[0], step.kernel.shape[1])
            window = WindowMove(size, move.strides, move.is_same, move.dilation)
            clamps = step.is_clamped
            builder.convolution(name, sources[0], weights, window, quant, clamps=clamps)
    if is_open:
        builder.at_least(step.name, name, levels.lowest)
    return step.name


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
    integers = np.rint(codes * signs.reshape(step.channel_shape) * factor).astype(np.int8)
    if step.product is Product.DENSE:
        values, axis = integers.T, 0
    elif step.product is Product.DEPTHWISE:
        values, axis = integers.reshape(1, *integers.shape[:2], -1), 3
    else:
        values, axis = np.moveaxis(integers, 3, 0), 0
    return StoredWeights(np.ascontiguousarray(values), axis, scales.astype(np.float32), biases)


def _numpy(tensor: Any) -> Array:
    return np.asarray(ops.convert_to_numpy(tensor))
