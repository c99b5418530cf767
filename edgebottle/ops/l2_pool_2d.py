"""L2_POOL_2D: the root of the mean of the squares of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Signature, require_dtype
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.pooling import Pool2D, PoolRows


@dataclass(frozen=True, kw_only=True)
class L2Pool2D(Pool2D):
    """The root of the mean of the squares of the window's pixels inside of the image.

    Limits:
        Only float32, as in LiteRT.
    """

    OP: ClassVar[str] = "L2_POOL_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Pool2DOptions", 1, 1, fields=AveragePool2D.SIGNATURE.fields, version=1
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        PoolRows(
            (DType.F32,),
            "eb_l2_pool_2d_f32_row",
            begin="eb_accumulate_begin_f32",
            first="0.0f",
            accumulate="eb_l2_pool_2d_f32_accumulate",
            end="eb_l2_pool_2d_f32_end",
            header="eb_l2_pool_2d.h",
        ),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        require_dtype(self, data_input(ins), DType.F32)
        super().check(ins, outs)

    def pool(self, window: Array, output: Tensor) -> Array:
        """See ``Pool2D``."""
        count = np.float32(window.shape[1] * window.shape[2])
        total = np.square(window).sum(axis=(1, 2), dtype=np.float32)
        root = np.sqrt(total / count)
        return np.asarray(np.clip(root, *self.activation.float_range()), np.float32)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Those of float32."""
        for graph in super().cases():
            if graph.tensors[graph.inputs[0]].dtype is DType.F32:
                yield graph
