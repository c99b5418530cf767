"""Iterative freezing: a weight that jumps too often between levels stays on one for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edgebottle.ir.graph import Array
from quantize.lowbit.levels import WeightLevels
from quantize.lowbit.methods.method import Method


@dataclass(frozen=True)
class Freezing(Method):
    """Tracks how often the level of a weight turns back, and freezes those above a threshold.

    A turn is a change of level against the direction of the change before it; how often that
    happens is a moving mean over updates. A frozen weight has the level nearest to the moving mean
    of its levels, and learns no more. The threshold falls along a half cosine.

    Attributes:
        first: The threshold at the beginning, in turns per update.
        last: At the end.
        momentum: Weight of the newest update in moving means.
    """

    NAME: ClassVar[str] = "freezing"
    SOURCE: ClassVar[str] = (
        "Nagel et al., Overcoming Oscillations in Quantization-Aware Training, 2022"
    )

    first: float = 0.04
    last: float = 0.01
    momentum: float = 0.01

    def create(self, holder: Any, codes: Array) -> None:
        """Gives a holder the variables of its weights.

        Args:
            holder: Of the weights of a layer.
            codes: Their levels at the beginning.
        """
        from quantize.lowbit.gradients import variable

        zeros = codes * 0
        holder.level_before = variable(holder, codes, "level_before", trainable=False)
        holder.mean_level = variable(holder, codes, "mean_level", trainable=False)
        holder.direction = variable(holder, zeros, "direction", trainable=False)
        holder.turns = variable(holder, zeros, "turns", trainable=False)
        holder.frozen = variable(holder, zeros, "frozen", trainable=False)
        holder.frozen_level = variable(holder, codes, "frozen_level", trainable=False)

    def track(self, holder: Any, codes: Any, levels: WeightLevels, moment: Any) -> None:
        """Takes note of the levels of one update.

        Args:
            holder: That was given variables.
            codes: The levels.
            levels: That there are.
            moment: How far training is, 0 .. 1.
        """
        from keras import ops

        from quantize.lowbit.gradients import nearest_levels

        codes = ops.stop_gradient(codes)
        change = ops.sign(codes - holder.level_before)
        turned = ops.cast(change * holder.direction < 0.0, "float32")
        new = self.momentum
        turns = holder.turns * (1.0 - new) + turned * new
        mean = holder.mean_level * (1.0 - new) + codes * new
        falling = 0.5 * (1.0 + ops.cos(moment * 3.14159265))
        threshold = self.last + (self.first - self.last) * falling
        is_new = ops.logical_and(turns > threshold, holder.frozen < 0.5)
        nearest = nearest_levels(mean, levels)
        level, frozen, direction = map(
            ops.convert_to_tensor, (holder.frozen_level, holder.frozen, holder.direction)
        )
        holder.frozen_level.assign(ops.where(is_new, nearest, level))
        holder.frozen.assign(ops.where(is_new, ops.ones_like(mean), frozen))
        holder.direction.assign(ops.where(change == 0.0, direction, change))
        holder.level_before.assign(codes)
        holder.turns.assign(turns)
        holder.mean_level.assign(mean)

    def applied(self, holder: Any, codes: Any) -> Any:
        """The levels, with those of frozen weights in their place."""
        from keras import ops

        level = ops.convert_to_tensor(holder.frozen_level)
        return ops.where(holder.frozen > 0.5, level, codes)
