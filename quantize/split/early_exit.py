"""An early exit: classes from the bottleneck, on the device, with calibrated confidence.

One dense layer and a softmax on the bottleneck, learned when everything else is trained, so that it
changes nothing of that (after Teerapittayanon et al., "BranchyNet", 2016). Its confidence is
calibrated by a temperature (Guo et al., "On Calibration of Modern Neural Networks", 2017), fitted
on samples that nothing was learned from: where it says 0.9, nine of ten answers are right.
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from edgebottle.importers.int8_builder import Int8Builder, StoredWeights
from edgebottle.ir.graph import Array, Graph, Quant, Tensor, unused_name

EXIT_NAME = "early_exit"

STEPS, LEARNING_RATE = 400, 0.05
"""Of Adam (Kingma & Ba, 2015), each with all samples."""

DECAYS = (1e-4, 1e-3, 1e-2)
"""Weights of the squared weights in the loss, of which the one with the least loss is taken."""

BINS = 15
"""Of confidence, for the calibration error."""

LARGEST = 127
"""Of stored weights."""


@dataclass(frozen=True)
class DenseExit:
    """A dense layer.

    Attributes:
        weights: float64, (inputs, classes).
        bias: float64, (classes,).
    """

    weights: Array
    bias: Array

    def logits(self, values: Array) -> Array:
        """Of samples, (samples, inputs)."""
        found: Array = values @ self.weights + self.bias
        return found

    def cooled(self, temperature: float) -> DenseExit:
        """With logits that are divided by a temperature."""
        return DenseExit(self.weights / temperature, self.bias / temperature)


def learned_exit(
    values: Array, labels: Array, chosen: Array, chosen_labels: Array, classes: int
) -> DenseExit:
    """Softmax regression; how much weights cost is chosen by other samples.

    Args:
        values: (samples, inputs), real, of which weights are learned.
        labels: Their classes.
        chosen: Samples that nothing is learned from.
        chosen_labels: Their classes.
        classes: That there are.
    """
    spread = max(float(np.abs(values).max(initial=0.0)), 1e-9)
    found = [_descended(values / spread, labels, classes, decay) for decay in DECAYS]
    real = [DenseExit(one.weights / spread, one.bias) for one in found]
    return min(real, key=lambda one: loss(one.logits(chosen), chosen_labels))


def _descended(values: Array, labels: Array, classes: int, decay: float) -> DenseExit:
    """Adam from zeros."""
    values = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    numbers = np.zeros((values.shape[1], classes))
    mean, square = np.zeros_like(numbers), np.zeros_like(numbers)
    target = np.eye(classes)[labels]
    for step in range(1, STEPS + 1):
        slope = values.T @ (softmax(values @ numbers) - target) / len(values)
        slope[:-1] += decay * numbers[:-1]
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope * slope
        pace = LEARNING_RATE * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        numbers -= pace * mean / (np.sqrt(square) + 1e-8)
    return DenseExit(numbers[:-1], numbers[-1])


def softmax(logits: Array) -> Array:
    """Probabilities, over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Array = raised / raised.sum(axis=-1, keepdims=True)
    return found


def loss(logits: Array, labels: Array) -> float:
    """Mean cross-entropy, in nats."""
    own = np.take_along_axis(softmax(logits), np.asarray(labels)[:, None], axis=1)
    return float(-np.log(np.maximum(own, 1e-12)).mean())


def fitted_temperature(logits: Array, labels: Array) -> float:
    """The temperature, 0.05 to 20, with which logits have the least loss: by golden section."""
    low, high = math.log(0.05), math.log(20.0)
    share = (math.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - share * (high - low), low + share * (high - low)
        if loss(logits / math.exp(left), labels) < loss(logits / math.exp(right), labels):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def calibration_error(confidence: Array, is_right: Array) -> float:
    """Expected calibration error: how far confidence is from the share of right answers.

    Args:
        confidence: (samples,), 0 to 1.
        is_right: (samples,).
    """
    bins = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    total = 0.0
    for each in range(BINS):
        inside = bins == each
        if inside.any():
            total += inside.sum() * abs(float(confidence[inside].mean() - is_right[inside].mean()))
    return total / len(confidence)


def sure_enough(confidence: Array, is_right: Array, wanted: float) -> float | None:
    """The least confidence from which on so large a share of answers is right.

    Args:
        confidence: (samples,), of samples that nothing was learned from.
        is_right: (samples,).
        wanted: 0 to 1.

    Returns:
        One of the confidences that there are; None where even the surest are not right so often.
    """
    for least in np.unique(confidence):
        if is_right[confidence >= least].mean() >= wanted:
            return float(least)
    return None


def exit_graph(dense: DenseExit, source: Tensor, logits: Array, taken: Container[str]) -> Graph:
    """The int8 layers from a bottleneck to probabilities.

    Args:
        dense: The layer.
        source: The bottleneck, (1, height, width, channels).
        logits: Real logits of samples, which give the range of stored ones.
        taken: Names that the network has already.
    """
    assert source.quant is not None, "everything is int8"
    name = unused_name(EXIT_NAME, taken)
    builder = Int8Builder(name, source.name, source.shape, source.quant)
    inputs, classes = dense.weights.shape
    flat, scores = f"{name}_values", f"{name}_logits"
    builder.reshape(flat, source.name, (1, inputs))
    scales = np.maximum(np.abs(dense.weights).max(axis=0), 1e-9) / LARGEST
    stored = np.rint(dense.weights / scales).astype(np.int8).T
    low, high = min(float(logits.min()), 0.0), max(float(logits.max()), 1e-6)
    step = float(np.float32((high - low) / 255))
    quant = Quant((step,), (max(-128, min(127, round(-128 - low / step))),))
    weights = StoredWeights(np.ascontiguousarray(stored), 0, scales.astype(np.float32), dense.bias)
    builder.dense(scores, flat, weights, quant, clamps=False)
    builder.softmax(name, scores)
    assert stored.shape == (classes, inputs)
    return builder.graph(name)
