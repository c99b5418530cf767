"""SELECT_V2: of two elements the one that a condition says, all three broadcast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, one_node_graph, require_dtype
from edgebottle.ops.broadcasting import BroadcastOperator, BroadcastRows
from edgebottle.ops.case_tensors import activation, plain
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import tensor_of, value_of


def _rows(dtype: DType, function: str) -> BroadcastRows[SelectV2]:
    return BroadcastRows((DType.BOOL, dtype), function, "eb_select", "eb_logical.h")


@dataclass(frozen=True, kw_only=True)
class SelectV2(BroadcastOperator):
    """b where a is true, else c, as they are stored: LiteRT does not look at scales.

    Limits:
        At most 6 axes.
    """

    OP: ClassVar[str] = "SELECT_V2"
    SIGNATURE: ClassVar[Signature] = Signature("SelectV2Options", 3, 3, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _rows(DType.I8, "eb_select_s8_row"),
        _rows(DType.I16, "eb_select_s16_row"),
        _rows(DType.I32, "eb_select_s32_row"),
        _rows(DType.F32, "eb_select_f32_row"),
        _rows(DType.BOOL, "eb_select_bool_row"),
    )

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The broadcast shape, and the type of what is selected."""
        return ((self.broadcast(ins), tensor_of(ins, 1).dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts a condition of bool, and two operands of one type."""
        condition, b, c = (tensor_of(ins, index) for index in range(3))
        require_dtype(self, condition, DType.BOOL)
        require_dtype(self, b, DType.I8, DType.I16, DType.I32, DType.F32, DType.BOOL)
        require_dtype(self, c, b.dtype)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The elements selected."""
        return (np.where(value_of(values), value_of(values, 1), value_of(values, 2)),)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """Nothing but the walk."""
        return {}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, broadcasts."""
        for case, shapes, dtype in _CASES:
            yield cls.graph(f"{cls.OP.lower()}_{case}", shapes, dtype)

    @classmethod
    def graph(cls, case: str, shapes: tuple[Shape, Shape, Shape], dtype: DType) -> Graph:
        """A test case."""
        node = cls(name=case, inputs=("a", "b", "c"), outputs=("y",))
        operands = [
            plain("a", shapes[0], DType.BOOL),
            activation("b", shapes[1], dtype),
            activation("c", shapes[2], dtype),
        ]
        ((shape, _),) = node.infer(operands)
        return one_node_graph(case, node, [*operands, activation("y", shape, dtype)])


_IMAGE: Shape = (1, 3, 5, 4)
_CASES: tuple[tuple[str, tuple[Shape, Shape, Shape], DType], ...] = (
    ("i8", (_IMAGE, _IMAGE, _IMAGE), DType.I8),
    ("i16", (_IMAGE, _IMAGE, _IMAGE), DType.I16),
    ("i32_spatial", ((1, 3, 5, 1), _IMAGE, (1, 1, 1, 4)), DType.I32),
    ("f32_crossed", ((2, 1, 5), (1, 3, 1), ()), DType.F32),
    ("bool_rank_6", ((2, 1, 2, 1, 2, 1), (3, 1, 2, 1, 3), (1,)), DType.BOOL),
)
