"""SQUARE: x times x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import Signature
from edgebottle.ops.float_function import FloatFunction, float_kernels
from edgebottle.ops.kernel import AnyKernel


@dataclass(frozen=True, kw_only=True)
class Square(FloatFunction):
    """The square."""

    OP = "SQUARE"
    SIGNATURE: ClassVar[Signature] = Signature("SquareOptions", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = float_kernels("eb_square_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32."""
        return np.square(value)
