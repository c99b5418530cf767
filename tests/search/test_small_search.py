"""A whole search, small: digits, candidates trained for a few epochs, the best taken to the end."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from edgebottle.search.candidate_training import CandidateTraining, search_data, train_candidate
from edgebottle.search.settings import (
    SHORT_TRAINING,
    SearchBudget,
    SearchSettings,
    TrainingBudget,
    read_settings,
)
from edgebottle.search.settings_text import settings_text
from edgebottle.search.sharing import workplace
from edgebottle.search.study import SearchStudy
from edgebottle.search.trials import Outcome
from edgebottle.training import LabelledSamples, litert_accuracy
from edgebottle.zoo import digits
from edgebottle.zoo.augmentation import Augmentation
from quantize.search.space import Space
from tests.cli.command_line import edgebottle

pytest.importorskip("optuna")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

EPOCHS = 8
"""Of the final training; after twenty nearly all of the candidates know the digits as well."""

SPACE = Space(
    classes=10,
    shapes=((8, 8, 1),),
    stem_channels=(4, 8, 16),
    stem_sizes=(3,),
    stem_strides=(1,),
    stages=2,
    kinds=("inverted", "full"),
    depths=(0, 1),
    channels=(8, 16, 24),
    expands=(1, 3),
    sizes=(3,),
    starts=(0,),
    head_channels=(0, 32),
    schedules=("layers", "min-ram"),
)
SETTINGS = SearchSettings(
    *("small", "train.npz", "nucleo_l4r5zi", SHORT_TRAINING, SPACE),
    SearchBudget(ram=5_400, ms=1.5),
    test="test.npz",
    objectives=(),
    trials=8,
    training=TrainingBudget(4, EPOCHS, Augmentation(shift=0.5)),
)


def test_what_is_found_is_worth_the_search(tmp_path: Path) -> None:
    """The best of eight is better than the middle one of them, both trained to the end."""
    data = digits.load_data()
    np.savez(tmp_path / "train.npz", x=data.train_images, y=data.train_labels)
    np.savez(tmp_path / "test.npz", x=data.test_images, y=data.test_labels)
    path = tmp_path / "search.toml"
    path.write_text(settings_text(SETTINGS))
    report = edgebottle("search", "run", "--json", cwd=tmp_path).json()
    assert report["outcomes"]["assessed"] == SETTINGS.trials
    taken = edgebottle("search", "take", "--json", cwd=tmp_path).json()
    assert taken["excess"] == {} and taken["ram"] <= 5_400 and taken["ms"] <= 1.5
    assert taken["tested"] == len(data.test_labels) and taken["accuracy"] > 0.8

    settings = read_settings(path)
    with workplace(settings.place, settings.name) as place:
        trials = SearchStudy(settings, place, create=False).trials()
    assessed = [one for one in trials if one.result.outcome is Outcome.ASSESSED]
    assessed.sort(key=lambda one: one.accuracy)
    middle = assessed[(len(assessed) - 1) // 2]
    training = CandidateTraining(EPOCHS, 0, SETTINGS.training.augmentation)
    graph = train_candidate(middle.candidate, search_data(settings), training)
    test = LabelledSamples(data.test_images, data.test_labels)
    assert taken["accuracy"] > litert_accuracy(graph, test, lambda *_: None)
