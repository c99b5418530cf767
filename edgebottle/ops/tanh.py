"""TANH: the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Int, Quant
from edgebottle.ops.base import Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.sigmoid import SigmoidOperator, SigmoidRows, between_entries
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    activation_kernels,
    input_quants,
    per_tensor,
)


@dataclass(frozen=True, kw_only=True)
class Tanh(SigmoidOperator):
    """The hyperbolic tangent.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic, that of int16
    between the entries of a shorter one.
    """

    OP = "TANH"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        *activation_kernels("eb_tanh_f32_row"),
        SigmoidRows((DType.I16,), "eb_tanh_s16_row", "eb_sigmoid.h"),
    )
    POWERS_OF_TWO: ClassVar[tuple[int, ...]] = (-12, -11)
    INT8_OUTPUT: ClassVar[Quant | None] = per_tensor(1 / 128, 0)

    def real(self, value: Array) -> Array:
        """The function on float32, correctly rounded."""
        return np.tanh(value.astype(np.float64)).astype(np.float32)

    def from_table(self, scaled: Int) -> Int:
        """See ``SigmoidOperator``."""
        found = between_entries(np.abs(scaled), 8, 0xFFFF << 8) - (1 << 23)
        mirrored = np.where(scaled >= 0, found, -found - 1)
        return np.asarray((mirrored + (1 << 7)) >> 8)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, input quantizations, float32. LiteRT fixes the output quantization."""
        out = cls.INT8_OUTPUT
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"tanh_{label}", shape, per_tensor(0.05, -3), out)
            yield cls.graph(f"tanh_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            yield cls.graph(f"tanh_{label}", EVERY_VALUE, quant, out)
        yield from cls.int16_cases()
