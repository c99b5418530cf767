"""How accurate candidates are by the weights that they share, which are trained once for all."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.files import write_file
from edgebottle.ir.graph import Array, Shape
from edgebottle.sample_sources import PixelScale
from edgebottle.search.locks import FileLocks, take
from edgebottle.search.settings import SearchSettings
from edgebottle.search.trials import IMPOSSIBLE, CandidateCosts, breach
from edgebottle.training import TrainingData, read_training_data, start_keras
from quantize.lowbit.checkpoint import packed, read_packed
from quantize.lowbit.samples import LabelledSamples, split
from quantize.search.space import Candidate, Choice, Space, Value

if TYPE_CHECKING:
    from quantize.search.supernet import SuperNetwork

TRAINED_TOGETHER = 4
"""Candidates of one update: a large one, a small one, and others."""

POOL = 48
"""Candidates that keep to the budgets, of which each epoch's updates draw."""

CHANGES = 3
"""Parameters in which each of the pool differs from the one before it, at most."""

MAX_STEPS = 40
"""Candidates that are costed for one that fits."""

BATCH_SIZE = 128
LEARNING_RATE = 2e-3
CHOOSING_SHARE = 0.1
"""Of the samples, by which candidates are compared."""

NORM_BATCHES = 16
"""That the normalizations of a candidate are averaged over."""

Progress = Callable[[str, int, int], None]


class SharedWeights:
    """An evaluator: a candidate has the numbers that it has in the network of all candidates.

    Source: Cai et al., "Once-for-All", 2020; Yu et al., "BigNAS", 2020.
    """

    def __init__(
        self,
        settings: SearchSettings,
        costs: CandidateCosts,
        limits: dict[str, float],
        first: Callable[[], Choice],
        progress: Progress,
    ) -> None:
        """Reads the samples, and trains nothing yet.

        Args:
            settings: Of the search.
            costs: Of candidates.
            limits: That what is trained keeps to.
            first: Finds a choice that does.
            progress: Told what is being done.

        Raises:
            BadInput: the samples cannot serve.
            ToolMissing: Keras is not installed.
        """
        start_keras()
        self._settings, self._costs, self._limits = settings, costs, limits
        self._first, self._progress = first, progress
        self._data = search_data(settings)
        self._learned, self._chosen = split(self._data.samples, CHOOSING_SHARE, settings.seed)
        self._images: dict[tuple[bool, Shape], Array] = {}

    def accuracy(self, candidate: Candidate) -> float:
        """Share of right classes among the samples that nothing is learned from, 0 .. 1."""
        from quantize.lowbit.calibration import first_steps
        from quantize.lowbit.recipe import TrainingRecipe
        from quantize.lowbit.simulation import Simulation
        from quantize.lowbit.trainer import accuracy_of, average_norms

        network = self._network.network_of(candidate)
        some, chosen = (self._resized(part, network.input_shape) for part in (True, False))
        simulation = Simulation(network)
        average_norms(simulation, some, BATCH_SIZE)
        if candidate.bits.is_narrow:
            exact = simulation.trained()
            seen = {name: np.asarray(one) for name, one in simulation.values(some[:256]).items()}
            first = first_steps(exact, candidate.bits, seen, self._data.input_bounds)
            simulation = Simulation(exact, candidate.bits, first, TrainingRecipe(methods=()))
            average_norms(simulation, some, BATCH_SIZE)
        return accuracy_of(simulation, LabelledSamples(chosen, self._chosen.labels))

    def _resized(self, is_learned: bool, shape: Shape) -> Array:
        """Samples as a candidate takes them, remembered by their shape."""
        from quantize.search.supernet import resized

        if (is_learned, shape) not in self._images:
            values = self._chosen.values
            if is_learned:
                values = self._learned.values[: NORM_BATCHES * BATCH_SIZE]
            self._images[is_learned, shape] = np.asarray(resized(values, shape))
        return self._images[is_learned, shape]

    @cached_property
    def _network(self) -> SuperNetwork:
        """Trained, by this worker or by another one on this computer."""
        from quantize.search.supernet import SuperNetwork

        path = Path(f"{_beside(self._settings)}.weights.npz")
        locks = FileLocks(path.with_suffix(".locks"))
        self._progress("wait for the weights that another worker trains", 0, 0)
        take(locks, "training")
        try:
            network = SuperNetwork(self._settings.space, self._settings.seed)
            _SharedTraining(self, network, path).run()
        finally:
            locks.close()
        return network


class _SharedTraining:
    """Trains shared weights, and keeps them on disk after each epoch."""

    def __init__(self, owner: SharedWeights, network: SuperNetwork, path: Path) -> None:
        import keras

        self._owner, self._network, self._path = owner, network, path
        self._settings, self._learned = owner._settings, owner._learned
        self._epochs = self._settings.training.epochs
        updates = -(-len(self._learned) // BATCH_SIZE) * self._epochs
        schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, updates)
        self._optimizer: Any = keras.optimizers.Adam(schedule)
        self._optimizer.build(network.trainable_variables)

    def run(self) -> None:
        """All epochs that are not trained yet."""
        done, pool = self._restored()
        for epoch in range(done, self._epochs):
            pool = self._drawn(epoch, pool)
            self._epoch(epoch, [self._settings.space.candidate(choice) for choice in pool])
            self._keep(epoch + 1, pool)

    def _drawn(self, epoch: int, pool: list[dict[str, Value]]) -> list[dict[str, Value]]:
        """Choices that keep to the budgets: those of the epoch before, the oldest replaced.

        Each differs little from the one before it, as nearly all that is drawn at random is too
        large.
        """
        generator = random.Random(f"{self._settings.seed} pool {epoch}")
        space = self._settings.space
        choice = pool[-1] if pool else dict(self._owner._first())
        count = POOL // 4 if pool else POOL
        for number in range(count):
            self._owner._progress("draw candidates that fit", number, count)
            for _ in range(MAX_STEPS):
                other = space.changed(choice, generator, generator.randint(1, CHANGES))
                if self._fits(space.candidate(other)):
                    choice = other
                    break
            pool = [*pool, choice]
        return pool[-POOL:]

    def _epoch(self, epoch: int, pool: Sequence[Candidate]) -> None:
        generator = random.Random(f"{self._settings.seed} epoch {epoch}")
        order = np.random.default_rng([self._settings.seed, epoch]).permutation(len(self._learned))
        macs = [_macs(candidate) for candidate in pool]

        def draw() -> list[Candidate]:
            some = generator.sample(range(len(pool)), min(TRAINED_TOGETHER, len(pool)))
            return [pool[at] for at in sorted(some, key=lambda at: -macs[at])]

        label = f"train shared weights, epoch {epoch + 1} of {self._epochs}"
        batches = -(-len(order) // BATCH_SIZE)

        def told(batch: int, loss: float) -> None:
            self._owner._progress(f"{label}: loss {loss:.3f}", batch + 1, batches)

        samples = self._learned.picked(order)
        self._network.learn(samples, draw, self._optimizer, BATCH_SIZE, told)

    def _fits(self, candidate: Candidate) -> bool:
        try:
            cost = self._owner._costs.of(candidate)
        except IMPOSSIBLE:
            return False
        return all(share <= 0 for share in breach(cost, self._owner._limits).values())

    def _identity(self) -> str:
        """Of all that decides the weights."""
        said = [asdict(self._settings.space), self._owner._limits, self._epochs]
        found = hashlib.sha256(json.dumps([*said, self._settings.seed]).encode())
        found.update(np.ascontiguousarray(self._learned.values).tobytes())
        found.update(self._learned.labels.tobytes())
        return found.hexdigest()

    def _restored(self) -> tuple[int, list[dict[str, Value]]]:
        """Takes what is kept: how many epochs that are, and the pool of the last."""
        if not self._path.exists():
            return 0, []
        text, arrays = read_packed(self._path)
        about = json.loads(text)
        if about["identity"] != self._identity():
            raise BadInput(
                f"{self._path} holds the weights of another search: space, budgets, data, epochs "
                "or seed are not the same; remove it, or give the study another storage"
            )
        targets = (self._network.variables, self._optimizer.variables)
        for variables, values in zip(
            targets, (arrays["variable"], arrays["optimizer"]), strict=True
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return int(about["epochs"]), list(about["pool"])

    def _keep(self, epochs: int, pool: list[dict[str, Value]]) -> None:
        about = json.dumps({"identity": self._identity(), "epochs": epochs, "pool": pool})
        variables, others = (
            [np.asarray(one) for one in holder.variables]
            for holder in (self._network, self._optimizer)
        )
        write_file(self._path, packed(about, variable=variables, optimizer=others))


def search_data(settings: SearchSettings) -> TrainingData:
    """The samples of a search, as the largest of its inputs; raises ``BadInput``."""
    space = settings.space
    largest = _largest(space)
    scale = None if settings.scale is None else PixelScale(settings.scale)
    return read_training_data(
        largest.architecture.network(),
        settings.data,
        test=settings.test,
        scale=scale,
        seed=settings.seed,
    )


def _largest(space: Space) -> Candidate:
    return space.candidate({one.name: one.values[-1] for one in space.parameters()})


def _macs(candidate: Candidate) -> int:
    from quantize.search.untrained import untrained_graph

    return untrained_graph(candidate.architecture.network()).macs()


def _beside(settings: SearchSettings) -> str:
    """A path beside the settings, or the storage, for what belongs to the study."""
    if settings.path is not None:
        return str(settings.path.with_name(settings.name))
    return settings.name
