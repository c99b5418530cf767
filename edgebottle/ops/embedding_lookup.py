"""EMBEDDING_LOOKUP: rows of a table, by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import constant, plain, quantized
from edgebottle.ops.gather import IndexedOperator
from edgebottle.ops.movement import data_input
from edgebottle.ops.table import per_tensor, value_of


@dataclass(frozen=True, kw_only=True)
class EmbeddingLookup(IndexedOperator):
    """Rows of input 1, a table, by the numbers in input 0.

    Limits:
        The output has the type of the table.
    """

    OP: ClassVar[str] = "EMBEDDING_LOOKUP"
    SIGNATURE: ClassVar[Signature] = Signature("", 2, 2, version=1)
    DATA: ClassVar[int] = 1
    INDICES: ClassVar[int] = 0

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        numbers, table = data_input(ins, 0), data_input(ins, 1)
        if len(numbers.shape) != 1 or len(table.shape) < 2:
            raise UnsupportedOp(
                f"{where(self)} takes rows of {list(table.shape)} by {list(numbers.shape)} numbers"
            )
        return ((numbers.shape + table.shape[1:], table.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        require_dtype(self, data_input(ins, 1), DType.F32, DType.I8)
        super().check(ins, outs)

    def limits(self, ins: Tensors) -> Array:
        """See ``IndexedOperator``."""
        return np.array(data_input(ins, 1).shape[0])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        numbers, table = value_of(values, 0), value_of(values, 1)
        return (table[self.inside(numbers, ins)],)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        numbers, table = data_input(e.tensors[0], 0), data_input(e.tensors[0], 1)
        fields = {
            "batches": 1,
            "outer": 1,
            "extent": table.shape[0],
            "count": numbers.size,
            "slice_bytes": prod(table.shape[1:]) * table.layout.element_bytes,
        }
        e.include("eb_gather.h")
        params = e.params("eb_gather", fields)
        return f"eb_gather_all({params}, {e.input(1)}, {self.index_pointer(e)}, {e.output()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``; with one row in the table every number is inside."""
        random = np.random.default_rng(3)
        rows = random.integers(-128, 128, (5, 3, 2)).astype(np.int8)
        node = cls(name="embed", inputs=("i", "table"), outputs=("y",))
        numbers = plain("i", (4,), DType.I32)
        table = constant("table", rows[:1], per_tensor(0.05, -3))
        yield one_node_graph(
            "embedding_lookup_i8", node, [numbers, table, quantized("y", (4, 3, 2), 0.05, -3)]
        )
        known = constant("i", np.array([4, 0, 4], np.int32))
        tensors = [known, plain("table", (5, 7)), plain("y", (3, 7))]
        yield one_node_graph("embedding_lookup_f32", node, tensors)
