"""Rounding of a layer's weights and biases by what they do to its outputs.

To the nearest, one after the other (``second_order``), or adaptively: whether each weight goes up
or down is learned. Rows that were held out say which is best.

Source of adaptive rounding: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
Quantization", 2020: the relaxation and its regularizer are those of equations 22 to 24, the loss
that of equation 25, with the inputs that the quantized layers before give (asymmetric) and the
activation behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from quantize.post.affine import Bounds
from quantize.post.second_order import RIDGES, input_squares, round_in_order
from quantize.post.weights import Weights

STRETCH_LOW, STRETCH_HIGH = -0.1, 1.1
"""The sigmoid is stretched to these ends and cut to 0 .. 1, so that it gets there."""

FIRST_BETA, LAST_BETA = 20.0, 2.0
"""Of the regularizer: it first leaves weights free, then drives them to 0 or 1."""

WARM_UP = 0.2
"""Of the steps without the regularizer."""

LEARNING_RATE = 0.02
DECAY, SQUARED_DECAY = 0.9, 0.999
"""Of Adam: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015."""

REGULARIZATION = 0.5
"""Of the mean regularizer, beside a loss of which nearest rounding has 1."""

BATCH = 512
"""Rows of patches in each step."""

HELD_OUT = 0.2
"""Of the rows: what was learned has to be better on them too."""


@dataclass(frozen=True)
class Problem:
    """A layer whose weights are to be rounded.

    Attributes:
        weights: The real weights and their scales.
        bias: Real biases, (channels,).
        real: Its input in the float network, patches (rows, products) or (rows, channels,
            products).
        near: Its input in the quantized network, of the same shape.
        bounds: Of its activation, on real values.
    """

    weights: Weights
    bias: Array
    real: Array
    near: Array
    bounds: Bounds


@dataclass(frozen=True)
class Rounded:
    """What came of it.

    Attributes:
        weights: The real weights and their scales.
        stored: int8 weights.
        bias: Real biases that make the mean output of each channel right.
        before: Mean squared error of the outputs with nearest rounding, on rows held out.
        after: The same of what was found.
    """

    weights: Weights
    stored: Array
    bias: Array
    before: float
    after: float


def products(patches: Array, weights: Array) -> Array:
    """The sums of a layer, (rows, channels), without biases."""
    if patches.ndim == 2:
        return np.asarray(patches @ weights.T)
    return np.asarray(np.einsum("rck,ck->rc", patches, weights, optimize=True))


def round_layer(problem: Problem, steps: int, seed: int) -> Rounded:
    """The rounding of a layer's weights that does best on the last rows, which it has not seen.

    Args:
        problem: The layer.
        steps: Of gradient descent; 0 for none.
        seed: Of the order of the rows there.
    """
    wanted = _single(products(problem.real, _single(problem.weights.real)) + problem.bias)
    taught, held = np.split(np.arange(len(wanted)), [len(wanted) - int(len(wanted) * HELD_OUT)])
    tried = [(problem.weights, problem.weights.nearest())]
    near = problem.near[taught]
    other = problem.weights.rescaled(input_squares(near))
    tried += [(other, round_in_order(other, near, wanted[taught], ridge)) for ridge in RIDGES]
    if steps:
        tried.append((problem.weights, _Descent(problem, wanted, taught, seed).run(steps)))
    errors, biases = [], []
    for weights, stored in tried:
        real = weights.dequantized(stored)
        biases.append(corrected_bias(problem, real, wanted, taught))
        errors.append(_error(problem, real, biases[-1], wanted, held))
    best = int(np.argmin(errors))
    return Rounded(*tried[best], biases[best], errors[0], errors[best])


def corrected_bias(problem: Problem, real: Array, wanted: Array, rows: Array) -> Array:
    """Biases with which the mean of each channel before the activation is that of the float layer.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
    2019, section 4.2 and appendix D (the empirical form).
    """
    sums = products(problem.near[rows], _single(real))
    return np.asarray((wanted[rows] - sums).mean(axis=0), np.float64)


def _error(problem: Problem, real: Array, bias: Array, wanted: Array, rows: Array) -> float:
    sums = products(problem.near[rows], _single(real)) + bias
    low, high = problem.bounds
    return float(np.mean(np.square(np.clip(sums, low, high) - np.clip(wanted[rows], low, high))))


def _single(values: Array) -> Array:
    return np.asarray(values, np.float32)


class _Descent:
    """Gradient descent on the relaxed roundings of one layer."""

    def __init__(self, problem: Problem, wanted: Array, rows: Array, seed: int) -> None:
        self._problem, self._wanted, self._rows = problem, wanted, rows
        self._random = np.random.default_rng(seed)
        exact = problem.weights.real / problem.weights.scales[:, None]
        limit = problem.weights.largest
        self._floor = _single(np.clip(np.floor(exact), -limit, limit - 1))
        rest = np.clip(exact - self._floor, 0.01, 0.99)
        share = (rest - STRETCH_LOW) / (STRETCH_HIGH - STRETCH_LOW)
        self._logits = _single(np.log(share / (1 - share)))
        nearest = problem.weights.dequantized(problem.weights.nearest())
        self._bias = corrected_bias(problem, nearest, wanted, rows)
        self._unit = max(_error(problem, nearest, self._bias, wanted, rows), 1e-20)

    def run(self, steps: int) -> Array:
        """The stored weights after so many steps."""
        first, second = np.zeros_like(self._logits), np.zeros_like(self._logits)
        for step in range(1, steps + 1):
            gradient = self._gradient(step / steps)
            first += (1 - DECAY) * (gradient - first)
            second += (1 - SQUARED_DECAY) * (np.square(gradient) - second)
            rate = LEARNING_RATE * np.sqrt(1 - SQUARED_DECAY**step) / (1 - DECAY**step)
            self._logits -= np.float32(rate) * first / (np.sqrt(second) + 1e-12)
        up = _relaxed(self._logits)[0] >= 0.5
        return self._problem.weights.clipped(self._floor + up)

    def _gradient(self, done: float) -> Array:
        """Of the loss and the regularizer, by the logits."""
        relaxed, slope = _relaxed(self._logits)
        rows = self._random.choice(self._rows, min(BATCH, len(self._rows)), replace=False)
        scales = _single(self._problem.weights.scales)[:, None]
        patches = self._problem.near[rows]
        sums = products(patches, (self._floor + relaxed) * scales) + _single(self._bias)
        low, high = self._problem.bounds
        error = np.clip(sums, low, high) - np.clip(self._wanted[rows], low, high)
        error = np.where((sums > low) & (sums < high), error, 0)
        error *= np.float32(2 / error.size / self._unit)
        if patches.ndim == 2:
            by_weight = error.T @ patches
        else:
            by_weight = np.einsum("rc,rck->ck", error, patches, optimize=True)
        total = by_weight * scales
        if done > WARM_UP:
            share = (done - WARM_UP) / (1 - WARM_UP)
            beta = LAST_BETA + (FIRST_BETA - LAST_BETA) * 0.5 * (1 + np.cos(share * np.pi))
            away = 2 * relaxed - 1
            pull = -2 * beta * np.sign(away) * np.abs(away) ** (beta - 1)
            total = total + np.float32(REGULARIZATION / relaxed.size) * pull
        return _single(total * slope)


def _relaxed(logits: Array) -> tuple[Array, Array]:
    """The stretched sigmoid cut to 0 .. 1, and its slope."""
    sigmoid = 1 / (1 + np.exp(-logits))
    wide = sigmoid * (STRETCH_HIGH - STRETCH_LOW) + STRETCH_LOW
    slope = sigmoid * (1 - sigmoid) * (STRETCH_HIGH - STRETCH_LOW)
    return np.clip(wide, 0, 1), np.where((wide > 0) & (wide < 1), slope, 0)
