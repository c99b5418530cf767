"""ARG_MAX: index of the largest element along one axis; and what ARG_MIN shares with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.table import per_tensor, tensor_of, value_of


class _Search(TypedKernel["ArgExtreme"]):
    """A search along the axis."""

    def emit(self, layer: Layer[ArgExtreme], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        shape, axis = tensor_of(layer.ins).shape, layer.node.axis(layer.ins)
        fields = {
            "outer": int(np.prod(shape[:axis], dtype=np.int64)),
            "extent": shape[axis],
            "inner": int(np.prod(shape[axis + 1 :], dtype=np.int64)),
            "smallest": int(not layer.node.LARGEST),
        }
        e.include("eb_arg_max.h")
        return f"{self.function}({e.params('eb_arg_max', fields)}, {e.input(0)}, {e.output()});"


@dataclass(frozen=True, kw_only=True)
class ArgExtreme(KernelOperator):
    """Index of an extreme along one axis, which disappears.

    Limits:
        The axis is one constant.

    Attributes:
        dtype: Type of the indices, I32 or I64.
    """

    dtype: DType

    LARGEST: ClassVar[bool]
    """Of the first of the largest elements, else of the smallest."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _Search((DType.I8, DType.I32), "eb_arg_max_s8_s32"),
        _Search((DType.I8, DType.I64), "eb_arg_max_s8_s64"),
        _Search((DType.F32, DType.I32), "eb_arg_max_f32_s32"),
        _Search((DType.F32, DType.I64), "eb_arg_max_f32_s64"),
    )

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
        """The output's type is the only attribute; the axis is input 1."""
        return cls(name=name, inputs=inputs, outputs=outputs, dtype=outs[0].dtype)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """The schema's options."""
        from ai_edge_litert import schema_py_generated as schema

        options = getattr(schema, f"{self.SIGNATURE.options}T")()
        kinds = {DType.I32: schema.TensorType.INT32, DType.I64: schema.TensorType.INT64}
        options.outputType = kinds[self.dtype]
        return options

    def axis(self, ins: Tensors) -> int:
        """The axis, counted from the first; raises ``UnsupportedOp`` where it is none."""
        rank = len(tensor_of(ins).shape)
        wanted = tensor_of(ins, 1).constant()
        if wanted.size != 1 or not -rank <= int(wanted.flat[0]) < rank:
            raise UnsupportedOp(
                f"{where(self)} has the axis {wanted.tolist()}, its input {rank} axes"
            )
        return int(wanted.flat[0]) % rank

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The input's shape without the axis."""
        shape, axis = tensor_of(ins).shape, self.axis(ins)
        return ((shape[:axis] + shape[axis + 1 :], self.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int8 and float32 inputs, int32 and int64 indices."""
        require_dtype(self, tensor_of(ins), DType.I8, DType.F32)
        require_dtype(self, outs[0], DType.I32, DType.I64)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The first of equal elements wins; NaN never wins over another, and nothing over it."""
        value, axis = value_of(values), self.axis(ins)
        search, worst = (np.argmax, -np.inf) if self.LARGEST else (np.argmin, np.inf)
        if value.dtype == np.float32:
            first = np.take(value, [0], axis=axis)
            value = np.where(np.isnan(value) | np.isnan(first), np.float32(worst), value)
        return (np.asarray(search(value, axis=axis)).astype(self.dtype.numpy),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Axes, types; long rows of few different values, so that ties occur."""
        name = cls.OP.lower()
        for dtype in (DType.I8, DType.F32):
            for index in (DType.I32, DType.I64):
                for axis in (0, 1, -2, -1) if cls.LARGEST else (1, -1):
                    case = f"{name}_{dtype.label}_{index.label}_axis_{axis % 10}"
                    yield cls._case(case, (1, 3, 5, 10), dtype, index, axis)
        yield cls._case(f"{name}_ties", (4, 3000), DType.I8, DType.I32, 1)
        yield cls._case(f"{name}_1d", (9,), DType.I8, DType.I32, 0)

    @classmethod
    def _case(cls, case: str, shape: Shape, dtype: DType, index: DType, axis: int) -> Graph:
        quant = None if dtype == DType.F32 else per_tensor(0.1, 0)
        x = Tensor("x", shape, dtype, quant)
        axes = Tensor("axis", (), DType.I32, None, np.array(axis, dtype=np.int32))
        kept = tuple(size for at, size in enumerate(shape) if at != axis % len(shape))
        y = Tensor("y", kept, index)
        node = cls(name=case, inputs=("x", "axis"), outputs=("y",), dtype=index)
        return one_node_graph(case, node, (x, axes, y))


@dataclass(frozen=True, kw_only=True)
class ArgMax(ArgExtreme):
    """Index of the first of the largest elements along one axis, which disappears."""

    OP = "ARG_MAX"
    SIGNATURE: ClassVar[Signature] = Signature("ArgMaxOptions", 2, 2, fields=("i8",))
    LARGEST: ClassVar[bool] = True
