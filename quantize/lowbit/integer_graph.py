"""The integer network of a float network, given the grids and the stored weights of its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgebottle.importers.int8_builder import Int8Builder, StoredWeights, WindowMove
from edgebottle.ir.graph import Array, Graph, Quant, unused_name
from quantize.lowbit.levels import ActivationLevels
from quantize.lowbit.network import (
    INPUT,
    UNCLAMPED,
    Addition,
    AxesMoved,
    Computed,
    FloatNetwork,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    NewShape,
    Pool,
    Product,
    SoftmaxOfRows,
    Weighted,
    ZeroBorder,
)

SOFTMAX = "probabilities"
"""The name of the layer that makes them."""


@dataclass(frozen=True)
class StoredGrid:
    """How the values of a step are stored.

    Attributes:
        quant: Scale and zero point.
        levels: That there are.
    """

    quant: Quant
    levels: ActivationLevels


WeightsOf = Callable[[Weighted, float, float], StoredWeights]
"""The constants of a layer, given the scales of what it reads and of what it computes."""


def integer_graph(
    network: FloatNetwork, grids: Mapping[str, StoredGrid], weights: WeightsOf
) -> Graph:
    """The int8 graph of a network, of batch 1.

    Args:
        network: Its steps; the numbers in them are not looked at.
        grids: Of each value that has a scale of its own, by the name of its step.
        weights: Of each layer.
    """
    builder = _StepBuilder(network, grids, weights)
    for step in network.steps:
        builder.add(step)
    return builder.graph()


class _StepBuilder:
    """Adds one step after the other; each is a tensor of its name."""

    def __init__(
        self, network: FloatNetwork, grids: Mapping[str, StoredGrid], weights: WeightsOf
    ) -> None:
        self._network, self._grids, self._weights = network, grids, weights
        self._owners = network.owners()
        shape = (1, *network.input_shape)
        self._builder = Int8Builder(network.name, INPUT, shape, grids[INPUT].quant)

    def graph(self) -> Graph:
        """With the softmax behind the last step, where there is one."""
        if self._network.outputs:
            return self._builder.graph(*self._network.outputs)
        output = self._network.steps[-1].name
        if self._network.has_softmax:
            names = {INPUT, *(step.name for step in self._network.steps)}
            name = unused_name(SOFTMAX, names)
            self._builder.softmax(name, output)
            output = name
        return self._builder.graph(output)

    def add(self, step: LayerStep) -> None:
        """Adds a step."""
        builder, source = self._builder, step.sources[0]
        if isinstance(step, Pool):
            move = step.window
            window = WindowMove(step.size, move.strides, move.is_same)
            builder.pool(step.name, source, window, is_maximum=step.is_maximum)
        elif isinstance(step, ZeroBorder):
            builder.border(step.name, source, step.border)
        elif isinstance(step, NewShape):
            builder.reshape(step.name, source, (1, *step.shape))
        elif isinstance(step, AxesMoved):
            builder.transpose(step.name, source, (0, *(axis + 1 for axis in step.order)))
        else:
            assert isinstance(step, Computed), "there are no other steps"
            self._add_computed(step)

    def _add_computed(self, step: Computed) -> None:
        """A step with a scale of its own; what no RELU and no saturation ends, MAXIMUM does."""
        builder, grid = self._builder, self._grids[step.name]
        is_open = grid.levels.lowest > np.iinfo(np.int8).min
        if not isinstance(step, MeanOfPixels):
            is_open &= not step.is_clamped
        name = f"{step.name}{UNCLAMPED}" if is_open else step.name
        if isinstance(step, Addition):
            first, second = step.sources
            builder.add(name, (first, second), grid.quant, clamps=step.is_clamped)
        elif isinstance(step, MeanOfPixels):
            builder.mean(name, step.sources[0], grid.quant, keeps_axes=step.keeps_axes)
        elif isinstance(step, MatrixProduct):
            left, right = step.sources
            builder.product(name, (left, right), grid.quant)
        elif isinstance(step, SoftmaxOfRows):
            builder.softmax(name, step.sources[0])
        else:
            assert isinstance(step, Weighted), "there are no other steps"
            self._add_weighted(name, step, grid.quant)
        if is_open:
            builder.at_least(step.name, name, grid.levels.lowest)

    def _add_weighted(self, name: str, step: Weighted, quant: Quant) -> None:
        source, clamps = step.sources[0], step.is_clamped
        input_scale = self._grids[self._owners[source]].quant.scale[0]
        weights = self._weights(step, input_scale, quant.scale[0])
        if step.product is Product.DENSE:
            self._builder.dense(name, source, weights, quant, clamps=clamps)
            return
        move = step.window
        size = (step.kernel.shape[0], step.kernel.shape[1])
        window = WindowMove(size, move.strides, move.is_same, move.dilation)
        self._builder.convolution(name, source, weights, window, quant, clamps=clamps)


def stored_codes(step: Weighted, codes: Array, factor: int) -> tuple[Array, int]:
    """Whole numbers of the shape of the kernel as TFLite has them, and the axis of the outputs."""
    integers = np.rint(codes * factor).astype(np.int8)
    if step.product is Product.DENSE:
        values, axis = integers.T, 0
    elif step.product is Product.DEPTHWISE:
        values, axis = integers.reshape(1, *integers.shape[:2], -1), 3
    else:
        values, axis = np.moveaxis(integers, 3, 0), 0
    return np.ascontiguousarray(values), axis
