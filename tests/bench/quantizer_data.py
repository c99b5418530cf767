"""Float networks and samples on which quantizers are compared."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.conversion import read_model
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.graph import Array
from edgebottle.passes.float_weights import float_weights
from edgebottle.zoo.log_mel import LogMel, read_wav

CALIBRATION = 512

TINY = "models/mlperf-tiny"

KWS_INPUT = (0.5847029089927673, 83)
"""Scale and zero point of the int8 file's input, in which the samples are stored."""

KWS_PARTS = (256, 144)
"""Recordings for calibration and for validation; the other 600 of 1,000 are for testing."""

SHIFTS = (-1, 0, 1)
"""Frames by which a recording begins later: the features of 20 ms."""

SIDE, CROP = 96, 88
"""Pixels along each side of a photograph, and of a part of it that is shown in its place."""

VWW_PARTS = (64, 20)
"""Photographs for calibration and for validation; the other 180 of 264 are for testing."""

IC_PARTS = (128, 16)
"""The same where nothing is labelled; 120 are for testing."""

IC_SIDE, IC_VIEWS = 32, 5
"""Pixels along each side of what is classified, and parts of each photograph."""

VALIDATION = 1000
"""Samples for validation where there are thousands."""

AD_FEATURES, FRAMES = LogMel(rate=16_000, window=1024, hop=512, mels=128), 5
"""The features of the anomaly detector, and how many frames of them it looks at."""


@dataclass(frozen=True)
class Part:
    """Samples that serve one purpose.

    Attributes:
        values: Real inputs, without the batch axis.
        labels: Their classes, None where nobody knows them.
        origin: The recording or photograph that each is a view of: those of one are alike.
    """

    values: Array
    labels: Array | None
    origin: Array


@dataclass(frozen=True)
class Case:
    """A float network and its data: no recording or photograph is in two parts.

    Attributes:
        name: Short name.
        float_bytes: The float ``.tflite``.
        calibration: Real inputs, without the batch axis.
        validation: By this whoever works on the quantizer chooses.
        test: Looked at once.
        note: What is to be known of the data.
    """

    name: str
    float_bytes: bytes
    calibration: Array
    validation: Part
    test: Part
    note: str


def _parted(count: int, sizes: tuple[int, int]) -> list[Array]:
    """Numbers of calibration, validation and test, in random order."""
    first, second = sizes
    return np.split(np.random.default_rng(0).permutation(count), [first, first + second])


def _views(
    values: Array, labels: Array | None, which: Array, views: Callable[[Array], Sequence[Array]]
) -> Part:
    """All views of some samples."""
    each = [views(values[index]) for index in which]
    origin = np.repeat(which, [len(few) for few in each])
    known = None if labels is None else labels[origin]
    return Part(np.stack([view for few in each for view in few]), known, origin)


def kws(shared: Path) -> Case:
    stored = (shared / TINY / "kws_ref_model_float32.tflite").read_bytes()
    network = write_tflite(float_weights(load_tflite(stored, "kws")))
    with np.load(shared / "eval/kws01.npz") as arrays:
        scale, zero_point = KWS_INPUT
        x = ((arrays["x"].astype(np.float32) - zero_point) * np.float32(scale)).astype(np.float32)
        y = arrays["y"]
    x = x.reshape(-1, 49, 10, 1)
    few, some, rest = _parted(len(x), KWS_PARTS)
    calibration = _views(x, y, few, lambda one: [one, _later(one, 1)])
    validation, test = (
        _views(x, y, which, lambda one: [_later(one, by) for by in SHIFTS])
        for which in (some, rest)
    )
    note = (
        f"kws01.npz: {len(few)} recordings calibrate, {len(some)} are for validation; each "
        f"{len(SHIFTS)} times, shifted by a frame; the weights of the float file had been int8"
    )
    return Case("kws", network, calibration.values, validation, test, note)


def _later(features: Array, frames: int) -> Array:
    """The same recording so many frames later (earlier); the frame at its end stays."""
    places = np.clip(np.arange(len(features)) + frames, 0, len(features) - 1)
    return features[places]


def _photographs(shared: Path) -> tuple[Array, Array]:
    with np.load(shared / "eval/vww01_cc264.npz") as arrays:
        return arrays["x"].astype(np.float32), arrays["y"]


def vww(shared: Path) -> Case:
    """Each photograph whole, and its middle, and both mirrored."""
    x, y = _photographs(shared)
    x = x / 255
    few, some, rest = _parted(len(x), VWW_PARTS)
    random = np.random.default_rng(1)
    calibration = [_any_crop(x[random.choice(few)], random) for _ in range(CALIBRATION)]
    validation, test = (_views(x, y, which, _crops) for which in (some, rest))
    network = _converted(shared / TINY / "vww_96.h5")
    note = (
        f"vww01_cc264.npz: crops of {len(few)} photographs calibrate, {len(some)} photographs are "
        "for validation; each in 4 views"
    )
    return Case("vww", network, np.stack(calibration), validation, test, note)


def _crops(image: Array) -> list[Array]:
    middle = (SIDE - CROP) // 2
    views = [image, _crop(image, middle, middle, CROP, SIDE)]
    return [*views, *(view[:, ::-1] for view in views)]


def _any_crop(image: Array, random: np.random.Generator) -> Array:
    top, left = random.integers(0, SIDE - CROP + 1, 2)
    view = _crop(image, top, left, CROP, SIDE)
    return view[:, ::-1] if random.integers(2) else view


def _crop(image: Array, top: int, left: int, size: int, side: int) -> Array:
    """A square of a photograph, scaled to ``side``: the means of what a pixel covers."""
    part = image[top : top + size, left : left + size]
    places = (np.arange(4 * side) + 0.5) * size / (4 * side)
    near = places.astype(int)
    fine = part[near][:, near]
    return np.asarray(fine.reshape(side, 4, side, 4, -1).mean(axis=(1, 3)), np.float32)


def ic(shared: Path) -> Case:
    """Parts of photographs of VWW at 32x32: CIFAR-10 is not here, so no label is right."""
    x, _ = _photographs(shared)
    random = np.random.default_rng(1)
    parts = []
    for which in _parted(len(x), IC_PARTS):
        parts.append(
            _views(x, None, which, lambda one: [_thing(one, random) for _ in range(IC_VIEWS)])
        )
    calibration, validation, test = parts
    network = _converted(shared / TINY / "pretrainedResnet.h5")
    note = "parts of VWW photographs, for CIFAR-10 is not here: no labels"
    return Case("ic", network, calibration.values[:CALIBRATION], validation, test, note)


def _thing(image: Array, random: np.random.Generator) -> Array:
    """A part of a photograph in which a thing may fill the square, as in CIFAR-10."""
    size = int(random.integers(SIDE // 2, SIDE + 1))
    top, left = random.integers(0, SIDE - size + 1, 2)
    return _crop(image, top, left, size, IC_SIDE)


def ad(shared: Path) -> Case:
    """Log mel energies of spoken digits: the sounds of machines are not here."""
    rows = _log_mels(shared / "train/fsdd/recordings.zip")
    few, some, rest = _parted(len(rows), (CALIBRATION, 200))
    validation, test = (
        _views(rows, None, which, lambda one: [one]) for which in (some, rest[:VALIDATION])
    )
    network = _converted(shared / TINY / "ad01.h5")
    note = "log mel energies of spoken digits, for the sounds of machines are not here: no labels"
    return Case("ad", network, rows[few], validation, test, note)


def _converted(path: Path) -> bytes:
    """The float ``.tflite`` of a Keras file."""
    return read_model(path, lambda what, done, total: None).data


def _log_mels(path: Path) -> Array:
    rows = []
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        for name in names[::3]:
            mels = AD_FEATURES.energies(
                read_wav(archive.read(name), AD_FEATURES.rate, name), FRAMES
            )
            for start in range(0, len(mels) - FRAMES + 1, FRAMES):
                rows.append(mels[start : start + FRAMES].ravel())
    return np.stack(rows).astype(np.float32)


def signs(shared: Path, floats: Path) -> Case:
    with np.load(floats / "signs.npz") as arrays:
        train, labels = arrays["train_x"], arrays["train_y"]
        images, classes = arrays["test_x"], arrays["test_y"]
    few, some, _ = _parted(len(train), (CALIBRATION, VALIDATION))
    validation = _views(train, labels, some, lambda one: [one])
    every = np.arange(len(images))
    test = _views(images, classes, every, lambda one: [one, one[:, ::-1]])
    network = (floats / "signs_float.tflite").read_bytes()
    note = "every fifth file is for testing, mirrored as well; validation was trained with"
    return Case("signs", network, train[few], validation, test, note)


def fashion(shared: Path, floats: Path) -> Case:
    from edgebottle.zoo.fashion import load_data

    data = load_data(shared / "train/fashion-mnist")
    few, some, _ = _parted(len(data.train_images), (CALIBRATION, VALIDATION))
    validation = _views(data.train_images, data.train_labels, some, lambda one: [one])
    test = Part(data.test_images, data.test_labels, np.arange(len(data.test_images)))
    network = (floats / "fashion_float.tflite").read_bytes()
    note = "the test images; validation was trained with"
    return Case("fashion", network, data.train_images[few], validation, test, note)


CASES: dict[str, Callable[[Path, Path], Case]] = {
    "kws": lambda shared, floats: kws(shared),
    "vww": lambda shared, floats: vww(shared),
    "ic": lambda shared, floats: ic(shared),
    "ad": lambda shared, floats: ad(shared),
    "signs": signs,
    "fashion": fashion,
}
