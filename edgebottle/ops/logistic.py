"""LOGISTIC: 1 / (1 + exp(-x))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Quant
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
class Logistic(ActivationOperator):
    """The logistic function.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic.
    """

    OP = "LOGISTIC"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_logistic_f32_row")
    INT8_OUTPUT: ClassVar[Quant | None] = per_tensor(1 / 256, -128)

    def real(self, value: Array) -> Array:
        """The function on float32; the exponential is correctly rounded."""
        with np.errstate(over="ignore"):
            exponential = np.exp(-value.astype(np.float64)).astype(np.float32)
        return np.asarray(np.float32(1.0) / (np.float32(1.0) + exponential), dtype=np.float32)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, input quantizations, float32. LiteRT fixes the output quantization."""
        out = cls.INT8_OUTPUT
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"logistic_{label}", shape, per_tensor(0.05, -3), out)
            yield cls.graph(f"logistic_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            yield cls.graph(f"logistic_{label}", EVERY_VALUE, quant, out)
