"""Trains a float Keras network to few bits: samples, training, the file and its accuracy."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgebottle.codegen.naming import MAX_MODEL_NAME, identifier, shortened
from edgebottle.conversion import MAX_TRAINED_BYTES
from edgebottle.errors import BadInput, EdgebottleError, ToolMissing
from edgebottle.exporters.tflite import write_tflite
from edgebottle.files import read_file, write_file
from edgebottle.importers.foreign import keras_file
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.litert import silenced
from edgebottle.ops.base import Operator
from edgebottle.passes.narrow import narrow_widths
from edgebottle.quantization import check_values
from edgebottle.sample_sources import PixelScale, read_labels, read_samples
from edgebottle.samples import LABEL_KEYS, Samples, samples_of
from quantize.lowbit.bits import WIDEST, Bits
from quantize.lowbit.network import INPUT, FloatNetwork
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.report import EpochRecord, LayerWidths, LowBitReport
from quantize.lowbit.samples import LabelledSamples, split
from quantize.post.affine import Bounds
from quantize.post.runner import Runner
from quantize.post.score import real_outputs

if TYPE_CHECKING:
    from quantize.lowbit.trainer import Task

Progress = Callable[[str, int, int], None]

MIN_SAMPLES = 10
"""To learn from and to choose by."""

CHANCE = 2.0
"""Times the accuracy of a guess: a float network below that was not trained for these samples."""

MAX_DOUBTED = 1000
"""Samples by which that is seen."""

TEST_SHARE = 0.1
"""Of the samples, where there are none for the test alone."""


@dataclass(frozen=True)
class TrainingData:
    """Which samples serve what; no sample serves both.

    Attributes:
        samples: Those that are learned from, and by which the best epoch is chosen.
        test: Those that only accuracy is measured with.
        input_bounds: The real range of the input.
        notes: In words, what was taken for what.
    """

    samples: LabelledSamples
    test: LabelledSamples
    input_bounds: Bounds
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of few bits.

    Attributes:
        graph: In int8.
        epochs: Of its training, in order.
    """

    graph: Graph
    epochs: tuple[EpochRecord, ...]

    def file(self) -> bytes:
        """The ``.tflite`` file."""
        return write_tflite(self.graph)

    def save(self, path: str | Path) -> None:
        """Writes the ``.tflite`` file; raises ``BadInput`` if it cannot."""
        write_file(Path(path), self.file())

    def accuracy(self, values: Array, labels: Array) -> float:
        """Share of right classes in LiteRT's reference kernels, 0 .. 1.

        Args:
            values: Samples, (samples, ...), real values.
            labels: The class of each.
        """
        samples = LabelledSamples(np.asarray(values, np.float32), np.asarray(labels, np.int64))
        return litert_accuracy(self.graph, samples, lambda what, done, total: None)


def read_trained(path: Path) -> FloatNetwork:
    """The network of a Keras file.

    Raises:
        BadInput: it is no file of Keras.
        BadModel: it is broken.
        UnsupportedOp: a layer of it cannot be trained to few bits.
        ToolMissing: Keras is not installed.
    """
    kind = keras_file(read_file(path, MAX_TRAINED_BYTES))
    if kind is None:
        raise BadInput(
            f"{path} is no Keras network: training takes a .keras or .h5 file, as model.save writes"
        )
    start_keras()
    from edgebottle.keras_files import load_keras

    try:
        with tempfile.TemporaryDirectory() as folder:  # a copy, which the reader may change
            copy = Path(shutil.copy(path, Path(folder) / f"network{kind.value}"))
            _, model = load_keras(copy)
        return _read(model, path.stem)
    except EdgebottleError as error:
        raise type(error)(f"{path}: {error}") from error


def _read(model: Any, name: str | None = None) -> FloatNetwork:
    from quantize.lowbit.keras_network import read_network

    return read_network(model, shortened(identifier(name or model.name), MAX_MODEL_NAME))


def start_keras() -> None:
    """Imports Keras without its start-up chatter; raises ``ToolMissing`` where it is not there."""
    for package in ("keras", os.environ.get("KERAS_BACKEND", "tensorflow")):
        if importlib.util.find_spec(package) is None:
            raise ToolMissing(
                f"training needs {package}, which is not installed: pip install 'edgebottle[train]'"
            )
    from edgebottle.keras_files import import_package

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with silenced():
        import_package("keras")


def read_training_data(
    network: FloatNetwork,
    data: str,
    *,
    test: str | None = None,
    labels: Path | None = None,
    scale: PixelScale | None = None,
    seed: int = 0,
) -> TrainingData:
    """Reads the samples and parts them; refuses what cannot be right before anything is trained.

    Args:
        network: The float network.
        data: Where the samples are, see ``read_samples``.
        test: Where those for the test are; None to part them from ``data``.
        labels: Classes of the samples of ``data``, where those do not hold them.
        scale: What pixels stand for.
        seed: Of the parting.

    Raises:
        BadInput: the samples cannot serve.
    """
    graph = _ends(network)
    given = _labelled(read_samples(data, graph, scale), graph, labels)
    notes = [f"training: {len(given):,} samples of {data}"]
    if test is not None:
        other = _labelled(read_samples(test, graph, scale), graph, None)
        notes.append(f"test: {len(other):,} samples of {test}")
    else:
        given, other = split(given, TEST_SHARE, seed)
        notes.append(f"test: {len(other):,} of them, which nothing is learned from")
    bounds = scale.bounds if scale else (float(given.values.min()), float(given.values.max()))
    return TrainingData(given, other, bounds, tuple(notes))


def train(
    model: Any,
    bits: str | Bits,
    values: Array,
    labels: Array,
    *,
    recipe: TrainingRecipe | None = None,
    validation: tuple[Array, Array] | None = None,
    progress: Progress = lambda what, done, total: None,
) -> TrainedNetwork:
    """Trains a float Keras model to few bits.

    Args:
        model: A Functional or Sequential model, which is not changed, or the path of its file.
        bits: As ``edgebottle train --bits`` takes them.
        values: Samples, (samples, ...), real values as the model takes them.
        labels: The class of each, or one-hot rows.
        recipe: How it is trained; None for the usual way.
        validation: Other samples and their classes, by which the best epoch is chosen; None to set
            a share of the samples apart for that, as the recipe says.
        progress: Told what is being done.

    Raises:
        BadInput: the samples or the bits do not fit the model, or training does not converge.
        UnsupportedOp: a layer cannot be trained to few bits; names it.
        ToolMissing: Keras is not installed.
    """
    network = read_trained(Path(model)) if isinstance(model, str | Path) else _read(model)
    samples = _given(network, values, labels)
    chosen = None if validation is None else _given(network, *validation)
    bounds = (float(samples.values.min()), float(samples.values.max()))
    wanted = Bits.parse(bits) if isinstance(bits, str) else bits
    task = _task(network, wanted, recipe or TrainingRecipe(), samples, bounds, chosen=chosen)
    return _trained(task, progress, lambda epoch: None, resume=False)


def _given(network: FloatNetwork, values: Array, labels: Array) -> LabelledSamples:
    graph = _ends(network)
    arrays = {INPUT: np.asarray(values), LABEL_KEYS[0]: np.asarray(labels)}
    return _labelled(samples_of("the samples", arrays, graph), graph, None)


def train_low_bits(
    network: FloatNetwork,
    data: TrainingData,
    bits: Bits,
    recipe: TrainingRecipe,
    progress: Progress,
    told: Callable[[EpochRecord], None],
    *,
    folder: Path | None = None,
    resume: bool = False,
) -> tuple[bytes, LowBitReport]:
    """Trains a network and measures what it lost.

    Args:
        network: The float network.
        data: From ``read_training_data``.
        bits: Of each layer.
        recipe: How it is trained.
        progress: Told what is being done.
        told: Called after each epoch.
        folder: Where each epoch is kept; None to keep none.
        resume: Go on from what is kept there.

    Returns:
        The ``.tflite`` file, and what is to be told of it.

    Raises:
        BadInput: the bits name a layer that is not there, training does not converge, or nothing is
            kept from which it could go on.
    """
    progress("load Keras", 0, 0)
    task = _task(network, bits, recipe, data.samples, data.input_bounds, folder)
    trained = _trained(task, progress, told, resume=resume)
    progress("test the float network", 0, 0)
    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import accuracy_of

    file = trained.file()
    report = LowBitReport(
        model=network.name,
        bits=str(bits),
        methods=tuple(method.NAME for method in recipe.methods),
        samples=len(task.learned),
        validation=len(task.chosen),
        test=len(data.test),
        before=accuracy_of(Simulation(network), data.test),
        after=litert_accuracy(trained.graph, data.test, progress),
        epochs=trained.epochs,
        layers=layer_widths(trained.graph),
        bytes=len(file),
    )
    return file, report


def _task(
    network: FloatNetwork,
    bits: Bits,
    recipe: TrainingRecipe,
    samples: LabelledSamples,
    bounds: Bounds,
    folder: Path | None = None,
    chosen: LabelledSamples | None = None,
) -> Task:
    from quantize.lowbit.trainer import Task

    bits.check(network.layer_names())
    if len(samples) < MIN_SAMPLES:
        raise BadInput(
            f"there are {len(samples)} samples to learn from and to choose by: give at least "
            f"{MIN_SAMPLES}"
        )
    learned = samples
    if chosen is None:
        learned, chosen = split(samples, recipe.validation, recipe.seed)
    return Task(network, bits, recipe, learned, chosen, bounds, folder)


def _trained(
    task: Task, progress: Progress, told: Callable[[EpochRecord], None], *, resume: bool
) -> TrainedNetwork:
    from quantize.lowbit.export import integer_network
    from quantize.lowbit.trainer import Trainer

    trainer = Trainer(task, progress, told)
    graph = integer_network(trainer.run(resume=resume))
    return TrainedNetwork(graph, tuple(trainer.epochs))


def doubt(network: FloatNetwork, samples: LabelledSamples) -> str:
    """What looks wrong with a float network and samples, in words; empty where nothing does."""
    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import accuracy_of

    some = split(samples, 0.5, 0)[1]
    some = some.picked(np.arange(min(len(some), MAX_DOUBTED)))
    found = accuracy_of(Simulation(network), some)
    if found >= CHANCE / network.classes:
        return ""
    return (
        f"the float network is right on only {found:.1%} of the samples: was it trained, and are "
        "they scaled as in its training (--scale)?"
    )


def layer_widths(graph: Graph) -> tuple[LayerWidths, ...]:
    """How many values the weights of each layer take, and how many bits its output needs."""
    widths = narrow_widths(graph)
    found = []
    for node in graph.nodes:
        places = node.weighted_operands() if isinstance(node, Operator) else None
        weights = None if places is None else graph.ins(node)[places.weights]
        values = np.zeros(0) if weights is None else weights.constant()
        bits = widths[node.outputs[0]].bits if node.outputs[0] in widths else WIDEST
        found.append(LayerWidths(node.name, node.OP, values.size, np.unique(values).size, bits))
    return tuple(found)


def litert_accuracy(
    graph: Graph, samples: LabelledSamples, progress: Progress, *, reference: bool = True
) -> float:
    """Share of right classes in LiteRT, 0 .. 1.

    Args:
        graph: The network.
        samples: Real inputs, and their classes.
        progress: Told how many were run.
        reference: By its plain reference kernels, which the compiler is held to, else by its
            optimised ones: much faster, and here and there another last bit.
    """
    inputs = [(value[None],) for value in samples.values]
    total = len(inputs)

    def told(done: int) -> None:
        progress("test in LiteRT", done, total)

    with Runner() as runner:
        outputs = real_outputs(graph, inputs, runner, told, reference=reference)
    found = np.array([output[0].argmax() for output in outputs])
    return float(np.mean(found == samples.labels))


def _ends(network: FloatNetwork) -> Graph:
    """The input and the output of a network, by which samples are read."""
    tensors = {
        INPUT: Tensor(INPUT, (1, *network.input_shape), DType.F32),
        "output": Tensor("output", (1, network.classes), DType.F32),
    }
    return Graph(network.name, tensors, (), (INPUT,), ("output",))


def _labelled(samples: Samples, graph: Graph, labels: Path | None) -> LabelledSamples:
    classes = samples.labels
    if labels is not None:
        classes = read_labels(labels, graph, len(samples))
    if classes is None:
        raise BadInput(
            f"{samples.source} has no classes to learn: give them as an array y, as folders of "
            "images, or with --labels"
        )
    check_values(samples, graph)
    values = np.concatenate([sample[0] for sample in samples.inputs])
    return LabelledSamples(values, np.array(classes, np.int64))
