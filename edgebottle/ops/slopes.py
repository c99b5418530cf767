"""Activations with one slope above zero and one below: RELU and its kin, and LEAKY_RELU."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Int, Tensor, Tensors
from edgebottle.ops.base import Emitter, require_dtype, where
from edgebottle.ops.fixed_point import (
    check_zero_points,
    checked_multiplier,
    multiply_by_quantized_multiplier,
)
from edgebottle.ops.kernel import AnyKernel, Layer
from edgebottle.ops.table import (
    EVERY_VALUE,
    ActivationOperator,
    UnaryRows,
    activation_kernels,
    all_values,
    integer_range,
    per_tensor,
    saturate,
    tensor_of,
    value_of,
)

MAX_SHIFT = 22
"""A 9-bit difference shifted further left would overflow int32."""

MAX_INT16_SHIFT = 14
"""The same of 16-bit values."""


class _SlopeRows(UnaryRows):
    """A row of int16."""

    def rest(self, layer: Layer[SlopedOperator], e: Emitter) -> tuple[str, ...]:
        """Multipliers and bounds."""
        node, tensor, out = layer.node, tensor_of(layer.ins), layer.output
        positive, negative = node.multipliers(tensor, out)
        low, high = node.stored_bounds(out)
        fields = {
            "positive_multiplier": positive[0],
            "positive_shift": positive[1],
            "negative_multiplier": negative[0],
            "negative_shift": negative[1],
            "low": low,
            "high": high,
        }
        return (e.params("eb_slopes", fields),)


def slope_kernels(function: str) -> tuple[AnyKernel, ...]:
    """Those of a ``SlopedOperator`` with this C function for float32."""
    by_table, floats = activation_kernels(function)
    return by_table, _SlopeRows((DType.I16,), "eb_slopes_s16_row", "eb_slopes.h"), floats


@dataclass(frozen=True, kw_only=True)
class SlopedOperator(ActivationOperator):
    """LiteRT requantizes each side of zero with a multiplier of its own, and rounds twice."""

    TAKES_INT16: ClassVar[bool] = True
    """LiteRT has it of int16."""

    @abstractmethod
    def ratios(self, tensor: Tensor, out: Tensor) -> tuple[float, float]:
        """What takes values above zero to the output's scale, and values below."""

    def stored_bounds(self, out: Tensor) -> tuple[int, int]:
        """Bounds of the stored output."""
        return integer_range(out.dtype)

    def multipliers(self, tensor: Tensor, out: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
        """``ratios`` as multipliers and shifts."""
        limit = MAX_INT16_SHIFT if tensor.dtype is DType.I16 else MAX_SHIFT
        positive, negative = (
            checked_multiplier(where(self), ratio, limit) for ratio in self.ratios(tensor, out)
        )
        return positive, negative

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int16 around 0 as well."""
        tensor, output = tensor_of(ins), outs[0]
        if tensor.dtype is not DType.I16 or not self.TAKES_INT16:
            super().check(ins, outs)
            return
        require_dtype(self, output, DType.I16)
        check_zero_points(where(self), tensor, output)
        self.multipliers(tensor, output)
        self.stored_bounds(output)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The function, by table or by its slopes."""
        if outs[0].dtype is not DType.I16:
            return super().reference(values, ins, outs)
        return (self._scaled(value_of(values).astype(np.int64), tensor_of(ins), outs[0]),)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """Each input requantized, then clamped."""
        return self._scaled(all_values(tensor.dtype) - tensor.zero_point, tensor, out)

    def _scaled(self, centered: Int, tensor: Tensor, out: Tensor) -> Array:
        """The stored results of inputs without their zero point."""
        sides = [
            multiply_by_quantized_multiplier(centered, *multiplier)
            for multiplier in self.multipliers(tensor, out)
        ]
        stored = np.where(centered >= 0, *sides) + out.zero_point
        return saturate(np.clip(stored, *self.stored_bounds(out)), out.dtype)

    @classmethod
    def int16_cases(cls) -> Iterator[Graph]:
        """The same scale, and others; none where LiteRT has none."""
        if not cls.TAKES_INT16:
            return
        for factor in (0.3, 1.0, 2.7):
            quants = per_tensor(0.0004, 0), per_tensor(0.0004 * factor, 0)
            case = f"{cls.OP.lower()}_i16_by_{factor}"
            yield cls.graph(case, EVERY_VALUE, *quants, DType.I16)
