"""SUM: the sum over some axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import one_node_graph, require_dtype
from edgebottle.ops.case_tensors import indices, plain, quantized
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.mean import Mean, MeanKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.reduction import ChannelReduction, GlobalReduction, is_global, is_of_channels

INT16 = (DType.I16,)
"""Types of the kernel that is not taken over: LiteRT's sums of int16 are others."""


@dataclass(frozen=True, kw_only=True)
class ReduceSum(Mean):
    """The sum over ``axes``: a mean that is not divided; of int32 it wraps.

    Limits:
        LiteRT's reference kernel takes int8 for uint8, its issue 4079; this is what it is to
        compute, as TensorFlow Lite Micro does.
    """

    OP: ClassVar[str] = "SUM"
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        *(one for one in Mean.KERNELS if isinstance(one, MeanKernel) and one.types != INT16),
        MeanKernel(
            (DType.I32,),
            "eb_sum_s32",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_accumulate_sum_s32",
            end="eb_sum_s32_end",
        ),
    )

    @classmethod
    def over(cls, shape: Shape, **fields: Any) -> Self:
        """A ``GlobalSum`` where that is possible."""
        if is_of_channels(shape, **fields):
            return cast(Self, ChannelSum(**fields))
        return cast(Self, GlobalSum(**fields)) if is_global(shape, **fields) else cls(**fields)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data = data_input(ins)
        require_dtype(self, data, DType.I8, DType.F32, DType.I32)
        if data.dtype is DType.I32:
            self.check_axes(data.shape)
        else:
            super().check(ins, outs)

    def divisor(self, shape: Shape) -> int:
        """None."""
        return 1

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        if outs[0].dtype is not DType.I32:
            return super().reference(values, ins, outs)
        total = data.sum(axis=self.axes, dtype=np.int64).astype(np.int32)
        return (np.asarray(total).reshape(outs[0].shape),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Axes, types, scales of int8."""
        for case, shape, axes, keep_dims, dtype in _CASES:
            fields = {"name": "sum", "inputs": ("x", "axes"), "outputs": ("y",)}
            node = cls.over(shape, axes=axes, keep_dims=keep_dims, **fields)
            ((out_shape, _),) = node.infer([plain("x", shape, dtype)])
            data, out = plain("x", shape, dtype), plain("y", out_shape, dtype)
            if dtype is DType.I8:
                data, out = quantized("x", shape, 0.05, -20), quantized("y", out_shape, 0.4, 7)
            yield one_node_graph(f"sum_{case}", node, [data, indices("axes", *axes), out])


@dataclass(frozen=True, kw_only=True)
class GlobalSum(ReduceSum, GlobalReduction):
    """The sum over height and width of one image."""


@dataclass(frozen=True, kw_only=True)
class ChannelSum(ReduceSum, ChannelReduction):
    """The sum of each pixel's channels."""


_CASES: tuple[tuple[str, Shape, tuple[int, ...], bool, DType], ...] = (
    ("height_width", (1, 7, 5, 6), (1, 2), True, DType.I8),
    ("last", (2, 3, 16), (2,), False, DType.I8),
    ("height_width_f32", (1, 7, 5, 6), (1, 2), False, DType.F32),
    ("every_other_f32", (2, 3, 2, 3, 2, 3), (0, 2, 4), True, DType.F32),
    ("height_width_i32", (1, 4, 3, 5), (1, 2), True, DType.I32),
    ("everything_i32", (2, 5), (0, 1), False, DType.I32),
)
