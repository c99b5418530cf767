"""Recipe of ``spoken_digits``: log mel energies of the Free Spoken Digit Dataset (CC BY-SA 4.0).

Recordings 0 to 4 of each speaker and digit are for testing, as its authors say.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.zoo.augmentation import Augmentation, Floats
from edgebottle.zoo.log_mel import LogMel, read_wav
from edgebottle.zoo.recipes import Data, FewBits, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Separable

FEATURES = LogMel(rate=8000, window=256, hop=160, mels=32)
FRAMES = 48
"""Of 20 ms: nearly a second; a longer recording loses its end."""

RECIPE = Recipe(
    architecture=Architecture(
        (FRAMES, FEATURES.mels, 1),
        Stem(32, size=5, stride=2),
        (Separable(48), Separable(48, stride=2), Separable(64)),
        ClassHead(10),
    ),
    augmentation=Augmentation(shift=4.0, scale=0.05, erase=6),
    epochs=60,
    batch_size=64,
    learning_rate=4e-3,
    weight_decay=0.02,
    few_bits=FewBits("w4a4", epochs=40),
)

QUIETEST, LOUDEST = -90.0, 10.0
"""Decibels that become 0 and 1."""

TEST_RECORDINGS = 5

_NAME = re.compile(r"(?:^|/)(\d)_(\w+)_(\d+)\.wav$")
_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "train" / "fsdd"


def load_data(data: Path | None = None) -> Data:
    """Returns 2,700 recordings for training and 300 for testing, (n, 48, 32, 1), in 0..1.

    Args:
        data: a folder with ``recordings.zip`` (``<digit>_<speaker>_<index>.wav``, 8 kHz). None
            looks in ``shared/data/train/fsdd`` beside the checkout.

    Raises:
        BadInput: there is no such file, or it holds something else.
    """
    path = (data or _SHARED) / "recordings.zip"
    parts: dict[bool, list[tuple[Floats, int]]] = {True: [], False: []}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                found = _NAME.search(name)
                if found is not None:
                    sound = read_wav(archive.read(name), FEATURES.rate, f"{path}: {name}")
                    is_test = int(found[3]) < TEST_RECORDINGS
                    parts[is_test].append((features(sound), int(found[1])))
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{path}: cannot be read ({error}); give the folder of the Free Spoken Digit Dataset's "
            "recordings.zip with --data"
        ) from error
    if not all(parts.values()):
        raise BadInput(f"{path} has no recordings named <digit>_<speaker>_<index>.wav")
    arrays = {key: tuple(zip(*each, strict=True)) for key, each in parts.items()}
    (train, train_labels), (test, test_labels) = arrays[False], arrays[True]
    return Data(
        np.stack(train), np.array(train_labels, np.int64),
        np.stack(test), np.array(test_labels, np.int64),
    )  # fmt: skip


def features(sound: np.ndarray) -> Floats:
    """What the network looks at: (48, 32, 1), 0 .. 1."""
    energies = FEATURES.energies(sound, FRAMES)[:FRAMES]
    scaled = np.clip((energies - QUIETEST) / (LOUDEST - QUIETEST), 0, 1)
    return np.asarray(scaled, np.float32)[..., None]
