"""BN re-estimation: the moving statistics are computed anew with the trained weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantize.lowbit.methods.method import Method


@dataclass(frozen=True)
class NormEstimation(Method):
    """While weights jump, moving means follow none of their values; at the end they are averaged.

    Attributes:
        batches: Over which they are averaged, at most.
    """

    NAME: ClassVar[str] = "norm-estimation"
    SOURCE: ClassVar[str] = (
        "Nagel et al., Overcoming Oscillations in Quantization-Aware Training, 2022"
    )

    batches: int = 50
