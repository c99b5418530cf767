"""RELU_N1_TO_1: min(max(-1, x), 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Activation, Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.relu import Relu
from edgebottle.ops.table import activation_kernels


@dataclass(frozen=True, kw_only=True)
class ReluN1To1(Relu):
    """min(max(-1, x), 1), as RELU does it."""

    OP = "RELU_N1_TO_1"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_clamp_f32_row")
    ACTIVATION: ClassVar[Activation] = Activation.RELU_N1_TO_1
    TAKES_INT16: ClassVar[bool] = False
