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
from quantize.post.equalization import equalized, evened_values
from quantize.post.grouping import ChosenQuant, choose_scales, group
from quantize.post.layers import WeightedLayer, weighted_layers
from quantize.post.observers import OBSERVERS, MinMax, Observer
from quantize.post.prepare import prepare
from quantize.post.rules import QuantRule, Scales, int8_layer, rule_of
from quantize.post.runner import Runner
from quantize.post.score import scored_tensors, sqnr
from quantize.post.statistics import Inputs, Progress, Statistics, collect
from quantize.post.weights import least_scales, scaled_weights

SCORED_SAMPLES = 96
"""The most calibration samples on which candidates are compared; no weight is rounded by them."""

SCORED_SHARE = 0.25
"""Of the calibration samples, where there are few."""


RANGES: tuple[tuple[str, Sequence[Observer]], ...] = (
    ("best observer of each tensor", OBSERVERS),
    ("min-max everywhere", (MinMax(),)),
)
"""Ways to choose the ranges of all tensors."""


@dataclass(frozen=True)
class Effort:
    """How much is done for the roundings of weights.

    Attributes:
        samples: Calibration samples that serve for it.
        steps: Of gradient descent for each layer; 0 rounds to the nearest and corrects biases.
    """

    samples: int
    steps: int


EFFORTS: Mapping[int, tuple[Effort, Effort]] = {
    8: (Effort(192, 0), Effort(256, 500)),
    4: (Effort(256, 0), Effort(256, 1000)),
}
"""By the bits of the weights: normal and high. Weights of 4 bits are always rounded adaptively."""


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


@dataclass(frozen=True)
class TriedStep:
    """A step that was tried.

    Attributes:
        name: What was done.
        sqnr: Signal to noise of the scored tensors with it, dB, on calibration samples.
        kept: Whether the network has it.
    """

    name: str
    sqnr: float
    kept: bool


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
        steps: What was tried, in order.
    """

    graph: Graph
    float_graph: Graph
    chosen: dict[str, ChosenQuant]
    statistics: dict[str, Statistics]
    layers: dict[str, StoredLayer]
    rules: dict[str, QuantRule]
    steps: tuple[TriedStep, ...] = ()

    @property
    def kept_float(self) -> tuple[str, ...]:
        """The layers that have no int8 form."""
        return tuple(name for name, rule in self.rules.items() if rule.kind is Scales.FLOAT)

    def with_layers(self, layers: dict[str, StoredLayer], *, float_io: bool) -> Quantized:
        """The same with other stored weights and biases."""
        graph = build(self.float_graph, self.rules, self.chosen, layers, float_io=float_io)
        return replace(self, graph=graph, layers=layers)


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
    judge = _Judge(prepared, rules, inputs[-scored:], runner)
    bases = [("", prepared, statistics)]
    for name, even in (
        ("weights evened out", equalized(prepared, rules)),
        ("values evened out", evened_values(prepared, rules, statistics)),
    ):
        if even is not None:
            told = _renamed(progress, f"run the network with {name}")
            bases.append((name, even, collect(even, inputs, runner, told)))
    progress("choose ranges", 0, 0)
    tried: list[tuple[str, Quantized]] = []
    steps: list[list[TriedStep]] = []
    for base, one, seen in bases:
        found, compared = _best_ranges(base, one, seen, rules, options, judge)
        tried.append((base, found))
        steps.append(compared)
    found, compared = judge.best(tried)
    taken = next(index for index, step in enumerate(compared) if step.kept)
    flat = [
        replace(step, kept=step.kept and index == taken)
        for index, each in enumerate(steps)
        for step in each
    ]
    return _adapted(found, flat, judge, inputs[:-scored] or inputs, options, progress)


def _best_ranges(
    base: str,
    graph: Graph,
    statistics: dict[str, Statistics],
    rules: dict[str, QuantRule],
    options: Options,
    judge: _Judge,
) -> tuple[Quantized, list[TriedStep]]:
    """The observers that do best, judged without the noise of narrow weights; then with those."""
    wide = replace(options, bits=8)
    tried = []
    for name, observers in RANGES:
        label = ", ".join(filter(None, (base, name)))
        tried.append((label, _rounded_to_nearest(graph, statistics, rules, observers, wide)))
    found, steps = judge.best(tried)
    if options.bits != wide.bits:
        layers = {
            name: _stored_layer(graph, each.layer, found.chosen, options.bits)
            for name, each in found.layers.items()
        }
        found = found.with_layers(layers, float_io=options.float_io)
    return found, steps


def _adapted(
    found: Quantized,
    steps: Sequence[TriedStep],
    judge: _Judge,
    inputs: Inputs,
    options: Options,
    progress: Progress,
) -> Quantized:
    """Biases corrected, and weights rounded adaptively where that is asked for."""
    effort = options.effort
    layers = round_network(
        found.float_graph,
        found.layers,
        lambda each: build(found.float_graph, found.rules, found.chosen, each),
        inputs[: effort.samples],
        effort.steps,
        judge.runner,
        progress,
    )
    what = "bias correction" if not effort.steps else "bias correction, adaptive rounding"
    better = found.with_layers(layers, float_io=options.float_io)
    result, last = judge.best([(f"weights of {options.bits} bits, nearest", found), (what, better)])
    return replace(result, steps=(*steps, *last))


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
        if rule.kind not in (Scales.UNTOUCHED, Scales.FLOAT):
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
    rules: dict[str, QuantRule],
    observers: Sequence[Observer],
    options: Options,
) -> Quantized:
    groups = group(graph, rules)
    chosen = choose_scales(graph, groups, statistics, options.input_bounds, observers)
    layers = {
        layer.node.name: _stored_layer(graph, layer, chosen, options.bits)
        for layer in weighted_layers(graph, rules)
    }
    result = build(graph, rules, chosen, layers, float_io=options.float_io)
    return Quantized(result, graph, chosen, statistics, layers, rules)


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


class _Judge:
    """Compares candidates with the float network on the same samples."""

    def __init__(
        self, graph: Graph, rules: Mapping[str, QuantRule], inputs: Inputs, runner: Runner
    ) -> None:
        self.runner = runner
        self._inputs = inputs
        self._names = scored_tensors(graph, rules)
        self._wanted = self._columns(graph)

    def best(self, tried: Sequence[tuple[str, Quantized]]) -> tuple[Quantized, list[TriedStep]]:
        """The candidate nearest to the float network, and what all of them reached."""
        scores = [self._score(quantized.graph) for _, quantized in tried]
        place = int(np.argmax(scores))
        steps = [
            TriedStep(name, score, index == place)
            for index, ((name, _), score) in enumerate(zip(tried, scores, strict=True))
        ]
        return tried[place][1], steps

    def _score(self, graph: Graph) -> float:
        """Signal to noise of a network, the mean of its scored tensors, dB."""
        pairs = zip(self._wanted, self._columns(graph), strict=True)
        return float(np.mean([sqnr(wanted, near) for wanted, near in pairs]))

    def _columns(self, graph: Graph) -> list[Array]:
        """The scored tensors of all samples."""
        self.runner.load(graph)
        found = [self.runner.run(sample, self._names) for sample in self._inputs]
        return [np.stack(column) for column in zip(*found, strict=True)]
