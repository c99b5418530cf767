"""LSQ: steps are learned with the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantize.lowbit.methods.fixed_step import FixedStep


@dataclass(frozen=True)
class LearnedStep(FixedStep):
    """The gradient of the loss moves the steps of weights and activations.

    With the straight-through estimator the derivative of ``round(v / s) * s`` by s is
    ``round(v / s) - v / s`` within the range and its end beyond it, as in the paper.
    """

    NAME: ClassVar[str] = "lsq"
    SOURCE: ClassVar[str] = "Esser et al., Learned Step Size Quantization, 2020"
    LEARNS: ClassVar[bool] = True
