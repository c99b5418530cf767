"""ABS: the magnitude of x."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, where
from edgebottle.ops.fixed_point import (
    check_zero_points,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel, Layer
from edgebottle.ops.slopes import MAX_INT16_SHIFT, MAX_SHIFT
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    ActivationOperator,
    UnaryRows,
    activation_kernels,
    all_values,
    input_quants,
    per_tensor,
    saturate,
    tensor_of,
    value_of,
)


class _AbsRows(UnaryRows):
    """int16."""

    def rest(self, layer: Layer[Abs], e: Emitter) -> tuple[str, ...]:
        """What scales a magnitude."""
        multiplier, shift = layer.node.multiplier(tensor_of(layer.ins), layer.output)
        return str(multiplier), str(shift)


@dataclass(frozen=True, kw_only=True)
class Abs(ActivationOperator):
    """The magnitude of x.

    LiteRT requantizes with the float32 quotient of the scales, and rounds twice; not at all where
    the scales are the same.
    """

    OP = "ABS"
    SIGNATURE: ClassVar[Signature] = Signature("AbsOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        *activation_kernels("eb_abs_f32_row"),
        _AbsRows((DType.I16,), "eb_abs_s16_row", "eb_slopes.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int16 around 0 as well."""
        tensor, output = tensor_of(ins), outs[0]
        if tensor.dtype is not DType.I16:
            super().check(ins, outs)
            return
        check_zero_points(where(self), tensor, output)
        self.multiplier(tensor, output)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The function, or the table of it."""
        if outs[0].dtype is not DType.I16:
            return super().reference(values, ins, outs)
        magnitude = np.abs(value_of(values).astype(np.int64))
        scaled = multiply_by_quantized_multiplier(
            magnitude, *self.multiplier(tensor_of(ins), outs[0])
        )
        return (saturate(scaled, DType.I16),)

    def multiplier(self, tensor: Tensor, out: Tensor) -> tuple[int, int]:
        """Multiplier and shift that take a magnitude to the output; those of 1 change nothing."""
        limit = MAX_INT16_SHIFT if tensor.dtype is DType.I16 else MAX_SHIFT
        return checked_multiplier(where(self), single_ratio(tensor.scale, by=out.scale), limit)

    def real(self, value: Array) -> Array:
        """The function on float32."""
        return np.abs(value)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The magnitude of each input, requantized."""
        magnitude = np.abs(all_values(tensor.dtype) - tensor.zero_point)
        scaled = multiply_by_quantized_multiplier(magnitude, *self.multiplier(tensor, out))
        return saturate(scaled + out.zero_point, out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"abs_{label}", shape, per_tensor(0.05, -3), per_tensor(0.03, -100))
            yield cls.graph(f"abs_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"abs_{label}", EVERY_VALUE, quant, out)
        for number, factor in enumerate((1.0, 0.3)):
            quants = per_tensor(0.0004, 0), per_tensor(0.0004 * factor, 0)
            yield cls.graph(f"abs_i16_{number}", EVERY_VALUE, *quants, DType.I16)
