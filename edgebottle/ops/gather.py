"""GATHER: slices of a tensor along one axis, by their indices."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import activation, constant, plain
from edgebottle.ops.movement import check_movable, data_input, normal_axis
from edgebottle.ops.table import value_of


@dataclass(frozen=True, kw_only=True)
class IndexedOperator(Operator):
    """An operator that copies slices of one input, which indices in another name.

    Limits:
        Indices at run time are int32. One that lies outside, at which LiteRT stops, takes the
        nearest slice; a constant one is refused.
    """

    DATA: ClassVar[int] = 0
    INDICES: ClassVar[int] = 1

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts elements of whole bytes; indices that are constants must lie inside."""
        check_movable(self, ins, outs, self.DATA)
        indices = data_input(ins, self.INDICES)
        known = (DType.I32,) if indices.data is None else (DType.I32, DType.I64)
        require_dtype(self, indices, *known)
        if indices.data is not None:
            limits = self.limits(ins)
            if (indices.data < 0).any() or (indices.data >= limits).any():
                raise UnsupportedOp(
                    f"{where(self)} has indices from {indices.data.min()} to {indices.data.max()}, "
                    f"which lie outside of {list(data_input(ins, self.DATA).shape)}"
                )

    @abstractmethod
    def limits(self, ins: Tensors) -> Array:
        """What the indices are below: one number, or one for each along their last axis."""

    def index_limits(self, index: int, ins: Tensors) -> Array | None:
        """See ``Node``."""
        return self.limits(ins) if index == self.INDICES else None

    def inside(self, indices: Array, ins: Tensors) -> Array:
        """The nearest indices that lie inside."""
        return np.asarray(np.clip(indices, 0, self.limits(ins) - 1))

    def index_pointer(self, e: Emitter) -> str:
        """Where the indices are, as int32."""
        indices = data_input(e.tensors[0], self.INDICES)
        if indices.data is None or indices.dtype is DType.I32:
            return e.input(self.INDICES)
        return e.constant("indices", indices.data.astype(np.int32))


@dataclass(frozen=True, kw_only=True)
class Gather(IndexedOperator):
    """Slices along ``axis`` in the order of the indices.

    Attributes:
        axis: Of the input, from the front.
        batch_dims: Leading axes that input and indices share: each part has its own indices.
    """

    OP: ClassVar[str] = "GATHER"
    SIGNATURE: ClassVar[Signature] = Signature("GatherOptions", 2, 2, fields=("i32", "i32"))

    axis: int
    batch_dims: int = 0

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
        axis = normal_axis(int(options.axis), len(data_input(ins).shape), label)
        shared = int(options.batchDims)
        rank = len(data_input(ins, 1).shape)
        shared = shared + rank if shared < 0 else shared
        if not 0 <= shared <= min(axis, rank):
            raise UnsupportedOp(f"{label} shares {shared} axes between input and indices")
        return cls(name=name, inputs=inputs, outputs=outputs, axis=axis, batch_dims=shared)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        options = super().to_tflite(ins, outs)
        options.axis, options.batchDims = self.axis, self.batch_dims
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, indices = data_input(ins), data_input(ins, 1)
        shared, axis = self.batch_dims, self.axis
        if data.shape[:shared] != indices.shape[:shared]:
            raise UnsupportedOp(
                f"{where(self)} takes slices of {list(data.shape)} by {list(indices.shape)} indices"
            )
        return ((data.shape[:axis] + indices.shape[shared:] + data.shape[axis + 1 :], data.dtype),)

    def limits(self, ins: Tensors) -> Array:
        """See ``IndexedOperator``."""
        return np.array(data_input(ins).shape[self.axis])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, indices = value_of(values), value_of(values, 1)
        indices = self.inside(indices, ins)
        parts = prod(data.shape[: self.batch_dims])
        apart = data.reshape(parts, *data.shape[self.batch_dims :])
        own = indices.reshape(parts, *indices.shape[self.batch_dims :])
        axis = self.axis - self.batch_dims
        taken = [np.take(part, which, axis) for part, which in zip(apart, own, strict=True)]
        return (np.stack(taken).reshape(outs[0].shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, _ = e.tensors
        data, indices = data_input(ins), data_input(ins, 1)
        shared, axis = self.batch_dims, self.axis
        fields = {
            "batches": prod(data.shape[:shared]),
            "outer": prod(data.shape[shared:axis]),
            "extent": data.shape[axis],
            "count": prod(indices.shape[shared:]),
            "slice_bytes": prod(data.shape[axis + 1 :]) * data.layout.element_bytes,
        }
        e.include("eb_gather.h")
        params = e.params("eb_gather", fields)
        return f"eb_gather_all({params}, {e.input(0)}, {self.index_pointer(e)}, {e.output()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axis, shared, wanted, dtype in _CASES:
            node = cls(
                name="gather", inputs=("x", "i"), outputs=("y",), axis=axis, batch_dims=shared
            )
            tensors = [activation("x", shape, dtype), constant("i", wanted)]
            ((out_shape, _),) = node.infer(tensors)
            tensors.append(activation("y", out_shape, dtype))
            yield one_node_graph(f"gather_{case}", node, tensors)
        node = cls(name="gather", inputs=("x", "i"), outputs=("y",), axis=1)
        tensors = [activation("x", (2, 1, 3), DType.I8), plain("i", (2, 2), DType.I32)]
        tensors.append(activation("y", (2, 2, 2, 3), DType.I8))
        yield one_node_graph("gather_run_time", node, tensors)


def _int32(*values: int) -> Array:
    return np.array(values, np.int32)


_CASES: tuple[tuple[str, Shape, int, int, Array, DType], ...] = (
    ("channels", (1, 3, 5, 6), 3, 0, _int32(5, 0, 0, 3), DType.I8),
    ("rows_i64", (1, 4, 3, 2), 1, 0, np.array([[3, 1], [0, 2]], np.int64), DType.F32),
    ("one", (4, 5), 0, 0, np.array(2, np.int32), DType.I32),
    ("batches", (2, 3, 4), 2, 1, _int32(3, 0, 1, 1).reshape(2, 2), DType.I16),
)
