"""MAX_POOL_2D: the largest value of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ops.base import Signature
from edgebottle.ops.fixed_point import activation_range
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.pooling import Pool2D, PoolRows


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """The largest of the window's pixels inside of the image."""

    OP: ClassVar[str] = "MAX_POOL_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Pool2DOptions", 1, 1, fields=("i8", "i32", "i32", "i32", "i32", "i8")
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        PoolRows(
            (DType.I8,),
            "eb_max_pool_2d_s8_row",
            begin="eb_accumulate_begin",
            first="-128",
            accumulate="eb_max_pool_2d_s8_accumulate",
            end="eb_max_pool_2d_s8_end",
            header="eb_max_pool_2d.h",
        ),
        PoolRows(
            (DType.I16,),
            "eb_max_pool_2d_s16_row",
            begin="eb_accumulate_begin",
            first="-32768",
            accumulate="eb_max_pool_2d_s16_accumulate",
            end="eb_max_pool_2d_s16_end",
            header="eb_max_pool_2d.h",
        ),
        PoolRows(
            (DType.F32,),
            "eb_max_pool_2d_f32_row",
            begin="eb_accumulate_begin_f32",
            first="-3.402823466e+38f",
            accumulate="eb_max_pool_2d_f32_accumulate",
            end="eb_max_pool_2d_f32_end",
            header="eb_max_pool_2d.h",
        ),
    )

    def pool(self, window: Array, output: Tensor) -> Array:
        """See ``Pool2D``."""
        low: float
        high: float
        if output.dtype is DType.F32:
            low, high = self.activation.float_range()
        else:
            low, high = activation_range(self.activation, output)
        # What is no number is never the larger one.
        largest = np.fmax.reduce(window, axis=(1, 2), initial=window.dtype.type(low))
        return np.asarray(np.minimum(largest, window.dtype.type(high)))
