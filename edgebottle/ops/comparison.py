"""What the comparisons of two operands share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, one_node_graph, require_dtype, where
from edgebottle.ops.broadcasting import BroadcastOperator, BroadcastRows
from edgebottle.ops.case_tensors import activation, plain, quantized
from edgebottle.ops.fixed_point import (
    check_zero_points,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgebottle.ops.kernel import TypedKernel
from edgebottle.ops.table import tensor_of, value_of

LEFT_SHIFT = 8
"""Bits behind the point of operands that are brought to a common scale."""


def _rows(dtype: DType, function: str, struct: str) -> BroadcastRows[ComparisonOperator]:
    return BroadcastRows((dtype, DType.BOOL), function, struct, "eb_comparison.h")


@dataclass(frozen=True, kw_only=True)
class ComparisonOperator(BroadcastOperator):
    """Whether two elements compare so, as bool.

    LiteRT multiplies int8 operands with their scales, and keeps 8 bits behind the point: what is
    nearer than that is equal.

    Limits:
        int8, int16, int32 and float32, at most 6 axes; scales that count are below 1, above which
        LiteRT's arithmetic is not defined. Those of int16 count for EQUAL and NOT_EQUAL alone.
    """

    ORDERS: ClassVar[tuple[bool, bool, bool]]
    """The result where a < b, a == b, and a > b."""

    SCALED: ClassVar[tuple[DType, ...]] = (DType.I8,)
    """Types whose scales LiteRT looks at."""

    KERNELS: ClassVar[tuple[TypedKernel[Any], ...]] = (
        _rows(DType.I8, "eb_comparison_s8_row", "eb_comparison_s8"),
        _rows(DType.I16, "eb_comparison_s16_row", "eb_comparison"),
        _rows(DType.I32, "eb_comparison_s32_row", "eb_comparison"),
        _rows(DType.F32, "eb_comparison_f32_row", "eb_comparison"),
    )
    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16, DType.I32, DType.F32)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The broadcast shape, bool."""
        return ((self.broadcast(ins), DType.BOOL),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts two operands of one type."""
        a, b = tensor_of(ins, 0), tensor_of(ins, 1)
        require_dtype(self, a, *self.TYPES)
        require_dtype(self, b, a.dtype)
        if a.dtype in self.SCALED:
            self.multiplier(a), self.multiplier(b)
        check_zero_points(where(self), a, b)

    def multiplier(self, tensor: Tensor) -> tuple[int, int]:
        """Multiplier and shift of an operand's scale."""
        multiplier, shift = quantize_multiplier(tensor.scale)
        if multiplier <= 0 or shift > 0:
            raise UnsupportedOp(
                f"{where(self)} compares '{tensor.name}', whose scale is {tensor.scale:g}; LiteRT "
                f"compares {tensor.dtype.label} tensors of scales from 2^-32 to below 1"
            )
        return multiplier, shift

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The comparison of stored values, or of scaled ones."""
        a, b = (self._scaled(value_of(values, i), tensor_of(ins, i)) for i in (0, 1))
        less, equal, greater = self.ORDERS
        result = np.where(a == b, equal, less and greater)
        result = np.where(a < b, less, np.where(a > b, greater, result))
        return (np.asarray(result, dtype=np.bool_),)

    def _scaled(self, value: Array, tensor: Tensor) -> Array:
        if tensor.dtype not in self.SCALED:
            return value
        wide = (value.astype(np.int64) - tensor.zero_point) << LEFT_SHIFT
        return multiply_by_quantized_multiplier(wide, *self.multiplier(tensor))

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """The results; scaled values have the multipliers."""
        less, equal, greater = map(int, self.ORDERS)
        fields: dict[str, CValue] = {"less": less, "equal": equal, "greater": greater}
        if tensor_of(ins).dtype not in self.SCALED:
            return fields
        for name, tensor in zip("ab", (tensor_of(ins, 0), tensor_of(ins, 1)), strict=True):
            multiplier, shift = self.multiplier(tensor)
            fields[f"{name}_zero_point"] = tensor.zero_point
            fields[f"{name}_multiplier"] = multiplier
            fields[f"{name}_shift"] = shift
        return fields

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types; scales of int8 that make near values equal; broadcasts."""
        name, image, channels = cls.OP.lower(), (1, 4, 8, 16), (16,)
        for dtype in cls.TYPES:
            operands = (activation("a", image, dtype), activation("b", image, dtype))
            yield cls._case(f"{name}_{dtype.label}", operands)
        fine = (quantized("a", image, 0.002, -3), quantized("b", channels, 0.0007, 20))
        yield cls._case(f"{name}_scales", fine)
        coarse = (
            quantized("a", image, 0.2, 0, DType.I16),
            quantized("b", image, 0.3, 0, DType.I16),
        )
        yield cls._case(f"{name}_i16_scales", coarse)
        yield cls._case(f"{name}_crossed", (plain("a", (2, 1, 5)), plain("b", (1, 3, 1))))

    @classmethod
    def _case(cls, case: str, operands: Sequence[Tensor]) -> Graph:
        node = cls(name=case, inputs=("a", "b"), outputs=("y",))
        ((shape, dtype),) = node.infer(operands)
        return one_node_graph(case, node, [*operands, plain("y", shape, dtype)])


@dataclass(frozen=True, kw_only=True)
class Equality(ComparisonOperator):
    """A comparison that bool has as well.

    Limits:
        bool as well.
    """

    SCALED: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16)
    KERNELS: ClassVar[tuple[TypedKernel[Any], ...]] = (
        _rows(DType.I16, "eb_comparison_s16_scaled_row", "eb_comparison_s8"),
        *(kernel for kernel in ComparisonOperator.KERNELS if kernel.types[0] is not DType.I16),
        _rows(DType.BOOL, "eb_comparison_bool_row", "eb_comparison"),
    )
    TYPES: ClassVar[tuple[DType, ...]] = (*ComparisonOperator.TYPES, DType.BOOL)
