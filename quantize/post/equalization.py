"""Cross-layer equalization: factors move from the weights of a layer to those of the next.

They even out the ranges of channels between the two, which have one scale: Meller et al., "Same,
Same But Different: Recovering Neural Network Quantization Error Through Weight Factorization",
2019, section 4. Where channels share a scale of the next layer's weights, half of the range moves
there: Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large
Language Models", 2023, section 4. (Weights alone, as Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", 2019, section 4.1, need none: each channel has a scale.)
What a positive factor passes through is tried, not listed: any operator whose output scales as its
input does, channel by channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, unused_name
from edgebottle.ops.base import Activation
from quantize.post.layers import WeightedLayer, weighted_layers
from quantize.post.rules import QuantRule
from quantize.post.statistics import Statistics

MAX_FACTOR = 64.0
"""Beyond this a channel does not matter, and float32 would suffer."""

SHARED = 0.5
"""Of the range of values, as a power, what goes into weights whose scale is shared by channels."""

DEAD = 1e-5
"""Of the widest channel: a narrower one stays as it is."""

HOMOGENEOUS = (Activation.NONE, Activation.RELU)


@dataclass(frozen=True)
class _Pair:
    """Two layers with weights, of which the second alone reads the first.

    Attributes:
        first: The layer whose output channels shrink or grow.
        second: The layer that makes up for it.
        channels: For each element of the weights of ``second`` (its matrix) the output channel of
            ``first`` that it is multiplied with.
    """

    first: WeightedLayer
    second: WeightedLayer
    channels: Array


def equalized(
    graph: Graph, rules: Mapping[str, QuantRule], statistics: Mapping[str, Statistics]
) -> Graph | None:
    """The same network, channels of like ranges between layers; None where no two are a pair.

    Args:
        graph: A float graph.
        rules: Of its layers.
        statistics: Of its tensors.
    """
    layers, pairs = _pairs(graph, rules)
    if not pairs:
        return None
    matrices = {name: layer.matrix(graph) for name, layer in layers.items()}
    biases = {name: layer.biases(graph) for name, layer in layers.items()}
    for pair in pairs:
        first, second = pair.first.node.name, pair.second.node.name
        reach = statistics[pair.first.output].channels
        assert reach is not None, "statistics without samples"
        factors = _factors(reach.astype(np.float64), pair, pair.second.matrix(graph))
        matrices[first] /= factors[:, None]
        biases[first] /= factors
        matrices[second] *= factors[pair.channels]
    return with_weights(graph, layers, matrices, biases, "equalized")


def _factors(reach: Array, pair: _Pair, weights: Array) -> Array:
    """What each channel between two layers is divided by, of a mean of one."""
    alive = reach > DEAD * reach.max(initial=0.0)
    if not alive.any():
        return np.ones_like(reach)
    factors = np.where(alive, reach / reach[alive].max(), 1.0)
    if (pair.channels != pair.channels[:, :1]).any():  # a weight's scale serves several channels
        widest = np.abs(weights).max(axis=1, keepdims=True)
        incoming = np.zeros(len(reach))
        np.maximum.at(incoming, pair.channels, np.abs(weights) / np.where(widest > 0, widest, 1))
        alive &= incoming > DEAD
        even = factors**SHARED / np.where(alive, incoming, 1) ** (1 - SHARED)
        factors = np.where(alive, even, 1.0)
    factors = np.where(alive, factors / np.exp(np.log(factors[alive]).mean()), 1.0)
    return np.asarray(np.clip(factors, 1 / MAX_FACTOR, MAX_FACTOR))


def _pairs(
    graph: Graph, rules: Mapping[str, QuantRule]
) -> tuple[dict[str, WeightedLayer], list[_Pair]]:
    """The layers with weights by name, and those that follow one another."""
    layers = {layer.node.name: layer for layer in weighted_layers(graph, rules)}
    return layers, [pair for layer in layers.values() if (pair := _pair(graph, layer, layers))]


def _pair(graph: Graph, first: WeightedLayer, layers: Mapping[str, WeightedLayer]) -> _Pair | None:
    """The layer that alone reads the output of ``first``, be it through others."""
    if getattr(first.node, "activation", None) not in HOMOGENEOUS:
        return None
    outputs = len(first.matrix(graph))
    name = first.output
    while True:
        readers = graph.consumers(name)
        if len(readers) != 1 or name in graph.outputs:
            return None
        reader = readers[0]
        if reader.name in layers:
            break
        if not _passes_factors(graph, reader, name, outputs):
            return None
        name = reader.outputs[0]
    second = layers[reader.name]
    if second.source != name:
        return None
    return _Pair(first, second, input_channels(graph, second, outputs))


def input_channels(graph: Graph, layer: WeightedLayer, outputs: int) -> Array:
    """The channel of the input, modulo ``outputs``, of each weight of a layer."""
    shape, axis = graph.tensors[layer.weights].shape, layer.rule.axis
    channels, products = layer.matrix(graph).shape
    if axis == len(shape) - 1:  # each output channel reads one input channel
        inputs = graph.tensors[layer.source].shape[-1]
        own = np.arange(channels) // (channels // inputs)
        return np.broadcast_to(own[:, None] % outputs, (channels, products))
    reads = shape[-1]
    groups = max(1, graph.tensors[layer.source].shape[-1] // reads)
    first = np.arange(channels) // (channels // groups) * reads
    return np.asarray((first[:, None] + np.arange(products) % reads) % outputs)


def _passes_factors(graph: Graph, node: Node, source: str, channels: int) -> bool:
    """Whether the output scales with the channels of the input, whatever positive factors."""
    ins, outs = graph.ins(node), graph.outs(node)
    reals = [name for name in node.inputs if name and graph.tensors[name].dtype is DType.F32]
    if reals != [source] or len(outs) != 1 or outs[0].shape[-1] % channels or node.state_inputs:
        return False
    random = np.random.default_rng(0)
    value = random.normal(0, 4, graph.tensors[source].shape).astype(np.float32)
    if value.shape[-1] % channels:
        return False
    factors = random.uniform(0.5, 2, channels).astype(np.float32)
    plain, scaled = (
        node.reference(
            [given if name == source else graph.tensors[name].data for name in node.inputs if name],
            ins,
            outs,
        )[0]
        for given in (value, value * np.tile(factors, value.shape[-1] // channels))
    )
    wanted = plain * np.tile(factors, plain.shape[-1] // channels)
    return bool(np.allclose(scaled, wanted, rtol=1e-4, atol=1e-4))


def with_weights(
    graph: Graph,
    layers: Mapping[str, WeightedLayer],
    matrices: Mapping[str, Array],
    biases: Mapping[str, Array],
    what: str,
) -> Graph:
    """The graph with other weights: each layer gets its own, for others may share the old ones.

    Args:
        graph: The float graph.
        layers: Those that change, by name.
        matrices: Their new weights, (channels, products).
        biases: Their new biases.
        what: Is added to the names of the constants.
    """
    tensors = dict(graph.tensors)
    nodes = []
    for node in graph.nodes:
        layer = layers.get(node.name)
        if layer is not None:
            values = {
                layer.rule.weights: layer.tensor_of(matrices[node.name], graph),
                layer.rule.bias: biases[node.name],
            }
            inputs = list(node.inputs)
            for index, value in values.items():
                old = graph.tensors[str(inputs[index])]
                name = unused_name(f"{old.name}_{what}", tensors)
                data = value.astype(np.float32).reshape(old.shape)
                tensors[name] = replace(old, name=name, data=data)
                inputs[index] = name
            node = replace(node, inputs=tuple(inputs))
        nodes.append(node)
    return graph.with_nodes(nodes, tensors)
