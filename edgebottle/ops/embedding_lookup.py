"""EMBEDDING_LOOKUP: rows of a table, by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import constant, plain, quantized
from edgebottle.ops.gather import IndexedOperator
from edgebottle.ops.movement import data_input
from edgebottle.ops.table import per_tensor, value_of
from edgebottle.ops.weights import per_channel


@dataclass(frozen=True, kw_only=True)
class EmbeddingLookup(IndexedOperator):
    """Rows of input 1, a table, by the numbers in input 0.

    Limits:
        The output has the type of the table; or it is float32, and the table int8 with zero point 0
        and one scale, or one for each row.

    Attributes:
        dequantizes: The output is the real values of an int8 table.
    """

    OP: ClassVar[str] = "EMBEDDING_LOOKUP"
    SIGNATURE: ClassVar[Signature] = Signature("", 2, 2, version=1)
    DATA: ClassVar[int] = 1
    INDICES: ClassVar[int] = 0

    dequantizes: bool = False

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
        is_real = outs[0].dtype is DType.F32 and data_input(ins, 1).dtype is DType.I8
        return cls(name=name, inputs=inputs, outputs=outputs, dequantizes=is_real)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        numbers, table = data_input(ins, 0), data_input(ins, 1)
        if len(numbers.shape) != 1 or len(table.shape) < 2:
            raise UnsupportedOp(
                f"{where(self)} takes rows of {list(table.shape)} by {list(numbers.shape)} numbers"
            )
        dtype = DType.F32 if self.dequantizes else table.dtype
        return ((numbers.shape + table.shape[1:], dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        table = data_input(ins, 1)
        require_dtype(self, table, DType.F32, DType.I8)
        super().check(ins, outs)
        if not self.dequantizes:
            return
        require_dtype(self, table, DType.I8)
        quant = table.quant
        is_by_row = quant is not None and len(quant.scale) in (1, table.shape[0])
        if quant is None or not is_by_row or any(quant.zero_point) or quant.axis not in (None, 0):
            raise UnsupportedOp(
                f"{where(self)} gives float32 of a table that is not quantized to zero point 0 and "
                "a scale, or one for each row"
            )

    def scales(self, ins: Tensors) -> Array:
        """[rows] float32: those of an int8 table."""
        table = data_input(ins, 1)
        assert table.quant is not None
        return np.array(per_channel(table.quant.scale, table.shape[0]), np.float32)

    def limits(self, ins: Tensors) -> Array:
        """See ``IndexedOperator``."""
        return np.array(data_input(ins, 1).shape[0])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        numbers, table = value_of(values, 0), value_of(values, 1)
        rows = self.inside(numbers, ins)
        if not self.dequantizes:
            return (table[rows],)
        scales = self.scales(ins)[rows].reshape(-1, *(1,) * (len(table.shape) - 1))
        return (table[rows].astype(np.float32) * scales,)

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
        if self.dequantizes:
            scales = e.constant("scales", self.scales(e.tensors[0]))
            sizes = f"{table.shape[0]}, {numbers.size}, {prod(table.shape[1:])}"
            ends = f"{e.input(1)}, {scales}, {self.index_pointer(e)}, {e.output()}"
            return f"eb_gather_dequantized({sizes}, {ends});"
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
        real = replace(node, dequantizes=True)
        for case, count in (("real", 1), ("real_by_row", 5)):
            scales = tuple(float(np.float32(0.03 * (i + 1))) for i in range(count))
            quant = Quant(scales, (0,) * count, 0 if count > 1 else None)
            tensors = [numbers, constant("table", rows, quant), plain("y", (4, 3, 2))]
            yield one_node_graph(f"embedding_lookup_{case}", real, tensors)
