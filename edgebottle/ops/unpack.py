"""UNPACK: a tensor cut into its indices along an axis, which is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.movement import (
    check_movable,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
)


@dataclass(frozen=True, kw_only=True)
class Unpack(Operator):
    """Output i is index i of ``axis``, without that axis.

    Limits:
        At most 6 axes.

    Attributes:
        axis: From the front.
    """

    OP: ClassVar[str] = "UNPACK"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature(
        "UnpackOptions", 1, 1, outputs=0, fields=("i32", "i32")
    )

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
        if options is None:
            raise UnsupportedOp(f"{label} lacks its options")
        axis = normal_axis(int(options.axis), len(data_input(ins).shape), label)
        return cls(name=name, inputs=inputs, outputs=outputs, axis=axis)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import UnpackOptionsT

        options = UnpackOptionsT()
        options.axis = self.axis
        options.num = len(self.outputs)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if data.shape[self.axis] != len(self.outputs):
            raise UnsupportedOp(
                f"{where(self)} gives {len(self.outputs)} of {data.shape[self.axis]} indices"
            )
        shape = (*data.shape[: self.axis], *data.shape[self.axis + 1 :])
        return ((shape, data.dtype),) * len(self.outputs)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        return tuple(np.take(data, index, self.axis) for index in range(len(outs)))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        places = [data_input(ins).layout.index(self.axis, number) for number in range(len(outs))]
        params = copy_params(e, places[0], outs[0].layout)
        return "\n    ".join(
            copy_call(params, e.input(0), place.offset, e.output(index), 0)
            for index, place in enumerate(places)
        )

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, dtype in _CASES:
            names = tuple(f"y{index}" for index in range(shape[axis]))
            node = cls(name="unpack", inputs=("x",), outputs=names, axis=axis)
            data = activation("x", shape, dtype)
            results = [
                activation(name, out_shape, dtype)
                for name, (out_shape, _) in zip(names, node.infer([data]), strict=True)
            ]
            yield one_node_graph(f"unpack_{case}", node, [data, *results])


_CASES: tuple[tuple[str, Shape, int, DType], ...] = (
    ("first", (3, 4), 0, DType.I8),
    ("middle", (1, 3, 4), 1, DType.I8),
    ("last", (2, 3, 2), 2, DType.I8),
    ("f32", (2, 3), 1, DType.F32),
    ("i32", (4, 2), 0, DType.I32),
)
