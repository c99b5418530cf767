"""The Keras networks of recipes, with floats."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from edgebottle.errors import ToolMissing
from edgebottle.zoo.recipes import Recipe
from quantize.search.keras_model import keras_model


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


def fused_normalization(tf: Any) -> Any:
    """Keras's batch normalization, trained by TensorFlow's fused kernel.

    The networks here are so thin that Keras's own, many passes over memory, would take a third of
    the training time. Weights and inference are the same.
    """

    class FusedBatchNormalization(tf.keras.layers.BatchNormalization):  # type: ignore[misc]
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


def build_network(recipe: Recipe, batch: int | None = None, *, plain: bool = False) -> Any:
    """Builds the untrained Keras model.

    Args:
        recipe: with the architecture.
        batch: a fixed batch dimension, which the exported model has, or None.
        plain: of nothing but Keras's own layers, which any Keras reads; slower to train.
    """
    normalization = None if plain else fused_normalization(tensorflow())
    return keras_model(recipe.architecture.network(), batch, normalization)


def as_plain(model: Any, recipe: Recipe, batch: int | None = None) -> Any:
    """The same network of Keras's own layers, with the weights of ``model``."""
    plain = build_network(recipe, batch, plain=True)
    plain.set_weights(model.get_weights())
    return plain
