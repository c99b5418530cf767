"""RELU_N1_TO_1: min(max(-1, x), 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Activation, Signature
from edgebottle.ops.relu import Relu


@dataclass(frozen=True, kw_only=True)
class ReluN1To1(Relu):
    """min(max(-1, x), 1), as RELU does it."""

    OP = "RELU_N1_TO_1"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1, version=1)
    ACTIVATION: ClassVar[Activation] = Activation.RELU_N1_TO_1
