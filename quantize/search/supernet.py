"""A network that holds the weights of all candidates of a search at once.

A block's weights belong to its stage, its place there and its kind; a candidate takes the first
channels of them, and the middle of their windows. So a candidate need not be trained to be
compared: its numbers are cut out, and its normalizations averaged anew.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from edgebottle.ir.graph import Array, Shape
from quantize.lowbit.gradients import variable
from quantize.lowbit.network import (
    INPUT,
    Addition,
    Computed,
    FloatNetwork,
    LayerStep,
    MeanOfPixels,
    Normalization,
    Weighted,
)
from quantize.lowbit.samples import LabelledSamples
from quantize.lowbit.simulation import product_of
from quantize.search.space import Candidate, Space

TAUGHT = 0.5
"""How much of what the others learn is what the first says, and not the labels."""

MAX_NETWORKS = 128
"""Whose steps are remembered."""

NetworkDraw = Callable[[], Sequence[Candidate]]
"""The candidates that one update trains; the first teaches the others."""


@dataclass(frozen=True)
class SharedLayer:
    """Where the weights of a layer of a candidate are.

    Attributes:
        name: Of the shared layer.
        step: The layer, as the candidate has it.
    """

    name: str
    step: Weighted


def shared_layers(candidate: Candidate, network: FloatNetwork) -> dict[str, SharedLayer]:
    """The shared layer of each layer of a candidate's network, by its name there."""
    places: dict[int, int] = {}
    prefixes: dict[str, str] = {}
    blocks = zip(candidate.stages, candidate.architecture.blocks, strict=True)
    for number, (stage, block) in enumerate(blocks, start=1):
        places[stage] = places.get(stage, 0) + 1
        # Where nothing widens, windows move over what the block reads: another thing to learn.
        kind = f"{block.KIND}_flat" if getattr(block, "expand", None) == 1 else block.KIND
        prefixes[f"block{number}"] = f"stage{stage}_{places[stage]}_{kind}"
    if candidate.architecture.head.channels:
        prefixes["logits"] = "head"
    found = {}
    for step in network.steps:
        if isinstance(step, Weighted):
            owner, _, row = step.name.partition("_")
            name = f"{prefixes[owner]}_{row}" if owner in prefixes else step.name
            found[step.name] = SharedLayer(name, step)
    return found


def largest_shapes(space: Space) -> dict[str, Weighted]:
    """For each shared layer the step with the largest weights that a candidate may take of them.

    Only the shapes of its numbers are of use: they are the largest along each axis.
    """
    largest: dict[str, Weighted] = {}
    widest = space.largest()
    firsts = range(1, space.stages + 1)
    for kind, first, *ends in itertools.product(space.kinds, firsts, (0, -1), (0, -1), (0, -1)):
        stride, expand, head = ends  # a stride leaves small images, on which windows are small
        choice = {
            **widest,
            "stem_stride": space.stem_strides[stride],
            "head_channels": space.head_channels[head],
        }
        for stage in range(1, space.stages + 1):
            choice |= {
                f"stage{stage}_kind": kind,
                f"stage{stage}_stride": space.strides[stride],
                f"stage{stage}_expand": space.expands[expand],
                f"stage{stage}_depth": space.depths[-1 if stage >= first else 0],
            }
        candidate = space.candidate(choice)
        for layer in shared_layers(candidate, candidate.architecture.network()).values():
            known = largest.get(layer.name, layer.step)
            largest[layer.name] = _wider(known, layer.step)
    return largest


def _wider(one: Weighted, other: Weighted) -> Weighted:
    sides = zip(one.kernel.shape, other.kernel.shape, strict=True)
    shape = tuple(max(pair) for pair in sides)
    channels = max(one.channels, other.channels)
    return replace(one, kernel=np.zeros(shape, np.float32), bias=np.zeros(channels, np.float32))


class SuperNetwork(keras.Model):  # type: ignore[misc]
    """Shared weights, and their training.

    The sandwich rule (Yu and Huang, "Universally Slimmable Networks", 2019): each update trains a
    large network with the labels, and a small one and some others with what the large one says
    ("in-place distillation"). Normalizations have the statistics of the batch.
    """

    def __init__(self, space: Space, seed: int) -> None:
        """Draws the weights.

        Args:
            space: Of the candidates.
            seed: Of the weights.
        """
        super().__init__()
        self._random = np.random.default_rng(seed)
        self._shared: dict[str, _SharedWeights] = {}
        for name, step in largest_shapes(space).items():
            self._shared[name] = _SharedWeights(self._kernel(step), step)
        self._networks: dict[Any, tuple[FloatNetwork, dict[str, SharedLayer]]] = {}
        self._drawn: Sequence[Candidate] = ()
        self.build(None)

    def build(self, input_shape: Any) -> None:
        """Nothing is left to build."""
        self.built = True

    def _kernel(self, step: Weighted) -> Array:
        """Of a variance as small as the smallest of its candidates bears; norms do the rest."""
        products = int(np.prod(step.kernel.shape[:-1]))
        deviation = np.float32(np.sqrt(2.0 / products))
        return self._random.standard_normal(step.kernel.shape, np.float32) * deviation

    def learn(
        self,
        samples: LabelledSamples,
        draw: NetworkDraw,
        optimizer: Any,
        batch_size: int,
        told: Callable[[int, float], None],
    ) -> None:
        """One pass over samples.

        Args:
            samples: In the order in which they are to be learned from.
            draw: Called for each update.
            optimizer: Of Keras, the same in each pass.
            batch_size: Samples of an update.
            told: Called after each update with its number and its mean loss.
        """
        if getattr(self, "optimizer", None) is not optimizer:
            self.compile(optimizer=optimizer, run_eagerly=True)  # each update is another network

        def begin(batch: int, logs: Any = None) -> None:
            self._drawn = draw()

        def end(batch: int, logs: Mapping[str, float] | None = None) -> None:
            told(batch, float((logs or {}).get("loss", 0.0)))

        watcher = keras.callbacks.LambdaCallback(on_train_batch_begin=begin, on_train_batch_end=end)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Gradients do not exist")
            self.fit(
                samples.values,
                samples.labels,
                batch_size=batch_size,
                shuffle=False,
                verbose=0,
                callbacks=[watcher],
            )

    def call(self, values: Any, training: bool = False) -> Any:
        """The logits of the networks that were drawn, (networks, samples, classes)."""
        return ops.stack([self.logits(one, values) for one in self._drawn])

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
        """The mean over the networks: the first learns the labels, the others what it says too."""
        logarithms = ops.log_softmax(y_pred, axis=-1)
        classes = y_pred.shape[-1]
        taught = ops.stop_gradient(ops.softmax(y_pred[:1], axis=-1))
        labels = ops.one_hot(ops.cast(y, "int32"), classes)[None]
        others = (1.0 - TAUGHT) * labels + TAUGHT * taught
        targets = ops.concatenate([labels, ops.repeat(others, len(self._drawn) - 1, axis=0)])
        return -ops.mean(ops.sum(targets * logarithms, axis=-1))

    def logits(self, candidate: Candidate, values: Any) -> Any:
        """What a candidate makes of a batch, normalized by the batch itself.

        Args:
            candidate: Of the space.
            values: (samples, height, width, channels) of the largest of the space's shapes.
        """
        network, layers = self._network(candidate)
        found = {INPUT: resized(values, network.input_shape)}
        for step in network.steps:
            sources = [found[source] for source in step.sources]
            found[step.name] = self._result(step, layers, sources)
        return found[network.steps[-1].name]

    def _network(self, candidate: Candidate) -> tuple[FloatNetwork, dict[str, SharedLayer]]:
        key = candidate.architecture, candidate.stages
        if key not in self._networks:
            if len(self._networks) >= MAX_NETWORKS:
                del self._networks[next(iter(self._networks))]
            network = candidate.architecture.network()
            self._networks[key] = network, shared_layers(candidate, network)
        return self._networks[key]

    def _result(
        self, step: LayerStep, layers: Mapping[str, SharedLayer], sources: list[Any]
    ) -> Any:
        if isinstance(step, MeanOfPixels):
            return ops.mean(sources[0], axis=(1, 2))
        if isinstance(step, Addition):
            result = sources[0] + sources[1]
        else:
            assert isinstance(step, Weighted), "architectures have no other steps"
            result = self._shared[layers[step.name].name].result(step, sources[0])
        if isinstance(step, Computed) and step.is_clamped:
            result = ops.clip(result, 0.0, step.ceiling)
        return result

    def macs(self, candidate: Candidate) -> int:
        """Multiply-accumulates of a run of a candidate."""
        return self._network(candidate)[0].macs()

    def network_of(self, candidate: Candidate) -> FloatNetwork:
        """A candidate with its own numbers, whose normalizations are still to be averaged."""
        network, layers = self._network(candidate)
        steps = [
            self._shared[layers[step.name].name].taken(step) if isinstance(step, Weighted) else step
            for step in network.steps
        ]
        return replace(network, steps=tuple(steps))


class _SharedWeights(keras.layers.Layer):  # type: ignore[misc]
    """The weights of a shared layer."""

    def __init__(self, kernel: Array, step: Weighted) -> None:
        super().__init__()
        self.built = True
        self.kernel = variable(self, kernel, "kernel")
        self.is_normalized = step.norm is not None
        zeros = np.zeros(step.channels, np.float32)
        if self.is_normalized:
            self.gamma = variable(self, zeros + 1, "gamma")
            self.beta = variable(self, zeros, "beta")
        else:
            self.bias = variable(self, zeros, "bias")

    def result(self, step: Weighted, values: Any) -> Any:
        """What a candidate's layer computes of a batch."""
        kernel = ops.convert_to_tensor(self.kernel)[_cut(self.kernel.shape, step.kernel.shape)]
        sums = product_of(values, kernel, step.product, step.window)
        if step.norm is None:
            return sums + self.bias[: step.channels]
        mean, variance = ops.moments(sums, axes=tuple(range(len(sums.shape) - 1)))
        factor = self.gamma[: step.channels] * ops.rsqrt(variance + step.norm.epsilon)
        return sums * factor + (self.beta[: step.channels] - mean * factor)

    def taken(self, step: Weighted) -> Weighted:
        """A candidate's layer with its numbers."""
        kernel = _numpy(self.kernel)[_cut(self.kernel.shape, step.kernel.shape)]
        if step.norm is None:
            return replace(step, kernel=kernel, bias=_numpy(self.bias)[: step.channels])
        zeros = np.zeros(step.channels, np.float32)
        gamma, beta = (_numpy(one)[: step.channels] for one in (self.gamma, self.beta))
        norm = Normalization(gamma, beta, zeros, zeros + 1, step.norm.epsilon)
        return replace(step, kernel=kernel, norm=norm)


def _cut(shape: Shape, wanted: Shape) -> tuple[slice, ...]:
    """The middle of a window, and the first channels."""
    if len(shape) == 2:
        return tuple(slice(size) for size in wanted)
    starts = [(shape[axis] - wanted[axis]) // 2 for axis in (0, 1)]
    window = [slice(at, at + size) for at, size in zip(starts, wanted, strict=False)]
    return (*window, slice(wanted[2]), slice(wanted[3]))


def resized(values: Any, shape: Shape) -> Any:
    """Images of another resolution, in grey where that is asked for of colour.

    Args:
        values: (samples, height, width, channels).
        shape: Height, width and channels; a channel is the mean of all.
    """
    if values.shape[-1] != shape[2]:
        values = ops.mean(values, axis=-1, keepdims=True)
    if tuple(values.shape[1:3]) != tuple(shape[:2]):
        values = ops.image.resize(values, shape[:2], antialias=True)
    return values


def _numpy(value: Any) -> Array:
    return np.array(ops.convert_to_numpy(value))
