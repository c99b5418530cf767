"""The gradient of a step is divided by how many values it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from quantize.lowbit.methods.method import Method


@dataclass(frozen=True)
class GradientScale(Method):
    """Steps learn as fast as weights do: 1 / sqrt(values x largest level).

    An optimizer that divides by the size of gradients, as Adam does, takes that out again.
    """

    NAME: ClassVar[str] = "gradient-scale"
    SOURCE: ClassVar[str] = "Esser et al., Learned Step Size Quantization, 2020"

    def slope(self, values: int, largest: int) -> float:
        """What the gradient is multiplied with.

        Args:
            values: That have the step.
            largest: Level.
        """
        return 1.0 / math.sqrt(values * largest)
