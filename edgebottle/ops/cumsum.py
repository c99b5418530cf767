"""CUMSUM: running sums along one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype
from edgebottle.ops.case_tensors import indices, plain
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import constant_int, data_input, normal_axis


class _RunningSums(TypedKernel["Cumsum"]):
    """Element by element along the axis."""

    def emit(self, layer: Layer[Cumsum], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node, shape = layer.node, layer.output.shape
        fields = {
            "outer": prod(shape[: node.axis]),
            "extent": shape[node.axis],
            "inner": prod(shape[node.axis + 1 :]),
            "exclusive": int(node.exclusive),
            "reverse": int(node.reverse),
        }
        e.include("eb_cumsum.h")
        return f"{self.function}({e.params('eb_cumsum', fields)}, {e.input(0)}, {e.output()});"


@dataclass(frozen=True, kw_only=True)
class Cumsum(KernelOperator):
    """The sum of each element and of those before it along ``axis``; of int32 it wraps.

    Limits:
        int32 and float32, as in LiteRT. The axis is a constant.

    Attributes:
        axis: From the front.
        exclusive: Each sum is without its own element.
        reverse: From the end on.
    """

    OP: ClassVar[str] = "CUMSUM"
    SIGNATURE: ClassVar[Signature] = Signature(
        "CumsumOptions", 2, 2, fields=("bool", "bool"), version=1
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _RunningSums((DType.I32,), "eb_cumsum_s32"),
        _RunningSums((DType.F32,), "eb_cumsum_f32"),
    )

    axis: int
    exclusive: bool = False
    reverse: bool = False

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
        axis = normal_axis(constant_int(ins[1], label), len(data_input(ins).shape), label)
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            axis=axis,
            exclusive=bool(options.exclusive),
            reverse=bool(options.reverse),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        options = super().to_tflite(ins, outs)
        options.exclusive, options.reverse = self.exclusive, self.reverse
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        return ((data_input(ins).shape, data_input(ins).dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        require_dtype(self, data_input(ins), DType.I32, DType.F32)

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``."""
        return (0,)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        data = np.flip(data, self.axis) if self.reverse else data
        sums = np.cumsum(data, axis=self.axis, dtype=data.dtype)
        if self.exclusive:
            sums = np.roll(sums, 1, self.axis)
            sums[(slice(None),) * self.axis + (0,)] = 0
        return (np.ascontiguousarray(np.flip(sums, self.axis) if self.reverse else sums),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, exclusive, reverse, dtype in (
            ("f32", (2, 3, 5), 1, False, False, DType.F32),
            ("f32_exclusive_reverse", (1, 4, 3, 2), 1, True, True, DType.F32),
            ("i32_exclusive", (7,), 0, True, False, DType.I32),
            ("i32_reverse", (2, 5), 1, False, True, DType.I32),
        ):
            node = cls(
                name="sums",
                inputs=("x", "axis"),
                outputs=("y",),
                axis=axis,
                exclusive=exclusive,
                reverse=reverse,
            )
            tensors = [plain("x", shape, dtype), indices("axis", axis), plain("y", shape, dtype)]
            yield one_node_graph(f"cumsum_{case}", node, tensors)
