"""Candidates that are trained for a while each, most of them not to the end."""

import importlib.util
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.search.settings import SearchSettings, TrainingBudget
from edgebottle.search.short_training import goes_on, rungs
from quantize.search.space import Candidate, Space

trains = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

SPACE = Space(
    classes=2,
    shapes=((8, 8, 1),),
    stem_channels=(4, 8),
    stages=1,
    kinds=("inverted", "full"),
    depths=(0, 1),
    channels=(4, 8),
    head_channels=(0,),
    bits=("w8a8", "w4a4"),
)


@pytest.mark.parametrize(
    ("epochs", "found"),
    [(1, (1,)), (3, (1, 3)), (4, (1, 2, 4)), (8, (1, 2, 4, 8)), (20, (2, 5, 10, 20))],
)
def test_trainings_of_a_candidate(epochs: int, found: tuple[int, ...]) -> None:
    assert rungs(epochs) == found


@pytest.mark.parametrize(
    ("accuracy", "others", "found"),
    [
        (0.1, [0.5, 0.6], True),
        (0.1, [0.5, 0.6, 0.7], False),
        (0.6, [0.5, 0.6, 0.7], True),
        (0.55, [0.5, 0.6, 0.7], False),
        (0.7, [0.5, 0.6, 0.7], True),
        (0.55, [0.5, 0.6, 0.7, 0.4], True),
    ],
)
def test_the_better_half_goes_on(accuracy: float, others: list[float], found: bool) -> None:
    assert goes_on(accuracy, others) is found


@pytest.fixture
def settings(tmp_path: Path) -> SearchSettings:
    """Bright images and dark ones."""
    labels = np.arange(900) % 2
    images = np.random.default_rng(0).random((900, 8, 8, 1), np.float32) * 0.4
    np.savez(tmp_path / "light.npz", x=images + 0.5 * labels[:, None, None, None], y=labels)
    return SearchSettings(
        *("light", "light.npz", "nucleo_l4r5zi", "short-training", SPACE),
        training=TrainingBudget(epochs=3),
        path=tmp_path / "search.toml",
    )


def drawn(bits: str) -> Candidate:
    generator = random.Random(1)
    found = (SPACE.candidate(SPACE.drawn(generator)) for _ in range(100))
    return next(one for one in found if str(one.bits) == bits)


@trains
def test_what_is_trained_is_kept(settings: SearchSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgebottle.search import short_training

    evaluator = short_training.ShortTraining(settings, lambda what, done, total: None)
    candidates = [drawn("w8a8"), drawn("w4a4")]
    found = [evaluator.accuracy(one) for one in candidates]
    assert all(0 <= one <= 1 for one in found) and max(found) > 0.8
    kept = settings.beside("short.jsonl")
    lines = [json.loads(line) for line in filter(None, kept.read_text().splitlines())]
    assert [line["training"]["epochs"] for line in lines] == [1, 3, 1, 3]
    assert [line["accuracy"] for line in lines][1::2] == found

    # A line that was cut off is trained once more, whatever else is known is not.
    kept.write_text(kept.read_text()[:-20])
    trained = short_training.float_model
    calls = []
    monkeypatch.setattr(
        short_training, "float_model", lambda *rest: calls.append(rest) or trained(*rest)
    )
    again = short_training.ShortTraining(settings, lambda what, done, total: None)
    assert [again.accuracy(one) for one in candidates] == found
    assert len(calls) == 1
    assert [again.accuracy(one) for one in candidates] == found and len(calls) == 1

    # With fewer samples it is another training; nothing of the old one is believed. As many as are
    # learned from serve for comparing, beside those that are set apart.
    compared = []
    accuracy = short_training.float_accuracy
    monkeypatch.setattr(
        short_training,
        "float_accuracy",
        lambda model, samples: compared.append(len(samples)) or accuracy(model, samples),
    )
    fewer = replace(settings, training=replace(settings.training, samples=300))
    short_training.ShortTraining(fewer, lambda what, done, total: None).accuracy(candidates[0])
    assert [len(one[1].learned) for one in calls] == [729, 300, 300]
    assert {len(one[1].chosen) for one in calls} == {81} and compared == [381, 381]

    kept.write_text("[]\n")
    with pytest.raises(BadInput, match=r"short\.jsonl, line 1: is nothing that a search wrote"):
        again.accuracy(candidates[0])
