"""StatsQ: the step of weights follows from their mean size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edgebottle.ir.graph import Array
from quantize.lowbit.levels import WeightLevels
from quantize.lowbit.methods.method import StepMethod


@dataclass(frozen=True)
class StatisticalStep(StepMethod):
    """The range of weights is twice their mean size, by channel, and has no gradient.

    With n levels on each side of zero, the outermost lies half a level within that range.
    """

    NAME: ClassVar[str] = "statsq"
    SOURCE: ClassVar[str] = (
        "Liu et al., Oscillation-free Quantization for Low-bit Vision Transformers, 2023"
    )
    OF_WEIGHTS: ClassVar[bool] = True

    def create_weights(self, holder: Any, steps: Array, levels: WeightLevels, slope: float) -> None:
        """It has no variables."""
        holder.channel_axes = steps.ndim

    def weight_steps(self, holder: Any, kernel: Any, levels: WeightLevels) -> Any:
        """See ``StepMethod``."""
        from keras import ops

        axes = tuple(range(len(kernel.shape) - holder.channel_axes))
        sides = 2.0 ** (levels.bits - 1)
        reach = 2.0 * ops.mean(ops.abs(kernel), axis=axes) * (sides - 0.5) / sides
        return ops.stop_gradient(ops.maximum(reach, 1e-8) / levels.largest)
