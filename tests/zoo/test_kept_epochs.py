"""A float training that was stopped between two epochs goes on as if it had not been."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.kept_epochs import KeptEpochs
from edgebottle.zoo.recipes import Data, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Residual

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

RECIPE = Recipe(
    architecture=Architecture((8, 8, 1), Stem(4), (Residual(4),), ClassHead(3)),
    augmentation=Augmentation(shift=1.0, flip=True),
    epochs=3,
    batch_size=16,
    learning_rate=1e-2,
    weight_decay=0.02,
)


def data() -> Data:
    random = np.random.default_rng(1)
    images = random.random((40, 8, 8, 1), np.float32)
    return Data(images, np.arange(40) % 3, images[:0], np.arange(0))


def test_a_stopped_training_goes_on(tmp_path: Path) -> None:
    from edgebottle.zoo.training import fit

    whole = [one.numpy() for one in fit(RECIPE, data(), seed=5).variables]
    kept, seen = KeptEpochs(tmp_path / "folder" / "epoch.npz"), []

    def told(done: int, total: int, line: str) -> None:
        seen.append(done)
        if done in stops:
            stops.remove(done)
            raise KeyboardInterrupt

    stops = [1, 2]
    for _ in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            fit(RECIPE, data(), 5, told, kept)
    model = fit(RECIPE, data(), 5, told, kept)
    assert seen == [1, 2, 3]
    for one, expected in zip(model.variables, whole, strict=True):
        np.testing.assert_array_equal(one.numpy(), expected)
    assert fit(RECIPE, data(), 5, told, kept) is not None and seen == [1, 2, 3]

    kept.path.write_bytes(kept.path.read_bytes()[:99])
    again = fit(RECIPE, data(), 5, told, kept)
    assert seen == [1, 2, 3, 1, 2, 3], "a damaged file costs its epochs"
    for one, expected in zip(again.variables, whole, strict=True):
        np.testing.assert_array_equal(one.numpy(), expected)
