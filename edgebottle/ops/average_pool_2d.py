"""AVERAGE_POOL_2D: the mean of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Signature, where
from edgebottle.ops.fixed_point import activation_range
from edgebottle.ops.kernel import AnyKernel, Layer
from edgebottle.ops.pooling import CASES, Pool2D, PoolRows


class _RowsOfUint8(PoolRows):
    """Those of what was uint8."""

    def suits(self, layer: Layer[Pool2D]) -> bool:
        """See the class."""
        return super().suits(layer) and getattr(layer.node, "OF_UINT8", False)


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """The mean of the window's pixels inside of the image, rounded half away from zero."""

    OP: ClassVar[str] = "AVERAGE_POOL_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Pool2DOptions", 1, 1, fields=("i8", "i32", "i32", "i32", "i32", "i8")
    )
    OF_UINT8: ClassVar[bool] = False
    """It was uint8 in the file, where LiteRT rounds halves up."""
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _RowsOfUint8(
            (DType.I8,),
            "eb_average_pool_2d_u8_row",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_average_pool_2d_s8_accumulate",
            end="eb_average_pool_2d_u8_end",
            header="eb_average_pool_2d.h",
        ),
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
        if self.OF_UINT8:
            rounded = (total + count // 2) // count
            return np.asarray(np.clip(rounded, *activation_range(self.activation, output)))
        rounded = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return np.asarray(np.clip(rounded, *activation_range(self.activation, output)))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        yield from super().cases()
        for row in CASES[:2]:
            yield AveragePool2DOfUint8._case(f"{row[0]}_of_uint8", *row[1:], dtype=DType.I8)


@dataclass(frozen=True, kw_only=True)
class AveragePool2DOfUint8(AveragePool2D):
    """Such a layer of a uint8 network, shifted to int8 when it was imported."""

    OF_UINT8: ClassVar[bool] = True

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """Refuses: int8 rounds otherwise."""
        raise UnsupportedOp(f"{where(self)} was uint8: no int8 file gives the same results")
