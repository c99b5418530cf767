"""SLICE: a box of a tensor, by its first element and its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Offset
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    Copy,
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
)


@dataclass(frozen=True, kw_only=True)
class Slice(Operator):
    """A box; inputs 1 and 2 hold ``begin`` and ``size``.

    Limits:
        At most 6 axes. Begin and size are constants; the result is not empty.

    Attributes:
        begin: First index along each axis.
        size: Elements along each axis; -1 for all that follow.
    """

    OP: ClassVar[str] = "SLICE"
    SIGNATURE: ClassVar[Signature] = Signature("SliceOptions", 3, 3)
    MOVES: ClassVar[bool] = True

    begin: tuple[int, ...]
    size: tuple[int, ...]

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
        begin, size = (constant_ints(tensor, label) for tensor in ins[1:3])
        return cls(name=name, inputs=inputs, outputs=outputs, begin=begin, size=size)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if not len(self.begin) == len(self.size) == len(data.shape):
            raise UnsupportedOp(
                f"{where(self)} has {list(self.begin)} and {list(self.size)} as begin and size of "
                f"the shape {list(data.shape)}"
            )
        shape = tuple(
            dim - first if count == -1 else count
            for dim, first, count in zip(data.shape, self.begin, self.size, strict=True)
        )
        for dim, first, count in zip(data.shape, self.begin, shape, strict=True):
            if first < 0 or count < 1 or first + count > dim:
                raise UnsupportedOp(
                    f"{where(self)} takes {count} elements from {first} on of an axis with {dim}"
                )
        return ((shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0, copies=lambda: [self._copy(ins, outs)])

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """The places behind ``begin``."""
        return tuple(Offset(-first) for first in self.begin) if index == 0 else None

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: begin and size count channels."""
        return None

    def attribute_operands(self) -> Mapping[int, Sequence[int]]:
        """Begin and size."""
        return {1: self.begin, 2: self.size}

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        picked = zip(self.begin, outs[0].shape, strict=True)
        return (values[0][tuple(slice(first, first + count) for first, count in picked)].copy(),)

    def _copy(self, ins: Tensors, outs: Sequence[Tensor]) -> Copy:
        """The box, and where it goes."""
        return data_input(ins).layout.box(self.begin, outs[0].shape), outs[0].layout

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        box, target = self._copy(ins, outs)
        params = copy_params(e, box, target)
        return copy_call(params, e.input(0), box.offset, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, begin, size, dtype in _CASES:
            node = cls(
                name="slice", inputs=("x", "begin", "size"), outputs=("y",), begin=begin, size=size
            )
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            operands = [indices("begin", *begin), indices("size", *size)]
            output = activation("y", out_shape, dtype)
            yield one_node_graph(f"slice_{case}", node, [data, *operands, output])


_CASES: tuple[tuple[str, Shape, Shape, Shape, DType], ...] = (
    ("rows", (1, 6, 4, 3), (0, 1, 0, 0), (1, 4, 4, 3), DType.I8),
    ("inner", (1, 6, 4, 3), (0, 0, 1, 1), (1, 6, 2, 2), DType.I8),
    ("rest", (2, 5, 3), (1, 2, 0), (-1, -1, -1), DType.I8),
    ("all", (2, 5), (0, 0), (2, 5), DType.I8),
    ("one", (7,), (6,), (1,), DType.I8),
    ("rank_5", (2, 3, 2, 2, 3), (1, 1, 0, 0, 1), (1, 2, -1, 1, 2), DType.I8),
    ("f32", (2, 5, 3), (0, 1, 1), (2, 3, 2), DType.F32),
    ("i32", (4,), (1,), (2,), DType.I32),
    ("i16", (3, 4), (0, 1), (3, 2), DType.I16),
)
