"""The Keras networks of recipes, with floats."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from edgebottle.errors import ToolMissing
from edgebottle.zoo.recipes import NetworkBlock, Recipe, Residual, Separable


def tensorflow() -> ModuleType:
    """Imports TensorFlow without its start-up chatter.

    Raises:
        ToolMissing: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow
    except ImportError as error:
        raise ToolMissing(
            "training needs TensorFlow, which is not installed: pip install 'edgebottle[train]'"
        ) from error
    tensorflow.get_logger().setLevel("ERROR")
    module: ModuleType = tensorflow
    return module


def _batch_normalization(tf: Any, *, plain: bool) -> Any:
    """Returns Keras's batch normalization, trained by TensorFlow's fused kernel unless ``plain``.

    The networks here are so thin that Keras's own, many passes over memory, would take a third of
    the training time. Weights and inference are the same.
    """
    own = tf.keras.layers.BatchNormalization
    if plain:
        return own

    class FusedBatchNormalization(own):  # type: ignore[misc, valid-type]
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not training:
                return super().call(inputs, training=False)
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
            )
            keep = self.momentum
            self.moving_mean.assign(keep * self.moving_mean + (1 - keep) * mean)
            self.moving_variance.assign(keep * self.moving_variance + (1 - keep) * variance)
            return outputs

    return FusedBatchNormalization


def build_network(
    recipe: Recipe, shape: tuple[int, ...], batch: int | None = None, *, plain: bool = False
) -> Any:
    """Builds the untrained Keras model.

    Args:
        recipe: the architecture.
        shape: (height, width, channels) of an image.
        batch: a fixed batch dimension, which the exported model has, or None.
        plain: of nothing but Keras's own layers, which any Keras reads; slower to train.
    """
    tf = tensorflow()
    build = _NetworkBuilder(tf, _batch_normalization(tf, plain=plain))
    image = tf.keras.Input(batch_shape=(batch, *shape), name="image")
    x = build.convolved(image, recipe.stem_channels, recipe.stem_size, recipe.stem_stride)
    x = build.activated(x)
    for block in recipe.blocks:
        x = build.block(x, block)
    if recipe.head_channels:
        x = build.activated(build.convolved(x, recipe.head_channels))
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    x = tf.keras.layers.Dense(recipe.classes, activation="softmax", name="probabilities")(x)
    return tf.keras.Model(image, x)


def as_plain(model: Any, recipe: Recipe, shape: tuple[int, ...], batch: int | None = None) -> Any:
    """The same network of Keras's own layers, with the weights of ``model``."""
    plain = build_network(recipe, shape, batch, plain=True)
    plain.set_weights(model.get_weights())
    return plain


class _NetworkBuilder:
    """Adds layers to a Keras network."""

    def __init__(self, tf: Any, normalization: Any) -> None:
        self.layers, self.normalization = tf.keras.layers, normalization

    def convolved(self, x: Any, channels: int, size: int = 1, stride: int = 1) -> Any:
        x = self.layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)
        return self.normalization()(x)

    def filtered(self, x: Any, stride: int) -> Any:
        x = self.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
        return self.activated(self.normalization()(x))

    def activated(self, x: Any) -> Any:
        return self.layers.ReLU(6.0)(x)

    def block(self, x: Any, block: NetworkBlock) -> Any:
        if isinstance(block, Separable):
            return self.activated(self.convolved(self.filtered(x, block.stride), block.channels))
        is_same = block.stride == 1 and block.channels == x.shape[-1]
        if isinstance(block, Residual):
            y = self.activated(self.convolved(x, block.channels, 3, block.stride))
            y = self.convolved(y, block.channels, 3)
            x = x if is_same else self.convolved(x, block.channels, 1, block.stride)
            return self.activated(self.layers.Add()([x, y]))
        y = x
        if block.expand > 1:
            y = self.activated(self.convolved(x, x.shape[-1] * block.expand))
        y = self.convolved(self.filtered(y, block.stride), block.channels)
        return self.layers.Add()([x, y]) if is_same else y
