"""A network that holds the weights of all candidates of a search at once.

A block's weights belong to its stage, its place there and its kind; a candidate takes the first
channels of them, and the middle of their windows. So a candidate need not be trained to be
compared: its numbers are cut out, and its normalizations averaged anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import ops

from edgebottle.ir.graph import Array, Shape
from quantize.lowbit.network import (
    INPUT,
    Addition,
    FloatNetwork,
    LayerStep,
    MeanOfPixels,
    Normalization,
    Weighted,
)
from quantize.lowbit.samples import LabelledSamples
from quantize.lowbit.simulation import attended
from quantize.search.boxed_adam import Box, BoxedAdam
from quantize.search.space import Candidate, Space

TAUGHT = 0.5
"""How much of what the others learn is what the first says, and not the labels."""

MAX_NETWORKS = 128
"""Whose steps are remembered."""

NumberSource = Callable[[str, Box], Any]
"""Gives a part of one of the arrays of shared numbers, as a tensor."""

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
        # So it is with what is multiplied by the second of two factors.
        kind = f"{kind}_factors" if getattr(block, "rank", 1) != 1 else kind
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
    both = (0, -1)
    ranks = both if space.has_attention else both[:1]
    for kind, first, *ends in itertools.product(space.kinds, firsts, both, both, both, ranks):
        # A stride leaves small images, on which windows are small.
        stride, expand, head, rank = ends
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
            if space.has_attention:
                choice[f"stage{stage}_rank"] = space.ranks[rank]
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


class SuperNetwork:
    """Shared weights, and their training, which is TensorFlow's.

    The sandwich rule (Yu and Huang, "Universally Slimmable Networks", 2019): each update trains a
    large network with the labels, and a small one and some others with what the large one says
    ("in-place distillation"). Normalizations have the statistics of the batch.

    Attributes:
        numbers: All that is learned, ``LAYER.kernel``, ``LAYER.bias``, ``LAYER.gamma`` and
            ``LAYER.beta``, float32.
    """

    def __init__(self, space: Space, seed: int) -> None:
        """Draws the weights.

        Args:
            space: Of the candidates.
            seed: Of the weights.
        """
        self._networks: dict[Any, tuple[FloatNetwork, dict[str, SharedLayer]]] = {}
        self.numbers: dict[str, Array] = {}
        generator = np.random.default_rng(seed)
        for name, step in largest_shapes(space).items():
            # Of a variance as small as the smallest of its candidates bears; norms do the rest.
            products = int(np.prod(step.kernel.shape[:-1]))
            kernel = generator.standard_normal(step.kernel.shape, np.float32)
            self.numbers[f"{name}.kernel"] = kernel * np.float32(np.sqrt(2.0 / products))
            zeros = np.zeros(step.channels, np.float32)
            if step.norm is None:
                self.numbers[f"{name}.bias"] = zeros
            else:
                self.numbers |= {
                    f"{name}.gamma": zeros + step.norm.gamma[0],
                    f"{name}.beta": zeros,
                }

    def learn(
        self,
        samples: LabelledSamples,
        draw: NetworkDraw,
        adam: BoxedAdam,
        batch_size: int,
        told: Callable[[int, float], None],
    ) -> None:
        """One pass over samples.

        Args:
            samples: In the order in which they are to be learned from.
            draw: Called for each update.
            adam: Of ``numbers``, the same in each pass.
            batch_size: Samples of an update.
            told: Called after each update with its number and its mean loss.
        """
        for number, at in enumerate(range(0, len(samples), batch_size)):
            part = slice(at, at + batch_size)
            told(number, self._update(draw(), samples.values[part], samples.labels[part], adam))

    def _update(
        self, candidates: Sequence[Candidate], values: Array, labels: Array, adam: BoxedAdam
    ) -> float:
        import tensorflow as tf

        from quantize.search.compiled_layers import sandwich_loss

        used: list[tuple[str, Box, Any]] = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def number(name: str, box: Box) -> Any:
                tensor = tf.constant(self.numbers[name][box])
                tape.watch(tensor)
                used.append((name, box, tensor))
                return tensor

            logits = [self._logits(one, values, number) for one in candidates]
            loss = sandwich_loss(logits, tf.constant(labels, tf.int32), TAUGHT)
        found = tape.gradient(loss, [tensor for *_, tensor in used])
        gradients: dict[str, list[tuple[Box, Array]]] = {}
        for (name, box, _), gradient in zip(used, found, strict=True):
            gradients.setdefault(name, []).append((box, np.asarray(gradient)))
        adam.update(gradients)
        return float(loss)

    def logits(self, candidate: Candidate, values: Any) -> Any:
        """What a candidate makes of a batch, normalized by the batch itself.

        Args:
            candidate: Of the space.
            values: (samples, height, width, channels) of the largest of the space's shapes.
        """
        return self._logits(
            candidate, values, lambda name, box: ops.convert_to_tensor(self.numbers[name][box])
        )

    def _logits(self, candidate: Candidate, values: Any, number: NumberSource) -> Any:
        network, layers = self._network(candidate)
        found = {INPUT: ops.convert_to_tensor(resized(values, network.input_shape))}
        for step in network.steps:
            sources = [found[source] for source in step.sources]
            found[step.name] = self._result(step, layers, sources, number)
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
        self,
        step: LayerStep,
        layers: Mapping[str, SharedLayer],
        sources: list[Any],
        number: NumberSource,
    ) -> Any:
        if isinstance(step, MeanOfPixels):
            return ops.mean(sources[0], axis=(1, 2))
        if isinstance(step, Addition):
            result = sources[0] + sources[1]
            return ops.clip(result, 0.0, step.ceiling) if step.is_clamped else result
        if not isinstance(step, Weighted):
            return attended(step, sources)
        from quantize.search.compiled_layers import layer_result

        boxes = self._boxes(layers[step.name])
        return layer_result(step, sources[0], [number(*one) for one in boxes.items()])

    def _boxes(self, layer: SharedLayer) -> dict[str, Box]:
        """The parts of ``numbers`` that are a candidate's layer, the kernel first."""
        name, step = layer.name, layer.step
        kernel = f"{name}.kernel"
        vectors = ("bias",) if step.norm is None else ("gamma", "beta")
        found = {kernel: _cut(self.numbers[kernel].shape, step.kernel.shape)}
        return found | {f"{name}.{one}": (slice(0, step.channels),) for one in vectors}

    def macs(self, candidate: Candidate) -> int:
        """Multiply-accumulates of a run of a candidate."""
        return self._network(candidate)[0].macs()

    def network_of(self, candidate: Candidate) -> FloatNetwork:
        """A candidate with its own numbers, whose normalizations are still to be averaged."""
        network, layers = self._network(candidate)
        steps = [
            self._taken(layers[step.name]) if isinstance(step, Weighted) else step
            for step in network.steps
        ]
        return replace(network, steps=tuple(steps))

    def _taken(self, layer: SharedLayer) -> Weighted:
        """A candidate's layer with its numbers."""
        step = layer.step
        kernel, *vectors = (
            self.numbers[name][box].copy() for name, box in self._boxes(layer).items()
        )
        if step.norm is None:
            return replace(step, kernel=kernel, bias=vectors[0])
        zeros = np.zeros(step.channels, np.float32)
        gamma, beta = vectors
        norm = Normalization(gamma, beta, zeros, zeros + 1, step.norm.epsilon)
        return replace(step, kernel=kernel, norm=norm)


def _cut(shape: Shape, wanted: Shape) -> Box:
    """The middle of a window, and the first channels."""
    if len(shape) == 2:
        return tuple(slice(0, size) for size in wanted)
    starts = [(shape[axis] - wanted[axis]) // 2 for axis in (0, 1)]
    window = [slice(at, at + size) for at, size in zip(starts, wanted, strict=False)]
    return (*window, slice(0, wanted[2]), slice(0, wanted[3]))


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
