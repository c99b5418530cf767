"""LOGICAL_NOT: whether x is false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype
from edgebottle.ops.case_tensors import plain
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer
from edgebottle.ops.table import UnaryOperator, UnaryRows, tensor_of, value_of


class _Rows(UnaryRows):
    """Element by element."""

    def rest(self, layer: Layer[LogicalNot], e: Emitter) -> tuple[str, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, kw_only=True)
class LogicalNot(KernelOperator, UnaryOperator):
    """Whether x is false."""

    OP = "LOGICAL_NOT"
    SIGNATURE: ClassVar[Signature] = Signature("LogicalNotOptions", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _Rows((DType.BOOL,), "eb_logical_not_row", "eb_logical.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts bool."""
        require_dtype(self, tensor_of(ins), DType.BOOL)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The other of the two values."""
        return (np.logical_not(value_of(values)),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Shapes."""
        for label, shape in (("4d", (1, 3, 5, 4)), ("2d", (3, 11))):
            node = cls(name="not", inputs=("x",), outputs=("y",))
            tensors = [plain(name, shape, DType.BOOL) for name in "xy"]
            yield one_node_graph(f"logical_not_{label}", node, tensors)
