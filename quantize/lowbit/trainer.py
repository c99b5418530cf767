"""Trains the simulation, and keeps the epoch that is best on samples set apart for that."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array
from edgebottle.zoo.augmentation import Augmentation, augment
from quantize.lowbit.bits import Bits
from quantize.lowbit.bottleneck import Bottleneck
from quantize.lowbit.calibration import first_steps
from quantize.lowbit.checkpoint import Checkpoint, load_best, load_checkpoint
from quantize.lowbit.export import integer_network
from quantize.lowbit.guide import Guide
from quantize.lowbit.integers import at_rate, integer_values
from quantize.lowbit.methods.distillation import Distillation
from quantize.lowbit.methods.norm_estimation import NormEstimation
from quantize.lowbit.methods.progressive import ProgressiveBits
from quantize.lowbit.network import FloatNetwork, Weighted
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.report import EpochRecord
from quantize.lowbit.samples import LabelledSamples
from quantize.lowbit.simulation import MOMENTUM, Simulation
from quantize.post.affine import Bounds, dequantized

CALIBRATION_SAMPLES = 256
"""That the first steps are chosen with."""

PREDICTED = 512
"""Samples at once where nothing is learned."""

MIN_LAST_SHARE = 0.5
"""Of the epochs, for the bits that are asked for; else there are no stages before them."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Task:
    """What is trained, with what.

    Attributes:
        network: In floating point, trained.
        bits: That each layer shall have.
        recipe: How.
        learned: Samples that weights are learned from.
        chosen: Others, by which the best epoch is chosen.
        input_bounds: The real range of the input.
        folder: Where each epoch is kept; None to keep none.
        teacher: Whose logits are learned from; None for those of the network itself.
        bottleneck: Whose channels are ordered by importance; then the best epoch is that of the
            best mean over its rates, or the last one where bits have a price.
        fixed: Names of steps whose numbers stay as they are.
        guides: Pairs of a step and the teacher's whose values it learns to compute; where there are
            any, nothing else is learned.
    """

    network: FloatNetwork
    bits: Bits
    recipe: TrainingRecipe
    learned: LabelledSamples
    chosen: LabelledSamples
    input_bounds: Bounds
    folder: Path | None = None
    teacher: FloatNetwork | None = None
    bottleneck: Bottleneck | None = None
    fixed: tuple[str, ...] = ()
    guides: tuple[tuple[str, str], ...] = ()

    def identity(self) -> str:
        """A digest of all that decides what training gives."""
        about: list[Any] = [self.bits.to_json(), self.recipe.to_json(), self.input_bounds]
        if self.bottleneck is not None or self.fixed or self.guides:
            about += [repr(self.bottleneck), self.fixed, self.guides]
        found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for step in (*self.network.steps, *(self.teacher.steps if self.teacher else ())):
            found.update(f"{step.name} {step.sources} {step.shape}".encode())
            if isinstance(step, Weighted):
                found.update(step.kernel.tobytes())
        for samples in (self.learned, self.chosen):
            found.update(np.ascontiguousarray(samples.values).tobytes())
            found.update(samples.labels.tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class BitStage:
    """Epochs with the same bits.

    Attributes:
        bits: Of each layer.
        epochs: How many.
        is_last: They are those that are asked for.
    """

    bits: Bits
    epochs: int
    is_last: bool


def stages_of(bits: Bits, recipe: TrainingRecipe) -> tuple[BitStage, ...]:
    """The stages in order: none but the last without ``ProgressiveBits``, or with few epochs."""
    method = recipe.find(ProgressiveBits)
    before = () if method is None else method.before(bits)
    each = 0 if method is None else round(method.share * recipe.epochs)
    left = recipe.epochs - each * len(before)
    if each == 0 or left < MIN_LAST_SHARE * recipe.epochs:
        before, left = (), recipe.epochs
    return (*(BitStage(one, each, False) for one in before), BitStage(bits, left, True))


class Trainer:
    """Trains one task."""

    def __init__(self, task: Task, progress: Progress, told: Callable[[EpochRecord], None]) -> None:
        """Trains nothing yet.

        Args:
            task: What, with what.
            progress: Told what is being done.
            told: Called after each epoch.
        """
        self.task = task
        self.epochs: list[EpochRecord] = []
        self._progress, self._told = progress, told
        self._identity = task.identity()
        self._teacher = Simulation(task.teacher or task.network)
        self._best: tuple[Array, ...] = ()

    def run(self, *, resume: bool = False) -> Simulation:
        """Trains, and returns the best epoch.

        Args:
            resume: Go on from what is kept in the task's folder.

        Raises:
            BadInput: training does not converge, or there is nothing to go on from.
        """
        task = self.task
        kept = None
        if resume and task.folder is not None:
            kept = load_checkpoint(task.folder, self._identity)
            self.epochs = list(kept.epochs)
        network = task.network
        stages = stages_of(task.bits, task.recipe)
        for number, stage in enumerate(stages):
            if kept is not None and number < kept.stage:
                continue
            simulation = self._begin(network, stage)
            if kept is not None and number == kept.stage:
                _restore(simulation, kept)
            done = sum(one.epochs for one in stages[:number])
            for epoch in range(len(self.epochs) - done, stage.epochs):
                self._epoch(simulation, stage, number, epoch)
            network = simulation.trained()
        if self._best:
            _assign(simulation.variables, self._best)
        elif task.folder is not None:
            _assign(simulation.variables, load_best(task.folder, self._identity))
        self._estimate_norms(simulation)
        return simulation

    def _begin(self, network: FloatNetwork, stage: BitStage) -> Simulation:
        """The simulation of a stage with its first steps."""
        task = self.task
        self._progress(f"choose the first steps of {stage.bits}", 0, 0)
        is_taught_by_itself = network is task.network and task.teacher is None
        source = self._teacher if is_taught_by_itself else Simulation(network)
        some = ops.convert_to_tensor(task.learned.values[:CALIBRATION_SAMPLES])
        seen = {name: _numpy(value) for name, value in source.values(some).items()}
        first = first_steps(network, stage.bits, seen, task.input_bounds)
        simulation = Simulation(network, stage.bits, first, task.recipe, task.bottleneck)
        for name in task.fixed:
            simulation.fix(name)
        if task.guides:
            simulation.guide = Guide(self._teacher, task.guides)
        updates = math.ceil(len(task.learned) / task.recipe.batch_size) * stage.epochs
        schedule = keras.optimizers.schedules.CosineDecay(task.recipe.learning_rate, updates)
        optimizer = keras.optimizers.Adam(schedule)
        optimizer.build(simulation.trainable_variables)
        classes = network.classes
        simulation.compile(
            optimizer=optimizer,
            loss=_loss(task.recipe, classes) if not task.guides else _nothing,
            metrics=[_accuracy(classes)],
        )
        # TensorFlow traces an update twice where that makes variables, which takes seconds.
        none = ops.zeros((1, classes))
        simulation.compute_metrics(None, none, none)
        simulation.reset_metrics()
        return simulation

    def _epoch(self, simulation: Simulation, stage: BitStage, number: int, epoch: int) -> None:
        """One pass over the samples; ``epoch`` counts those of the stage, from 0."""
        task, recipe = self.task, self.task.recipe
        count = len(self.epochs) + 1
        simulation.moment.assign(epoch / max(1, stage.epochs - 1))
        values, targets = self._samples(count)
        batches = math.ceil(len(targets) / recipe.batch_size)
        best = max((one.validation for one in self.epochs if one.is_best), default=None)
        known = "" if best is None else f", best on validation {best:.1%}"
        label = f"epoch {count} of {recipe.epochs}, {stage.bits}{known}"
        watcher = _Watcher(label, batches, self._progress)
        logs = simulation.fit(
            values,
            targets,
            batch_size=recipe.batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[watcher],
        ).history
        score = accuracy_of(simulation, task.chosen)
        others = self.epochs[len(self.epochs) - epoch :]
        is_priced = task.bottleneck is not None and task.bottleneck.price > 0.0
        # Where bits have a price, accuracy alone says nothing of an epoch: the last one counts.
        is_best = stage.is_last and (is_priced or all(score >= one.validation for one in others))
        record = EpochRecord(
            number=count,
            bits=str(stage.bits),
            loss=float(logs["loss"][0]),
            accuracy=float(logs["accuracy"][0]),
            validation=score,
            is_best=is_best,
            frozen=simulation.frozen(),
        )
        self.epochs.append(record)
        variables = tuple(map(_numpy, simulation.variables))
        if is_best:
            self._best = variables
        if task.folder is not None:
            optimizer = tuple(map(_numpy, simulation.optimizer.variables))
            kept = Checkpoint(self._identity, number, tuple(self.epochs), variables, optimizer)
            kept.save(task.folder)
        self._told(record)

    def _samples(self, count: int) -> tuple[Array, Array]:
        """The samples of an epoch in its order, and what is to be learned of them."""
        recipe, learned = self.task.recipe, self.task.learned
        random = np.random.default_rng([recipe.seed, count])
        order = random.permutation(len(learned))
        values, labels = learned.values[order], learned.labels[order]
        if recipe.augmentation != Augmentation():
            if values.ndim != 4:
                raise BadInput(
                    "the recipe's augmentation is for images, which these samples are not"
                )
            values = augment(values, recipe.augmentation, random)
        targets = np.eye(self.task.network.classes, dtype=np.float32)[labels]
        if recipe.find(Distillation) is not None:
            self._progress("run the float network", 0, 0)
            targets = np.concatenate([targets, logits_of(self._teacher, values)], axis=1)
        return values, targets

    def _estimate_norms(self, simulation: Simulation) -> None:
        """Averages the statistics of normalizations anew, and keeps them if that is no worse."""
        recipe, learned = self.task.recipe, self.task.learned
        method = recipe.find(NormEstimation)
        if method is None:
            return
        self._progress("average the normalizations", 0, 0)
        before = tuple(map(_numpy, simulation.variables))
        score = next(one.validation for one in reversed(self.epochs) if one.is_best)
        order = np.random.default_rng([recipe.seed, 0]).permutation(len(learned))
        batches = order[: method.batches * recipe.batch_size]
        average_norms(simulation, learned.values[batches], recipe.batch_size)
        if accuracy_of(simulation, self.task.chosen) < score:
            _assign(simulation.variables, before)


def average_norms(simulation: Simulation, values: Array, batch_size: int) -> None:
    """Sets the statistics of normalizations to their mean over whole batches of samples."""
    simulation.learns = False
    for number in range(len(values) // batch_size):
        simulation.momentum.assign(number / (number + 1))
        batch = values[number * batch_size :][:batch_size]
        simulation(ops.convert_to_tensor(batch), training=True)
    simulation.momentum.assign(MOMENTUM)


def logits_of(simulation: Simulation, values: Array) -> Array:
    """The logits, (samples, classes); of few bits those that LiteRT computes."""
    if not simulation.grids:
        parts = _parts(values)
        return np.concatenate([_numpy(simulation(ops.convert_to_tensor(part))) for part in parts])
    graph, name = integer_network(simulation), simulation.network.steps[-1].name
    stored = [_numpy(integer_values(simulation, graph, part)[name]) for part in _parts(values)]
    return dequantized(np.concatenate(stored), graph.tensors[name].quant)


def accuracy_of(simulation: Simulation, samples: LabelledSamples) -> float:
    """Share of right classes of the simulation; with a bottleneck the mean over its rates."""
    bottleneck, last = simulation.bottleneck, simulation.network.steps[-1].name
    if bottleneck is None or not simulation.grids:
        return float(
            np.mean(logits_of(simulation, samples.values).argmax(axis=1) == samples.labels)
        )
    graph, found = integer_network(simulation), []
    for part in _parts(samples.values):
        whole = integer_values(simulation, graph, part)
        each = [at_rate(simulation, graph, whole, rate)[last] for rate in bottleneck.rates]
        found.append([_numpy(logits).argmax(axis=1) for logits in each])
    return float(np.mean(np.concatenate(found, axis=1) == samples.labels))


def _parts(values: Array) -> list[Array]:
    return [values[at : at + PREDICTED] for at in range(0, len(values), PREDICTED)]


def _numpy(value: Any) -> Array:
    return np.array(ops.convert_to_numpy(value))


def _restore(simulation: Simulation, kept: Checkpoint) -> None:
    _assign(simulation.variables, kept.variables)
    _assign(simulation.optimizer.variables, kept.optimizer)


def _assign(variables: Any, arrays: tuple[Array, ...]) -> None:
    for one, value in zip(variables, arrays, strict=True):
        one.assign(value)


def _loss(recipe: TrainingRecipe, classes: int) -> Callable[[Any, Any], Any]:
    distillation = recipe.find(Distillation)

    def loss(targets: Any, logits: Any) -> Any:
        plain = -ops.sum(targets[:, :classes] * ops.log_softmax(logits), axis=-1)
        if distillation is None:
            return plain
        return distillation.loss(plain, targets[:, classes:], logits)

    return loss


def _nothing(targets: Any, logits: Any) -> Any:
    return 0.0 * ops.sum(logits, axis=-1)


def _accuracy(classes: int) -> Callable[[Any, Any], Any]:
    def accuracy(targets: Any, logits: Any) -> Any:
        right = ops.argmax(targets[:, :classes], axis=-1) == ops.argmax(logits, axis=-1)
        return ops.cast(right, "float32")

    return accuracy


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells of progress, and stops where the loss is no number."""

    def __init__(self, label: str, batches: int, progress: Progress) -> None:
        super().__init__()
        self._label, self._batches, self._progress = label, batches, progress

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Of each update."""
        found = logs or {}
        loss = float(found.get("loss", 0.0))
        if not math.isfinite(loss):
            raise BadInput(
                f"training does not converge: the loss is no number in {self._label}; lower the "
                "recipe's learning_rate"
            )
        accuracy = float(found.get("accuracy", 0.0))
        text = f"{self._label}: loss {loss:.3f}, accuracy {accuracy:.1%}"
        self._progress(text, batch + 1, self._batches)
