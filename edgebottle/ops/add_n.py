"""ADD_N: the sum of any number of tensors of one shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    MANY,
    Emitter,
    RowOperator,
    Signature,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import plain
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.table import flat_extent, tensor_of, value_of


class _OneByOne(TypedKernel["AddN"]):
    """A call for each input."""

    def emit(self, layer: Layer[AddN], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        pixels, channels = flat_extent(layer.output, e.out_pixel_stride())
        stride = e.out_pixel_stride() if pixels > 1 else channels
        e.include("eb_add_n.h")
        return " ".join(
            f"{self.function}({pixels}, {channels}, {e.row(index)}, {e.out_row()}, {stride}, "
            f"{int(index == 0)});"
            for index in range(len(layer.ins))
        )


@dataclass(frozen=True, kw_only=True)
class AddN(KernelOperator, RowOperator):
    """The sum of all inputs, in their order; of int32 it wraps.

    Limits:
        int32 and float32, as in LiteRT; all of one shape.
    """

    OP: ClassVar[str] = "ADD_N"
    SIGNATURE: ClassVar[Signature] = Signature("AddNOptions", 2, MANY, version=1)
    STRIDED_OUTPUT: ClassVar[bool] = True
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _OneByOne((DType.I32,), "eb_add_n_s32_row"),
        _OneByOne((DType.F32,), "eb_add_n_f32_row"),
    )

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        first = tensor_of(ins)
        for index in range(1, len(ins)):
            if tensor_of(ins, index).shape != first.shape:
                raise UnsupportedOp(
                    f"{where(self)} adds {list(tensor_of(ins, index).shape)} to {list(first.shape)}"
                )
        return ((first.shape, first.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        require_dtype(self, tensor_of(ins), DType.I32, DType.F32)
        for index in range(1, len(ins)):
            require_dtype(self, tensor_of(ins, index), tensor_of(ins).dtype)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """The same place."""
        return (Same(),) * len(outs[0].shape)

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """The first input, which is read first, unless it comes again."""
        return () if self.inputs[0] in self.inputs[1:] else (0,)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        with np.errstate(over="ignore"):
            return (reduce(np.add, (value_of(values, index) for index in range(len(values)))),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for shape, dtype in (((1, 3, 5, 4), DType.F32), ((2, 3), DType.I32)):
            node = cls(name="sum", inputs=("a", "b", "c"), outputs=("y",))
            tensors = [plain(name, shape, dtype) for name in "abcy"]
            yield one_node_graph(f"add_n_{dtype.label}", node, tensors)
