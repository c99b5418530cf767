"""SELECT: of two elements the one that a condition says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Signature, where
from edgebottle.ops.broadcasting import BroadcastRows
from edgebottle.ops.kernel import Layer
from edgebottle.ops.select_v2 import SelectV2
from edgebottle.ops.table import tensor_of, value_of


@dataclass(frozen=True, kw_only=True)
class Select(SelectV2):
    """b where a is true, else c: as ``SELECT_V2``, but that b and c have the same shape.

    Limits:
        The condition has that shape as well, or one element, or one for each slice along the first
        axis.
    """

    OP: ClassVar[str] = "SELECT"
    SIGNATURE: ClassVar[Signature] = Signature("SelectOptions", 3, 3, version=1)

    def operand_shape(self, ins: Tensors, index: int) -> Shape:
        """A vector of conditions has one for each slice along the first axis."""
        shape, data = tensor_of(ins, index).shape, tensor_of(ins, 1).shape
        is_vector = index == 0 and len(data) > 1 and shape == data[:1]
        return shape + (1,) * (len(data) - 1) if is_vector else shape

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """With a vector of conditions, all are read as a whole."""
        return None if self._has_vector(ins) else super().access(index, ins, outs)

    def emit(self, e: Emitter) -> str:
        """A vector of conditions makes a matrix of the rest, a slice in each row."""
        ins, outs = e.tensors
        if not self._has_vector(ins):
            return super().emit(e)
        kernel, _ = self.chosen(Layer(self, tuple(ins), tuple(outs)), e.isa)
        assert isinstance(kernel, BroadcastRows)
        rows = outs[0].shape[0]
        size = outs[0].size // rows
        fields: dict[str, CValue] = {
            "extent": (1, rows, size),
            "a_stride": (0, 1, 0),
            "b_stride": (0, size, 1),
            "c_stride": (0, size, 1),
        }
        e.include(kernel.header)
        ends = f"{e.input(0)}, {e.input(1)}, {e.input(2)}, {e.output()}, {size}"
        return f"{kernel.function}({e.params(kernel.struct, fields)}, {ends});"

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The elements selected."""
        condition = value_of(values).reshape(self.operand_shape(ins, 0))
        return super().reference((condition, *values[1:]), ins, outs)

    def _has_vector(self, ins: Tensors) -> bool:
        return self.operand_shape(ins, 0) != tensor_of(ins).shape

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts what SELECT_V2 does, in these shapes."""
        super().check(ins, outs)
        a, b, c = (tensor_of(ins, index).shape for index in range(3))
        if b != c or a not in (b, (), b[:1]):
            raise UnsupportedOp(
                f"{where(self)} selects between {list(b)} and {list(c)} by {list(a)}; supported is "
                "one shape of all three, or a condition of one element, or one for each slice"
            )

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, conditions of one element."""
        for case, shape, dtype in _CASES:
            yield cls.graph(f"select_{case}", (shape, _IMAGE, _IMAGE), dtype)
        for case, shape in (("images", (2, 3, 2, 4)), ("rows", (3, 4, 2))):
            yield cls.graph(f"select_{case}", (shape[:1], shape, shape), DType.I8)


_IMAGE: Shape = (1, 3, 5, 4)
_CASES: tuple[tuple[str, Shape, DType], ...] = (
    ("i8", _IMAGE, DType.I8),
    ("i16", _IMAGE, DType.I16),
    ("i32_scalar", (), DType.I32),
    ("f32_one", (1,), DType.F32),
    ("bool", _IMAGE, DType.BOOL),
)
