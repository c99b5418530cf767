"""Float networks for the comparison of quantizers, trained as those of the zoo are.

``python -m tests.bench.float_networks FOLDER`` needs TensorFlow and Pillow, and takes some minutes.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from edgebottle.zoo import fashion
from edgebottle.zoo.architectures import as_plain, tensorflow
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.recipes import Data, Recipe
from edgebottle.zoo.training import fit
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import InvertedBottleneck

SIGNS_ZIP = "train/sign-language-digits/images.zip"

SIGNS_SIDE = 48
"""Pixels along each side of the photographs of hands."""

SIGNS_RECIPE = Recipe(
    architecture=Architecture(
        (SIGNS_SIDE, SIGNS_SIDE, 3),
        Stem(16, stride=2),
        (
            InvertedBottleneck(16, expand=1),
            InvertedBottleneck(24, stride=2),
            InvertedBottleneck(24),
            InvertedBottleneck(32, stride=2),
            InvertedBottleneck(32),
        ),
        ClassHead(10, channels=96),
    ),
    augmentation=Augmentation(degrees=15.0, scale=0.1, shift=3.0, flip=True),
    epochs=30,
    batch_size=32,
    learning_rate=4e-3,
    weight_decay=0.02,
)

FASHION_EPOCHS = 8
"""A third of the zoo's: what quantizing loses shows as well."""


def signs_data(shared: Path) -> Data:
    """The hands: every fifth file of each class by name is for testing."""
    from PIL import Image

    images: dict[bool, list[np.ndarray]] = {True: [], False: []}
    labels: dict[bool, list[int]] = {True: [], False: []}
    with zipfile.ZipFile(shared / SIGNS_ZIP) as archive:
        for digit in range(10):
            names = [name for name in archive.namelist() if name.startswith(f"Dataset/{digit}/")]
            for number, name in enumerate(sorted(n for n in names if n.endswith("JPG"))):
                picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
                picture = picture.resize((SIGNS_SIDE, SIGNS_SIDE), Image.Resampling.BILINEAR)
                is_test = number % 5 == 0
                images[is_test].append(np.asarray(picture))
                labels[is_test].append(digit)
    pixels = {key: np.stack(each).astype(np.float32) / 255 for key, each in images.items()}
    classes = {key: np.array(each, np.int64) for key, each in labels.items()}
    return Data(pixels[False], classes[False], pixels[True], classes[True])


def train_float(recipe: Recipe, data: Data, path: Path, seed: int = 0) -> None:
    """Trains a network and writes it as a float ``.tflite``, batch 1."""
    tf = tensorflow()
    model = fit(recipe, data, seed, lambda done, total, line: print(done, total, line, flush=True))
    fixed = as_plain(model, recipe, batch=1)
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(fixed).convert())


def main(folder: Path, shared: Path) -> None:
    """Writes ``fashion_float.tflite``, ``signs_float.tflite`` and ``signs.npz`` to ``folder``."""
    from dataclasses import replace

    folder.mkdir(parents=True, exist_ok=True)
    signs = signs_data(shared)
    np.savez_compressed(
        folder / "signs.npz",
        train_x=signs.train_images,
        train_y=signs.train_labels,
        test_x=signs.test_images,
        test_y=signs.test_labels,
    )
    train_float(SIGNS_RECIPE, signs, folder / "signs_float.tflite")
    recipe = replace(fashion.RECIPE, epochs=FASHION_EPOCHS)
    data = fashion.load_data(shared / "train/fashion-mnist")
    train_float(recipe, data, folder / "fashion_float.tflite")


if __name__ == "__main__":
    from tests.conftest import SHARED

    main(Path(sys.argv[1]), SHARED)
