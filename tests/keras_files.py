"""Saves networks with Keras and converts each, in a process of its own that may load TensorFlow.

Run as ``python -m tests.keras_files FOLDER``: leaves NAME.tflite and NAME.npz (inputs by
name, and what Keras computes of them) there for each network, and prints a JSON object of those
that were refused.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from edgebottle import tensorflow_converter
from edgebottle.errors import EdgebottleError


def _save(folder: Path) -> dict[str, Any]:
    """Writes the files; the networks by the name of the file, None for those to be refused."""
    import h5py
    import keras
    import tensorflow as tf

    layers = keras.layers

    class Odd(layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return tf.math.erfinv(x)

    def sequential(*parts: Any, shape: tuple[int | None, ...] = (8, 8, 2)) -> Any:
        return keras.Sequential([keras.Input(shape), *parts])

    image = sequential(
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )
    left, right = keras.Input((4,), name="zeta"), keras.Input((4,), name="alpha")
    for kind in ("keras", "h5"):
        image.save(folder / f"image.{kind}")
    image.export(str(folder / "saved"), verbose=False)
    with h5py.File(folder / "image.h5") as new, h5py.File(folder / "old.h5", "w") as old:
        for name in new:
            new.copy(name, old)
        config = json.loads(new.attrs["model_config"])
        config["config"]["layers"][1]["config"]["groups"] = 1  # as Keras 2 wrote it
        old.attrs.update(model_config=json.dumps(config), keras_version="2.4.0")
    two = keras.Model({"z": left, "a": right}, layers.Subtract()([left, right]))
    two.save(folder / "two.keras")
    tf.saved_model.save(tf.Module(), str(folder / "unsigned"))
    sequential(layers.Dense(2), shape=(None, 4)).save(folder / "free.keras")
    sequential(layers.Lambda(lambda x: x + 1)).save(folder / "code.h5")
    odd = sequential(Odd(name="strange"), shape=(4,))
    odd.save(folder / "custom.keras")
    odd.export(str(folder / "missing"), verbose=False)
    files = dict.fromkeys(("unsigned", "free.keras", "code.h5", "custom.keras", "missing"))
    return {**dict.fromkeys(("image.keras", "image.h5", "old.h5", "saved"), image), **files} | {
        "two.keras": two
    }


def _computed(network: Any, inputs: list[Any]) -> Any:
    """What Keras computes; two inputs are handed over by the first letters of their names."""
    by_letter = {one.name[0]: x for one, x in zip(network.inputs, inputs, strict=True)}
    return network(by_letter if len(inputs) > 1 else inputs[0], training=False)


def main(folder: Path) -> None:
    """Saves, converts and computes."""
    import numpy as np

    os.environ.update(tensorflow_converter._SETTINGS)
    refused = {}
    for name, network in _save(folder).items():
        try:
            converted = tensorflow_converter.convert(folder / name)
        except EdgebottleError as error:
            refused[name] = f"{type(error).__name__}: {error}"
            continue
        assert network is not None, f"{name} was converted"
        (folder / f"{name}.tflite").write_bytes(converted)
        random = np.random.default_rng(1)
        inputs = [random.random((1, *one.shape[1:]), np.float32) for one in network.inputs]
        output = _computed(network, inputs)
        named = {one.name: x for one, x in zip(network.inputs, inputs, strict=True)}
        np.savez(folder / f"{name}.npz", **named, output=np.array(output))
    print(json.dumps(refused))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
