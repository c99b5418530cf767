"""The Keras model of an architecture: what is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quantize.lowbit.network import (
    INPUT,
    Addition,
    AxesMoved,
    FloatNetwork,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    NewShape,
    Normalization,
    Product,
    SoftmaxOfRows,
    Weighted,
)


def keras_model(
    network: FloatNetwork,
    batch: int | None = None,
    normalization: Callable[..., Any] | None = None,
) -> Any:
    """A Functional model, with weights as Keras begins with them.

    Args:
        network: From ``Architecture.network``; of its numbers only the factors of normalizations
            are looked at, which these begin with.
        batch: Fixed, for a model that is exported; None for any.
        normalization: Makes the layers that normalize; by default Keras's own.
    """
    import keras

    builder = _ModelBuilder(keras.layers, normalization or keras.layers.BatchNormalization)
    image = keras.Input(batch_shape=(batch, *network.input_shape), name=INPUT)
    values = {INPUT: image}
    for step in network.steps:
        values[step.name] = builder.add(step, [values[source] for source in step.sources])
    if network.outputs:
        results = [values[name] for name in network.outputs]
        return keras.Model(image, results, name=network.name)
    result = values[network.steps[-1].name]
    if network.has_softmax:
        result = keras.layers.Softmax(name="probabilities")(result)
    return keras.Model(image, result, name=network.name)


class _ModelBuilder:
    """Adds the layers of steps."""

    def __init__(self, layers: Any, normalization: Callable[..., Any]) -> None:
        self._layers, self._normalization = layers, normalization

    def add(self, step: LayerStep, sources: list[Any]) -> Any:
        """The tensor that a step computes."""
        if isinstance(step, MatrixProduct):
            return _named_product(step.name, sources)
        if isinstance(step, SoftmaxOfRows):
            return self._layers.Softmax(name=step.name)(sources[0])
        if isinstance(step, AxesMoved):
            dims = tuple(axis + 1 for axis in step.order)
            return self._layers.Permute(dims, name=step.name)(sources[0])
        if isinstance(step, NewShape):
            return self._layers.Reshape(step.shape, name=step.name)(sources[0])
        if isinstance(step, MeanOfPixels):
            return self._layers.GlobalAveragePooling2D(name=step.name)(sources[0])
        if isinstance(step, Addition):
            value = self._layers.Add(name=step.name)(sources)
        else:
            assert isinstance(step, Weighted), "architectures have no other steps"
            value = self._layer(step)(sources[0])
            if step.norm is not None:
                value = self._normalized(step.norm, f"{step.name}_norm")(value)
        if isinstance(step, Addition | Weighted) and step.is_clamped:
            value = self._layers.ReLU(step.ceiling, name=f"{step.name}_relu")(value)
        return value

    def _normalized(self, norm: Normalization, name: str) -> Any:
        """The layer that normalizes, with its first factor."""
        import keras

        first = float(norm.gamma[0])
        if first == 1.0:
            return self._normalization(name=name)
        begins = keras.initializers.Constant(first)
        return self._normalization(name=name, gamma_initializer=begins)

    def _layer(self, step: Weighted) -> Any:
        """The layer that multiplies."""
        has_bias = step.norm is None
        if step.product is Product.DENSE:
            return self._layers.Dense(step.channels, use_bias=has_bias, name=step.name)
        window = {
            "kernel_size": step.kernel.shape[:2],
            "strides": step.window.strides,
            "padding": step.window.padding,
            "use_bias": has_bias,
            "name": step.name,
        }
        if step.product is Product.DEPTHWISE:
            return self._layers.DepthwiseConv2D(**window)
        return self._layers.Conv2D(filters=step.channels, **window)


def _named_product(name: str, sources: list[Any]) -> Any:
    """The product of matrices, for which Keras has a function and no layer, under a name."""
    import keras

    product = keras.ops.matmul(*sources)
    product._keras_history.operation.name = name
    return product
