"""Small Keras networks that are trained to few bits, on any back end of Keras.

``KERAS_BACKEND=jax python -m tests.quantize.lowbit_networks`` trains one, and compares it with
LiteRT.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgebottle.exporters.tflite import write_tflite
from edgebottle.litert import LiteRTModel
from edgebottle.passes.narrow import narrow_widths
from edgebottle.training import start_keras
from quantize.lowbit.bits import Bits
from quantize.lowbit.methods.progressive import ProgressiveBits
from quantize.lowbit.recipe import DEFAULT_METHODS, TrainingRecipe
from quantize.lowbit.samples import LabelledSamples
from quantize.post.affine import quantized
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Attention, FeedForward, PatchEmbedding
from quantize.search.keras_model import keras_model

RANDOM = np.random.default_rng(0)
SAMPLES = LabelledSamples(RANDOM.random((48, 8, 8, 2), np.float32), np.arange(48) % 3)


def residual(keras: Any) -> Any:
    """Every product, a residual whose branch is read alone, pools, a border, a negative factor."""
    layers = keras.layers
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(image)
    x = y = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(y)
    y = layers.BatchNormalization(gamma_initializer="random_normal")(layers.Conv2D(8, 1)(y))
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.ReLU()(layers.MaxPooling2D(2)(layers.ZeroPadding2D(1)(x)))
    x = layers.SeparableConv2D(6, 3, padding="same")(layers.AveragePooling2D(2, 1)(x))
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(x))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="probabilities")(x))


def signal(keras: Any) -> Any:
    """One axis, a normalization that follows no weights, and nothing at the end."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((64, 2)),
            layers.BatchNormalization(),
            layers.Conv1D(4, 5, 2, padding="causal", activation="relu"),
            layers.DepthwiseConv1D(3, 2),
            layers.Activation("relu6"),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(5, activation="relu"),
            layers.Dense(3),
        ]
    )


def vector(keras: Any) -> Any:
    """No image, no normalization."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(6, activation="relu"), layers.Dense(3), layers.Softmax()]
    )


def transformer(keras: Any) -> Any:
    """Four patches, attention of two heads in two factors, and feed-forward."""
    blocks = (PatchEmbedding(8, 4), Attention(8, heads=2, rank=0.5), FeedForward(8))
    return keras_model(Architecture((8, 8, 2), Stem(8), blocks, ClassHead(3)).network())


def task_of(keras: Any, network: Callable[[Any], Any], bits: str, **changes: Any) -> Any:
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.trainer import Task

    model = network(keras)
    shape = model.input_shape[1:]
    values = SAMPLES.values.reshape(len(SAMPLES), -1)[:, : math.prod(shape)].reshape(-1, *shape)
    samples = LabelledSamples(values, SAMPLES.labels)
    recipe = TrainingRecipe(batch_size=24, **changes)
    return Task(read_network(model, "net"), Bits.parse(bits), recipe, samples, samples, (0.0, 1.0))


def silent(*told: object) -> None:
    """Nothing is shown."""


EVERY = (*DEFAULT_METHODS[:-1], ProgressiveBits(share=0.4))


def assert_exact(task: Any, simulation: Any) -> None:
    """LiteRT computes the integers of the simulation, and the compiler proves their bits."""
    from keras import ops

    from quantize.lowbit.export import integer_network
    from quantize.lowbit.integers import integer_values

    values = task.learned.values
    graph = integer_network(simulation)
    litert = LiteRTModel(write_tflite(graph))
    integers, simulated = integer_values(simulation, graph, values), simulation.values(values)
    for index, value in enumerate(values[:8]):
        litert.run([quantized(value[None], graph.tensors["input"].quant)])
        for name in simulated:
            stored = ops.convert_to_numpy(integers[name][index])
            np.testing.assert_array_equal(litert.tensor(name)[0], stored, name)
    for name, found in simulated.items():
        quant, stored = graph.tensors[name].quant, ops.convert_to_numpy(integers[name])
        steps = np.rint(ops.convert_to_numpy(found) / quant.scale[0]) + quant.zero_point[0]
        few = task.network.activation_levels(task.bits)[simulation.owners[name]].bits < 8
        off = np.abs(steps - stored)
        # What lies between two levels may fall to the other one: what reads it differs by a lot.
        assert np.mean(off > 3) < 0.05 and (off.mean() < 0.02 or not few), name
    widths = {name: width.bits for name, width in narrow_widths(graph).items()}
    for name, levels in task.network.activation_levels(task.bits).items():
        assert levels.bits == 8 or widths[name] == levels.bits, name
    for node in graph.nodes:
        found = node.weighted_operands()
        if found is not None:
            weights = graph.tensors[node.inputs[found.weights]].data
            assert np.abs(weights.astype(int)).max() > 63, f"{node.name}: its sums are coarse"


def main() -> None:
    start_keras()
    import keras

    from quantize.lowbit.trainer import Trainer

    keras.utils.set_random_seed(0)
    task = task_of(keras, residual, "w2a2", methods=EVERY, epochs=2)
    assert_exact(task, Trainer(task, silent, silent).run())
    print(keras.backend.backend(), "is exact")


if __name__ == "__main__":
    main()
