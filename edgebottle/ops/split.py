"""SPLIT: a tensor cut into equal parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    Copy,
    check_movable,
    constant_int,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
)


def parts_of(data: Tensor, axis: int, sizes: Sequence[int]) -> list[Layout]:
    """Where parts that follow one another along an axis lie in a tensor."""
    ends = list(accumulate(sizes, initial=0))
    return [data.layout.slice(axis, first, end) for first, end in pairwise(ends)]


def parts_to(data: Tensor | None, outs: Sequence[Tensor], axis: int) -> list[Copy]:
    """Each part, and the output that it goes to."""
    assert data is not None
    places = parts_of(data, axis, [out.shape[axis] for out in outs])
    return [(place, out.layout) for place, out in zip(places, outs, strict=True)]


def emit_parts(e: Emitter, index: int, axis: int) -> str:
    """The copies of the parts of input ``index`` to the outputs."""
    ins, outs = e.tensors
    return "\n    ".join(
        copy_call(copy_params(e, *copy), e.input(index), copy[0].offset, e.output(number), 0)
        for number, copy in enumerate(parts_to(data_input(ins, index), outs, axis))
    )


@dataclass(frozen=True, kw_only=True)
class Split(Operator):
    """Equal parts along ``axis``, one per output; input 0 holds the axis, input 1 the data.

    Limits:
        At most 6 axes. The axis is a constant; all parts have one size.

    Attributes:
        axis: From the front.
    """

    OP: ClassVar[str] = "SPLIT"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("SplitOptions", 2, 2, outputs=0, fields=("i32",))

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
        axis = constant_int(data_input(ins, 0), label)
        rank = len(data_input(ins, 1).shape)
        return cls(name=name, inputs=inputs, outputs=outputs, axis=normal_axis(axis, rank, label))

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import SplitOptionsT

        options = SplitOptionsT()
        options.numSplits = len(self.outputs)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins, 1)
        part, rest = divmod(data.shape[self.axis], len(self.outputs))
        if rest:
            raise UnsupportedOp(
                f"{where(self)} cuts {data.shape[self.axis]} into {len(self.outputs)} parts"
            )
        shape = (*data.shape[: self.axis], part, *data.shape[self.axis + 1 :])
        return ((shape, data.dtype),) * len(self.outputs)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 1, copies=lambda: parts_to(ins[1], outs, self.axis))

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[1] is not None
        return tuple(np.split(values[1], len(outs), self.axis))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        return emit_parts(e, 1, self.axis)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, parts, dtype in _CASES:
            names = tuple(f"y{index}" for index in range(parts))
            node = cls(name="split", inputs=("axis", "x"), outputs=names, axis=axis)
            axis_tensor, data = indices("axis", axis), activation("x", shape, dtype)
            results = [
                activation(name, out_shape, dtype)
                for name, (out_shape, _) in zip(names, node.infer([axis_tensor, data]), strict=True)
            ]
            yield one_node_graph(f"split_{case}", node, [axis_tensor, data, *results])


_CASES: tuple[tuple[str, Shape, int, int, DType], ...] = (
    ("channels", (1, 3, 4, 6), 3, 3, DType.I8),
    ("width", (1, 3, 4, 6), 2, 2, DType.I8),
    ("height", (2, 3, 4, 5), 1, 3, DType.I8),
    ("batch", (4, 3), 0, 4, DType.I8),
    ("one", (1, 3), 1, 1, DType.I8),
    ("f32", (2, 6), 1, 2, DType.F32),
    ("i16", (2, 6), 1, 2, DType.I16),
)
