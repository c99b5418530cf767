"""What quantization did to each layer, and to the whole network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from quantize.post.affine import HIGH, LOW, Bounds, dequantized
from quantize.post.builder import build
from quantize.post.candidates import Quantized, TriedStep
from quantize.post.rules import QuantRule, Scales
from quantize.post.runner import Runner
from quantize.post.score import decibels, scored_tensors, sqnr
from quantize.post.statistics import BINS, Inputs, Progress, Statistics

COLUMNS = 64
"""Of a histogram as it is shown."""

DEAREST = 3
"""Layers that are named as those that cost most."""

COST_SAMPLES = 24
"""Samples with which each layer is quantized alone."""


@dataclass(frozen=True)
class Accuracy:
    """The float network and the quantized one on the test samples, which no choice has seen.

    Attributes:
        samples: How many.
        before: Share of right classes of the float network, None without labels.
        after: That of the quantized file, in LiteRT's reference kernels.
        same: Share of samples whose largest output is at the same place, None where outputs name
            no class.
        sqnr: Signal to quantization noise of the outputs, dB.
    """

    samples: int
    before: float | None
    after: float | None
    same: float | None
    sqnr: float

    @property
    def lost_points(self) -> float | None:
        """Percentage points of accuracy that quantizing cost; of agreement without labels."""
        if self.before is not None and self.after is not None:
            return 100 * (self.before - self.after)
        return None if self.same is None else 100 * (1 - self.same)


@dataclass(frozen=True)
class LayerReport:
    """One layer of the float network, and what became of it.

    Attributes:
        name: Of the layer.
        op: Its operator.
        bits: Of its weights; None where it has none, or stays in floating point.
        is_float: It has no int8 form.
        observer: What chose the range of its output; empty where it is not quantized.
        bounds: The real range of its output that int8 can tell apart.
        weights_sqnr: Signal to noise of its weights, dB.
        output_sqnr: Signal to noise of its output with all layers quantized, dB.
        cost: Noise that this layer alone brings to the network's outputs: the share of the noise
            of all layers that are quantized alone, 0 .. 1.
        saturated: Share of its output's values that are cut, 0 .. 1.
        histogram: Values of its output in ``COLUMNS`` equal parts of what was seen.
        seen: The lowest and the highest value of its output.
    """

    name: str
    op: str
    bits: int | None
    is_float: bool
    observer: str
    bounds: Bounds | None
    weights_sqnr: float | None
    output_sqnr: float | None
    cost: float | None
    saturated: float | None
    histogram: tuple[int, ...]
    seen: Bounds | None


@dataclass(frozen=True)
class QuantizationReport:
    """All that is told of a quantized network.

    Attributes:
        model: Name of the network.
        bits: Of the weights.
        calibration: Samples that every choice was made with.
        accuracy: On the test samples; None where there are none.
        steps: What was tried, in order.
        layers: What became of each layer, in the order of the run.
        bytes: Size of the file.
        float_bytes: Size of the float network as ``.tflite``.
    """

    model: str
    bits: int
    calibration: int
    accuracy: Accuracy | None
    steps: tuple[TriedStep, ...]
    layers: tuple[LayerReport, ...]
    bytes: int
    float_bytes: int

    @property
    def dearest(self) -> list[LayerReport]:
        """The layers that cost most, the worst first: together most of the noise."""
        costs = [layer for layer in self.layers if layer.cost]
        return sorted(costs, key=lambda layer: layer.cost or 0, reverse=True)[:DEAREST]

    @property
    def kept_float(self) -> list[LayerReport]:
        """The layers that have no int8 form."""
        return [layer for layer in self.layers if layer.is_float]


def layer_reports(
    result: Quantized, inputs: Inputs, bits: int, runner: Runner, progress: Progress
) -> tuple[LayerReport, ...]:
    """Looks at each layer.

    Args:
        result: The quantized network.
        inputs: Calibration samples.
        bits: Of the weights.
        runner: Runs the networks.
        progress: Told what is being done.
    """
    few = inputs[:: max(1, len(inputs) // COST_SAMPLES)][:COST_SAMPLES]
    noise = _output_noise(result, few, runner)
    costs = _costs(result, few, runner, progress)
    reports = []
    for node in result.float_graph.nodes:
        rule = result.rules[node.name]
        output = node.outputs[0]
        statistics = result.statistics.get(output)
        stored = result.layers.get(node.name)
        is_int8 = rule.kind not in (Scales.FLOAT, Scales.UNTOUCHED) and statistics is not None
        chosen = result.chosen[output] if is_int8 else None
        report = LayerReport(
            name=node.name,
            op=node.OP,
            bits=bits if stored else None,
            is_float=rule.kind is Scales.FLOAT,
            observer=chosen.observer if chosen else "",
            bounds=None,
            weights_sqnr=None,
            output_sqnr=noise.get(output),
            cost=costs.get(node.name),
            saturated=None,
            histogram=(),
            seen=None,
        )
        if stored is not None:
            real = stored.weights.dequantized(stored.stored)
            report = replace(report, weights_sqnr=sqnr(stored.weights.real, real))
        if chosen is not None and statistics is not None:
            low, high = dequantized(np.array([LOW, HIGH], np.int8), chosen.quant).tolist()
            report = replace(
                report,
                bounds=(low, high),
                saturated=_saturated(statistics, (low, high)),
                histogram=_histogram(statistics),
                seen=statistics.bounds,
            )
        reports.append(report)
    return tuple(reports)


def _output_noise(result: Quantized, inputs: Inputs, runner: Runner) -> dict[str, float]:
    """Signal to noise of each tensor that both networks have, in dB."""
    real, stored = result.float_graph, result.graph
    names = [
        name
        for name, tensor in stored.tensors.items()
        if tensor.data is None and name in result.statistics and tensor.quant is not None
    ]
    signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    runner.load(real)
    wanted = [runner.run(sample, names) for sample in inputs]
    runner.load(stored)
    for before, sample in zip(wanted, inputs, strict=True):
        for name, left, right in zip(names, before, runner.run(sample, names), strict=True):
            wide = left.astype(np.float64)
            signal[name] += float(np.sum(np.square(wide)))
            noise[name] += float(np.sum(np.square(wide - right)))
    return {name: decibels(signal[name], noise[name]) for name in names}


def _costs(
    result: Quantized, inputs: Inputs, runner: Runner, progress: Progress
) -> dict[str, float]:
    """What each layer alone does to the outputs: its share of the noise of all."""
    graph = result.float_graph
    scored = scored_tensors(graph, result.rules)
    names = [
        node.name
        for node in graph.nodes
        if result.rules[node.name].kind in (Scales.WEIGHTED, Scales.FREE)
    ]
    noise = {}
    runner.load(graph)
    real = [runner.run(sample, scored) for sample in inputs]
    for number, name in enumerate(names):
        progress("quantize each layer alone", number, len(names))
        rules = _only(result.rules, name)
        runner.load(build(graph, rules, result.chosen, result.layers, float_io=True))
        noise[name] = sum(
            float(np.sum(np.square(left.astype(np.float64) - right)))
            for wanted, sample in zip(real, inputs, strict=True)
            for left, right in zip(wanted, runner.run(sample, scored), strict=True)
        )
    total = sum(noise.values())
    return {name: value / total if total else 0.0 for name, value in noise.items()}


def _only(rules: Mapping[str, QuantRule], name: str) -> dict[str, QuantRule]:
    """The rules with every other layer in floating point."""
    return {
        key: rule if key == name or rule.kind is Scales.UNTOUCHED else QuantRule(Scales.FLOAT)
        for key, rule in rules.items()
    }


def _saturated(statistics: Statistics, bounds: Bounds) -> float:
    half = (bounds[1] - bounds[0]) / (HIGH - LOW) / 2
    beyond = statistics.centres < bounds[0] - half
    beyond |= statistics.centres > bounds[1] + half
    return float(statistics.counts[beyond].sum() / max(int(statistics.counts.sum()), 1))


def _histogram(statistics: Statistics) -> tuple[int, ...]:
    low, high = statistics.bounds
    if high <= low:
        return (int(statistics.counts.sum()),)
    places = (statistics.centres - low) / (high - low) * COLUMNS
    columns = np.clip(places.astype(np.int64), 0, COLUMNS - 1)
    counts = np.bincount(columns, weights=statistics.counts, minlength=COLUMNS)
    assert counts.size == COLUMNS and statistics.counts.size == BINS
    return tuple(int(count) for count in counts)
