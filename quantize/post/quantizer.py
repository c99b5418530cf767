"""From a float graph and samples to an integer graph: the order of the steps.

Each step that does not always help is tried, and kept where the outputs of the integer network on
calibration samples come nearer to those of the float one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgebottle.ir.graph import Array, Graph
from quantize.post.adaptive import round_network
from quantize.post.affine import HIGH, LOW, Bounds, dequantized
from quantize.post.builder import StoredLayer, build
from quantize.post.candidates import Contender, Quantized, Referee, nearest
from quantize.post.equalization import equalized
from quantize.post.grouping import ChosenQuant, choose_scales, group
from quantize.post.layers import WeightedLayer, weighted_layers
from quantize.post.observers import OBSERVERS, MinMax, Observer
from quantize.post.prepare import prepare
from quantize.post.rules import QuantRule, Scales, int8_layer, rule_of
from quantize.post.runner import Runner
from quantize.post.statistics import Inputs, Progress, Statistics, collect
from quantize.post.weights import least_scales, scaled_weights

SCORED_SAMPLES = 96
"""The most calibration samples on which candidates are compared; no weight is rounded by them."""

SCORED_SHARE = 0.25
"""Of the calibration samples, where there are few."""


EQUALIZED = "equalized"
"""What the float network is called behind cross-layer equalization."""

RANGES: tuple[tuple[str, Sequence[Observer]], ...] = (
    ("best observer of each tensor", OBSERVERS),
    ("min-max everywhere", (MinMax(),)),
)
"""Ways to choose the ranges of all tensors."""


ROUNDING_SAMPLES = 256
"""The most calibration samples by which weights are rounded in order."""


@dataclass(frozen=True)
class Effort:
    """How much is done for the roundings of weights, after they were rounded in order.

    Attributes:
        samples: Calibration samples that serve for it.
        steps: Of gradient descent for each layer; 0 for none.
    """

    samples: int
    steps: int


EFFORTS: Mapping[int, tuple[Effort, Effort]] = {
    8: (Effort(0, 0), Effort(128, 200)),
    4: (Effort(0, 0), Effort(256, 400)),
}
"""By the bits of the weights: normal and high."""


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        bits: Of the weights, 8 or 4.
        thorough: High effort for the roundings of weights.
        float_io: Inputs and outputs stay in floating point.
        input_bounds: Real ranges of inputs that are known, by name.
    """

    bits: int = 8
    thorough: bool = False
    float_io: bool = False
    input_bounds: Mapping[str, Bounds] = field(default_factory=dict)

    @property
    def effort(self) -> Effort:
        """What is done for the roundings of weights."""
        return EFFORTS[self.bits][self.thorough]


def quantize_graph(
    graph: Graph, inputs: Inputs, options: Options, runner: Runner, progress: Progress
) -> Quantized:
    """Quantizes a float network after its training.

    Args:
        graph: A float graph, as imported.
        inputs: The calibration samples, real values, float32.
        options: What is asked for.
        runner: Runs the networks.
        progress: Told what is being done.

    Raises:
        BadInput: the network is quantized already.
        BadModel: LiteRT refuses the network.
    """
    prepared = prepare(graph)
    statistics = collect(prepared, inputs, runner, progress)
    rules = rules_of(prepared, statistics, runner)
    scored = min(SCORED_SAMPLES, max(1, int(len(inputs) * SCORED_SHARE)))
    referee = Referee(prepared, rules, inputs[-scored:], runner)
    bases = [("", prepared, statistics)]
    even = equalized(prepared, rules, statistics)
    if even is not None:
        told = _renamed(progress, "run the equalized network")
        bases.append((EQUALIZED, even, collect(even, inputs, runner, told)))
    progress("choose ranges", 0, 0)
    wide = [_best_ranges(name, one, seen, options, referee) for name, one, seen in bases]
    found = _best_roundings(
        wide, (inputs[:-scored] or inputs)[:ROUNDING_SAMPLES], options, referee, progress
    )
    network = found.network
    result = network.with_layers(network.layers, float_io=options.float_io)
    return replace(result, steps=referee.steps_of(found))


def _best_ranges(
    base: str,
    graph: Graph,
    statistics: dict[str, Statistics],
    options: Options,
    referee: Referee,
) -> Contender:
    """The observers that do best, with weights of 8 bits to the nearest."""
    wide = replace(options, bits=8)
    tried = []
    for name, observers in RANGES:
        network = _rounded_to_nearest(graph, statistics, referee.rules, observers, wide)
        tried.append(referee.tried(name, network, base))
    return nearest(tried)


def _best_roundings(
    wide: list[Contender], inputs: Inputs, options: Options, referee: Referee, progress: Progress
) -> Contender:
    """The networks with their weights rounded, of narrow weights all: of these the best.

    Narrow weights to the nearest would hide everything else, so that nothing is chosen before they
    are rounded in order.
    """
    is_narrow = options.bits != 8
    tried = []
    for each in wide if is_narrow else [nearest(wide)]:
        if is_narrow:
            network = _narrowed(each.network, options.bits)
            each = referee.tried(f"weights of {options.bits} bits, nearest", network, each)
        better = _rounded(each.network, inputs, 0, referee, progress)
        tried += [each, referee.tried("weights rounded in order, biases corrected", better, each)]
    found = nearest(tried)
    effort = options.effort
    if effort.steps:
        better = _rounded(found.network, inputs[: effort.samples], effort.steps, referee, progress)
        found = nearest([found, referee.tried("adaptive rounding", better, found)])
    return found


def _narrowed(network: Quantized, bits: int) -> Quantized:
    """The same with weights of so many bits, to the nearest."""
    layers = {
        name: _stored_layer(network.float_graph, each.layer, network.chosen, bits)
        for name, each in network.layers.items()
    }
    return network.with_layers(layers, float_io=False)


def _rounded(
    network: Quantized, inputs: Inputs, steps: int, referee: Referee, progress: Progress
) -> Quantized:
    """The same with weights and biases rounded by what they do to the outputs of their layers."""
    layers = round_network(
        network.float_graph,
        network.layers,
        lambda each: build(network.float_graph, network.rules, network.chosen, each),
        inputs,
        steps,
        referee.runner,
        progress,
    )
    return network.with_layers(layers, float_io=False)


def rules_of(
    graph: Graph, statistics: Mapping[str, Statistics], runner: Runner
) -> dict[str, QuantRule]:
    """How each layer is quantized, by its name; what LiteRT itself refuses stays in float."""
    bounds = {name: found.bounds for name, found in statistics.items()}
    random = np.random.default_rng(0)
    rules: dict[str, QuantRule] = {}
    taken: dict[tuple[str, QuantRule], bool] = {}
    for node in graph.nodes:
        ins, outs = graph.ins(node), graph.outs(node)
        rule = rule_of(node, ins, outs, bounds)
        is_tried = rule.kind in (Scales.FREE, Scales.SHARED, Scales.WEIGHTED)
        if is_tried and node.assigned is None:
            key = (node.OP, rule)
            if key not in taken:
                layer = int8_layer(node, ins, outs, bounds, rule)
                taken[key] = runner.takes(layer, _some_inputs(layer, random))
            rule = rule if taken[key] else QuantRule(Scales.FLOAT)
        rules[node.name] = rule
    return rules


def _some_inputs(graph: Graph, random: np.random.Generator) -> list[Array]:
    """Real values for what is quantized, zeros for indices and the like."""
    tensors = [graph.tensors[name] for name in graph.inputs]
    return [
        np.zeros(tensor.shape, tensor.dtype.numpy)
        if tensor.quant is None
        else dequantized(random.integers(LOW, HIGH + 1, tensor.shape), tensor.quant)
        for tensor in tensors
    ]


def _rounded_to_nearest(
    graph: Graph,
    statistics: dict[str, Statistics],
    rules: Mapping[str, QuantRule],
    observers: Sequence[Observer],
    options: Options,
) -> Quantized:
    groups = group(graph, rules)
    chosen = choose_scales(graph, groups, statistics, options.input_bounds, observers)
    layers = {
        layer.node.name: _stored_layer(graph, layer, chosen, options.bits)
        for layer in weighted_layers(graph, rules)
    }
    result = build(graph, rules, chosen, layers)
    return Quantized(result, graph, chosen, statistics, layers, dict(rules))


def _stored_layer(
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


def _renamed(progress: Progress, what: str) -> Callable[[str, int, int], None]:
    return lambda _, done, total: progress(what, done, total)
