"""Gives a split network an early exit: the device answers by itself what it is sure enough of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgebottle.ir.graph import Array, Graph
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile, split_data
from edgebottle.split.frames import HEADER_BYTES
from edgebottle.split.head import EarlyExit
from edgebottle.training import Progress
from quantize.lowbit.samples import LabelledSamples
from quantize.post.affine import quantized
from quantize.split.early_exit import (
    calibration_error,
    exit_graph,
    fitted_temperature,
    learned_exit,
    sure_enough,
)
from quantize.split.report import ExitReport

EXIT_SAMPLES = 10_000
"""Of those that are learned from."""


@dataclass(frozen=True)
class _ExitAnswers:
    """What an exit says of samples, stored confidences as probabilities."""

    confidence: Array
    is_right: Array


def with_exit(
    file: SplitFile,
    learned: LabelledSamples,
    chosen: LabelledSamples,
    test: LabelledSamples,
    wanted: float,
    progress: Progress,
) -> tuple[SplitFile, ExitReport]:
    """Learns an exit, calibrates it, and measures it in LiteRT.

    Args:
        file: The split network, without an exit.
        learned: Samples that weights are learned from.
        chosen: Others: temperature and threshold are fitted to them.
        test: That no choice has seen.
        wanted: The share of the exit's answers that shall be right, 0 to 1.
        progress: Told how far it is.

    Returns:
        The network with the exit, or as it was where nothing is sure enough; and what is to be
        told.
    """
    bottleneck = file.graph.tensors[file.split.tensor]
    assert bottleneck.quant is not None, "everything is int8"
    first = LabelledSamples(learned.values[:EXIT_SAMPLES], learned.labels[:EXIT_SAMPLES])
    values, other = (_bottlenecks(file, one, progress) for one in (first, chosen))
    classes = file.graph.tensors[_answers(file)[0]].shape[-1]
    progress("learn the early exit", 0, 0)
    dense = learned_exit(values, first.labels, other, chosen.labels, classes)
    temperature = fitted_temperature(dense.logits(other), chosen.labels)
    cooled = dense.cooled(temperature)
    layers = exit_graph(cooled, bottleneck, cooled.logits(values), file.graph.tensors)
    added = _added(file, layers)
    fitted = _exit_answers(added, chosen, progress)
    threshold = sure_enough(fitted.confidence, fitted.is_right, wanted)
    if threshold is None:
        return file, ExitReport(wanted, temperature)
    sure = _with_split(added, threshold=threshold)
    report = _measured(sure, test, ExitReport(wanted, temperature, threshold), progress)
    taken = fitted.confidence >= threshold
    report = replace(
        report,
        chosen_share=float(taken.mean()),
        chosen_accuracy=float(fitted.is_right[taken].mean()),
    )
    return _with_split(sure, exit_share=report.share, exit_accuracy=report.accuracy), report


def _answers(file: SplitFile) -> list[str]:
    return [name for name in file.graph.outputs if name != file.split.exit]


def _with_split(file: SplitFile, **changes: Any) -> SplitFile:
    split = replace(file.split, **changes)
    return SplitFile.of_bytes(split_data(file.graph, split), file.graph.name)


def _added(file: SplitFile, layers: Graph) -> SplitFile:
    """With the layers of an exit, and a threshold that no answer reaches."""
    graph = file.graph
    both = replace(
        graph,
        tensors={**layers.tensors, **graph.tensors},
        nodes=(*graph.nodes, *layers.nodes),
        outputs=(*graph.outputs, *layers.outputs),
    )
    split = replace(file.split, exit=layers.outputs[0], threshold=1.0)
    return SplitFile.of_bytes(split_data(both, split), graph.name)


def _runs(
    file: SplitFile, samples: LabelledSamples, what: str, progress: Progress
) -> Iterator[tuple[Array, ...]]:
    """Outputs of the head for each sample, in LiteRT."""
    head, quant = LiteRTModel(file.head), file.graph.tensors[file.graph.inputs[0]].quant
    assert quant is not None, "everything is int8"
    for number, value in enumerate(samples.values):
        progress(what, number, len(samples))
        yield tuple(head.run([quantized(value[None], quant)]))


def _bottlenecks(file: SplitFile, samples: LabelledSamples, progress: Progress) -> Array:
    """Real values of the bottleneck, (samples, elements)."""
    quant = file.graph.tensors[file.split.tensor].quant
    assert quant is not None
    stored = [outputs[0].reshape(-1) for outputs in _runs(file, samples, "compute heads", progress)]
    return (np.stack(stored).astype(np.float64) - quant.zero_point[0]) * quant.scale[0]


def _exit_answers(file: SplitFile, samples: LabelledSamples, progress: Progress) -> _ExitAnswers:
    runs = _runs(file, samples, "calibrate the early exit", progress)
    return _answered(file, [outputs[1] for outputs in runs], samples.labels)


def _answered(file: SplitFile, exits: Sequence[Array], labels: Array) -> _ExitAnswers:
    """What stored outputs of the exit say, one for each label."""
    tensor = file.graph.tensors[file.split.exit]
    assert tensor.quant is not None
    stored = np.stack([one.reshape(-1) for one in exits]).astype(np.float64)
    real = (stored - tensor.quant.zero_point[0]) * tensor.quant.scale[0]
    return _ExitAnswers(real.max(axis=1), real.argmax(axis=1) == labels)


def _measured(
    file: SplitFile, samples: LabelledSamples, report: ExitReport, progress: Progress
) -> ExitReport:
    """With what the exit, and the network with it at the highest rate, give on test samples."""
    code, tail = file.split.code, LiteRTModel(file.tail)
    known = EarlyExit.of(file.graph, file.split)
    assert known is not None
    exits, taken, right, sent = [], [], [], []
    for outputs, label in zip(
        _runs(file, samples, "test the early exit", progress), samples.labels, strict=True
    ):
        exits.append(outputs[1])
        found = known.answer(outputs[1])
        taken.append(found is not None)
        if found is None:
            levels = file.split.levels(outputs[0])
            sent.append(len(code.encode(levels, code.rates)[0]) + HEADER_BYTES)
            found = int(tail.run([file.split.stored(levels)])[0].argmax())
        else:
            sent.append(0)
        right.append(found == label)
    leaves, is_right = np.array(taken), np.array(right)
    answers = _answered(file, exits, samples.labels)
    return replace(
        report,
        share=float(leaves.mean()),
        accuracy=float(is_right[leaves].mean()) if leaves.any() else 0.0,
        accuracy_with=float(is_right.mean()),
        bytes_with=float(np.mean(sent)),
        calibration_error=calibration_error(answers.confidence, answers.is_right),
    )
