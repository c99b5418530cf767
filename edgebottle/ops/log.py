"""LOG: the natural logarithm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    ActivationOperator,
    activation_kernels,
    dequantized_values,
    input_quants,
    per_tensor,
    table_from_real,
)


@dataclass(frozen=True, kw_only=True)
class Log(ActivationOperator):
    """The natural logarithm.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic. Where x is
    not positive, the result is the lowest value that the output can hold.
    """

    OP = "LOG"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_log_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32, correctly rounded."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(value.astype(np.float64)).astype(np.float32)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The function of each dequantized input, quantized."""
        value = dequantized_values(tensor)
        lowest = np.float32(-128 - out.zero_point) * np.float32(out.scale)
        real = np.where(value > 0, self.real(np.where(value > 0, value, np.float32(1))), lowest)
        return table_from_real(tensor, out, real)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"log_{label}", shape, per_tensor(0.05, -3), per_tensor(0.03, 20))
            yield cls.graph(f"log_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"log_{label}", EVERY_VALUE, quant, out)
