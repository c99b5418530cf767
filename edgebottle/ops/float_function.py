"""Functions of single elements that LiteRT has for float32 alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import require_dtype
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import ActivationOperator, FloatRows, table_rows, tensor_of

FEW_SHAPES: tuple[tuple[str, Shape], ...] = (("4d", (1, 4, 8, 16)), ("3d", (2, 3, 5)))
"""Of test cases: what shapes do is tried by the operators that this kernel serves as well."""


def float_kernels(function: str) -> tuple[AnyKernel, ...]:
    """Those of a function of float32 alone, by its name in C."""
    return (FloatRows((DType.F32,), function, "eb_function.h"),)


def function_kernels(function: str) -> tuple[AnyKernel, ...]:
    """Those of a function of float32, by its name in C, whose int8 results are in a table."""
    return (table_rows(DType.I8), *float_kernels(function))


@dataclass(frozen=True, kw_only=True)
class FloatFunction(ActivationOperator):
    """A function of float32.

    Limits:
        Only float32, as in LiteRT.
    """

    KERNELS: ClassVar[tuple[AnyKernel, ...]]

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts float32."""
        require_dtype(self, tensor_of(ins), DType.F32)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Few shapes."""
        for label, shape in FEW_SHAPES:
            yield cls.graph(f"{cls.OP.lower()}_{label}", shape, None, None)
