"""NEG: minus x."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Signature, one_node_graph, require_dtype
from edgebottle.ops.case_tensors import plain
from edgebottle.ops.float_function import FEW_SHAPES, function_kernels
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import ActivationOperator, FloatRows, all_values, per_tensor, tensor_of


@dataclass(frozen=True, kw_only=True)
class Neg(ActivationOperator):
    """Minus x.

    LiteRT negates int8 as it is stored, and does not look at scales and zero points. The lowest
    integer has no negative, and stays.
    """

    OP = "NEG"
    SIGNATURE: ClassVar[Signature] = Signature("NegOptions", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        *function_kernels("eb_neg_f32_row"),
        FloatRows((DType.I32,), "eb_neg_s32_row", "eb_function.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int8, int32 and float32."""
        require_dtype(self, tensor_of(ins), DType.I8, DType.I32, DType.F32)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Minus each element."""
        assert values[0] is not None
        return (self.real(values[0]),)

    def real(self, value: Array) -> Array:
        """Minus each element, of any type."""
        return np.negative(value)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """Minus each stored value."""
        return self.real(all_values(DType.I8).astype(np.int8))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Few shapes; int8, int32, float32."""
        for label, shape in FEW_SHAPES:
            yield cls.graph(f"neg_{label}", shape, per_tensor(0.05, -3), per_tensor(0.03, 11))
            yield cls.graph(f"neg_f32_{label}", shape, None, None)
        node = cls(name="neg", inputs=("x",), outputs=("y",))
        tensors = [plain(name, (3, 7), DType.I32) for name in "xy"]
        yield one_node_graph("neg_i32", node, tensors)
