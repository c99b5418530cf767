"""One candidate is trained, by the samples that it may see and by no others."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.passes import optimise
from edgebottle.search.candidate_training import (
    CandidateSamples,
    CandidateTraining,
    float_accuracy,
    float_model,
    integer_graph_of,
    train_candidate,
)
from edgebottle.training import TrainingData, litert_accuracy, start_keras
from edgebottle.zoo import digits
from edgebottle.zoo.augmentation import Augmentation
from quantize.lowbit.bits import Bits
from quantize.lowbit.samples import LabelledSamples
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution, InvertedBottleneck
from quantize.search.space import Candidate
from quantize.search.untrained import untrained_graph

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

CANDIDATE = Candidate(
    Architecture(
        (8, 8, 1),
        Stem(8),
        (FullConvolution(16, stride=2), InvertedBottleneck(16, expand=2)),
        ClassHead(10, channels=32),
    ),
    Bits.parse("w8a8"),
    "min-ram",
    row_fed=False,
    stages=(1, 2),
)
TRAINING = CandidateTraining(8, seed=1, augmentation=Augmentation(shift=0.5))


@pytest.fixture(scope="module")
def data() -> TrainingData:
    start_keras()
    found = digits.load_data()
    learned = LabelledSamples(found.train_images, found.train_labels)
    # Whatever is chosen by these is chosen wrongly: their classes are not theirs.
    wrong = LabelledSamples(found.test_images, (found.test_labels + 1) % 10)
    return TrainingData(learned, wrong, (0.0, 1.0), ())


@pytest.fixture(scope="module")
def trained(data: TrainingData) -> tuple[CandidateSamples, object]:
    samples = CandidateSamples.of(data, (8, 8, 1), seed=1)
    return samples, float_model(CANDIDATE, samples, TRAINING)


def accuracy(graph: Graph, samples: LabelledSamples, *, reference: bool = True) -> float:
    return litert_accuracy(graph, samples, lambda *_: None, reference=reference)


def right(data: TrainingData) -> LabelledSamples:
    return LabelledSamples(data.test.values, (data.test.labels - 1) % 10)


@pytest.mark.parametrize(("bits", "lost"), [("w8a8", 0.01), ("w4a4", 0.03)])
def test_int8_and_few_bits_of_one_float_network(
    bits: str, lost: float, data: TrainingData, trained: tuple[CandidateSamples, object]
) -> None:
    samples, model = trained
    assert float_accuracy(model, samples.chosen) > 0.9
    before = float_accuracy(model, right(data))
    candidate = replace(CANDIDATE, bits=Bits.parse(bits))
    graph = integer_graph_of(candidate, model, samples, TRAINING, name="taken")
    found = accuracy(graph, right(data))
    assert graph.name == "taken" and found >= before - lost
    # As candidates are compared: the last bit seldom decides.
    assert accuracy(graph, right(data), reference=False) == pytest.approx(found, abs=0.005)
    # What was costed before the training: the same layers, of the same shapes.
    planned = optimise(untrained_graph(CANDIDATE.architecture.network(), candidate.bits))
    assert optimise(graph).macs() == planned.macs()


def test_samples_in_the_resolution_of_a_candidate(data: TrainingData) -> None:
    whole = CandidateSamples.of(data, (8, 8, 1), seed=1)
    small = CandidateSamples.of(data, (4, 4, 1), seed=1)
    assert small.factor == 0.5 and small.learned.values.shape[1:] == (4, 4, 1)
    assert len(whole.learned) + len(whole.chosen) == len(data.samples)
    for one, other in ((whole.learned, small.learned), (whole.chosen, small.chosen)):
        assert np.array_equal(one.labels, other.labels)
        means = [part.values.mean(axis=(1, 2, 3)) for part in (one, other)]
        assert np.allclose(*means, atol=0.08)


def test_the_same_seed_gives_the_same_network(data: TrainingData) -> None:
    architecture = Architecture((4, 4, 1), Stem(8), (), ClassHead(10))
    tiny = Candidate(architecture, Bits.parse("w8a8"), "layers", row_fed=False, stages=())
    graphs = [train_candidate(tiny, data, CandidateTraining(2, seed=3)) for _ in range(2)]
    assert write_tflite(graphs[0]) == write_tflite(graphs[1])
