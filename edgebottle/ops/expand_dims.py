"""EXPAND_DIMS: one more axis, of one element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_view,
    constant_int,
    data_input,
    normal_axis,
    view_call,
)


@dataclass(frozen=True, kw_only=True)
class ExpandDims(Operator):
    """The input with an axis of one element; input 1 holds the axis.

    Limits:
        At most 6 axes. The axis is a constant.

    Attributes:
        axis: The new axis, from the front of the output.
    """

    OP: ClassVar[str] = "EXPAND_DIMS"
    SIGNATURE: ClassVar[Signature] = Signature("ExpandDimsOptions", 2, 2, version=1)
    VIEW: ClassVar[bool] = True

    axis: int

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
        axis = constant_int(ins[1], label)
        rank = len(data_input(ins).shape) + 1
        return cls(name=name, inputs=inputs, outputs=outputs, axis=normal_axis(axis, rank, label))

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        return (((*data.shape[: self.axis], 1, *data.shape[self.axis :]), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_view(self, ins, outs)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (values[0].reshape(outs[0].shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        return view_call(e, e.tensors[0])

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, dtype in _CASES:
            node = cls(name="expand", inputs=("x", "axis"), outputs=("y",), axis=axis)
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            tensors = [data, indices("axis", axis), activation("y", out_shape, dtype)]
            yield one_node_graph(f"expand_dims_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, int, DType], ...] = (
    ("first", (3, 4), 0, DType.I8),
    ("middle", (1, 3, 4), 1, DType.I8),
    ("last", (1, 3, 4), 3, DType.I8),
    ("f32", (3, 4), 2, DType.F32),
    ("i32", (3,), 0, DType.I32),
)
