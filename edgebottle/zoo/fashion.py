"""Recipe of ``fashion``: the 28x28 pictures of clothing of Fashion-MNIST (Zalando SE, MIT)."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.zoo.architectures import tensorflow
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.recipes import Data, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import InvertedBottleneck

RECIPE = Recipe(
    architecture=Architecture(
        (28, 28, 1),
        Stem(32, stride=2),
        (
            InvertedBottleneck(16, expand=1),
            InvertedBottleneck(40, stride=2),
            InvertedBottleneck(40),
            InvertedBottleneck(40),
            InvertedBottleneck(40),
            InvertedBottleneck(56),
        ),
        ClassHead(10, channels=192),
    ),
    augmentation=Augmentation(scale=0.05, shift=1.5, flip=True, erase=6),
    epochs=24,
    batch_size=128,
    learning_rate=4e-3,
    weight_decay=0.02,
)

TRAIN_IMAGES = 30_000
"""Of the 60,000 that Keras downloads, as many as ``train30k.npz`` has."""

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "train" / "fashion-mnist"


def load_data(data: Path | None = None) -> Data:
    """Returns Fashion-MNIST: 30,000 images for training, 10,000 for testing.

    Args:
        data: a folder with ``train30k.npz`` and ``test.npz`` (each with ``x``, uint8 of shape
            (n, 28, 28), and ``y``, labels 0..9). None looks in ``shared/data/train/fashion-mnist``
            beside the checkout, then lets Keras download the images.

    Raises:
        BadInput: the files are missing or hold something else, or the download failed.
        ToolMissing: TensorFlow is not installed and a download would be needed.
    """
    if data is None and not _SHARED.is_dir():
        train, test = _download()
    else:
        folder = data or _SHARED
        train, test = _read(folder / "train30k.npz"), _read(folder / "test.npz")
    train_images, train_labels = _check(*train, "training images")
    test_images, test_labels = _check(*test, "test images")
    return Data(train_images, train_labels, test_images, test_labels)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path) as arrays:
            return arrays["x"], arrays["y"]
    except (OSError, LookupError, TypeError, ValueError, BadZipFile) as error:
        raise BadInput(
            f"{path}: cannot be read as Fashion-MNIST ({error}); "
            "an .npz with the arrays x (n, 28, 28) and y (n) is needed"
        ) from error


def _download() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    keras = tensorflow().keras
    try:
        (images, labels), test = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # whatever the network layer below Keras raises
        raise BadInput(
            "Fashion-MNIST is not here and could not be downloaded; "
            f"give its folder with --data ({error})"
        ) from error
    return (images[:TRAIN_IMAGES], labels[:TRAIN_IMAGES]), test


def _check(images: np.ndarray, labels: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Checks shapes and ranges and scales the pixels to 0..1."""
    fits = images.ndim == 3 and images.shape[1:] == (28, 28) and images.dtype == np.uint8
    fits &= labels.shape == images.shape[:1] and labels.dtype.kind in "iu" and labels.size > 0
    if not fits or labels.min() < 0 or labels.max() > 9:
        raise BadInput(
            f"the {what} are not Fashion-MNIST: {images.dtype}{images.shape} "
            f"with labels {labels.shape}, needed are uint8 (n, 28, 28) and labels 0..9 (n)"
        )
    return (images / np.float32(255.0)).astype(np.float32)[..., None], labels.astype(np.int64)
