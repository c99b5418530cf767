"""LSQ+: the level of zero is learned as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantize.lowbit.methods.learned_step import LearnedStep


@dataclass(frozen=True)
class LearnedOffset(LearnedStep):
    """Where no ReLU clamps a value, its range may move; it stays a whole number of steps.

    The same as ``LearnedStep`` for weights, which are symmetric, and for what a ReLU clamps.
    """

    NAME: ClassVar[str] = "lsq+"
    SOURCE: ClassVar[str] = "Bhalgat et al., LSQ+: Improving low-bit quantization, 2020"
    LEARNS_ZERO: ClassVar[bool] = True
