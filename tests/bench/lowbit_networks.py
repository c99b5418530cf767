"""Float networks and data on which low-bit training is tried.

``python -m tests.bench.lowbit_networks FOLDER --network resnet --seeds 3`` trains them and writes
``resnet-0.keras`` and so on, and ``floats.jsonl`` with the accuracy of each; those that are there
are left alone. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.zoo import fashion, spoken_digits
from edgebottle.zoo.augmentation import Augmentation, augment
from edgebottle.zoo.training import Bottleneck, Data, tensorflow
from tests.conftest import SHARED

VALIDATION = 0.1
"""Part of the training data that choices are made by; it is not trained with."""


@dataclass(frozen=True)
class Case:
    """A network and its data.

    Attributes:
        data: Loads the data from the folder of shared data.
        network: Makes the untrained Keras model from the shape of an input.
        augmentation: Of the training data.
        epochs: Of the float training.
        few_bits_epochs: Of a training to few bits from there.
        batch_size: Of any training.
        learning_rate: At the first step of the float training; falls to zero along a cosine.
    """

    data: Callable[[Path], Data]
    network: Callable[[tuple[int, ...]], Any]
    augmentation: Augmentation
    epochs: int
    few_bits_epochs: int
    batch_size: int
    learning_rate: float


def parted(data: Data, seed: int = 0) -> tuple[Data, Data]:
    """Training data shuffled and without its validation part, and that part in place of test."""
    order = np.random.default_rng(seed).permutation(len(data.train_images))
    few, rest = np.split(order, [int(VALIDATION * len(order))])
    images, labels = data.train_images, data.train_labels
    known = Data(images[rest], labels[rest], images[few], labels[few])
    return known, Data(images[rest], labels[rest], data.test_images, data.test_labels)


class _Layers:
    """Shorthands: convolutions with batch normalization."""

    def __init__(self) -> None:
        self.keras = tensorflow().keras.layers

    def conv(self, x: Any, channels: int, size: int = 3, stride: int = 1) -> Any:
        x = self.keras.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)
        return self.keras.BatchNormalization()(x)

    def depthwise(self, x: Any, size: int = 3, stride: int = 1) -> Any:
        x = self.keras.DepthwiseConv2D(size, stride, padding="same", use_bias=False)(x)
        return self.relu(self.keras.BatchNormalization()(x))

    def relu(self, x: Any) -> Any:
        return self.keras.ReLU()(x)

    def ended(self, image: Any, x: Any) -> Any:
        x = self.keras.GlobalAveragePooling2D()(x)
        x = self.keras.Dense(10, activation="softmax")(x)
        return tensorflow().keras.Model(image, x)


def resnet(shape: tuple[int, ...]) -> Any:
    """ResNet-8 of three blocks (Banbury et al., "MLPerf Tiny Benchmark", 2021)."""
    b = _Layers()
    image = b.keras.Input(shape)
    x = b.relu(b.conv(image, 16))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = b.conv(b.relu(b.conv(x, channels, 3, stride)), channels)
        shortcut = x if stride == 1 else b.conv(x, channels, 1, stride)
        x = b.relu(b.keras.Add()([shortcut, y]))
    return b.ended(image, x)


def mobilenet(shape: tuple[int, ...]) -> Any:
    """Inverted bottlenecks (Sandler et al., "MobileNetV2", 2018), as wide as the zoo's fashion."""
    b = _Layers()
    image = b.keras.Input(shape)
    x = b.relu(b.conv(image, 32, 3, 2))
    for block in fashion.RECIPE.blocks:
        x = _bottleneck(b, x, block)
    return b.ended(image, b.relu(b.conv(x, fashion.RECIPE.head_channels, 1)))


def _bottleneck(b: _Layers, x: Any, block: Bottleneck) -> Any:
    shortcut, channels = x, x.shape[-1]
    if block.expand > 1:
        x = b.relu(b.conv(x, block.expand * channels, 1))
    x = b.conv(b.depthwise(x, 3, block.stride), block.channels, 1)
    is_same = block.stride == 1 and block.channels == channels
    return b.keras.Add()([shortcut, x]) if is_same else x


def speech(shape: tuple[int, ...]) -> Any:
    """DS-CNN (Zhang et al., "Hello Edge", 2017) for spoken digits: three separable blocks."""
    b = _Layers()
    image = b.keras.Input(shape)
    x = b.relu(b.conv(image, 32, 5, 2))
    for channels, stride in ((48, 1), (48, 2), (64, 1)):
        x = b.relu(b.conv(b.depthwise(x, 3, stride), channels, 1))
    return b.ended(image, x)


_CLOTHING = Augmentation(scale=0.05, shift=1.5, flip=True, erase=6)

CASES: dict[str, Case] = {
    "resnet": Case(
        lambda shared: fashion.load_data(shared / "train/fashion-mnist"),
        resnet, _CLOTHING, epochs=12, few_bits_epochs=8, batch_size=128, learning_rate=4e-3,
    ),
    "mobilenet": Case(
        lambda shared: fashion.load_data(shared / "train/fashion-mnist"),
        mobilenet, _CLOTHING, epochs=16, few_bits_epochs=8, batch_size=128, learning_rate=4e-3,
    ),
    "speech": Case(
        lambda shared: spoken_digits.load_data(shared / "train/fsdd"),
        speech, Augmentation(shift=4.0, scale=0.05, erase=6), epochs=60, few_bits_epochs=20,
        batch_size=64, learning_rate=4e-3,
    ),
}  # fmt: skip


def train_float(case: Case, data: Data, seed: int, say: Callable[[str], None] = print) -> Any:
    """Trains a network of floats on data without its validation part."""
    keras = tensorflow().keras
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    steps = -(-len(data.train_images) // case.batch_size) * case.epochs
    model = case.network(data.train_images.shape[1:])
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(case.learning_rate, steps), weight_decay=0.02
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(case.epochs):
        images = augment(data.train_images, case.augmentation, random)
        seen = model.fit(images, data.train_labels, case.batch_size, verbose=0).history
        say(f"{epoch + 1}/{case.epochs} loss {seen['loss'][0]:.3f} {seen['accuracy'][0]:.4f}")
    return model


def main(arguments: list[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", choices=list(CASES), action="append")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seeds):
        for name in options.network or CASES:
            train_once(options.folder, name, seed)


def train_once(folder: Path, name: str, seed: int) -> None:
    """Trains a float network of ``CASES`` unless its file is there."""
    path, case = folder / f"{name}-{seed}.keras", CASES[name]
    if path.exists():
        return
    known, data = parted(case.data(SHARED))
    model = train_float(case, data, seed, lambda line: print(name, seed, line, flush=True))
    scores = {
        what: float(model.evaluate(part.test_images, part.test_labels, verbose=0)[1])
        for what, part in (("validation", known), ("test", data))
    }
    partial = path.with_suffix(".partial.keras")
    model.save(partial)
    partial.replace(path)  # whole, or not there
    with (folder / "floats.jsonl").open("a") as records:
        records.write(json.dumps({"network": name, "seed": seed, **scores}) + "\n")


if __name__ == "__main__":
    main()
