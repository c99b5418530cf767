"""BROADCAST_TO: a tensor in a larger shape, along whose further axes it repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_axes,
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
)
from edgebottle.ops.table import value_of


@dataclass(frozen=True, kw_only=True)
class BroadcastTo(Operator):
    """The input in ``shape``, as NumPy broadcasts; input 1 holds it.

    Limits:
        At most 6 axes. The shape is a constant.
    """

    OP: ClassVar[str] = "BROADCAST_TO"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("BroadcastToOptions", 2, 2)
    DATA: ClassVar[int] = 0
    """Index of the input that is broadcast; the other one holds the shape."""

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
        shape = constant_ints(ins[1 - cls.DATA], f"{name} ({cls.OP})")
        return cls(name=name, inputs=inputs, outputs=outputs, shape=shape)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins, self.DATA)
        missing = len(self.shape) - len(data.shape)
        pairs = zip(data.shape, self.shape[max(missing, 0) :], strict=False)
        if missing < 0 or min(self.shape, default=1) < 1 or any(a not in (1, b) for a, b in pairs):
            raise UnsupportedOp(
                f"{where(self)} broadcasts {list(data.shape)} to {list(self.shape)}"
            )
        return ((self.shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, self.DATA)
        check_axes(self, self._source(data_input(ins, self.DATA)), outs[0].layout)

    def _source(self, data: Tensor) -> Layout:
        """The input with the axes of the output."""
        missing = len(self.shape) - len(data.shape)
        layout = data.layout.permuted([*[None] * missing, *range(len(data.shape))])
        for axis, count in enumerate(self.shape):
            if layout.shape[axis] != count:
                layout = layout.repeated(axis, count)
        return layout

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        return (np.broadcast_to(value_of(values, self.DATA), self.shape).copy(),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        params = copy_params(e, self._source(data_input(ins, self.DATA)), outs[0].layout)
        return copy_call(params, e.input(self.DATA), 0, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, target, dtype in _CASES:
            node = cls(name="broadcast", inputs=("x", "shape"), outputs=("y",), shape=target)
            data, output = activation("x", shape, dtype), activation("y", target, dtype)
            operand = indices("shape", *target)
            yield one_node_graph(f"broadcast_to_{case}", node, [data, operand, output])


_CASES: tuple[tuple[str, Shape, Shape, DType], ...] = (
    ("channels", (1, 1, 1, 4), (1, 3, 5, 4), DType.I8),
    ("spatial", (1, 3, 5, 1), (1, 3, 5, 4), DType.I8),
    ("crossed", (2, 1, 3, 1), (2, 4, 3, 2), DType.I8),
    ("higher_rank", (4,), (2, 3, 4), DType.I8),
    ("one", (1,), (2, 3), DType.I8),
    ("same", (2, 3), (2, 3), DType.I8),
    ("f32", (3, 1), (3, 4), DType.F32),
    ("i32", (2,), (2, 2), DType.I32),
)
