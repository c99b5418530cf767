"""Samples on which searches are compared, as files that ``search.toml`` names."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.zoo import digits, fashion, spoken_digits
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.recipes import Data
from tests.conftest import SHARED

FOLDS = 5
"""Of the sign language digits, which have no test samples of their own."""

SIGN_SIDE = 96
"""Pixels; the photographs have 100."""


@dataclass(frozen=True)
class SearchCase:
    """Samples and how they are trained with.

    Attributes:
        data: Loads them, given the seed of the comparison.
        augmentation: Random changes of images.
        epochs: Of every final training.
    """

    data: Callable[[int], Data]
    augmentation: Augmentation
    epochs: int


def signs(seed: int) -> Data:
    """Photographs of hands in colour; the seed says which fold is the test."""
    from PIL import Image

    parts: dict[bool, list[tuple[Array, int]]] = {True: [], False: []}
    with zipfile.ZipFile(SHARED / "train" / "sign-language-digits" / "images.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".JPG"))
        for number, name in enumerate(names):
            with Image.open(io.BytesIO(archive.read(name))) as image:
                small = image.convert("RGB").resize((SIGN_SIDE, SIGN_SIDE))
            pixels = np.asarray(small, np.float32) / np.float32(255)
            parts[number % FOLDS == seed % FOLDS].append((pixels, int(Path(name).parent.name)))
    arrays = {key: tuple(zip(*each, strict=True)) for key, each in parts.items()}
    (train, train_labels), (test, test_labels) = arrays[False], arrays[True]
    return Data(np.stack(train), np.array(train_labels), np.stack(test), np.array(test_labels))


CASES: Mapping[str, SearchCase] = {
    "fashion": SearchCase(
        lambda seed: fashion.load_data(SHARED / "train" / "fashion-mnist"),
        fashion.RECIPE.augmentation,
        fashion.RECIPE.epochs,
    ),
    "signs": SearchCase(signs, Augmentation(degrees=10.0, scale=0.1, shift=6.0), 60),
    "speech": SearchCase(
        lambda seed: spoken_digits.load_data(SHARED / "train" / "fsdd"),
        spoken_digits.RECIPE.augmentation,
        spoken_digits.RECIPE.epochs,
    ),
    "digits": SearchCase(lambda seed: digits.load_data(), digits.RECIPE.augmentation, 60),
}


def some_of(data: Data, count: int | None) -> Data:
    """Samples of both parts in a random order, as many of each at most; None for all."""
    learned, test = (
        np.random.default_rng(0).permutation(len(labels))[:count]
        for labels in (data.train_labels, data.test_labels)
    )
    return Data(
        *(data.train_images[learned], data.train_labels[learned]),
        *(data.test_images[test], data.test_labels[test]),
    )


def files(folder: Path, name: str, seed: int, samples: int | None) -> tuple[Path, Path]:
    """The files to learn from and to test with, written once.

    Args:
        folder: Where they are kept.
        name: Of ``CASES``.
        seed: Of the comparison.
        samples: As many of each at most, for a trial of the command; None for all.
    """
    fold = seed % FOLDS if name == "signs" else 0
    target = folder / f"{name}-{fold}{f'-{samples}' if samples else ''}"
    train, test = target / "train.npz", target / "test.npz"
    if not test.exists():
        data = some_of(CASES[name].data(seed), samples)
        target.mkdir(parents=True, exist_ok=True)
        pairs = (
            (train, data.train_images, data.train_labels),
            (test, data.test_images, data.test_labels),
        )
        for path, images, labels in pairs:
            partial = path.with_suffix(f".{os.getpid()}.npz")  # others may write it as well
            np.savez(partial, x=images, y=labels)
            partial.replace(path)
    return train, test
