"""FLOOR_DIV: the largest integer that is not above the quotient of two elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Signature
from edgebottle.ops.channel_range import Range
from edgebottle.ops.div import without_zeros
from edgebottle.ops.elementwise import BinaryRows, StoredOperator
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import per_tensor


@dataclass(frozen=True, kw_only=True)
class FloorOperator(StoredOperator):
    """A quotient that is rounded down, or what it leaves.

    Limits:
        Integers are divided as they are stored; divided by zero, at which LiteRT stops, they give
        zero.
    """

    CLAMPS: ClassVar[bool] = False

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Not known: it jumps where the divisor changes its sign."""
        return None

    def combine(self, a: Array, b: Array) -> Array:
        """Of floats, or of int64 and back."""
        if a.dtype.kind == "f":
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                return self.divide(a.astype(np.float64), b.astype(np.float64)).astype(np.float32)
        wide = self.divide(a.astype(np.int64), np.where(b == 0, 1, b).astype(np.int64))
        return np.where(b == 0, 0, wide).astype(a.dtype)

    def divide(self, a: Array, b: Array) -> Array:
        """The operator on float64 or on int64, where b is not 0."""
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, broadcasts. Divisors are constants without zero."""
        name, image, quants = cls.OP.lower(), (1, 4, 8, 16), (per_tensor(0.05, 0),) * 3
        yield cls.graph(f"{name}_f32", (image, image), DType.F32, constant=1)
        yield cls.graph(f"{name}_f32_crossed", ((2, 1, 5), (1, 3, 1)), DType.F32, constant=1)
        yield without_zeros(cls.graph(f"{name}_i32", (image, (16,)), DType.I32, constant=1))
        yield without_zeros(cls.graph(f"{name}_i8", (image, image), quants, constant=1))


@dataclass(frozen=True, kw_only=True)
class FloorDiv(FloorOperator):
    """The largest integer that is not above a / b."""

    OP = "FLOOR_DIV"
    SIGNATURE: ClassVar[Signature] = Signature("FloorDivOptions", 2, 2, version=3)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryRows((DType.I8,), "eb_floor_div_s8_row", "eb_division_s32", "eb_division.h"),
        BinaryRows((DType.I32,), "eb_floor_div_s32_row", "eb_division_s32", "eb_division.h"),
        BinaryRows((DType.F32,), "eb_floor_div_f32_row", "eb_division_f32", "eb_division.h"),
    )

    def divide(self, a: Array, b: Array) -> Array:
        """The quotient, rounded down."""
        return a // b if a.dtype.kind == "i" else np.floor(a / b)
