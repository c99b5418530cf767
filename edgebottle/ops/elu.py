"""ELU: x where it is positive, e^x - 1 below zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph
from edgebottle.ops.base import Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    ActivationOperator,
    activation_kernels,
    input_quants,
    per_tensor,
)


@dataclass(frozen=True, kw_only=True)
class Elu(ActivationOperator):
    """x where it is positive, e^x - 1 below zero.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic.
    """

    OP = "ELU"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_elu_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32, correctly rounded."""
        below = np.expm1(np.minimum(value, 0).astype(np.float64)).astype(np.float32)
        return np.where(value < 0, below, value)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"elu_{label}", shape, per_tensor(0.05, -3), per_tensor(0.04, -100))
            yield cls.graph(f"elu_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"elu_{label}", EVERY_VALUE, quant, out)
