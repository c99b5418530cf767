"""Quantizes a float network: samples for calibration, other samples for its accuracy, the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgebottle.detection.metadata import with_boxes
from edgebottle.errors import BadInput
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.passes.float_weights import float_weights
from edgebottle.pipeline import Model
from edgebottle.sample_sources import PixelScale, class_names, read_labels, read_samples
from edgebottle.samples import Samples
from quantize.post.prepare import check_float, is_streaming
from quantize.post.quantizer import Options, quantize_graph
from quantize.post.report import Accuracy, QuantizationReport, layer_reports
from quantize.post.runner import Runner
from quantize.post.score import Outputs, agreement, real_outputs

Progress = Callable[[str, int, int], None]

DEFAULT_SAMPLES = 512
"""For calibration."""

FEW_SAMPLES = 32
"""Fewer than these may not show what values occur."""

SEED = 0
"""Of the order in which samples are taken: the same files give the same network."""


@dataclass(frozen=True)
class SamplePlan:
    """Which samples serve what; no sample serves both.

    Attributes:
        calibration: Those that every choice is made with.
        test: Those that only accuracy is measured with; empty where there are none left.
        notes: In words, what was taken for what.
        warnings: What looks wrong.
    """

    calibration: Samples
    test: Samples
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_samples(
    model: Model,
    data: str,
    *,
    test: str | None = None,
    labels: Path | None = None,
    scale: PixelScale | None = None,
    count: int = DEFAULT_SAMPLES,
) -> SamplePlan:
    """Reads the samples and parts them; refuses what cannot be right before anything runs.

    Args:
        model: The float network.
        data: Where the calibration samples are, see ``read_samples``.
        test: Where the test samples are; None to part them from ``data``.
        labels: Classes of the test samples, or of ``data`` where there is no ``test``.
        scale: What pixels stand for.
        count: The most calibration samples.

    Raises:
        BadInput: the network is quantized already, or the samples cannot serve.
    """
    graph = float_weights(model.imported)
    check_float(graph)
    given = read_samples(data, graph, scale)
    other = None if test is None else read_samples(test, graph, scale)
    names = [class_names(source) for source in (data, test) if source is not None]
    if len(set(filter(None, names))) > 1:
        raise BadInput(
            f"{data} and {test} have other folders: {', '.join(names[0])} and {', '.join(names[1])}"
        )
    if labels is not None and other is not None:
        other = replace(other, labels=read_labels(labels, graph, len(other)))
    elif labels is not None:
        given = replace(given, labels=read_labels(labels, graph, len(given)))
    streams = is_streaming(graph)
    order = list(range(len(given)))
    if not streams:
        order = np.random.default_rng(SEED).permutation(len(given)).tolist()
    taken = min(count, len(given) if other is not None else max(1, len(given) // 2))
    calibration = _picked(given, order[:taken])
    rest = _picked(given, order[taken:]) if other is None else other
    check_values(calibration, graph)
    in_order = ", in their order as one stream" if streams else ""
    notes = [f"calibration: {len(calibration):,} of {len(given):,} samples of {data}{in_order}"]
    where = "the rest of them" if test is None else test
    labelled = "labelled" if rest.labels is not None else "without labels"
    if len(rest):
        notes.append(f"test: {len(rest):,} samples, {where}, {labelled}")
    warnings = [*given.warnings, *(other.warnings if other else ())]
    if len(calibration) < FEW_SAMPLES:
        warnings.append(
            f"only {len(calibration)} samples for calibration: some hundred show better what "
            "values occur"
        )
    warnings += _suspicious_values(calibration, rest, scale)
    return SamplePlan(calibration, rest, tuple(notes), tuple(warnings))


def _picked(samples: Samples, which: Sequence[int]) -> Samples:
    labels = samples.labels
    return replace(
        samples,
        inputs=tuple(samples.inputs[index] for index in which),
        labels=None if labels is None else tuple(labels[index] for index in which),
    )


def check_values(samples: Samples, graph: Graph) -> None:
    """Refuses samples that are all alike, or all of one class."""
    for index, name in enumerate(graph.inputs):
        low, high = _range(samples, index)
        if low == high:
            raise BadInput(
                f"{samples.source}: every value of input '{name}' is {low:g}: from such samples no "
                "range can be seen"
            )
    if samples.labels is not None and len(samples) > 1 and len(set(samples.labels)) == 1:
        raise BadInput(
            f"{samples.source}: all {len(samples)} samples for calibration are of class "
            f"{samples.labels[0]}: give samples of every class, or leave the labels out"
        )


def _range(samples: Samples, index: int) -> tuple[float, float]:
    arrays = [sample[index] for sample in samples.inputs]
    return (
        min(float(array.min()) for array in arrays),
        max(float(array.max()) for array in arrays),
    )


MAX_TEST_RANGE = 2.0
"""A test sample that goes so many times as far as all for calibration is scaled in another way."""

MIN_PIXEL = 32.0
"""Whole numbers above this, up to 255, look like pixels that were not scaled."""


def _suspicious_values(calibration: Samples, test: Samples, scale: PixelScale | None) -> list[str]:
    warnings = []
    for index in range(len(calibration.inputs[0])):
        low, high = _range(calibration, index)
        reach = max(-low, high)
        few = [sample[index] for sample in calibration.inputs[:FEW_SAMPLES]]
        whole = all((array == np.round(array)).all() for array in few)
        if scale is None and whole and low >= 0 and MIN_PIXEL < high <= 255:
            warnings.append(
                f"the values are whole numbers from {low:g} to {high:g}, like pixels: scale them "
                "as in training"
            )
        if len(test):
            lowest, highest = _range(test, index)
            furthest = max(-lowest, highest)
            if furthest > MAX_TEST_RANGE * reach or reach > MAX_TEST_RANGE * furthest:
                warnings.append(
                    f"the test samples go from {lowest:.4g} to {highest:.4g}, those for "
                    f"calibration from {low:.4g} to {high:.4g}: are both scaled as in training?"
                )
    return warnings


def quantize_model(
    model: Model, samples: SamplePlan, options: Options, progress: Progress
) -> tuple[bytes, QuantizationReport]:
    """Quantizes a network and measures what it lost.

    Args:
        model: The float network.
        samples: From ``plan_samples``.
        options: What is asked for.
        progress: Told what is being done.

    Returns:
        The ``.tflite`` file, and what is to be told of it.

    Raises:
        BadInput: the network is quantized already.
        BadModel: LiteRT refuses the network.
    """
    calibration = samples.calibration.inputs
    with Runner() as runner:
        graph = float_weights(model.imported)
        result = quantize_graph(graph, calibration, options, runner, progress)
        data = write_tflite(result.graph)
        if model.boxes is not None:
            data = with_boxes(data, model.boxes)
        layers = layer_reports(result, calibration, options.bits, runner, progress)
        accuracy = None
        if len(samples.test):
            accuracy = _measured(graph, result.graph, samples.test, runner, progress)
    report = QuantizationReport(
        model=model.name,
        bits=options.bits,
        calibration=len(calibration),
        accuracy=accuracy,
        steps=result.steps,
        layers=layers,
        bytes=len(data),
        float_bytes=len(write_tflite(result.float_graph)),
    )
    return data, report


def _measured(
    before: Graph, after: Graph, test: Samples, runner: Runner, progress: Progress
) -> Accuracy:
    total = len(test)
    real = real_outputs(
        before, test.inputs, runner, lambda n: progress("test the float network", n, total)
    )
    near = real_outputs(
        after,
        test.inputs,
        runner,
        lambda n: progress("test the quantized network", n, total),
        reference=True,
    )
    found = agreement(real, near, names_class=_names_class(before))
    right = [_accuracy(outputs, test.labels) for outputs in (real, near)]
    return Accuracy(total, right[0], right[1], found.same, found.sqnr)


def _names_class(graph: Graph) -> bool:
    """Whether the largest output may be an answer: not where outputs have the shape of inputs."""
    shapes = [graph.tensors[name].shape for name in graph.inputs]
    outputs = [graph.tensors[name] for name in graph.outputs]
    return len(outputs) == 1 and outputs[0].size > 1 and outputs[0].shape not in shapes


def _accuracy(outputs: Outputs, labels: Sequence[int] | None) -> float | None:
    if labels is None:
        return None
    pairs = zip(outputs, labels, strict=True)
    return float(np.mean([sample[0].argmax() == label for sample, label in pairs]))
