"""Training to few bits: what is simulated is what is exported, and what LiteRT computes."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.litert import LiteRTModel
from edgebottle.passes.narrow import narrow_widths
from quantize.lowbit.bits import Bits
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.samples import LabelledSamples
from quantize.post.affine import quantized

RANDOM = np.random.default_rng(0)
SAMPLES = LabelledSamples(RANDOM.random((48, 8, 8, 2), np.float32), np.arange(48) % 3)


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow: pip install 'edgebottle[train]'")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from edgebottle.training import start_keras

    start_keras()
    import keras
    import tensorflow

    keras.utils.set_random_seed(0)
    tensorflow.config.run_functions_eagerly(True)  # to trace takes longer than to run so little
    yield keras
    tensorflow.config.run_functions_eagerly(False)


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
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


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


@pytest.mark.parametrize(("network", "bits"), [(residual, "w2a2"), (signal, "w1a4")])
def test_integers_are_those_of_the_simulation(
    keras: Any, network: Callable[[Any], Any], bits: str
) -> None:
    from quantize.lowbit.export import integer_network
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import Task, logits_of, train_network

    model = network(keras)
    values = SAMPLES.values.reshape(-1, *model.input_shape[1:])
    samples = LabelledSamples(values, SAMPLES.labels)
    float_network = read_network(model, "net")
    real = model.predict(values, verbose=0)
    found = logits_of(Simulation(float_network), values)
    found = keras.ops.convert_to_numpy(keras.ops.softmax(found)) if network is residual else found
    np.testing.assert_allclose(found, real, rtol=1e-4, atol=1e-5)
    recipe = TrainingRecipe(epochs=1, batch_size=16)
    task = Task(float_network, Bits.parse(bits), recipe, samples, samples, (0.0, 1.0))
    simulation, _ = train_network(task, lambda *step: None, lambda epoch: None)
    graph = integer_network(simulation)
    litert = LiteRTModel(write_tflite(graph))
    expected = simulation.values(values)
    for index, value in enumerate(values[:8]):
        litert.run([quantized(value[None], graph.tensors["input"].quant)])
        for name, simulated in expected.items():
            quant = graph.tensors[name].quant
            stored = (
                np.rint(keras.ops.convert_to_numpy(simulated[index]) / quant.scale[0])
                + quant.zero_point[0]
            )
            np.testing.assert_array_equal(litert.tensor(name)[0], stored, name)
    widths = {name: width.bits for name, width in narrow_widths(graph).items()}
    for name, levels in float_network.activation_levels(Bits.parse(bits)).items():
        assert levels.bits == 8 or widths[name] == levels.bits, name


def test_what_cannot_be_trained(keras: Any) -> None:
    from quantize.lowbit.keras_network import read_network

    layers = keras.layers
    rows = [
        ([layers.Conv2D(2, 3, activation="gelu")], "layer 'conv.*' has the activation gelu"),
        ([layers.LayerNormalization()], "layer 'layer_norm.*' is of LayerNormalization"),
        ([layers.Dense(2), layers.Softmax(), layers.Dense(2)], "computes .*|softmax"),
        ([layers.Conv2D(2, 3)], r"the network computes \[6, 6, 2\]"),
    ]
    for made, message in rows:
        with pytest.raises(UnsupportedOp, match=message):
            read_network(keras.Sequential([keras.Input((8, 8, 2)), *made]), "net")


@pytest.mark.parametrize(
    ("text", "message"),
    [("w9a4", "no bits such as w4a8"), ("4", "no bits such as w4a8"), ("none.toml", "cannot read")],
)
def test_bits_that_are_none(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Bits.parse(text)
