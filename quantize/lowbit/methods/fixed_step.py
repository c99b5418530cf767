"""Steps that stay as calibration set them: what is left where no method learns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from quantize.lowbit.levels import ActivationLevels, WeightLevels
from quantize.lowbit.methods.method import StepMethod


@dataclass(frozen=True)
class FixedStep(StepMethod):
    """The step with the least squared error before training.

    Variables hold the logarithms of steps, so that a step stays positive and one update changes
    each step by the same share, whatever its size (Jain et al., "Trained Quantization Thresholds
    for Accurate and Efficient Fixed-Point Inference of Deep Neural Networks", 2020).
    """

    NAME: ClassVar[str] = "fixed"
    SOURCE: ClassVar[str] = "Krishnamoorthi, Quantizing deep convolutional networks, 2018"
    OF_WEIGHTS: ClassVar[bool] = True
    LEARNS: ClassVar[bool] = False
    LEARNS_ZERO: ClassVar[bool] = False

    def suits(self, levels: ActivationLevels) -> bool:
        """All."""
        return True

    def create_weights(self, holder: Any, steps: Array, levels: WeightLevels, slope: float) -> None:
        """See ``StepMethod``."""
        self._create(holder, np.log(steps), slope)

    def weight_steps(self, holder: Any, kernel: Any, levels: WeightLevels) -> Any:
        """See ``StepMethod``."""
        return self._step(holder)

    def create_activation(
        self, holder: Any, step: float, zero: int, levels: ActivationLevels, slope: float
    ) -> None:
        """See ``StepMethod``."""
        from quantize.lowbit.gradients import variable

        self._create(holder, np.log(step), slope)
        learns = self.LEARNS_ZERO and not levels.is_clamped
        holder.zero = variable(holder, float(zero), "zero", trainable=learns)

    def grid(self, holder: Any, levels: ActivationLevels) -> tuple[Any, Any]:
        """See ``StepMethod``."""
        from keras import ops

        from quantize.lowbit.gradients import rounded

        return self._step(holder), rounded(ops.clip(holder.zero, 0.0, float(levels.last)))

    def on_grid(self, holder: Any, values: Any, levels: ActivationLevels) -> Any:
        """See ``StepMethod``."""
        from keras import ops

        from quantize.lowbit.gradients import rounded

        step, zero = self.grid(holder, levels)
        found = rounded(ops.clip(values / step + zero, 0.0, float(levels.last)))
        return (found - zero) * step

    def _create(self, holder: Any, logarithm: Array | float, slope: float) -> None:
        from quantize.lowbit.gradients import variable

        holder.log_step = variable(holder, logarithm, "log_step", trainable=self.LEARNS)
        holder.slope = slope

    def _step(self, holder: Any) -> Any:
        from keras import ops

        from quantize.lowbit.gradients import sloped

        return ops.exp(sloped(holder.log_step, holder.slope))
