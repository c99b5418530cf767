"""Trains one candidate: floats first, then int8 by its ranges, or few bits by more training.

A share of the samples is set apart, and serves for choosing between networks and between epochs.
Samples for the test are never seen here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.graph import Array, Graph, Shape
from edgebottle.passes.float_weights import float_weights
from edgebottle.quantization import DEFAULT_SAMPLES, SEED
from edgebottle.sample_sources import PixelScale
from edgebottle.search.settings import SearchSettings
from edgebottle.training import TrainingData, read_training_data
from edgebottle.zoo.architectures import as_plain
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.few_bits import CHOOSING_SHARE, training_recipe
from edgebottle.zoo.kept_epochs import KeptEpochs
from edgebottle.zoo.recipes import Data, Recipe
from edgebottle.zoo.training import fit, float_file
from quantize.lowbit.checkpoint import LAST
from quantize.lowbit.samples import LabelledSamples, split
from quantize.post.affine import Bounds
from quantize.post.quantizer import Options, quantize_graph
from quantize.post.runner import Runner
from quantize.search.space import Candidate

BATCH_SIZE = 32
"""Candidates have few samples and few epochs: three epochs of 12,000 images of Fashion-MNIST
brought a ResNet-8 to 84.6 % of others in batches of 32, to 80.6 % in batches of 128, in as many
seconds."""

LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.02
"""As those of the zoo's larger recipes."""

FEW_BITS_SHARE = 2 / 3
"""Epochs of the training to few bits, as a share of those with floats."""

NORM_BATCHES = 16
"""That normalizations are averaged over in the end."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CandidateTraining:
    """How a candidate is trained, apart from network and samples.

    Attributes:
        epochs: Passes over the samples with floats, 1 or more.
        seed: Of the first weights, the order of the samples and their augmentation.
        augmentation: Random changes of the images; pixels are those of the samples as they were
            read, which a candidate may take smaller.
    """

    epochs: int
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def few_bits_epochs(self) -> int:
        """Passes over the samples with few bits, behind those with floats."""
        return max(1, round(self.epochs * FEW_BITS_SHARE))


@dataclass(frozen=True)
class CandidateSamples:
    """Samples as a candidate takes them.

    Attributes:
        learned: Those that are learned from.
        chosen: Those by which is chosen, and from which nothing is learned.
        input_bounds: The real range of the input.
        factor: Height of the images against those that were read.
    """

    learned: LabelledSamples
    chosen: LabelledSamples
    input_bounds: Bounds
    factor: float = 1.0

    @classmethod
    def of(cls, data: TrainingData, shape: Shape, seed: int) -> CandidateSamples:
        """Parts the samples of a search, and resizes them.

        Args:
            data: As ``search_data`` reads them; those for the test are not looked at.
            shape: Of the candidate's input: height, width, channels.
            seed: Of the search: whoever chooses by samples chooses by the same.
        """
        learned, chosen = split(data.samples, CHOOSING_SHARE, seed)
        factor = shape[0] / data.samples.values.shape[1]
        return cls(
            learned=resized_samples(learned, shape),
            chosen=resized_samples(chosen, shape),
            input_bounds=data.input_bounds,
            factor=factor,
        )


def search_data(settings: SearchSettings) -> TrainingData:
    """The samples of a search, as the largest of its inputs; raises ``BadInput``."""
    space = settings.space
    scale = None if settings.scale is None else PixelScale(settings.scale)
    return read_training_data(
        space.candidate(space.largest()).architecture.network(),
        settings.source(settings.data),
        test=None if settings.test is None else settings.source(settings.test),
        scale=scale,
        seed=settings.seed,
    )


def resized_samples(samples: LabelledSamples, shape: Shape) -> LabelledSamples:
    """Samples in the resolution and the colours of a candidate's input.

    Args:
        samples: (samples, height, width, channels).
        shape: Height, width, channels.
    """
    from quantize.search.supernet import resized

    return LabelledSamples(np.asarray(resized(samples.values, shape)), samples.labels)


def float_recipe(
    candidate: Candidate, samples: CandidateSamples, training: CandidateTraining
) -> Recipe:
    """How the floats of a candidate are trained, in the words of the zoo."""
    return Recipe(
        architecture=candidate.architecture,
        augmentation=training.augmentation.resized(samples.factor),
        epochs=training.epochs,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
    )


def float_model(
    candidate: Candidate,
    samples: CandidateSamples,
    training: CandidateTraining,
    progress: Progress = lambda what, done, total: None,
    kept: KeptEpochs | None = None,
) -> Any:
    """Trains a candidate with floats, for so many epochs; whatever its bits are.

    Args:
        candidate: The network.
        samples: In its resolution.
        training: How.
        progress: Told what is being done.
        kept: Where the newest epoch is kept, to go on with; None to keep none.

    Returns:
        A Keras model of Keras's own layers. The last epoch counts.

    Raises:
        ToolMissing: TensorFlow is not installed.
    """
    recipe = float_recipe(candidate, samples, training)
    learned = samples.learned
    data = Data(learned.values, learned.labels, learned.values[:0], learned.labels[:0])
    progress("train with floats", 0, training.epochs)

    def told(done: int, total: int, line: str) -> None:
        progress(f"train with floats: {line}", done, total)

    model = as_plain(fit(recipe, data, training.seed, told, kept), recipe)
    _average_norms(model, learned.values, recipe.batch_size)
    return model


def _average_norms(model: Any, values: Array, batch_size: int) -> None:
    """Averages the statistics of all normalizations anew, with the weights as they are now.

    Those that training moves lag behind by some hundred updates, of which a short one has no more.
    """
    norms = [layer for layer in model.layers if hasattr(layer, "moving_variance")]
    momenta = [layer.momentum for layer in norms]
    for number in range(min(NORM_BATCHES, -(-len(values) // batch_size))):
        for layer in norms:
            layer.momentum = number / (number + 1)
        model(values[number * batch_size :][:batch_size], training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def float_accuracy(model: Any, samples: LabelledSamples) -> float:
    """Share of right classes of a Keras model, 0 .. 1."""
    found = model.predict(samples.values, batch_size=256, verbose=0).argmax(axis=1)
    return float(np.mean(found == samples.labels))


def integer_graph_of(
    candidate: Candidate,
    model: Any,
    samples: CandidateSamples,
    training: CandidateTraining,
    *,
    name: str = "network",
    folder: Path | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Graph:
    """The integer network of a candidate that was trained with floats.

    With 8 bits its values get their ranges as ``edgebottle quantize`` chooses them; with fewer it
    is trained as ``edgebottle train`` does.

    Args:
        candidate: The network and its bits.
        model: Of ``float_model``; it is not changed.
        samples: In its resolution.
        training: How.
        name: Of the network, a C identifier.
        folder: Where each epoch with few bits is kept, to go on with; None to keep none.
        progress: Told what is being done.

    Returns:
        The graph of an ordinary int8 ``.tflite`` file.

    Raises:
        BadInput: training to few bits does not converge.
    """
    recipe = float_recipe(candidate, samples, training)
    if not candidate.bits.is_narrow:
        return _with_ranges(model, recipe, samples, name, progress)
    from quantize.lowbit.export import integer_network
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.trainer import Task, Trainer

    task = Task(
        network=read_network(as_plain(model, recipe), name),
        bits=candidate.bits,
        recipe=training_recipe(recipe, training.few_bits_epochs, training.seed),
        learned=samples.learned,
        chosen=samples.chosen,
        input_bounds=samples.input_bounds,
        folder=folder,
    )
    is_begun = folder is not None and (folder / LAST).exists()
    return integer_network(Trainer(task, progress, lambda epoch: None).run(resume=is_begun))


def _with_ranges(
    model: Any, recipe: Recipe, samples: CandidateSamples, name: str, progress: Progress
) -> Graph:
    """Of 8 bits, with the ranges that samples show."""
    progress("convert to LiteRT", 0, 0)
    graph = float_weights(load_tflite(float_file(model, recipe), name))
    order = np.random.default_rng(SEED).permutation(len(samples.learned))[:DEFAULT_SAMPLES]
    inputs = [(value[None],) for value in samples.learned.values[order]]
    options = Options(input_bounds={graph.inputs[0]: samples.input_bounds})
    with Runner() as runner:
        return quantize_graph(graph, inputs, options, runner, progress).graph


def train_candidate(
    candidate: Candidate,
    data: TrainingData,
    training: CandidateTraining,
    *,
    name: str = "network",
    progress: Progress = lambda what, done, total: None,
) -> Graph:
    """Trains a candidate from the beginning to its integer network.

    Args:
        candidate: The network and its bits.
        data: As ``search_data`` reads them.
        training: How.
        name: Of the network, a C identifier.
        progress: Told what is being done.

    Returns:
        The graph of an ordinary int8 ``.tflite`` file.
    """
    samples = CandidateSamples.of(data, candidate.architecture.input_shape, training.seed)
    model = float_model(candidate, samples, training, progress)
    return integer_graph_of(candidate, model, samples, training, name=name, progress=progress)
