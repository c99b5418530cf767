"""EXP: e^x."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
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

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The function of each dequantized input, quantized."""
        return table_from_real(tensor, out, self.real(dequantized_values(tensor)))

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """The schema's empty options."""
        from ai_edge_litert.schema_py_generated import ExpOptionsT

        return ExpOptionsT()

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"exp_{label}", shape, per_tensor(0.05, -3), per_tensor(0.3, -128))
            yield cls.graph(f"exp_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"exp_{label}", EVERY_VALUE, quant, out)
