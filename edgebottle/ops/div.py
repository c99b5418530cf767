"""DIV: elementwise quotient of two tensors, broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Activation, CValue, Signature, where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.elementwise import BinaryOperator, BinaryRows
from edgebottle.ops.fixed_functions import reciprocal
from edgebottle.ops.fixed_point import (
    Int,
    checked_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import per_tensor, tensor_of

MAX_SHIFT = 23
"""Bits that a quotient of int8 operands has to spare."""


def quotients(a: Int, b: Int) -> Int:
    """A / b without its fraction; 0 where b is."""
    whole = np.abs(a) // np.abs(np.where(b == 0, 1, b))
    return np.where(b == 0, 0, np.where((a < 0) != (b < 0), -whole, whole))


@dataclass(frozen=True, kw_only=True)
class Div(BinaryOperator):
    """a / b; of integers without the fraction.

    LiteRT multiplies int8 with the reciprocal of b in fixed point.

    Limits:
        An integer divided by zero, at which LiteRT stops, is zero, as is an int8 quotient so small
        that LiteRT shifts it by more places than int32 has.
    """

    OP = "DIV"
    SIGNATURE: ClassVar[Signature] = Signature("DivOptions", 2, 2, fields=("i8",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryRows((DType.I8,), "eb_div_s8_row", "eb_div_s8", "eb_division.h"),
        BinaryRows((DType.I32,), "eb_div_s32_row", "eb_division_s32", "eb_division.h"),
        BinaryRows((DType.F32,), "eb_div_f32_row", "eb_division_f32", "eb_division.h"),
    )

    def combine(self, a: Array, b: Array) -> Array:
        """The quotient."""
        if a.dtype.kind == "i":
            return quotients(a, b)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(a / b)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """The dividend with all bits that there is room for, times the reciprocal of |b|."""
        multiply = saturating_rounding_doubling_high_mul
        multiplier, shift = self.quantization(ins, outs)
        dividend, divisor = np.where(b < 0, -a, a), np.abs(b)
        inverse, places = reciprocal(np.maximum(divisor, 1), 31)
        _, length = np.frexp(np.where(dividend < 0, ~dividend, dividend).astype(np.float64))
        room = 31 - length.astype(np.int64)
        right = places + room - shift
        quotient = multiply(multiply(dividend << room, inverse), multiplier)
        result = rounding_divide_by_pot(quotient, np.clip(right, 0, 31))
        return np.where((b == 0) | (right > 31), 0, result)

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, int]:
        """Multiplier and shift of the quotient, whose real number LiteRT has in float32."""
        a, b = tensor_of(ins, 0).scale, tensor_of(ins, 1).scale
        ratio = single_ratio(a, by=single_ratio(b, outs[0].scale, by=1.0))
        return checked_multiplier(where(self), ratio, MAX_SHIFT)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """int8 has the multiplier."""
        if outs[0].dtype != DType.I8:
            return {}
        multiplier, shift = self.quantization(ins, outs)
        return {
            "a_zero_point": tensor_of(ins, 0).zero_point,
            "b_zero_point": tensor_of(ins, 1).zero_point,
            "out_zero_point": outs[0].zero_point,
            "multiplier": multiplier,
            "shift": shift,
        }

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Not known: the quotient jumps where the divisor changes its sign."""
        return None

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, activations, scales of int8. Divisors of integers are constants without zero."""
        image, one = (1, 4, 8, 16), Activation.RELU_N1_TO_1
        quants = per_tensor(0.05, -3), per_tensor(0.03, -128), per_tensor(0.02, -7)
        yield cls.graph("div_f32", (image, image), DType.F32)
        yield cls.graph("div_f32_relu_n1_to_1", ((2, 1, 5), (1, 3, 1)), DType.F32, one)
        yield without_zeros(cls.graph("div_i32", (image, (16,)), DType.I32, constant=1))
        yield without_zeros(cls.graph("div_i8", (image, image), quants, constant=1))
        coarse = per_tensor(0.9, 20), per_tensor(0.007, 100), per_tensor(0.8, 3)
        for activation in (Activation.NONE, Activation.RELU6):
            case = f"div_scales_{activation.name.lower()}"
            yield without_zeros(cls.graph(case, (image, (4, 1, 16)), coarse, activation, 1))


def without_zeros(graph: Graph) -> Graph:
    """A test case whose constant divisor has no zeros, nor minus one."""
    divisor = graph.tensors["b"]
    zero = 0 if divisor.quant is None else divisor.zero_point
    assert divisor.data is not None
    data = np.where(np.abs(divisor.data.astype(np.int64) - zero) < 2, zero - 5, divisor.data)
    data = np.where(data < -128, zero + 5, data).astype(divisor.data.dtype)
    return replace(graph, tensors=graph.tensors | {"b": replace(divisor, data=data)})
