"""FLOOR_MOD: what a division that is rounded down leaves; it has the sign of the divisor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.ops.base import Signature
from edgebottle.ops.elementwise import BinaryRows
from edgebottle.ops.floor_div import FloorOperator
from edgebottle.ops.kernel import AnyKernel


@dataclass(frozen=True, kw_only=True)
class FloorMod(FloorOperator):
    """a less the multiple of b that is nearest below it, or above it where b is negative."""

    OP = "FLOOR_MOD"
    SIGNATURE: ClassVar[Signature] = Signature("FloorModOptions", 2, 2, version=2)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryRows((DType.I8,), "eb_floor_mod_s8_row", "eb_division_s32", "eb_division.h"),
        BinaryRows((DType.I32,), "eb_floor_mod_s32_row", "eb_division_s32", "eb_division.h"),
        BinaryRows((DType.F32,), "eb_floor_mod_f32_row", "eb_division_f32", "eb_division.h"),
    )

    def divide(self, a: Array, b: Array) -> Array:
        """The remainder."""
        rest = np.fmod(a, b)
        return np.asarray(np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest))
