"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import check_view, constant_ints, data_input, view_call


@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """The bytes of the input under ``shape``; input 1, where there is one, holds the shape.

    Limits:
        At most 6 axes. The shape is known at compile time.

    Attributes:
        shape: All dimensions, positive.
    """

    OP: ClassVar[str] = "RESHAPE"
    SIGNATURE: ClassVar[Signature] = Signature("ReshapeOptions", 1, 2, fields=("[i32]",), version=1)
    VIEW: ClassVar[bool] = True

    shape: Shape

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """See ``Operator``."""
        label = f"{name} ({cls.OP})"
        if len(ins) > 1 and ins[1] is not None:
            wanted = constant_ints(ins[1], label)
        elif options is not None and options.newShape is not None:
            wanted = tuple(int(dim) for dim in options.newShape)
        else:
            raise UnsupportedOp(f"{label} says no shape")
        shape = _resolved(wanted, data_input(ins).size, label)
        return cls(name=name, inputs=inputs, outputs=outputs, shape=shape)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import ReshapeOptionsT

        options = ReshapeOptionsT()
        options.newShape = np.array(self.shape, dtype=np.int32)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if data.size != int(np.prod(self.shape, dtype=np.int64)):
            raise UnsupportedOp(f"{where(self)} makes {list(self.shape)} of {list(data.shape)}")
        return ((self.shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_view(self, ins, outs)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (values[0].reshape(self.shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        return view_call(e, e.tensors[0])

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, before, after, dtype in _CASES:
            node = cls(name="reshape", inputs=("x", "shape"), outputs=("y",), shape=after)
            tensors = [
                activation("x", before, dtype),
                indices("shape", *after),
                activation("y", after, dtype),
            ]
            yield one_node_graph(f"reshape_{case}", node, tensors)


def _resolved(wanted: Shape, size: int, label: str) -> Shape:
    """``wanted`` with its -1, of which there may be one, replaced."""
    known = int(np.prod([dim for dim in wanted if dim != -1], dtype=np.int64))
    if wanted.count(-1) > 1 or min(wanted, default=1) < -1 or known <= 0 or size % known:
        raise UnsupportedOp(f"{label} wants the shape {list(wanted)} for {size} elements")
    return tuple(size // known if dim == -1 else dim for dim in wanted)


_CASES: tuple[tuple[str, Shape, Shape, DType], ...] = (
    ("flatten", (1, 3, 4, 5), (1, 60), DType.I8),
    ("to_image", (1, 60), (1, 5, 4, 3), DType.I8),
    ("rank_5", (4, 6), (1, 2, 2, 3, 2), DType.I8),
    ("f32", (1, 3, 4), (2, 6), DType.F32),
    ("i16", (1, 3, 4), (12,), DType.I16),
    ("i32", (1, 3, 4), (2, 6), DType.I32),
)
