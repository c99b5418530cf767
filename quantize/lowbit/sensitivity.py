"""How much a network loses where one of its tensors has few bits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from keras import ops

from edgebottle.ir.graph import Array, Graph
from quantize.lowbit.allocation import WIDTHS, Choice, Cost, Part, Place, bits_of
from quantize.lowbit.bits import WIDEST, Bits
from quantize.lowbit.calibration import (
    TINY,
    FirstSteps,
    activation_step,
    weight_steps,
    whole_range,
)
from quantize.lowbit.export import integer_network
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.network import INPUT, Computed, FloatNetwork, Weighted
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.simulation import Simulation, WeightedProduct
from quantize.lowbit.trainer import logits_of
from quantize.post.affine import Bounds

Progress = Callable[[str, int, int], None]


def places_of(network: FloatNetwork) -> dict[Place, tuple[int, ...]]:
    """Everything that may have few bits, with the widths it may have: all but the logits."""
    found: dict[Place, tuple[int, ...]] = {}
    for step in network.steps:
        if isinstance(step, Weighted):
            found[Place(step.name, Part.WEIGHTS)] = WIDTHS
        if isinstance(step, Computed) and step.name != network.logits:
            found[Place(step.name, Part.OUTPUT)] = WIDTHS
    return found


@dataclass
class Untrained:
    """A network in few bits as it is before training: what costs and losses are found by.

    Attributes:
        network: In floating point.
        samples: Some that steps are chosen with, (samples, ...).
        input_bounds: The real range of the input.
    """

    network: FloatNetwork
    samples: Array
    input_bounds: Bounds
    _weights: dict[tuple[str, int], Array] = field(default_factory=dict)
    _activations: dict[tuple[str, ActivationLevels], tuple[float, int]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Runs the float network."""
        teacher = Simulation(self.network)
        found = teacher.values(ops.convert_to_tensor(self.samples))
        self._seen = {name: np.array(ops.convert_to_numpy(value)) for name, value in found.items()}
        self.owners = teacher.owners
        self._batch = self._batch_statistics(teacher)
        self.logits = self._seen[self.network.steps[-1].name]

    def digest(self) -> str:
        """Of all that losses follow from."""
        found = hashlib.sha256(repr(self.input_bounds).encode())
        for step in self.network.steps:
            shown = [getattr(step, each.name) for each in fields(step)]
            if isinstance(step, Weighted) and step.norm is not None:
                norm = step.norm
                shown += [norm.gamma, norm.beta, norm.mean, norm.variance]
            for value in shown:
                is_array = isinstance(value, np.ndarray)
                found.update(value.tobytes() if is_array else str(value).encode())
        found.update(np.ascontiguousarray(self.samples).tobytes())
        return found.hexdigest()

    def simulation(self, bits: Bits) -> Simulation:
        """In the steps of the least squared error."""
        return Simulation(self.network, bits, self._first(bits), TrainingRecipe(methods=()))

    def graph(self, choice: Choice) -> Graph:
        """The integer network of a choice."""
        return integer_network(self.simulation(bits_of(choice)))

    def loss(self, choice: Choice) -> float:
        """The mean divergence of its probabilities from those of the float network, in nats.

        Statistics of normalizations move as far as these bits move those of the samples: what
        training mends at once is no loss.
        """
        simulation = self.simulation(bits_of(choice))
        kept = {name: _statistics(one) for name, one in simulation.products.items() if one.norm}
        moved = self._batch_statistics(simulation)
        for name, (mean, variance) in kept.items():
            (own_mean, own_variance), (other_mean, other_variance) = moved[name], self._batch[name]
            one = simulation.products[name]
            one.mean.assign(mean + own_mean - other_mean)
            one.variance.assign(variance * (own_variance + TINY) / (other_variance + TINY))
        return divergence(self.logits, logits_of(simulation, self.samples))

    def _batch_statistics(self, simulation: Simulation) -> dict[str, tuple[Array, Array]]:
        """Mean and variance before each normalization, over the samples; those kept are lost."""
        simulation.learns = False
        simulation.momentum.assign(0.0)
        simulation(ops.convert_to_tensor(self.samples), training=True)
        return {name: _statistics(one) for name, one in simulation.products.items() if one.norm}

    def _first(self, bits: Bits) -> FirstSteps:
        """``first_steps``, each found once."""
        steps = {step.name: step for step in self.network.steps}
        weights = {
            name: self._weight_steps(steps[name], levels)
            for name, levels in self.network.weight_levels(bits).items()
        }
        activations = {
            name: self._activation_step(name, levels)
            for name, levels in self.network.activation_levels(bits).items()
        }
        return FirstSteps(weights, activations)

    def _weight_steps(self, step: object, levels: WeightLevels) -> Array:
        assert isinstance(step, Weighted)
        key = (step.name, levels.bits)
        if key not in self._weights:
            self._weights[key] = weight_steps(step, levels)
        return self._weights[key]

    def _activation_step(self, name: str, levels: ActivationLevels) -> tuple[float, int]:
        key = (name, levels)
        if name == INPUT:
            return whole_range(self.input_bounds, levels)
        if key not in self._activations:
            ceilings = {s.name: s.ceiling for s in self.network.steps if isinstance(s, Computed)}
            found = activation_step(self._seen[name], levels, ceilings[name])
            self._activations[key] = found
        return self._activations[key]


def _statistics(product: WeightedProduct) -> tuple[Array, Array]:
    mean, variance = (ops.convert_to_numpy(one) for one in (product.mean, product.variance))
    return np.array(mean), np.array(variance)


def divergence(real: Array, other: Array) -> float:
    """Kullback-Leibler divergence between the probabilities of logits, mean over samples, nats."""
    ours, theirs = (_log_softmax(logits.astype(np.float64)) for logits in (real, other))
    return float(np.mean(np.sum(np.exp(ours) * (ours - theirs), axis=1)))


def _log_softmax(logits: Array) -> Array:
    moved: Array = logits - logits.max(axis=1, keepdims=True)
    result: Array = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    return result


def sensitivities(
    untrained: Untrained, options: Mapping[Place, tuple[int, ...]], progress: Progress
) -> Cost:
    """What the divergence grows by where one place alone has few bits, and all others have 8.

    Args:
        untrained: The network.
        options: The widths of each place.
        progress: Told what is being done.
    """
    widest = dict.fromkeys(options, WIDEST)
    tried = [(place, width) for place, widths in options.items() for width in widths]
    tried = [(place, width) for place, width in tried if width != WIDEST]
    whole = untrained.loss(widest)
    found: dict[Place, dict[int, float]] = {place: {WIDEST: 0.0} for place in options}
    for number, (place, width) in enumerate(tried):
        what = f"{place.layer}'s {place.part.value}"
        progress(f"try {what} at {width} bits alone", number, len(tried))
        loss = untrained.loss({**widest, place: width}) - whole
        found[place][width] = max(0.0, loss)
    return Cost(places=found)
