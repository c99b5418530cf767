"""SPLIT: a tensor cut into equal parts."""

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
from edgebottle.ops.movement import (
    check_movable,
    constant_int,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
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
        check_movable(self, ins, outs, 1)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[1] is not None
        return tuple(np.split(values[1], len(outs), self.axis))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        whole, part = data_input(ins, 1).layout, outs[0].shape[self.axis]
        places = [
            whole.slice(self.axis, number * part, (number + 1) * part)
            for number in range(len(outs))
        ]
        params = copy_params(e, places[0], outs[0].layout)
        return "\n    ".join(
            copy_call(params, e.input(1), place.offset, e.output(index), 0)
            for index, place in enumerate(places)
        )

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
