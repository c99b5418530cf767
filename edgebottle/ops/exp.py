"""EXP: e^x."""

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
class Exp(ActivationOperator):
    """The exponential.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic.
    """

    OP = "EXP"
    SIGNATURE: ClassVar[Signature] = Signature("ExpOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_exp_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32, correctly rounded."""
        with np.errstate(over="ignore"):
            return np.exp(value.astype(np.float64)).astype(np.float32)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"exp_{label}", shape, per_tensor(0.05, -3), per_tensor(0.3, -128))
            yield cls.graph(f"exp_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"exp_{label}", EVERY_VALUE, quant, out)
