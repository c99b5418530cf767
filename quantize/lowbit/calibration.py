"""The steps that training begins with: those of the least squared error on some samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from quantize.lowbit.bits import Bits
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.network import (
    INPUT,
    SOFTMAX_STEP,
    Computed,
    FloatNetwork,
    SoftmaxOfRows,
    Weighted,
)
from quantize.post.affine import Bounds, widened

CANDIDATES = 60
"""Steps that are tried, from that which cuts nothing down."""

LEAST_SHARE = 0.05
"""The smallest of them, of the largest."""

MAX_VALUES = 40_000
"""Of what a layer computes, that steps are tried on."""

TINY = 1e-8


@dataclass(frozen=True)
class FirstSteps:
    """What training begins with.

    Attributes:
        weights: The steps of each layer's weights, by channel, of ``Weighted.channel_shape``.
        activations: The step and the level of zero of each value that has a scale of its own.
    """

    weights: Mapping[str, Array]
    activations: Mapping[str, tuple[float, int]]


def first_steps(
    network: FloatNetwork, bits: Bits, seen: Mapping[str, Array], input_bounds: Bounds
) -> FirstSteps:
    """Chooses the steps.

    Args:
        network: With its weights.
        bits: Of each layer.
        seen: What each step computes in floating point on some samples.
        input_bounds: The real range of the input.
    """
    weighted = [step for step in network.steps if isinstance(step, Weighted)]
    weights = {
        step.name: weight_steps(step, levels)
        for step, levels in zip(weighted, network.weight_levels(bits).values(), strict=True)
    }
    ceilings = {step.name: step.ceiling for step in network.steps if isinstance(step, Computed)}
    fixed = {step.name for step in network.steps if isinstance(step, SoftmaxOfRows)}
    activations = {}
    for name, levels in network.activation_levels(bits).items():
        if name == INPUT:
            activations[name] = whole_range(input_bounds, levels)
        elif name in fixed:
            activations[name] = (SOFTMAX_STEP, 0)
        else:
            activations[name] = activation_step(seen[name], levels, ceilings[name])
    return FirstSteps(weights, activations)


def weight_steps(step: Weighted, levels: WeightLevels) -> Array:
    """The step of each channel with the least squared error."""
    matrix = step.kernel.reshape(-1, step.channels).astype(np.float64)
    reach = np.abs(matrix).max(axis=0)
    reach = np.where(reach > TINY, reach, 1.0)
    best, errors = reach / levels.largest, np.full(step.channels, np.inf)
    for share in np.linspace(1.0, LEAST_SHARE, CANDIDATES):
        tried = reach * share / levels.largest
        codes = levels.nearest(matrix / tried)
        error = np.square(codes * tried - matrix).sum(axis=0)
        better = error < errors
        best, errors = np.where(better, tried, best), np.where(better, error, errors)
    return best.reshape(step.channel_shape).astype(np.float32)


def activation_step(
    values: Array, levels: ActivationLevels, ceiling: float | None
) -> tuple[float, int]:
    """The step and the level of zero with the least squared error.

    Args:
        values: Some.
        levels: That they get.
        ceiling: What a ReLU cuts them to, None where it does not.
    """
    some = values.ravel()[:: max(1, values.size // MAX_VALUES)].astype(np.float64)
    low, high = widened((float(some.min()), float(some.max())))
    if ceiling is not None:
        high = min(high, ceiling)
    best, least = whole_range((low, high), levels), np.inf
    for share in np.linspace(1.0, LEAST_SHARE, CANDIDATES):
        step, zero = whole_range((low * share, high * share), levels)
        codes = np.clip(np.rint(some / step) + zero, 0, levels.last) - zero
        error = float(np.square(codes * step - some).sum())
        if error < least:
            best, least = (step, zero), error
    return best


def whole_range(bounds: Bounds, levels: ActivationLevels) -> tuple[float, int]:
    """The step and the level of zero for which nothing between ``bounds`` is cut."""
    low, high = widened(bounds)
    low = 0.0 if levels.is_clamped else low
    step = max(high - low, TINY) / levels.last
    return step, int(np.clip(np.rint(-low / step), 0, levels.last))
