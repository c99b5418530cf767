"""DYNAMIC_UPDATE_SLICE: a tensor with a box of it overwritten, at a place known at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    CValue,
    Emitter,
    Operator,
    Signature,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import activation, constant, plain
from edgebottle.ops.movement import MAX_RANK, check_axes, check_movable, copy_fields, data_input
from edgebottle.ops.table import value_of

DATA, UPDATE, START = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class DynamicUpdateSlice(Operator):
    """Input 0 with input 1 written over it, from the element on that input 2 says.

    What would not fit is moved until it does.

    Limits:
        At most 6 axes. The place is int32 where it is computed at run time.
    """

    OP: ClassVar[str] = "DYNAMIC_UPDATE_SLICE"
    SIGNATURE: ClassVar[Signature] = Signature("", 3, 3)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, update, start = (data_input(ins, index) for index in (DATA, UPDATE, START))
        fits = len(data.shape) == len(update.shape) and all(
            part <= whole for part, whole in zip(update.shape, data.shape, strict=True)
        )
        if not fits or start.shape != (len(data.shape),):
            raise UnsupportedOp(
                f"{where(self)} writes {list(update.shape)} over {list(data.shape)} at a place of "
                f"the shape {list(start.shape)}"
            )
        return ((data.shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, DATA, UPDATE)
        data, update, start = (data_input(ins, index) for index in (DATA, UPDATE, START))
        require_dtype(self, update, data.dtype)
        known = (DType.I32,) if start.data is None else (DType.I32, DType.I64)
        require_dtype(self, start, *known)
        check_axes(self, update.layout, data.layout.box((0,) * len(data.shape), update.shape))

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        result, update = value_of(values, DATA).copy(), value_of(values, UPDATE)
        room = np.array(result.shape) - update.shape
        first = np.clip(value_of(values, START), 0, room)
        box = tuple(slice(a, a + n) for a, n in zip(first, update.shape, strict=True))
        result[box] = update
        return (result,)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, _ = e.tensors
        data, update, start = (data_input(ins, index) for index in (DATA, UPDATE, START))
        missing = (0,) * (MAX_RANK - len(data.shape))
        room = tuple(a - b for a, b in zip(data.shape, update.shape, strict=True))
        target = data.layout.box((0,) * len(data.shape), update.shape)
        copied = copy_fields(update.layout, target)
        fields: dict[str, CValue] = {f"copy.{name}": value for name, value in copied.items()}
        fields |= {
            "bytes": data.nbytes,
            "axes": len(data.shape),
            "room": (*room, *missing),
            "strides": (*data.layout.byte_strides, *missing),
        }
        e.include("eb_update_slice.h")
        if start.data is not None and start.dtype is DType.I64:
            place = e.constant("start", start.data.clip(-1, 1 << 30).astype(np.int32))
        else:
            place = e.input(START)
        params = e.params("eb_update_slice", fields)
        ends = f"{e.input(DATA)}, {e.input(UPDATE)}, {place}, {e.output()}"
        return f"eb_update_slice_all({params}, {ends});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``: places at run time are any, mostly outside."""
        for case, shape, part, place, dtype in _CASES:
            node = cls(name="update", inputs=("x", "part", "start"), outputs=("y",))
            start = plain("start", (len(shape),), DType.I32)
            tensors = [
                activation("x", shape, dtype),
                activation("part", part, dtype),
                start if place is None else constant("start", place),
                activation("y", shape, dtype),
            ]
            yield one_node_graph(f"dynamic_update_slice_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, Shape, Array | None, DType], ...] = (
    ("i8", (1, 6, 5, 4), (1, 2, 3, 4), np.array([0, 3, 1, 0], np.int32), DType.I8),
    ("i16", (5, 7), (2, 3), np.array([1, 4], np.int64), DType.I16),
    (
        "f32_beyond",
        (2, 3, 2, 2, 3),
        (1, 2, 1, 2, 2),
        np.array([9, -4, 1, 0, 1], np.int32),
        DType.F32,
    ),
    ("run_time", (4, 9), (2, 9), None, DType.I8),
)
