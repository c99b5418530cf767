"""Rounding of weights one after the other: each makes up for the errors of those before it.

Source: Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
Transformers", 2023, section 3 (the order and the Cholesky factor); that inputs of the quantized
network meet outputs of the float one: Li et al., "GPTAQ: Efficient Finetuning-Free Quantization for
Asymmetric Calibration", 2025, section 4, here by the least squares of both.
"""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array
from quantize.post.weights import Weights

RIDGES = (0.01, 0.1, 1.0)
"""Of the mean square of an input: how strongly weights are held where samples say little."""


def input_squares(near: Array) -> Array:
    """The mean square of what each weight is multiplied with, (products,) or (channels, products).

    Args:
        near: Inputs, patches (rows, products) or (rows, channels, products).
    """
    return np.asarray(np.square(near, dtype=np.float64).mean(axis=0))


def round_in_order(weights: Weights, near: Array, wanted: Array, ridge: float) -> Array:
    """Stored weights whose products with ``near`` come close to ``wanted``, up to a mean.

    Args:
        weights: The real weights and their scales.
        near: Inputs in the quantized network, (rows, products) or (rows, channels, products).
        wanted: Outputs of the float layer before its activation, (rows, channels).
        ridge: One of ``RIDGES``.

    Returns:
        int8, (channels, products).
    """
    centred = near - near.mean(axis=0)
    target = wanted - wanted.mean(axis=0)
    if near.ndim == 2:
        square = (centred.T @ centred).astype(np.float64)[None]  # the same for all channels
        cross = (target.T @ centred).astype(np.float64)
    else:
        square = np.einsum("rck,rcl->ckl", centred, centred, optimize=True).astype(np.float64)
        cross = np.einsum("rc,rck->ck", target, centred, optimize=True).astype(np.float64)
    count = square.shape[-1]
    level = ridge * np.trace(square, axis1=1, axis2=2) / count
    held = np.maximum(level, 1e-12 * max(level.max(initial=0.0), 1e-12))
    square = square + held[:, None, None] * np.eye(count)
    right = cross + held[:, None] * weights.real
    best = (
        np.linalg.solve(square[0], right.T).T
        if near.ndim == 2
        else np.linalg.solve(square, right[:, :, None])[:, :, 0]
    )
    return weights.clipped(_rounded(best, square, weights))


def _rounded(best: Array, square: Array, weights: Weights) -> Array:
    """Whole steps near ``best``, by the error that ``square`` weighs."""
    order = np.argsort(-np.einsum("ckk->k", square))  # the dearest first
    back = np.argsort(order)
    square = square[:, order][:, :, order]
    left = best[:, order]
    inverse = np.linalg.inv(square)
    factor = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2).transpose(0, 2, 1)
    steps = np.empty_like(left)
    for column in range(left.shape[1]):
        steps[:, column] = weights.clipped(np.rint(left[:, column] / weights.scales))
        error = left[:, column] - steps[:, column] * weights.scales
        row = factor[:, column, column:]
        left[:, column:] -= (error / row[:, 0])[:, None] * row
    return steps[:, back]
