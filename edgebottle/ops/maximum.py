"""MAXIMUM: the larger of two elements, broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature
from edgebottle.ops.elementwise import BinaryRows, StoredOperator
from edgebottle.ops.elementwise_cases import BROADCASTS, CONSTANT_BROADCASTS, FEW_BROADCASTS
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import per_tensor

EXTREMES: tuple[AnyKernel, ...] = (
    BinaryRows((DType.I8,), "eb_extreme_s8_row", "eb_extreme_s8", "eb_extreme.h"),
    BinaryRows((DType.I16,), "eb_extreme_s16_row", "eb_extreme_s8", "eb_extreme.h"),
    BinaryRows((DType.I32,), "eb_extreme_s32_row", "eb_extreme_s32", "eb_extreme.h"),
    BinaryRows((DType.F32,), "eb_extreme_f32_row", "eb_extreme_f32", "eb_extreme.h"),
)


@dataclass(frozen=True, kw_only=True)
class Extreme(StoredOperator):
    """One of two elements; the second where neither is what is asked for: one is no number."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = EXTREMES
    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16, DType.F32, DType.I32)
    LARGER: ClassVar[bool]
    """The larger of the two, else the smaller."""

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """Which of the two."""
        return {"larger": int(self.LARGER)}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Broadcasts, constants; int8, int16, int32, float32."""
        name, quant = cls.OP.lower(), per_tensor(0.05, -3)
        fine = (per_tensor(0.0005, 0),) * 3
        yield cls.graph(f"{name}_i16", BROADCASTS[0][1:], fine, dtype=DType.I16)
        for label, a, b in BROADCASTS:
            if label in FEW_BROADCASTS:
                for dtype in (DType.F32, DType.I32):
                    yield cls.graph(f"{name}_{dtype.label}_{label}", (a, b), dtype)
                yield cls.graph(f"{name}_{label}", (a, b), (quant,) * 3)
            if label in CONSTANT_BROADCASTS:
                case = f"{name}_{label}_constant"
                yield cls.graph(case, (a, b), (quant,) * 3, constant=1)


@dataclass(frozen=True, kw_only=True)
class Maximum(Extreme):
    """The larger of a and b, as they are stored."""

    OP = "MAXIMUM"
    SIGNATURE: ClassVar[Signature] = Signature("MaximumMinimumOptions", 2, 2)
    LARGER: ClassVar[bool] = True

    def combine(self, a: Array, b: Array) -> Array:
        """The larger; the second where they do not compare."""
        return np.where(a > b, a, b)
