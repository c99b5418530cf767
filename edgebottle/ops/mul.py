"""MUL: elementwise product of two tensors, broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.elementwise_cases import binary_cases
from edgebottle.ops.fixed_point import (
    Int,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.table import tensor_of

MAX_SHIFT = 13
"""A 17-bit product shifted further left would not stay below the 2^30 the kernel takes."""


@dataclass(frozen=True, kw_only=True)
class Mul(BinaryOperator):
    """a * b."""

    OP = "MUL"
    SIGNATURE: ClassVar[Signature] = Signature("MulOptions", 2, 2, fields=("i8",))
    OPTIONS = "MulOptionsT"

    def combine(self, a: Array, b: Array) -> Array:
        """The product."""
        return np.asarray(a * b)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """The product, rounded twice."""
        return multiply_by_quantized_multiplier(a * b, *self.quantization(ins, outs))

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, int]:
        """Multiplier and shift; LiteRT computes their real number in single precision."""
        scales = (tensor_of(ins, index).scale for index in (0, 1))
        return checked_multiplier(where(self), single_ratio(*scales, by=outs[0].scale), MAX_SHIFT)

    def kernel(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[str, dict[str, CValue]]:
        """The kernel of the type; int8 has the multiplier."""
        if outs[0].dtype == DType.F32:
            return "mul_f32", {}
        if outs[0].dtype == DType.I32:
            return "mul_s32", {}
        multiplier, shift = self.quantization(ins, outs)
        return "mul_s8", {
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
