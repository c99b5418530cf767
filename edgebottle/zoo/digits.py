"""Recipe of ``digits``: the 8x8 handwritten digits that scikit-learn brings along."""

from pathlib import Path

import numpy as np

from edgebottle.errors import BadInput, ToolMissing
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.recipes import Data, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import InvertedBottleneck

RECIPE = Recipe(
    architecture=Architecture(
        (8, 8, 1),
        Stem(8),
        (
            InvertedBottleneck(8, expand=3),
            InvertedBottleneck(16, stride=2),
            InvertedBottleneck(16),
            InvertedBottleneck(24),
            InvertedBottleneck(24),
        ),
        ClassHead(10, channels=64),
    ),
    augmentation=Augmentation(degrees=10.0, scale=0.1, shift=0.7),
    epochs=100,
    batch_size=64,
    learning_rate=4e-3,
    samples_per_class=6,
)


def load_data(data: Path | None = None) -> Data:
    """Returns the digits: 1347 for training, 450 for testing, the same split every time.

    Args:
        data: must be None, the digits are part of scikit-learn.

    Raises:
        BadInput: ``data`` is given.
        ToolMissing: scikit-learn is not installed.
    """
    if data is not None:
        raise BadInput("digits takes no data: its images are part of scikit-learn")
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ToolMissing(
            "the digits are part of scikit-learn, which is not installed: "
            "pip install 'edgebottle[train]'"
        ) from error
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[..., None]
    labels = digits.target.astype(np.int64)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=0
    )
    return Data(train_images, train_labels, test_images, test_labels)
