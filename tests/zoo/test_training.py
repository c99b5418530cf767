"""Recipes: augmentation, data checks, errors, and one epoch from end to end."""

import itertools
import sys
import zipfile

import numpy as np
import pytest

from edgebottle import zoo
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.zoo import blood_cells, digits, fashion
from edgebottle.zoo.augmentation import Augmentation, augment
from edgebottle.zoo.training import train
from tests.detection.labelled import voc_files, write_archive
from tests.zoo.test_log_mel import tone


def pictures(count=5, height=6, width=7, channels=1):
    shape = (count, height, width, channels)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_default_augmentation_changes_nothing():
    images = pictures()
    assert (augment(images, Augmentation(), np.random.default_rng(0)) == images).all()


def test_flip_mirrors_some_images_and_keeps_the_others():
    images = pictures(count=40)
    flipped = augment(images, Augmentation(flip=True), np.random.default_rng(0))
    same = (flipped == images).all(axis=(1, 2, 3))
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 10 <= same.sum() <= 30


@pytest.mark.parametrize(
    "how",
    [
        Augmentation(degrees=30.0),
        Augmentation(scale=0.3),
        Augmentation(shift=20.0),
        Augmentation(erase=3),
        Augmentation(degrees=10.0, scale=0.1, shift=1.0, flip=True, erase=2),
    ],
    ids=str,
)
def test_augmentation_keeps_shape_type_and_range(how):
    images = pictures(channels=3)
    before = images.copy()
    result = augment(images, how, np.random.default_rng(0))
    assert (images == before).all()
    assert result.shape == images.shape
    assert result.dtype == np.float32
    assert (result != images).any()
    assert result.min() >= 0.0
    assert result.max() <= 1.0 + 1e-6


def test_same_seed_gives_the_same_images():
    how = Augmentation(degrees=10.0, shift=1.0, flip=True, erase=2)
    one, two, other = (augment(pictures(), how, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def write_recordings(path):
    """Of ten digits: one for the test, and twelve to learn from."""
    with zipfile.ZipFile(path, "w") as archive:
        for digit, number in itertools.product(range(10), (0, *range(5, 17))):
            archive.writestr(f"{digit}_tone_{number}.wav", tone(200 * (digit + 1)))


def write_fashion(folder, images, labels):
    for name in ("train30k.npz", "test.npz"):
        np.savez(folder / name, x=images, y=labels)


def test_fashion_reads_a_folder(tmp_path):
    write_fashion(tmp_path, np.full((4, 28, 28), 255, np.uint8), np.arange(4, dtype=np.uint8))
    data = fashion.load_data(tmp_path)
    assert data.train_images.shape == (4, 28, 28, 1)
    assert data.train_images.dtype == np.float32
    assert data.train_images.max() == 1.0
    assert data.test_labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((4, 28, 28), np.float32), np.zeros(4, np.uint8)),
        (np.zeros((4, 28, 27), np.uint8), np.zeros(4, np.uint8)),
        (np.zeros((4, 28, 28), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((4, 28, 28), np.uint8), np.full(4, 10, np.uint8)),
        (np.zeros((4, 28, 28), np.uint8), np.full(4, -1, np.int64)),
        (np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.float32)),
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)),
    ],
    ids=["float", "shape", "count", "label", "negative", "float-label", "empty"],
)
def test_fashion_refuses_other_arrays(tmp_path, images, labels):
    write_fashion(tmp_path, images, labels)
    with pytest.raises(BadInput, match="not Fashion-MNIST"):
        fashion.load_data(tmp_path)


def break_nothing(folder):
    """Leaves the folder without files."""


def break_npz(folder):
    (folder / "train30k.npz").write_bytes(b"PK\x03\x04 not a zip")


def break_pickle(folder):
    np.savez(folder / "train30k.npz", x=np.array([{}], dtype=object), y=np.zeros(1))


def break_keys(folder):
    np.savez(folder / "train30k.npz", a=np.zeros(1))


def break_npy(folder):
    with (folder / "train30k.npz").open("wb") as file:
        np.save(file, np.zeros(3))


@pytest.mark.parametrize(
    "damage",
    [break_nothing, break_npz, break_pickle, break_keys, break_npy],
    ids=lambda damage: damage.__name__,
)
def test_fashion_names_the_file_it_cannot_read(tmp_path, damage):
    damage(tmp_path)
    with pytest.raises(BadInput, match=r"train30k\.npz: cannot be read"):
        fashion.load_data(tmp_path)


def test_digits_takes_no_data(tmp_path):
    with pytest.raises(BadInput, match="takes no data"):
        digits.load_data(tmp_path)


def test_missing_tensorflow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ToolMissing, match=r"pip install 'edgebottle\[train\]'"):
        train("digits", tmp_path / "d.tflite")
    assert not list(tmp_path.iterdir())


def test_missing_scikit_learn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ToolMissing, match=r"pip install 'edgebottle\[train\]'"):
        digits.load_data()


def test_folder_that_cannot_be_written_is_said_before_training(tmp_path):
    with pytest.raises(BadInput, match="cannot write"):
        train("digits", tmp_path / "absent" / "d.tflite")


@pytest.mark.parametrize("name", zoo.NETWORKS)
def test_one_epoch_gives_an_int8_file_of_the_shipped_structure(name, tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow (of the extra train) is not installed")
    pytest.importorskip("sklearn", reason="scikit-learn (of the extra train) is not installed")
    from edgebottle.zoo.training import open_model

    data = None
    if "fashion" in name:
        data = tmp_path
        labels = np.arange(300) % 10
        write_fashion(tmp_path, (pictures(300, 28, 28)[..., 0] * 255).astype(np.uint8), labels)
    elif name == "spoken_digits":
        data = tmp_path
        write_recordings(tmp_path / "recordings.zip")
    elif name == "blood_cells":
        data = tmp_path / "cells.zip"
        labels = blood_cells.HEAD.labels
        write_archive(data, voc_files({"train": 9, "test": 3}, (120, 160), labels))
    seen = []
    trained = train(
        name, tmp_path / "x.tflite", data, progress=lambda *call: seen.append(call), epochs=1
    )
    assert seen[0][:2] == (1, 1)
    assert 0.0 <= trained.accuracy <= 1.0
    assert trained.size == trained.path.stat().st_size
    assert not list(tmp_path.glob("*.partial"))
    assert (tmp_path / "x_samples.npz").is_file() == (zoo.find(name).samples is not None)

    def structure(path):
        interpreter = open_model(path)
        shapes = {t["index"]: tuple(t["shape"]) for t in interpreter.get_tensor_details()}
        return [
            (op["op_name"], [shapes[i] for i in op["inputs"]])
            for op in interpreter._get_ops_details()
        ]

    assert structure(trained.path) == structure(zoo.load(name))
