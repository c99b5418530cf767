"""GATHER_ND: slices of a tensor along its leading axes, each by several indices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, constant, plain
from edgebottle.ops.gather import IndexedOperator
from edgebottle.ops.movement import MAX_RANK, data_input
from edgebottle.ops.table import value_of


@dataclass(frozen=True, kw_only=True)
class GatherND(IndexedOperator):
    """Slices, each named by the indices along the last axis of input 1."""

    OP: ClassVar[str] = "GATHER_ND"
    SIGNATURE: ClassVar[Signature] = Signature("GatherNdOptions", 2, 2)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, indices = data_input(ins), data_input(ins, 1)
        if not indices.shape or not 1 <= indices.shape[-1] <= len(data.shape):
            raise UnsupportedOp(
                f"{where(self)} takes slices of {list(data.shape)} by {list(indices.shape)} indices"
            )
        return ((indices.shape[:-1] + data.shape[indices.shape[-1] :], data.dtype),)

    def limits(self, ins: Tensors) -> Array:
        """See ``IndexedOperator``."""
        return np.array(data_input(ins).shape[: data_input(ins, 1).shape[-1]])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, indices = value_of(values), value_of(values, 1)
        taken = data[tuple(np.moveaxis(self.inside(indices, ins), -1, 0))]
        return (np.asarray(taken).reshape(outs[0].shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, _ = e.tensors
        data, indices = data_input(ins), data_input(ins, 1)
        depth = indices.shape[-1]
        fields: dict[str, CValue] = {
            "count": prod(indices.shape[:-1]),
            "depth": depth,
            "extents": data.shape[:depth] + (1,) * (MAX_RANK - depth),
            "slice_bytes": prod(data.shape[depth:]) * data.layout.element_bytes,
        }
        e.include("eb_gather.h")
        params = e.params("eb_gather_nd", fields)
        return f"eb_gather_nd_all({params}, {e.input(0)}, {self.index_pointer(e)}, {e.output()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        pixels = constant("i", np.array([[0, 2, 4], [0, 1, 0]], np.int32))
        elements = constant("i", np.array([[[1, 3]], [[0, 0]]], np.int64))
        for case, shape, indices, dtype in (
            ("pixels", (1, 3, 5, 6), pixels, DType.I8),
            ("elements", (2, 4), elements, DType.F32),
            ("run_time", (1, 1, 3), plain("i", (4, 2), DType.I32), DType.I32),
        ):
            node = cls(name="gather", inputs=("x", "i"), outputs=("y",))
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data, indices])
            tensors = [data, indices, activation("y", out_shape, dtype)]
            yield one_node_graph(f"gather_nd_{case}", node, tensors)
