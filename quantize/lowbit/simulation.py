"""The network that is trained: real numbers that take the values of the integer network.

Only ``keras.ops`` and layers of Keras, so that it works on each of its back ends. Everything lies
on the grid on which the integers will lie; next to a tie it may be rounded to the other side.
``integers`` runs the network as it is exported, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from edgebottle.ir.graph import Array
from quantize.lowbit.bits import Bits
from quantize.lowbit.bottleneck import Bottleneck
from quantize.lowbit.calibration import FirstSteps
from quantize.lowbit.gradients import nearest_levels, replaced, variable
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.methods.dampening import Dampening
from quantize.lowbit.methods.freezing import Freezing
from quantize.lowbit.methods.gradient_scale import GradientScale
from quantize.lowbit.network import (
    INPUT,
    Addition,
    AxesMoved,
    Computed,
    FloatNetwork,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    MovingWindow,
    NewShape,
    Normalization,
    Pool,
    Product,
    SoftmaxOfRows,
    Weighted,
    ZeroBorder,
)
from quantize.lowbit.recipe import TrainingRecipe

if TYPE_CHECKING:
    from quantize.lowbit.guide import Guide

MOMENTUM = 0.9
"""Of the moving statistics of normalizations: training is short."""


class WeightGrid(keras.layers.Layer):  # type: ignore[misc]
    """The weights of a layer in few levels."""

    def __init__(
        self, levels: WeightLevels, steps: Array, kernel: Array, recipe: TrainingRecipe
    ) -> None:
        """Begins with ``steps``."""
        super().__init__()
        self.built = True
        self.levels = levels
        self.method = recipe.weight_method()
        scale = recipe.find(GradientScale)
        shared = kernel.size // steps.size
        slope = 1.0 if scale is None else scale.slope(shared, levels.largest)
        self.method.create_weights(self, steps, levels, slope)
        self.dampening, self.freezing = recipe.find(Dampening), recipe.find(Freezing)
        if self.freezing is not None:
            codes = nearest_levels(ops.convert_to_tensor(kernel / steps), levels)
            self.freezing.create(self, np.asarray(ops.convert_to_numpy(codes)))

    def steps(self, kernel: Any) -> Any:
        """One for each channel."""
        return self.method.weight_steps(self, kernel, self.levels)

    def codes(self, kernel: Any, steps: Any, moment: Any = None) -> Any:
        """What is stored of each weight, with a gradient.

        Args:
            kernel: The real weights.
            steps: From ``steps``.
            moment: How far training is, 0 .. 1; None where nothing is learned.
        """
        codes = nearest_levels(kernel / steps, self.levels)
        if self.freezing is not None:
            if moment is not None:
                self.freezing.track(self, codes, self.levels, moment)
            codes = self.freezing.applied(self, codes)
        if self.dampening is not None and moment is not None:
            reach = steps * self.levels.largest
            self.add_loss(self.dampening.loss(kernel, codes * steps, reach, moment))
        return codes


class ActivationGrid(keras.layers.Layer):  # type: ignore[misc]
    """What a layer computes, in few levels."""

    def __init__(
        self,
        levels: ActivationLevels,
        first: tuple[float, int],
        size: int,
        recipe: TrainingRecipe | None,
    ) -> None:
        """Begins with a step and a level of zero; without a recipe it keeps them."""
        super().__init__()
        self.built = True
        self.levels = levels
        self.method = (recipe or TrainingRecipe(methods=())).activation_method(levels)
        scale = None if recipe is None else recipe.find(GradientScale)
        slope = 1.0 if scale is None else scale.slope(size, levels.last)
        self.method.create_activation(self, *first, levels, slope)

    def call(self, values: Any) -> Any:
        """Values on the grid."""
        return self.method.on_grid(self, values, self.levels)

    def step(self) -> Any:
        """Between two levels."""
        return self.method.grid(self, self.levels)[0]

    def stored(self) -> tuple[float, int]:
        """The scale, and the stored value of zero."""
        step, zero = self.method.grid(self, self.levels)
        level = int(ops.convert_to_numpy(zero))
        return float(np.float32(ops.convert_to_numpy(step))), self.levels.lowest + level


class Simulation(keras.Model):  # type: ignore[misc]
    """A network in few levels, or without ``bits`` in floating point."""

    def __init__(
        self,
        network: FloatNetwork,
        bits: Bits | None = None,
        first: FirstSteps | None = None,
        recipe: TrainingRecipe | None = None,
        bottleneck: Bottleneck | None = None,
    ) -> None:
        """Creates the variables.

        Args:
            network: With the numbers to begin with.
            bits: Of each layer; None for floating point.
            first: The steps to begin with, where there are bits.
            recipe: How it is trained, where there are bits.
            bottleneck: Whose channels are dropped in training; None for no step's.
        """
        super().__init__()
        self.network, self.bottleneck = network, bottleneck
        seed = 0 if recipe is None else recipe.seed
        self.seeds = keras.random.SeedGenerator(seed) if bottleneck is not None else None
        self.owners = network.owners()
        self.momentum = variable(self, MOMENTUM, "momentum", trainable=False)
        self.moment = variable(self, 0.0, "moment", trainable=False)
        self.guide: Guide | None = None
        self.learns = True  # else a run in training only moves the statistics
        self.grids: dict[str, ActivationGrid] = {}
        weights: Mapping[str, WeightLevels] = {}
        if bits is not None and first is not None and recipe is not None:
            weights = network.weight_levels(bits)
            shapes = {INPUT: network.input_shape, **{s.name: s.shape for s in network.steps}}
            fixed = {INPUT, *(s.name for s in network.steps if isinstance(s, SoftmaxOfRows))}
            for name, levels in network.activation_levels(bits).items():
                size = int(np.prod(shapes[name]))
                learned = None if name in fixed else recipe
                self.grids[name] = ActivationGrid(levels, first.activations[name], size, learned)
        self.products: dict[str, WeightedProduct] = {}
        for step in network.steps:
            if isinstance(step, Weighted):
                grid = None
                if step.name in weights and first is not None and recipe is not None:
                    levels_of, steps = weights[step.name], first.weights[step.name]
                    grid = WeightGrid(levels_of, steps, step.kernel, recipe)
                self.products[step.name] = WeightedProduct(step, grid)
        self.build((None, *network.input_shape))

    def build(self, input_shape: Any) -> None:
        """Nothing is left to build."""
        self.built = True

    def call(self, values: Any, training: bool = False) -> Any:
        """The logits."""
        found = self.values(values, training=training)
        if training and self.learns and self.guide is not None:
            self.add_loss(self.guide.loss(values, found))
        return found[self.network.steps[-1].name]

    def trained(self) -> FloatNetwork:
        """The network with the real numbers that the variables have now."""
        steps = [
            self.products[step.name].trained(step) if isinstance(step, Weighted) else step
            for step in self.network.steps
        ]
        return replace(self.network, steps=tuple(steps))

    def fix(self, name: str) -> None:
        """Keeps the numbers of a step as they are."""
        for part in (self.products.get(name), self.grids.get(name)):
            if part is not None:
                part.trainable = False

    def frozen(self) -> float | None:
        """Share of weights that are frozen, 0 .. 1; None where none can be."""
        grids = [product.grid for product in self.products.values() if product.grid is not None]
        masks = [ops.convert_to_numpy(g.frozen).ravel() for g in grids if g.freezing is not None]
        return float(np.concatenate(masks).mean()) if masks else None

    def values(self, values: Any, *, training: bool = False) -> dict[str, Any]:
        """What every step computes, by its name, and the input."""
        found = {INPUT: self._on_grid(INPUT, values)}
        for step in self.network.steps:
            sources = [found[source] for source in step.sources]
            result = self._result(step, sources, training=training)
            if isinstance(step, Computed):
                if step.is_clamped:
                    result = ops.relu(result)
                if step.ceiling is not None and not self.grids:
                    result = ops.minimum(result, step.ceiling)
            bottleneck = self.bottleneck if training else None
            if bottleneck is not None and step.name == bottleneck.step:
                found[step.name] = self._sent(bottleneck, result)
            else:
                found[step.name] = self._on_grid(step.name, result)
        return found

    def _sent(self, bottleneck: Bottleneck, values: Any) -> Any:
        """What is left of a bottleneck's values on their grid, in training."""
        grid = self.grids[bottleneck.step]
        if self.learns and bottleneck.price:
            levels = ops.clip(values / grid.step(), 0.0, float(grid.levels.last))
            self.add_loss(bottleneck.cost(levels, grid.levels.last))
        return bottleneck.dropped(grid(values), self.seeds)

    def _on_grid(self, name: str, values: Any) -> Any:
        grid = self.grids.get(name)
        return values if grid is None else grid(values)

    def _result(self, step: LayerStep, sources: list[Any], *, training: bool) -> Any:
        if isinstance(step, Weighted):
            source = self.grids.get(self.owners[step.sources[0]])
            unit = None if source is None else source.step()
            product = self.products[step.name]
            clock = (self.momentum, self.moment if self.learns else None)
            return product(sources[0], unit, clock, training=training and product.trainable)
        if isinstance(step, Addition):
            return sources[0] + sources[1]
        if isinstance(step, MeanOfPixels):
            return ops.mean(sources[0], axis=(1, 2), keepdims=step.keeps_axes)
        if isinstance(step, Pool):
            return self._pooled(step, sources[0])
        if isinstance(step, ZeroBorder):
            top, bottom, left, right = step.border
            return ops.pad(sources[0], ((0, 0), (top, bottom), (left, right), (0, 0)))
        return attended(step, sources)

    def _pooled(self, step: Pool, values: Any) -> Any:
        arguments = (step.size, step.window.strides, step.window.padding)
        if step.is_maximum:
            return ops.max_pool(values, *arguments)
        mean = ops.average_pool(values, *arguments)
        grid = self.grids.get(self.owners[step.sources[0]])
        if grid is None:
            return mean
        # The integers are averaged as they are stored; ties go away from zero.
        unit, zero = grid.method.grid(grid, grid.levels)
        moved = mean / unit + zero + float(grid.levels.lowest)
        away = ops.sign(moved) * ops.floor(ops.abs(moved) + 0.5)
        return replaced(mean, (away - zero - float(grid.levels.lowest)) * unit)


class WeightedProduct(keras.layers.Layer):  # type: ignore[misc]
    """A convolution or a dense layer, with its normalization."""

    def __init__(self, step: Weighted, grid: WeightGrid | None) -> None:
        """Begins with the numbers of ``step``; in floating point without a grid."""
        super().__init__()
        self.built = True
        self.grid = grid
        self.product, self.window = step.product, step.window
        self.kernel = variable(self, step.kernel, "kernel")
        self.norm = step.norm
        self.channel_shape = step.channel_shape
        if step.norm is None:
            self.bias = variable(self, step.bias, "bias")
            return
        # The mean holds whatever bias there is.
        self.gamma = variable(self, step.norm.gamma, "gamma")
        self.beta = variable(self, step.norm.beta, "beta")
        self.mean = variable(self, step.norm.mean - step.bias, "mean", trainable=False)
        self.variance = variable(self, step.norm.variance, "variance", trainable=False)

    def call(self, values: Any, unit: Any, clock: Any, training: bool = False) -> Any:
        """What the layer computes, not yet on its grid.

        Args:
            values: What it reads.
            unit: The step of that; None in floating point.
            clock: The momentum of the moving statistics, and how far training is.
            training: Statistics are those of the batch.
        """
        momentum, moment = clock
        kernel, steps = ops.convert_to_tensor(self.kernel), None
        if self.grid is not None:
            steps = self.grid.steps(kernel)
            kernel = self.grid.codes(kernel, steps, moment if training else None) * steps
        sums = product_of(values, kernel, self.product, self.window)
        if self.norm is not None and training:
            return self._normalized(sums, momentum)
        factor, bias = self.folded()
        if factor is not None:
            sums = sums * factor
        if self.grid is None or unit is None:
            return sums + bias
        scales = ops.reshape(steps, (-1,)) * unit / self.grid.levels.factor
        if factor is not None:
            scales = ops.maximum(scales * ops.abs(factor), keras.config.epsilon())
        return sums + replaced(bias, ops.round(bias / scales) * scales)

    def trained(self, step: Weighted) -> Weighted:
        """The step with the numbers that the variables have now."""
        kernel = np.asarray(ops.convert_to_numpy(self.kernel))
        if self.norm is None:
            return replace(step, kernel=kernel, bias=np.asarray(ops.convert_to_numpy(self.bias)))
        numbers = (self.gamma, self.beta, self.mean, self.variance)
        gamma, beta, mean, variance = (np.asarray(ops.convert_to_numpy(one)) for one in numbers)
        norm = Normalization(gamma, beta, mean, variance, self.norm.epsilon)
        return replace(step, kernel=kernel, bias=np.zeros_like(step.bias), norm=norm)

    def folded(self) -> tuple[Any, Any]:
        """What sums are multiplied with, None for nothing, and what is added."""
        if self.norm is None:
            return None, ops.convert_to_tensor(self.bias)
        factor = self.gamma * ops.rsqrt(self.variance + self.norm.epsilon)
        return factor, self.beta - self.mean * factor

    def _normalized(self, sums: Any, momentum: Any) -> Any:
        """Normalized by the batch, which moves the statistics."""
        mean, variance = ops.moments(sums, axes=tuple(range(len(sums.shape) - 1)))
        for kept, seen in ((self.mean, mean), (self.variance, variance)):
            kept.assign(kept * momentum + ops.stop_gradient(seen) * (1.0 - momentum))
        assert self.norm is not None
        factor = self.gamma * ops.rsqrt(variance + self.norm.epsilon)
        return sums * factor + (self.beta - mean * factor)


def attended(step: LayerStep, sources: list[Any]) -> Any:
    """What the steps of attention compute: products, softmax, and axes and shapes for them."""
    if isinstance(step, MatrixProduct):
        return ops.matmul(*sources)
    if isinstance(step, SoftmaxOfRows):
        return ops.softmax(sources[0], axis=-1)
    if isinstance(step, AxesMoved):
        return ops.transpose(sources[0], (0, *(axis + 1 for axis in step.order)))
    assert isinstance(step, NewShape), "there are no other steps"
    return ops.reshape(sources[0], (-1, *step.shape))


def product_of(values: Any, kernel: Any, product: Product, window: MovingWindow) -> Any:
    """Sums of products, in floating point."""
    if product is Product.DENSE:
        return ops.matmul(values, kernel)
    function = ops.depthwise_conv if product is Product.DEPTHWISE else ops.conv
    # TensorFlow strides a depthwise window alike along both axes; of a signal there is one row.
    strides = window.strides if values.shape[1] > 1 else (window.strides[1],) * 2
    return function(
        values,
        kernel,
        strides=strides,
        padding=window.padding,
        data_format="channels_last",
        dilation_rate=window.dilation,
    )
