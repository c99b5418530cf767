"""SQUEEZE: without some axes of one element."""

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
from edgebottle.ops.movement import check_view, data_input, normal_axis, view_call


@dataclass(frozen=True, kw_only=True)
class Squeeze(Operator):
    """The input without ``axes``, each of which has one element.

    Limits:
        At most 6 axes.

    Attributes:
        axes: From the front, ascending.
    """

    OP: ClassVar[str] = "SQUEEZE"
    SIGNATURE: ClassVar[Signature] = Signature("SqueezeOptions", 1, 1, fields=("[i32]",), version=1)
    VIEW: ClassVar[bool] = True

    axes: tuple[int, ...]

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
        shape = data_input(ins).shape
        given = getattr(options, "squeezeDims", None)
        if given is None or len(given) == 0:
            axes = {axis for axis, dim in enumerate(shape) if dim == 1}
        else:
            axes = {normal_axis(int(axis), len(shape), f"{name} ({cls.OP})") for axis in given}
        return cls(name=name, inputs=inputs, outputs=outputs, axes=tuple(sorted(axes)))

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import SqueezeOptionsT

        options = SqueezeOptionsT()
        options.squeezeDims = np.array(self.axes, dtype=np.int32)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if any(data.shape[axis] != 1 for axis in self.axes):
            raise UnsupportedOp(f"{where(self)} drops the axes {self.axes} of {list(data.shape)}")
        shape = tuple(dim for axis, dim in enumerate(data.shape) if axis not in self.axes)
        return ((shape, data.dtype),)

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
        for case, shape, axes, dtype in _CASES:
            node = cls(name="squeeze", inputs=("x",), outputs=("y",), axes=axes)
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            tensors = [data, activation("y", out_shape, dtype)]
            yield one_node_graph(f"squeeze_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, tuple[int, ...], DType], ...] = (
    ("image", (1, 1, 1, 7), (1, 2), DType.I8),
    ("batch", (1, 3, 1, 2), (0,), DType.I8),
    ("f32", (1, 3, 1, 2), (0, 2), DType.F32),
    ("i32", (1, 3), (0,), DType.I32),
)
