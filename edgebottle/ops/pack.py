"""PACK: tensors of one shape stacked along a new axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import MANY, Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.movement import (
    check_movable,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
)


@dataclass(frozen=True, kw_only=True)
class Pack(Operator):
    """The inputs stacked along the new axis ``axis``.

    Limits:
        At most 6 axes. All inputs have one shape, type, scale and zero point.

    Attributes:
        axis: From the front of the output.
    """

    OP: ClassVar[str] = "PACK"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("PackOptions", 1, MANY, fields=("i32", "i32"))

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
        axis = normal_axis(int(options.axis), len(data_input(ins).shape) + 1, label)
        return cls(name=name, inputs=inputs, outputs=outputs, axis=axis)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import PackOptionsT

        options = PackOptionsT()
        options.axis = self.axis
        options.valuesCount = len(self.inputs)
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        first = data_input(ins)
        if any(data_input(ins, i).shape != first.shape for i in range(len(ins))):
            raise UnsupportedOp(f"{where(self)} stacks tensors of different shapes")
        shape = (*first.shape[: self.axis], len(ins), *first.shape[self.axis :])
        return ((shape, first.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, *range(len(ins)))
        for tensor in ins:
            if tensor is not None and (tensor.dtype, tensor.quant) != (
                outs[0].dtype,
                outs[0].quant,
            ):
                raise UnsupportedOp(f"{where(self)} stacks tensors of different quantization")

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        return (np.stack([value for value in values if value is not None], self.axis),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        places = [outs[0].layout.index(self.axis, number) for number in range(len(ins))]
        params = copy_params(e, data_input(ins).layout, places[0])
        return "\n    ".join(
            copy_call(params, e.input(index), 0, e.output(), place.offset)
            for index, place in enumerate(places)
        )

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, count, axis, dtype in _CASES:
            names = tuple(f"x{index}" for index in range(count))
            node = cls(name="pack", inputs=names, outputs=("y",), axis=axis)
            parts = [activation(name, shape, dtype) for name in names]
            ((out_shape, _),) = node.infer(parts)
            output = activation("y", out_shape, dtype)
            yield one_node_graph(f"pack_{case}", node, [*parts, output])


_CASES: tuple[tuple[str, Shape, int, int, DType], ...] = (
    ("first", (3, 4), 3, 0, DType.I8),
    ("middle", (3, 4), 2, 1, DType.I8),
    ("last", (1, 3, 4), 2, 3, DType.I8),
    ("one", (5,), 1, 0, DType.I8),
    ("f32", (2, 3), 2, 1, DType.F32),
    ("i32", (4,), 3, 1, DType.I32),
)
