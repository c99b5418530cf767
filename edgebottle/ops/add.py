"""ADD: elementwise sum of two tensors, broadcast against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.elementwise import BinaryOperator, BinaryRows, BinaryVectors
from edgebottle.ops.elementwise_cases import binary_cases
from edgebottle.ops.fixed_point import (
    Int,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.sigmoid import rounded_log2
from edgebottle.ops.table import EVERY_VALUE, per_tensor, tensor_of

LEFT_SHIFTS = {DType.I8: 20, DType.I16: 15}
"""Operands gain this many bits before they are brought to a common scale."""


@dataclass(frozen=True)
class SumQuantization:
    """Multipliers and shifts, each pair as ``quantize_multiplier`` gives it; shifts <= 0.

    Attributes:
        a: From the first operand to twice the larger input scale.
        b: From the second operand to the same.
        out: From there to the output.
        places: Bits that both operands gain before.
    """

    a: tuple[int, int]
    b: tuple[int, int]
    out: tuple[int, int]
    places: int


@dataclass(frozen=True, kw_only=True)
class Add(BinaryOperator):
    """a + b.

    Attributes:
        is_shifted: int16 whose scales are powers of two (pot_scale_int16): one operand has the
            output's scale, the other one is shifted right to it.
    """

    OP = "ADD"
    SIGNATURE: ClassVar[Signature] = Signature("AddOptions", 2, 2, fields=("i8", "bool"))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryVectors((DType.I8,), "eb_add_s8_neon_row", "eb_add_s8", "eb_add.h"),
        BinaryRows((DType.I8,), "eb_add_s8_row", "eb_add_s8", "eb_add.h"),
        BinaryRows((DType.I16,), "eb_add_s16_row", "eb_add_s8", "eb_add.h"),
        BinaryRows((DType.I32,), "eb_add_s32_row", "eb_add_s32", "eb_add.h"),
        BinaryRows((DType.F32,), "eb_add_f32_row", "eb_add_f32", "eb_add.h"),
    )
    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16, DType.F32, DType.I32)
    SIGN: ClassVar[int] = 1
    """Of the second operand, at the common scale."""

    is_shifted: bool = False

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
        """Finds the arithmetic of LSTM cells, which int16 has if all scales are powers of two."""
        scales = [tensor.scale for tensor in (*ins, *outs) if tensor and tensor.dtype is DType.I16]
        is_shifted = bool(scales and options.potScaleInt16) and None not in map(
            rounded_log2, scales
        )
        node = super().from_tflite(name, inputs, outputs, ins, outs, options)
        return replace(node, is_shifted=is_shifted)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        options = super().to_tflite(ins, outs)
        options.potScaleInt16 = self.is_shifted or outs[0].dtype is not DType.I16
        return options

    def combine(self, a: Array, b: Array) -> Array:
        """The sum, or the difference."""
        return np.asarray(a + b if self.SIGN > 0 else a - b)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """Both operands brought to a common scale, combined, brought to the output's."""
        quantization = self.quantization(ins, outs)
        scaled_a = multiply_by_quantized_multiplier(a << quantization.places, *quantization.a)
        scaled_b = multiply_by_quantized_multiplier(b << quantization.places, *quantization.b)
        total = scaled_a + self.SIGN * scaled_b
        return multiply_by_quantized_multiplier(total, *quantization.out)

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> SumQuantization:
        """The multipliers, computed in double precision as LiteRT does."""
        if self.is_shifted:
            return self._shifts(ins, outs[0])
        a, b = (tensor_of(ins, index).scale for index in (0, 1))
        twice_max = 2.0 * max(a, b)
        # LiteRT widens the scale of the output in single precision, and stops at a ratio of 0.
        places = LEFT_SHIFTS[outs[0].dtype]
        output = twice_max / single_ratio(1 << places, outs[0].scale, by=1.0)
        if min(a, b, output) <= 0.0:
            raise UnsupportedOp(
                f"{where(self)} has the scales {a:g} and {b:g}, and {outs[0].scale:g} of its "
                "output, with which LiteRT does not run"
            )
        return SumQuantization(
            quantize_multiplier(a / twice_max),
            quantize_multiplier(b / twice_max),
            checked_multiplier(f"{where(self)}, with {places} bits to spare,", output, 0),
            places,
        )

    def _shifts(self, ins: Tensors, output: Tensor) -> SumQuantization:
        """Operands keep their value but for the shift; a half times two is one."""
        operands = tensor_of(ins, 0), tensor_of(ins, 1)
        places = [round(math.log2(one.scale / output.scale)) for one in operands]
        is_alike = operands[0].shape == operands[1].shape or self.SIGN < 0
        if max(places) != 0 or not is_alike:
            raise UnsupportedOp(
                f"{where(self)} combines 16-bit values by shifts (pot_scale_int16), where LiteRT "
                "takes one operand of the output's scale, none of a larger one, and for ADD two of "
                "one shape"
            )
        gained = LEFT_SHIFTS[DType.I16]
        a, b = (place - gained + 1 for place in places)
        return SumQuantization((1 << 30, a), (1 << 30, b), (1 << 30, 1), gained)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> dict[str, CValue]:
        """The sign; quantized operands have the multipliers as well."""
        if not outs[0].dtype.is_quantized:
            return {"b_sign": self.SIGN}
        quantization = self.quantization(ins, outs)
        return {
            "a_zero_point": tensor_of(ins, 0).zero_point,
            "a_multiplier": quantization.a[0],
            "a_shift": quantization.a[1],
            "b_zero_point": tensor_of(ins, 1).zero_point,
            "b_multiplier": quantization.b[0],
            "b_shift": quantization.b[1],
            "b_sign": self.SIGN,
            "out_zero_point": outs[0].zero_point,
            "out_multiplier": quantization.out[0],
            "out_shift": quantization.out[1],
        }

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Broadcasts, activations, constants, random scales; int8, int32, float32."""
        yield from binary_cases(cls, product=False)
        yield from cls.shifted_cases()

    @classmethod
    def shifted_cases(cls) -> Iterator[Graph]:
        """int16 with scales of powers of two, either of which is the smaller one."""
        for number, (a, b) in enumerate(((-10, -10), (-12, -10), (-10, -13))):
            quants = per_tensor(2.0**a, 0), per_tensor(2.0**b, 0), per_tensor(2.0**-10, 0)
            case = f"{cls.OP.lower()}_i16_shifted_{number}"
            graph = cls.graph(case, (EVERY_VALUE, EVERY_VALUE), quants, dtype=DType.I16)
            (node,) = graph.nodes
            assert isinstance(node, Add)
            yield replace(graph, nodes=(replace(node, is_shifted=True),))
