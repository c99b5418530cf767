"""How accurate candidates are by the weights that they share, which are trained once for all."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.files import write_file
from edgebottle.ir.graph import Array, Shape
from edgebottle.search.candidate_training import search_data
from edgebottle.search.locks import FileLocks, take
from edgebottle.search.settings import SearchSettings
from edgebottle.search.trials import IMPOSSIBLE, CandidateCosts, breach, network_key
from edgebottle.training import start_keras
from edgebottle.zoo.few_bits import CHOOSING_SHARE
from quantize.lowbit.checkpoint import packed, read_packed
from quantize.lowbit.samples import LabelledSamples, split
from quantize.search.space import Candidate, Choice, Value

if TYPE_CHECKING:
    from quantize.search.boxed_adam import BoxedAdam
    from quantize.search.supernet import SuperNetwork

TRAINED_TOGETHER = 4
"""Candidates of one update: a large one, a small one, and others."""

POOL = 48
"""Candidates that keep to the budgets, of which mixtures are trained."""

MAX_DRAWS = 8
"""For a network that is not in the pool yet, and for a mixture that is not too slow."""

LEARNING_RATE = 2e-2
"""At the first update; falls to zero along a cosine. Five times that of one network: each of the
weights is in a part of the updates only, and these are what there are fewest of."""

BATCH_SIZE = 128
SMALL_BATCH_SIZE = 64
"""Of few samples, so that an epoch has some updates."""

FEW_SAMPLES = 8192
"""Fewer than these are few."""

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
            BadInput: the samples cannot serve, or Keras runs on another back end.
            ToolMissing: Keras is not installed.
        """
        start_keras()
        import keras

        if keras.backend.backend() != "tensorflow":
            raise BadInput(
                f"shared weights are trained by TensorFlow, and Keras runs on "
                f"{keras.backend.backend()}: leave KERAS_BACKEND unset"
            )
        self._data = search_data(settings)
        learned, self._chosen = split(self._data.samples, CHOOSING_SHARE, settings.seed)
        self._training = SharedTraining(settings, learned, costs, limits, first, progress)
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
        batch_size = min(self._training.batch_size, len(some))
        average_norms(simulation, some, batch_size)
        if candidate.bits.is_narrow:
            exact = simulation.trained()
            seen = {name: np.asarray(one) for name, one in simulation.values(some[:256]).items()}
            first = first_steps(exact, candidate.bits, seen, self._data.input_bounds)
            simulation = Simulation(exact, candidate.bits, first, TrainingRecipe(methods=()))
            average_norms(simulation, some, batch_size)
        return accuracy_of(simulation, LabelledSamples(chosen, self._chosen.labels))

    def _resized(self, is_learned: bool, shape: Shape) -> Array:
        """Samples as a candidate takes them, remembered by their shape."""
        from quantize.search.supernet import resized

        if (is_learned, shape) not in self._images:
            values = self._chosen.values
            if is_learned:
                values = self._training.learned.values[: NORM_BATCHES * self._training.batch_size]
            self._images[is_learned, shape] = np.asarray(resized(values, shape))
        return self._images[is_learned, shape]

    @cached_property
    def _network(self) -> SuperNetwork:
        return self._training.trained()


class SharedTraining:
    """Trains shared weights, and keeps them on disk after each epoch.

    Attributes:
        learned: Samples that they learn from.
        batch_size: Of an update.
    """

    def __init__(
        self,
        settings: SearchSettings,
        learned: LabelledSamples,
        costs: CandidateCosts,
        limits: dict[str, float],
        first: Callable[[], Choice],
        progress: Progress,
    ) -> None:
        """Trains nothing yet; see ``SharedWeights``."""
        self.learned = learned
        self.batch_size = SMALL_BATCH_SIZE if len(learned) < FEW_SAMPLES else BATCH_SIZE
        self._settings, self._costs, self._limits = settings, costs, limits
        self._first, self._progress = first, progress
        self._epochs = settings.training.epochs
        self._batches = -(-len(learned) // self.batch_size)
        self._path = settings.beside("weights.npz")

    def trained(self) -> SuperNetwork:
        """The weights, trained by this worker or by another one on this computer."""
        from quantize.search.boxed_adam import BoxedAdam
        from quantize.search.supernet import SuperNetwork

        network = SuperNetwork(self._settings.space, self._settings.seed)
        updates = self._batches * self._epochs
        adam = BoxedAdam(
            network.numbers,
            lambda done: LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * done / updates)),
        )
        locks = FileLocks(self._path.with_suffix(".locks"))
        self._progress("wait for the weights that another worker trains", 0, 0)
        take(locks, "training")
        try:
            self._run(network, adam)
        finally:
            locks.close()
        return network

    def _run(self, network: SuperNetwork, adam: BoxedAdam) -> None:
        """All epochs that are not trained yet."""
        done, pool = self._restored(network, adam)
        for epoch in range(done, self._epochs):
            pool = self._drawn(epoch, pool)
            samples, draw = self._shuffled(epoch), self._draws(epoch, network, pool)
            told = self._teller(epoch)
            network.learn(samples, draw, adam, self.batch_size, told)
            self._keep(epoch + 1, pool, network, adam)

    def _drawn(self, epoch: int, pool: list[dict[str, Value]]) -> list[dict[str, Value]]:
        """Choices that keep to the budgets: those of the epoch before, the oldest replaced."""
        generator = random.Random(f"{self._settings.seed} pool {epoch}")
        known = {self._network_of(choice) for choice in pool}
        count = POOL // 4 if pool else POOL
        for number in range(count):
            self._progress("draw candidates that fit", number, count)
            for _ in range(MAX_DRAWS):
                choice = self._fitting(generator)
                if self._network_of(choice) not in known:
                    break
            known.add(self._network_of(choice))
            pool = [*pool, choice]
        return pool[-POOL:]

    def _fitting(self, generator: random.Random) -> dict[str, Value]:
        """As many parameters of a random choice as the budgets allow, the others of a small one.

        Nearly all that is drawn at random is too large, and what differs from the smallest by a few
        changes is too small to be found by any search.
        """
        small, drawn = self._first(), self._settings.space.drawn(generator)
        names = list(drawn)
        generator.shuffle(names)
        choice, least, most = dict(small), 0, len(names)
        while least < most:
            middle = (least + most + 1) // 2
            other = {**small, **{name: drawn[name] for name in names[:middle]}}
            if self._fits(self._settings.space.candidate(other)):
                choice, least = other, middle
            else:
                most = middle - 1
        return choice

    def _network_of(self, choice: Choice) -> str:
        return network_key(self._settings.space.candidate(choice))

    def _shuffled(self, epoch: int) -> LabelledSamples:
        order = np.random.default_rng([self._settings.seed, epoch]).permutation(len(self.learned))
        return self.learned.picked(order)

    def _draws(
        self, epoch: int, network: SuperNetwork, pool: Sequence[Choice]
    ) -> Callable[[], list[Candidate]]:
        """Draws the candidates of an update, the largest first: each a mixture of two of the pool.

        Those of the pool alone would learn to work together, and no others with them. A mixture may
        break a budget of memory, which training does not mind; it is no slower than the pool.
        """
        generator = random.Random(f"{self._settings.seed} epoch {epoch}")
        candidate = self._settings.space.candidate
        most = max(network.macs(candidate(choice)) for choice in pool)

        def mixed() -> Candidate:
            one, other = (generator.choice(pool) for _ in range(2))
            for _ in range(MAX_DRAWS):
                choice = {name: generator.choice((one[name], other[name])) for name in one}
                if network.macs(candidate(choice)) <= most:
                    return candidate(choice)
            return candidate(one)

        def draw() -> list[Candidate]:
            some = [mixed() for _ in range(TRAINED_TOGETHER)]
            return sorted(some, key=network.macs, reverse=True)

        return draw

    def _teller(self, epoch: int) -> Callable[[int, float], None]:
        label = f"train shared weights, epoch {epoch + 1} of {self._epochs}"

        def told(batch: int, loss: float) -> None:
            self._progress(f"{label}: loss {loss:.3f}", batch + 1, self._batches)

        return told

    def _fits(self, candidate: Candidate) -> bool:
        try:
            cost = self._costs.of(candidate)
        except IMPOSSIBLE:
            return False
        return all(share <= 0 for share in breach(cost, self._limits).values())

    def _identity(self) -> str:
        """Of all that decides the weights."""
        said = [asdict(self._settings.space), self._limits, self._epochs, LEARNING_RATE]
        found = hashlib.sha256(json.dumps([*said, self._settings.seed]).encode())
        found.update(np.ascontiguousarray(self.learned.values).tobytes())
        found.update(self.learned.labels.tobytes())
        return found.hexdigest()

    def _restored(
        self, network: SuperNetwork, adam: BoxedAdam
    ) -> tuple[int, list[dict[str, Value]]]:
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
        for name, values in zip(network.numbers, arrays["variable"], strict=True):
            network.numbers[name][...] = values
        adam.restore(arrays["optimizer"])
        return int(about["epochs"]), list(about["pool"])

    def _keep(
        self, epochs: int, pool: list[dict[str, Value]], network: SuperNetwork, adam: BoxedAdam
    ) -> None:
        about = json.dumps({"identity": self._identity(), "epochs": epochs, "pool": pool})
        numbers = list(network.numbers.values())
        write_file(self._path, packed(about, variable=numbers, optimizer=adam.state()))
