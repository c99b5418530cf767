"""From a float graph and samples to an integer graph: the order of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgebottle.ir.graph import Graph
from quantize.post.affine import Bounds
from quantize.post.builder import StoredLayer, build
from quantize.post.grouping import ChosenQuant, choose_scales, group
from quantize.post.layers import WeightedLayer, weighted_layers
from quantize.post.prepare import prepare
from quantize.post.rules import QuantRule, Scales, rule_of
from quantize.post.statistics import Inputs, Progress, Statistics, collect
from quantize.post.weights import least_scales, scaled_weights


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        bits: Of the weights, 8 or 4.
        float_io: Inputs and outputs stay in floating point.
        input_bounds: Real ranges of inputs that are known, by name.
    """

    bits: int = 8
    float_io: bool = False
    input_bounds: Mapping[str, Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantized:
    """A quantized network.

    Attributes:
        graph: The integer graph.
        float_graph: The float graph as it was folded.
        chosen: The quantization of each tensor of the float graph.
        statistics: Of each tensor of the float graph.
        layers: The layers with weights, by name.
        rules: How each layer of the float graph is quantized, by its name.
    """

    graph: Graph
    float_graph: Graph
    chosen: dict[str, ChosenQuant]
    statistics: dict[str, Statistics]
    layers: dict[str, StoredLayer]
    rules: dict[str, QuantRule]

    @property
    def kept_float(self) -> tuple[str, ...]:
        """The layers that have no int8 form."""
        return tuple(name for name, rule in self.rules.items() if rule.kind is Scales.FLOAT)


def quantize_graph(graph: Graph, inputs: Inputs, options: Options, progress: Progress) -> Quantized:
    """Quantizes a float network after its training.

    Args:
        graph: A float graph, as imported.
        inputs: The calibration samples, real values, float32.
        options: What is asked for.
        progress: Told what is being done.

    Raises:
        BadInput: the network is quantized already.
        BadModel: LiteRT refuses the network.
    """
    prepared = prepare(graph)
    statistics = collect(prepared, inputs, progress)
    bounds = {name: found.bounds for name, found in statistics.items()}
    rules = {
        node.name: rule_of(node, prepared.ins(node), prepared.outs(node), bounds)
        for node in prepared.nodes
    }
    groups = group(prepared, rules)
    chosen = choose_scales(prepared, groups, statistics, options.input_bounds)
    layers = {
        layer.node.name: stored_layer(prepared, layer, chosen, options.bits)
        for layer in weighted_layers(prepared, rules)
    }
    result = build(prepared, rules, chosen, layers, float_io=options.float_io)
    return Quantized(result, prepared, chosen, statistics, layers, rules)


def stored_layer(
    graph: Graph, layer: WeightedLayer, chosen: Mapping[str, ChosenQuant], bits: int
) -> StoredLayer:
    """A layer with its weights rounded to the nearest."""
    real, bias = layer.matrix(graph), layer.biases(graph)
    source, output = chosen[layer.source].quant.scale[0], chosen[layer.output].quant.scale[0]
    weights = scaled_weights(
        real,
        bits,
        per_channel=layer.rule.per_channel,
        least=least_scales(bias, source, output),
        importance=np.ones(real.shape[1]),
    )
    return StoredLayer(layer, weights, weights.nearest(), bias)
