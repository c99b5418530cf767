"""SELECT: of two elements the one that a condition says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Signature, where
from edgebottle.ops.select_v2 import SelectV2
from edgebottle.ops.table import tensor_of


@dataclass(frozen=True, kw_only=True)
class Select(SelectV2):
    """b where a is true, else c: as ``SELECT_V2``, but that b and c have the same shape.

    Limits:
        The condition has that shape as well, or one element.
    """

    OP: ClassVar[str] = "SELECT"
    SIGNATURE: ClassVar[Signature] = Signature("SelectOptions", 3, 3, version=1)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts what SELECT_V2 does, in these shapes."""
        super().check(ins, outs)
        a, b, c = (tensor_of(ins, index).shape for index in range(3))
        alike = (b, (), (1,)) if b[:1] == (1,) else (b, ())
        if b != c or a not in alike:
            raise UnsupportedOp(
                f"{where(self)} selects between {list(b)} and {list(c)} by {list(a)}; supported is "
                "one shape of all three, or a condition of one element"
            )

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, conditions of one element."""
        for case, shape, dtype in _CASES:
            yield cls.graph(f"select_{case}", (shape, _IMAGE, _IMAGE), dtype)


_IMAGE: Shape = (1, 3, 5, 4)
_CASES: tuple[tuple[str, Shape, DType], ...] = (
    ("i8", _IMAGE, DType.I8),
    ("i16", _IMAGE, DType.I16),
    ("i32_scalar", (), DType.I32),
    ("f32_one", (1,), DType.F32),
    ("bool", _IMAGE, DType.BOOL),
)
