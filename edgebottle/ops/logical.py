"""What the operators on two operands of bool share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, one_node_graph, require_dtype
from edgebottle.ops.broadcasting import BroadcastOperator, BroadcastRows
from edgebottle.ops.case_tensors import plain
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import tensor_of, value_of


@dataclass(frozen=True, kw_only=True)
class LogicalOperator(BroadcastOperator):
    """A function of two operands of bool."""

    TRUTH: ClassVar[tuple[bool, bool, bool, bool]]
    """The result where (a, b) is (0, 0), (0, 1), (1, 0), (1, 1)."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BroadcastRows((DType.BOOL,), "eb_logical_row", "eb_logical", "eb_logical.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts bool."""
        for index in (0, 1):
            require_dtype(self, tensor_of(ins, index), DType.BOOL)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The result of each pair."""
        a, b = (value_of(values, index).astype(np.int64) for index in (0, 1))
        return (np.array(self.TRUTH)[2 * a + b],)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """The results as bits."""
        return {"truth": sum(int(result) << place for place, result in enumerate(self.TRUTH))}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Broadcasts."""
        for label, a, b in (("same", (1, 4, 8, 5), (1, 4, 8, 5)), ("crossed", (2, 1, 5), (3, 1))):
            case = f"{cls.OP.lower()}_{label}"
            node = cls(name=case, inputs=("a", "b"), outputs=("y",))
            operands = [plain("a", a, DType.BOOL), plain("b", b, DType.BOOL)]
            yield one_node_graph(case, node, [*operands, plain("y", *node.infer(operands)[0])])
