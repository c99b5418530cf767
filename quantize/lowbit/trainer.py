"""Trains the simulation, and keeps the epoch that is best on samples set apart for that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array
from quantize.lowbit.bits import Bits
from quantize.lowbit.calibration import first_steps
from quantize.lowbit.methods.distillation import Distillation
from quantize.lowbit.network import FloatNetwork
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.report import EpochRecord
from quantize.lowbit.samples import LabelledSamples
from quantize.lowbit.simulation import Simulation
from quantize.post.affine import Bounds

CALIBRATION_SAMPLES = 256
"""That the first steps are chosen with."""

PREDICTED = 512
"""Samples at once where nothing is learned."""

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
    """

    network: FloatNetwork
    bits: Bits
    recipe: TrainingRecipe
    learned: LabelledSamples
    chosen: LabelledSamples
    input_bounds: Bounds


def train_network(
    task: Task, progress: Progress, told: Callable[[EpochRecord], None]
) -> tuple[Simulation, Sequence[EpochRecord]]:
    """Trains, and returns the best of all epochs.

    Args:
        task: What, with what.
        progress: Told what is being done.
        told: Called after each epoch.

    Raises:
        BadInput: training does not converge.
    """
    recipe = task.recipe
    progress("run the float network", 0, 0)
    teacher = Simulation(task.network)
    taught = logits_of(teacher, task.learned.values)
    seen = _seen(teacher, task.learned.values[:CALIBRATION_SAMPLES])
    first = first_steps(task.network, task.bits, seen, task.input_bounds)
    simulation = Simulation(task.network, task.bits, first, recipe)
    _compile(simulation, recipe, len(task.learned))
    onehot = np.eye(task.network.classes, dtype=np.float32)[task.learned.labels]
    targets = np.concatenate([onehot, taught], axis=1)
    history: list[EpochRecord] = []
    best: list[Array] = []
    for number in range(1, recipe.epochs + 1):
        order = np.random.default_rng([recipe.seed, number]).permutation(len(targets))
        watcher = _Watcher(
            number, recipe.epochs, math.ceil(len(order) / recipe.batch_size), progress
        )
        logs = simulation.fit(
            task.learned.values[order],
            targets[order],
            batch_size=recipe.batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[watcher],
        ).history
        score = accuracy_of(simulation, task.chosen)
        is_best = all(score > one.validation for one in history)
        record = EpochRecord(number, logs["loss"][0], logs["accuracy"][0], score, is_best)
        history.append(record)
        if is_best:
            best = simulation.get_weights()
        told(record)
    simulation.set_weights(best)
    return simulation, history


def logits_of(simulation: Simulation, values: Array) -> Array:
    """The logits, (samples, classes)."""
    parts = [values[at : at + PREDICTED] for at in range(0, len(values), PREDICTED)]
    return np.concatenate([ops.convert_to_numpy(simulation(part)) for part in parts])


def accuracy_of(simulation: Simulation, samples: LabelledSamples) -> float:
    """Share of right classes of the simulation."""
    found = logits_of(simulation, samples.values).argmax(axis=1)
    return float(np.mean(found == samples.labels))


def _seen(teacher: Simulation, values: Array) -> dict[str, Array]:
    found = teacher.values(ops.convert_to_tensor(values))
    return {name: np.asarray(ops.convert_to_numpy(value)) for name, value in found.items()}


def _compile(simulation: Simulation, recipe: TrainingRecipe, samples: int) -> None:
    steps = math.ceil(samples / recipe.batch_size) * recipe.epochs
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    simulation.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=_loss(recipe, simulation.network.classes),
        metrics=[_accuracy(simulation.network.classes)],
    )


def _loss(recipe: TrainingRecipe, classes: int) -> Callable[[Any, Any], Any]:
    distillation = recipe.find(Distillation)

    def loss(targets: Any, logits: Any) -> Any:
        plain = -ops.sum(targets[:, :classes] * ops.log_softmax(logits), axis=-1)
        if distillation is None:
            return plain
        return distillation.loss(plain, targets[:, classes:], logits)

    return loss


def _accuracy(classes: int) -> Callable[[Any, Any], Any]:
    def accuracy(targets: Any, logits: Any) -> Any:
        right = ops.argmax(targets[:, :classes], axis=-1) == ops.argmax(logits, axis=-1)
        return ops.cast(right, "float32")

    return accuracy


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells of progress, and stops where the loss is no number."""

    def __init__(self, number: int, epochs: int, batches: int, progress: Progress) -> None:
        super().__init__()
        self._number, self._epochs, self._batches = number, epochs, batches
        self._progress = progress

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Of each update."""
        found = logs or {}
        loss = float(found.get("loss", 0.0))
        if not math.isfinite(loss):
            raise BadInput(
                f"training does not converge: the loss is no number in epoch {self._number}; lower "
                "the learning rate"
            )
        text = (
            f"epoch {self._number} of {self._epochs}: loss {loss:.3f}, accuracy "
            f"{float(found.get('accuracy', 0.0)):.1%}"
        )
        self._progress(text, batch + 1, self._batches)
