"""MUL: elementwise product of two tensors, broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.elementwise import BinaryOperator, BinaryRows
from edgebottle.ops.elementwise_cases import binary_cases
from edgebottle.ops.fixed_point import (
    Int,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import tensor_of

MAX_SHIFT = 13
"""A 17-bit product shifted further left would not stay below the 2^30 the kernel takes."""


@dataclass(frozen=True, kw_only=True)
class Mul(BinaryOperator):
    """a * b."""

    OP = "MUL"
    SIGNATURE: ClassVar[Signature] = Signature("MulOptions", 2, 2, fields=("i8",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryRows((DType.I8,), "eb_mul_s8_row", "eb_mul_s8", "eb_mul.h"),
        BinaryRows((DType.I16,), "eb_mul_s16_row", "eb_mul_s8", "eb_mul.h"),
        BinaryRows((DType.I32,), "eb_mul_s32_row", "eb_mul_s32", "eb_mul.h"),
        BinaryRows((DType.F32,), "eb_mul_f32_row", "eb_mul_f32", "eb_mul.h"),
    )

    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16, DType.F32, DType.I32)

    def combine(self, a: Array, b: Array) -> Array:
        """The product."""
        return np.asarray(a * b)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """The product, rounded twice."""
        return multiply_by_quantized_multiplier(a * b, *self.quantization(ins, outs))

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, int]:
        """Multiplier and shift; LiteRT computes their real number in single precision."""
        limit = 0 if outs[0].dtype is DType.I16 else MAX_SHIFT
        scales = (tensor_of(ins, index).scale for index in (0, 1))
        return checked_multiplier(where(self), single_ratio(*scales, by=outs[0].scale), limit)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> dict[str, CValue]:
        """Quantized operands have the multiplier."""
        if not outs[0].dtype.is_quantized:
            return {}
        multiplier, shift = self.quantization(ins, outs)
        return {
            "a_zero_point": tensor_of(ins, 0).zero_point,
            "b_zero_point": tensor_of(ins, 1).zero_point,
            "out_zero_point": outs[0].zero_point,
            "multiplier": multiplier,
            "shift": shift,
        }

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Broadcasts, activations, constants, random scales; int8, int32, float32."""
        yield from binary_cases(cls, product=True)
