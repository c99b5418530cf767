"""What each method of training to few bits gives, on Fashion-MNIST, in LiteRT.

``python -m tests.bench.lowbit FOLDER`` trains float networks into FOLDER, then one cell after the
other, and adds a JSON line for each to FOLDER/cells.jsonl; cells that have a line are not trained
again, so that it may be stopped at any time. ``--table`` shows means and spreads over seeds, and
which cells are missing. The epoch of each cell is chosen by a part of the training images; the test
images only measure.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.training import LabelledSamples, litert_accuracy, start_keras, train
from edgebottle.zoo.augmentation import Augmentation, augment
from edgebottle.zoo.fashion import load_data
from quantize.lowbit.methods.gradient_scale import GradientScale
from quantize.lowbit.methods.learned_step import LearnedStep
from quantize.lowbit.recipe import DEFAULT_METHODS, METHODS, TrainingRecipe

FLOAT_EPOCHS = 12

CHANGES = Augmentation(shift=1.5, flip=True)
"""Of the images that float networks and cells learn from."""

PLAIN = (LearnedStep(), GradientScale())
"""The methods of the variant ``plain``: LSQ as it was published."""


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        network: Of ``NETWORKS``.
        bits: As ``edgebottle train --bits`` takes them.
        variant: ``default``, ``plain``, ``-METHOD`` (the default without it) or ``+METHOD``.
        seed: Of the float network and of the training.
        images: That are learned from and chosen by.
        epochs: Passes over them.
    """

    network: str
    bits: str
    variant: str
    seed: int
    images: int
    epochs: int

    def recipe(self) -> TrainingRecipe:
        """How it is trained."""
        recipe = TrainingRecipe(epochs=self.epochs, seed=self.seed, augmentation=CHANGES)
        sign, name = self.variant[:1], self.variant[1:]
        if self.variant == "plain":
            return replace(recipe, methods=PLAIN)
        if sign == "-":
            return recipe.without([name])
        if sign == "+":
            return replace(recipe, methods=(*DEFAULT_METHODS, METHODS[name]()))
        return recipe


def resnet(keras: Any) -> Any:
    """Three residual stages of 16, 32 and 64 channels, as MLPerf Tiny's ResNet-8."""
    layers = keras.layers

    def convolved(x: Any, channels: int, size: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    image = keras.Input((28, 28, 1))
    x = layers.ReLU()(convolved(image, 16))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(convolved(x, channels, 3, stride))
        y = convolved(y, channels)
        x = x if stride == 1 else convolved(x, channels, 1, stride)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def mobilenet(keras: Any) -> Any:
    """Inverted bottlenecks, as MobileNetV2 has them."""
    layers = keras.layers

    def normalized(x: Any) -> Any:
        return layers.BatchNormalization(momentum=0.9)(x)

    def pointwise(x: Any, channels: int) -> Any:
        return normalized(layers.Conv2D(channels, 1, use_bias=False)(x))

    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(normalized(x))
    for channels, stride in ((16, 1), (24, 2), (24, 1), (32, 1), (32, 1)):
        y = layers.ReLU(6.0)(pointwise(x, 4 * x.shape[-1]))
        y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
        y = pointwise(layers.ReLU(6.0)(normalized(y)), channels)
        x = layers.Add()([x, y]) if stride == 1 and channels == x.shape[-1] else y
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(pointwise(x, 96)))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


NETWORKS: dict[str, Callable[[Any], Any]] = {"resnet": resnet, "mobilenet": mobilenet}


def float_network(folder: Path, name: str, seed: int, images: Any, labels: Any) -> Path:
    """The file of a trained float network; it is trained once."""
    path = folder / f"{name}_{seed}_{len(images)}.keras"
    if path.exists():
        return path
    start_keras()
    import keras

    keras.utils.set_random_seed(seed)
    model = NETWORKS[name](keras)
    updates = -(-len(images) // 128) * FLOAT_EPOCHS
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, updates)
    model.compile(keras.optimizers.AdamW(schedule, 1e-4), "sparse_categorical_crossentropy")
    random = np.random.default_rng(seed)
    for _ in range(FLOAT_EPOCHS):
        model.fit(augment(images, CHANGES, random), labels, 128, verbose=0)
    partial = path.with_suffix(".partial.keras")
    model.save(partial)
    partial.replace(path)
    return path


def trained_cell(folder: Path, cell: Cell) -> dict[str, Any]:
    """Trains a cell; what its line says."""
    data = load_data()
    order = np.random.default_rng(0).permutation(len(data.train_images))[: cell.images]
    images, labels = data.train_images[order], data.train_labels[order]
    source = float_network(folder, cell.network, cell.seed, images, labels)
    import keras

    keras.utils.set_random_seed(cell.seed)
    test = LabelledSamples(data.test_images, data.test_labels)
    model = keras.models.load_model(source, compile=False)
    real = model.predict(data.test_images, verbose=0).argmax(axis=1)
    start = time.monotonic()
    trained = train(model, cell.bits, images, labels, recipe=cell.recipe())
    after = litert_accuracy(trained.graph, test, lambda what, done, total: None)
    trained.save(folder / f"{'_'.join(map(str, asdict(cell).values()))}.tflite")
    seconds = round(time.monotonic() - start)
    before = float(np.mean(real == data.test_labels))
    return {**asdict(cell), "float": before, "accuracy": after, "seconds": seconds}


def lines_of(file: Path) -> list[dict[str, Any]]:
    """What is known; a line that was cut off is none."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def table(cells: Sequence[Cell], lines: Sequence[dict[str, Any]]) -> str:
    """Means and spreads over seeds of accuracy and of what was lost, in percentage points."""
    rows = [f"{'network':10} {'bits':5} {'variant':18} {'seeds':>5} {'accuracy':>15} {'lost':>13}"]
    kinds = dict.fromkeys(replace(cell, seed=0) for cell in cells)
    for kind in kinds:
        wanted = [asdict(cell) for cell in cells if replace(cell, seed=0) == kind]
        known = [line for line in lines if {key: line[key] for key in wanted[0]} in wanted]
        figures = ""
        if known:
            scores = 100 * np.array([line["accuracy"] for line in known])
            lost = 100 * np.array([line["float"] for line in known]) - scores
            figures = "".join(f" {one.mean():6.2f} ± {one.std():4.2f}" for one in (scores, lost))
        missing = len(wanted) - len(known)
        note = f"  missing: {missing}" if missing else ""
        seeds = f"{len(known)}"
        rows.append(f"{kind.network:10} {kind.bits:5} {kind.variant:18} {seeds:>5}{figures}{note}")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--bits", nargs="+", default=["w4a8", "w4a4", "w3a3", "w2a2"])
    parser.add_argument("--variant", nargs="+", default=["default", "plain"])
    parser.add_argument("--ablation", action="store_true", help="each method left out, or added")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--table", action="store_true", help="train nothing")
    options = parser.parse_args(arguments)
    variants = list(options.variant)
    if options.ablation:
        used = [method.NAME for method in DEFAULT_METHODS]
        variants += [f"-{name}" for name in used]
        variants += [f"+{name}" for name in METHODS if name not in used]
    cells = [
        Cell(*found, options.images, options.epochs)
        for found in itertools.product(options.network, options.bits, variants, options.seeds)
    ]
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "cells.jsonl"
    for cell in () if options.table else cells:
        known = [{key: line.get(key) for key in asdict(cell)} for line in lines_of(file)]
        if asdict(cell) not in known:
            line = json.dumps(trained_cell(options.folder, cell))
            with file.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
            print(line, flush=True)
    print(table(cells, lines_of(file)))


if __name__ == "__main__":
    main()
