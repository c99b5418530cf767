"""PACT: the upper end of a ReLU is learned from what it cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from quantize.lowbit.levels import ActivationLevels
from quantize.lowbit.methods.learned_step import LearnedStep


@dataclass(frozen=True)
class LearnedClip(LearnedStep):
    """Only values beyond the end move it (their gradients, summed), and decay draws it in.

    Attributes:
        decay: Of the squared ends, added to the loss.
    """

    NAME: ClassVar[str] = "pact"
    SOURCE: ClassVar[str] = "Choi et al., PACT: Parameterized Clipping Activation, 2018"
    OF_WEIGHTS: ClassVar[bool] = False

    decay: float = 1e-4

    def suits(self, levels: ActivationLevels) -> bool:
        """What a ReLU clamps."""
        return levels.is_clamped

    def on_grid(self, holder: Any, values: Any, levels: ActivationLevels) -> Any:
        """See ``StepMethod``."""
        from keras import ops

        from quantize.lowbit.gradients import replaced

        step, _ = self.grid(holder, levels)
        end = step * levels.last
        holder.add_loss(self.decay * ops.square(end))
        clipped = ops.where(values < end, ops.relu(values), end)
        return replaced(clipped, ops.round(clipped / step) * step)
