"""AVERAGE_POOL_2D: the mean of a window."""

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
class AveragePool2D(Pool2D):
    """The mean of the window's pixels inside of the image, rounded half away from zero."""

    OP: ClassVar[str] = "AVERAGE_POOL_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Pool2DOptions", 1, 1, fields=("i8", "i32", "i32", "i32", "i32", "i8")
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        PoolRows(
            (DType.I8,),
            "eb_average_pool_2d_s8_row",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_average_pool_2d_s8_accumulate",
            end="eb_average_pool_2d_s8_end",
            header="eb_average_pool_2d.h",
        ),
        PoolRows(
            (DType.I16,),
            "eb_average_pool_2d_s16_row",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_average_pool_2d_s16_accumulate",
            end="eb_average_pool_2d_s16_end",
            header="eb_average_pool_2d.h",
        ),
        PoolRows(
            (DType.F32,),
            "eb_average_pool_2d_f32_row",
            begin="eb_accumulate_begin_f32",
            first="0.0f",
            accumulate="eb_average_pool_2d_f32_accumulate",
            end="eb_average_pool_2d_f32_end",
            header="eb_average_pool_2d.h",
        ),
    )

    def pool(self, window: Array, output: Tensor) -> Array:
        """See ``Pool2D``."""
        count = window.shape[1] * window.shape[2]
        if output.dtype is DType.F32:
            mean = window.sum(axis=(1, 2), dtype=np.float32) / np.float32(count)
            return np.asarray(np.clip(mean, *self.activation.float_range()), np.float32)
        total = window.sum(axis=(1, 2), dtype=np.int64)
        rounded = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return np.asarray(np.clip(rounded, *activation_range(self.activation, output)))
