"""Rounding of a whole network, layer by layer in the order of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.graph import Array, Graph, Int
from edgebottle.ops.base import Activation
from edgebottle.passes.drop_dead import drop_dead
from quantize.post.builder import StoredLayer
from quantize.post.layers import WeightedLayer
from quantize.post.patches import PatchMap, patch_map
from quantize.post.rounding import Problem, round_layer
from quantize.post.runner import Runner
from quantize.post.statistics import Inputs, Progress

MAX_ROWS = 4096
"""Rows of patches of a layer."""

MAX_ELEMENTS = 1 << 22
"""Of all patches of a layer, where that leaves ``LEAST_ROWS``."""

LEAST_ROWS = 256

Builder = Callable[[Mapping[str, StoredLayer]], Graph]
"""Builds the integer graph of the layers as they are so far."""


@dataclass(frozen=True)
class _Place:
    """Where the patches of a layer are taken from: which output pixels of each sample."""

    layer: WeightedLayer
    map: PatchMap
    pixels: tuple[Int, ...]

    def rows(self, values: Sequence[Array]) -> Array:
        """The patches of all samples."""
        pairs = zip(values, self.pixels, strict=True)
        return np.concatenate([self.map.take(value, pixels) for value, pixels in pairs])


def round_network(
    graph: Graph,
    layers: Mapping[str, StoredLayer],
    build: Builder,
    inputs: Inputs,
    steps: int,
    runner: Runner,
    progress: Progress,
) -> dict[str, StoredLayer]:
    """Rounds the weights of each layer so that its outputs stay what they were.

    Args:
        graph: The float graph.
        layers: The layers with weights, in order, rounded to the nearest.
        build: Builds the integer graph.
        inputs: Calibration samples.
        steps: Of gradient descent for each layer.
        runner: Runs the networks.
        progress: Told what is being done.

    Returns:
        The layers with other stored weights, their scales, and biases that make their means right.
    """
    places = _places(graph, layers, len(inputs))
    real = _real_rows(graph, places, inputs, runner)
    rounded = dict(layers)
    for number, place in enumerate(places):
        name, source = place.layer.node.name, place.layer.source
        progress("round weights", number, len(places))
        runner.load(_until(build(rounded), source))
        near = [runner.run(sample, [source])[0] for sample in inputs]
        stored = rounded[name]
        problem = Problem(
            weights=stored.weights,
            bias=stored.layer.biases(graph),
            real=real.pop(name),
            near=place.rows(near),
            bounds=getattr(place.layer.node, "activation", Activation.NONE).float_range(),
        )
        found = round_layer(problem, steps, seed=number)
        rounded[name] = replace(stored, weights=found.weights, stored=found.stored, bias=found.bias)
    return rounded


def _places(graph: Graph, layers: Mapping[str, StoredLayer], samples: int) -> list[_Place]:
    random = np.random.default_rng(0)
    places = []
    for stored in layers.values():
        found = patch_map(graph, stored.layer)
        if found is None:
            continue
        each = stored.stored.size if found.channels is not None else stored.stored.shape[1]
        rows = int(np.clip(MAX_ELEMENTS // each, LEAST_ROWS, MAX_ROWS))
        count = min(-(-rows // samples), len(found.places))
        pixels = tuple(
            random.choice(len(found.places), count, replace=False) for _ in range(samples)
        )
        places.append(_Place(stored.layer, found, pixels))
    return places


def _real_rows(
    graph: Graph, places: Sequence[_Place], inputs: Inputs, runner: Runner
) -> dict[str, Array]:
    """The patches of the float network, of all layers at once."""
    sources = list(dict.fromkeys(place.layer.source for place in places))
    parts: dict[str, list[Array]] = {place.layer.node.name: [] for place in places}
    runner.load(graph)
    for number, sample in enumerate(inputs):
        values = dict(zip(sources, runner.run(sample, sources), strict=True))
        for place in places:
            found = place.map.take(values[place.layer.source], place.pixels[number])
            parts[place.layer.node.name].append(found)
    return {name: np.concatenate(each) for name, each in parts.items()}


def _until(graph: Graph, tensor: str) -> Graph:
    """What computes a tensor."""
    if tensor in graph.inputs:
        return graph
    return drop_dead(replace(graph, outputs=(tensor,)))
