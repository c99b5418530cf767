"""Functions whose gradient is not that of what they compute, in ``keras.ops``."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from edgebottle.ir.graph import Array
from quantize.lowbit.levels import WeightLevels


def rounded(values: Any) -> Any:
    """The nearest whole numbers; the gradient passes as if nothing was rounded.

    Source: Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons for
    Conditional Computation", 2013 (straight-through estimator).
    """
    return replaced(values, ops.round(values))


def replaced(values: Any, others: Any) -> Any:
    """``others``, with the gradient of ``values``."""
    return values + ops.stop_gradient(others - values)


def sloped(values: Any, slope: float) -> Any:
    """``values``, whose gradient is multiplied with ``slope``."""
    if slope == 1.0:
        return values
    return replaced(values * slope, values)


def nearest_levels(scaled: Any, levels: WeightLevels) -> Any:
    """The level nearest to each weight in units of its step, with the gradient of the weight.

    That passes up to half a level beyond the outermost ones, so that these hold as wide an interval
    of weights as the others.
    """
    largest, spacing = levels.largest, levels.spacing
    reach = largest + spacing / 2
    clipped = ops.clip(scaled, -reach, reach)
    odd = 2.0 * ops.floor(clipped / 2.0) + 1.0
    found = odd if levels.has_no_zero else ops.round(clipped)
    return replaced(clipped, ops.clip(found, -float(largest), float(largest)))


def variable(holder: Any, value: Array | float, name: str, *, trainable: bool = True) -> Any:
    """A variable of a layer of Keras that begins with ``value``."""
    array = np.asarray(value, np.float32)
    made = holder.add_weight(array.shape, "zeros", trainable=trainable, name=name)
    made.assign(array)
    return made
