"""Learns from what a teacher computes inside, not from classes.

After Matsubara and Levorato, "Neural Compression and Filtering for Edge-assisted Real-time Object
Detection in Challenged Networks", 2020, who call it generalized head network distillation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from quantize.lowbit.simulation import Simulation

LEAST_POWER = 1e-6
"""Of what a teacher computes: less is divided by it."""


class Guide:
    """A teacher, and which of its steps are followed."""

    def __init__(self, teacher: Simulation, pairs: Sequence[tuple[str, str]]) -> None:
        """Computes nothing yet.

        Args:
            teacher: In floating point; it does not change.
            pairs: A step of the student's and the teacher's whose values it learns to compute.
        """
        self._teacher, self._pairs = teacher, tuple(pairs)

    def loss(self, values: Any, found: Mapping[str, Any]) -> Any:
        """The mean squared distance at each step, in units of the teacher's power there, added.

        Args:
            values: A batch of inputs.
            found: What the student computes of it, by steps.
        """
        taught = self._teacher.values(values)
        total = 0.0
        for own, other in self._pairs:
            aim = ops.stop_gradient(taught[other])
            power = ops.maximum(ops.mean(ops.square(aim)), LEAST_POWER)
            total = total + ops.mean(ops.square(found[own] - aim)) / power
        return total
