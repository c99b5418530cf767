"""TRANSPOSE: the axes in another order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import AxisMap, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.channel_range import Range
from edgebottle.ops.movement import (
    Copy,
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
)


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Output axis i is input axis ``permutation[i]``; input 1 holds the permutation.

    Limits:
        At most 6 axes. The permutation is a constant.
    """

    OP: ClassVar[str] = "TRANSPOSE"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("TransposeOptions", 2, 2)

    permutation: tuple[int, ...]

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
        rank = len(data_input(ins).shape)
        permutation = tuple(normal_axis(i, rank, label) for i in constant_ints(ins[1], label))
        if sorted(permutation) != list(range(rank)):
            raise UnsupportedOp(f"{label} has the permutation {list(permutation)}")
        return cls(name=name, inputs=inputs, outputs=outputs, permutation=permutation)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        return ((tuple(data.shape[axis] for axis in self.permutation), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0, copies=lambda: [self._copy(ins, outs)])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (np.ascontiguousarray(values[0].transpose(self.permutation)),)

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Its own where the last axis stays the last."""
        is_kept = self.permutation[-1] == len(self.permutation) - 1
        return Same() if index == 0 and is_kept else None

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """That of the input where the last axis stays the last."""
        return None if self.channel_access(0, ins, outs) is None else ranges[0]

    def _copy(self, ins: Tensors, outs: Sequence[Tensor]) -> Copy:
        """The axes in the order of the output."""
        return data_input(ins).layout.permuted(self.permutation), outs[0].layout

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        params = copy_params(e, *self._copy(*e.tensors))
        return copy_call(params, e.input(0), 0, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, permutation, dtype in _CASES:
            node = cls(
                name="transpose", inputs=("x", "perm"), outputs=("y",), permutation=permutation
            )
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            tensors = [data, indices("perm", *permutation), activation("y", out_shape, dtype)]
            yield one_node_graph(f"transpose_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, tuple[int, ...], DType], ...] = (
    ("matrix", (5, 7), (1, 0), DType.I8),
    ("rank_3", (1, 13, 16), (0, 2, 1), DType.I8),
    ("to_channels_first", (1, 3, 4, 5), (0, 3, 1, 2), DType.I8),
    ("to_channels_last", (1, 3, 4, 5), (0, 2, 3, 1), DType.I8),
    ("reversed", (2, 3, 4, 5), (3, 2, 1, 0), DType.I8),
    ("runs", (2, 3, 4, 5), (1, 0, 2, 3), DType.I8),
    ("nothing", (2, 3, 4), (0, 1, 2), DType.I8),
    ("rank_5", (2, 3, 2, 4, 3), (4, 2, 0, 1, 3), DType.I8),
    ("f32", (2, 3, 4), (2, 0, 1), DType.F32),
    ("i32", (2, 3, 4), (2, 0, 1), DType.I32),
    ("i16", (2, 3, 4), (2, 0, 1), DType.I16),
)
