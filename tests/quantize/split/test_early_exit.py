"""Early exits: what is learned, how sure it is, and that the file does what the report says."""

from __future__ import annotations

import numpy as np
import pytest

from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile
from edgebottle.split.head import EarlyExit
from edgebottle.split_exit import with_exit
from quantize.lowbit.samples import LabelledSamples
from quantize.post.affine import quantized
from quantize.split.early_exit import (
    calibration_error,
    fitted_temperature,
    learned_exit,
    softmax,
    sure_enough,
)
from quantize.split.report import ExitReport
from tests.split.split_networks import samples, untrained_split


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_temperature_makes_confidence_honest(factor: float) -> None:
    """Labels are drawn with the probabilities of logits, which are then made too bold or timid."""
    random = np.random.default_rng(0)
    honest = 2 * random.standard_normal((4000, 5))
    probabilities = softmax(honest)
    labels = (probabilities.cumsum(axis=1) < random.random((4000, 1))).sum(axis=1).clip(max=4)
    temperature = fitted_temperature(factor * honest, labels)
    assert temperature == pytest.approx(factor, rel=0.1)
    found = softmax(factor * honest / temperature)
    error = calibration_error(found.max(axis=1), found.argmax(axis=1) == labels)
    assert error < 0.03
    if factor != 1.0:
        bold = softmax(factor * honest)
        assert error < calibration_error(bold.max(axis=1), bold.argmax(axis=1) == labels) / 2


CONFIDENCES = np.array([0.3, 0.5, 0.5, 0.7, 0.9, 0.9])
SURE = [
    ([0, 1, 1, 1, 1, 1], 0.9, 0.5),
    ([0, 1, 1, 1, 1, 1], 0.8, 0.3),
    ([1, 0, 1, 1, 1, 1], 1.0, 0.7),
    ([0, 0, 0, 0, 1, 1], 1.0, 0.9),
    ([1, 1, 1, 1, 1, 0], 0.9, None),
]


@pytest.mark.parametrize(("right", "wanted", "expected"), SURE)
def test_threshold(right: list[int], wanted: float, expected: float | None) -> None:
    assert sure_enough(CONFIDENCES, np.array(right, bool), wanted) == expected


def test_what_can_be_learned_is_learned() -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, 4, (600, 12)).astype(float)
    labels = (values @ random.standard_normal((12, 3))).argmax(axis=1)
    found = learned_exit(values[:400], labels[:400], values[400:], labels[400:], 3)
    assert (found.logits(values[400:]).argmax(axis=1) == labels[400:]).mean() > 0.9


def labelled(count: int, seed: int) -> LabelledSamples:
    """Images with the class that the whole network says, half of the time another."""
    file, stored = untrained_split(), samples(count, seed)
    quant = file.graph.tensors[file.graph.inputs[0]].quant
    assert quant is not None
    whole = LiteRTModel(file.data)
    labels = np.array([whole.run([image[None]])[0].argmax() for image in stored])
    dark = stored.mean(axis=(1, 2, 3)) < 0
    labels[dark] = np.random.default_rng(seed).integers(0, 5, dark.sum())
    values = (stored.astype(np.float32) - quant.zero_point[0]) * np.float32(quant.scale[0])
    return LabelledSamples(values, labels)


def added(wanted: float) -> tuple[SplitFile, ExitReport, LabelledSamples]:
    parts = (labelled(300, 1), labelled(150, 2), labelled(150, 3))
    file, report = with_exit(untrained_split(), *parts, wanted, lambda *what: None)
    return file, report, parts[2]


def test_file_does_what_the_report_says() -> None:
    file, report, test = added(0.75)
    assert report.chosen_accuracy >= 0.75
    assert 0.05 < report.share < 1
    assert (file.split.exit_share, file.split.exit_accuracy) == (report.share, report.accuracy)
    assert file.split.threshold == report.threshold
    known = EarlyExit.of(file.graph, file.split)
    quant = file.graph.tensors[file.graph.inputs[0]].quant
    assert known is not None and quant is not None
    whole, head = LiteRTModel(file.data), LiteRTModel(file.head)
    answers, right = [], []
    for value, label in zip(test.values, test.labels, strict=True):
        image = quantized(value[None], quant)
        result, leaving = whole.run([image])
        assert np.array_equal(leaving, head.run([image])[1])
        found = known.answer(leaving)
        answers.append(found is not None)
        right.append((result.argmax() if found is None else found) == label)
    assert report.share == np.mean(answers)
    assert report.accuracy == np.array(right)[answers].mean()
    assert report.accuracy_with == np.mean(right)
    assert report.bytes_with < 20 + file.split.code.packed_bytes(3)
    # Everything else is as it was.
    assert file.tail == untrained_split().tail


def test_where_nothing_is_sure_there_is_no_exit() -> None:
    guessed = [
        LabelledSamples(one.values, np.arange(len(one)) % 5)
        for one in (labelled(60, 1), labelled(60, 2), labelled(20, 3))
    ]
    before = untrained_split()
    file, report = with_exit(before, *guessed, 0.999, lambda *what: None)
    assert file is before
    assert report.threshold is None
