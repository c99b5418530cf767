"""SPLIT_V: a tensor cut into parts of any sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_movable,
    constant_int,
    constant_ints,
    data_input,
    normal_axis,
)
from edgebottle.ops.split import emit_parts, parts_to


@dataclass(frozen=True, kw_only=True)
class SplitV(Operator):
    """Parts along ``axis``, one per output; inputs 1 and 2 hold their sizes and the axis.

    Limits:
        At most 6 axes. Axis and sizes are constants; no part is empty.

    Attributes:
        axis: From the front.
        sizes: Elements of each part along the axis; one of them may be -1 for the rest.
    """

    OP: ClassVar[str] = "SPLIT_V"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("SplitVOptions", 3, 3, outputs=0, fields=("i32",))

    axis: int
    sizes: tuple[int, ...]

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
        sizes, axis = constant_ints(ins[1], label), constant_int(ins[2], label)
        axis = normal_axis(axis, len(data_input(ins).shape), label)
        return cls(name=name, inputs=inputs, outputs=outputs, axis=axis, sizes=sizes)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import SplitVOptionsT

        options = SplitVOptionsT()
        options.numSplits = len(self.outputs)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        rest = data.shape[self.axis] - sum(size for size in self.sizes if size != -1)
        sizes = [rest if size == -1 else size for size in self.sizes]
        is_whole = sum(sizes) == data.shape[self.axis] and self.sizes.count(-1) <= 1
        if len(sizes) != len(self.outputs) or min(sizes) < 1 or not is_whole:
            raise UnsupportedOp(
                f"{where(self)} cuts {data.shape[self.axis]} into {list(self.sizes)} for "
                f"{len(self.outputs)} outputs"
            )
        before, after = data.shape[: self.axis], data.shape[self.axis + 1 :]
        return tuple(((*before, size, *after), data.dtype) for size in sizes)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0, copies=lambda: parts_to(ins[0], outs, self.axis))

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        ends = list(accumulate(out.shape[self.axis] for out in outs))
        return tuple(np.split(values[0], ends[:-1], self.axis))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        return emit_parts(e, 0, self.axis)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, sizes, dtype in _CASES:
            names = tuple(f"y{index}" for index in range(len(sizes)))
            node = cls(
                name="split",
                inputs=("x", "sizes", "axis"),
                outputs=names,
                axis=axis % len(shape),
                sizes=sizes,
            )
            data = activation("x", shape, dtype)
            operands = [indices("sizes", *sizes), indices("axis", axis)]
            results = [
                activation(name, out_shape, dtype)
                for name, (out_shape, _) in zip(names, node.infer([data]), strict=True)
            ]
            yield one_node_graph(f"split_v_{case}", node, [data, *operands, *results])


_CASES: tuple[tuple[str, Shape, int, tuple[int, ...], DType], ...] = (
    ("channels", (1, 3, 4, 6), 3, (1, 3, 2), DType.I8),
    ("width", (1, 3, 4, 6), 2, (3, 1), DType.I8),
    ("rest", (2, 3, 4, 5), -3, (1, -1), DType.I8),
    ("batch", (4, 3), 0, (1, 3), DType.I8),
    ("one", (1, 3), 1, (3,), DType.I8),
    ("alike", (1, 6), 1, (2, 2, 2), DType.I8),
    ("f32", (2, 6), 1, (4, 2), DType.F32),
    ("i16", (2, 6), 1, (1, 5), DType.I16),
)
