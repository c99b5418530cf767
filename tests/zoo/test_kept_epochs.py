"""A float training that was stopped between two epochs goes on as if it had not been."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.detection.description import AnchorMap
from edgebottle.detection.voc import BoxedImages
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.kept_epochs import KeptEpochs
from edgebottle.zoo.recipes import Data, Recipe
from quantize.search.architecture import Architecture, ClassHead, DetectionHead, Stem
from quantize.search.blocks import FullConvolution, Residual

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

Told = Callable[[int, int, str], None]

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


def for_classes(told: Told | None, kept: KeptEpochs | None) -> Any:
    from edgebottle.zoo.training import fit

    return fit(RECIPE, data(), 5, told, kept)


def for_boxes(told: Told | None, kept: KeptEpochs | None) -> Any:
    from edgebottle.zoo.detection import DetectionRecipe, fit

    head = DetectionHead(("a",), (AnchorMap(4, ((6, 6),)),))
    architecture = Architecture((16, 20, 1), Stem(4, stride=2), (FullConvolution(4, 2),), head)
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (10, 16, 20, 1), np.uint8)
    truths = tuple(np.array([[32, 16 * n, 128, 96 + 16 * n, 0]], np.int32) for n in range(10))
    train = BoxedImages(images, truths, tuple(map(str, range(10))))
    return fit(DetectionRecipe(architecture, epochs=3, batch_size=4), train, 5, told, kept)


@pytest.mark.parametrize("trained", [for_classes, for_boxes])
def test_a_stopped_training_goes_on(
    trained: Callable[[Told | None, KeptEpochs | None], Any], tmp_path: Path
) -> None:
    whole = [one.numpy() for one in trained(None, None).variables]
    kept, seen, stops = KeptEpochs(tmp_path / "folder" / "epoch.npz"), list[int](), [1, 2]

    def told(done: int, total: int, line: str) -> None:
        seen.append(done)
        if done in stops:
            stops.remove(done)
            raise KeyboardInterrupt

    for _ in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            trained(told, kept)
    model = trained(told, kept)
    assert seen == [1, 2, 3]
    for one, expected in zip(model.variables, whole, strict=True):
        np.testing.assert_array_equal(one.numpy(), expected)


def test_a_damaged_file_costs_its_epochs(tmp_path: Path) -> None:
    kept, seen = KeptEpochs(tmp_path / "epoch.npz"), list[int]()
    whole = for_classes(None, kept)
    kept.path.write_bytes(kept.path.read_bytes()[:99])
    again = for_classes(lambda done, *_: seen.append(done), kept)
    assert seen == [1, 2, 3]
    for one, expected in zip(again.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), expected.numpy())
