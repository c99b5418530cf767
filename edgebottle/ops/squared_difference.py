"""SQUARED_DIFFERENCE: the square of the difference of two elements, broadcast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.add import SumQuantization
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.broadcasting import BroadcastRows
from edgebottle.ops.channel_range import Range
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.fixed_point import (
    Int,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import per_tensor, tensor_of

LEFT_SHIFT = 7
"""Operands gain this many bits before they are brought to a common scale."""


def _rows(dtype: DType, function: str, struct: str) -> BroadcastRows[SquaredDifference]:
    return BroadcastRows((dtype,), function, struct, "eb_squared_difference.h")


@dataclass(frozen=True, kw_only=True)
class SquaredDifference(BinaryOperator):
    """(a - b)^2; of int32 it wraps."""

    OP = "SQUARED_DIFFERENCE"
    CLAMPS: ClassVar[bool] = False
    SIGNATURE: ClassVar[Signature] = Signature("SquaredDifferenceOptions", 2, 2)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _rows(DType.I8, "eb_squared_difference_s8_row", "eb_squared_difference_s8"),
        _rows(DType.I32, "eb_squared_difference_s32_row", "eb_squared_difference"),
        _rows(DType.F32, "eb_squared_difference_f32_row", "eb_squared_difference"),
    )

    def combine(self, a: Array, b: Array) -> Array:
        """The square; of the difference that wraps, for it wraps to the same."""
        with np.errstate(over="ignore"):
            return np.asarray(np.square(a - b))

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """Both operands brought to a common scale, the square to the output's."""
        quantization = self.quantization(ins, outs)
        difference = multiply_by_quantized_multiplier(
            a << quantization.places, *quantization.a
        ) - multiply_by_quantized_multiplier(b << quantization.places, *quantization.b)
        return multiply_by_quantized_multiplier(difference * difference, *quantization.out)

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> SumQuantization:
        """The multipliers, computed in double precision as LiteRT does, which stops at 1."""
        a, b = (float(np.float32(tensor_of(ins, index).scale)) for index in (0, 1))
        twice_max = float(np.float32(2.0 * max(a, b)))
        out = float(np.float32(outs[0].scale) * np.float32(1 << 2 * LEFT_SHIFT))
        pairs = [quantize_multiplier(r) for r in (a / twice_max, b / twice_max, twice_max**2 / out)]
        if any(multiplier <= 0 or shift > 0 for multiplier, shift in pairs):
            raise UnsupportedOp(
                f"{where(self)} has the scales {a:g} and {b:g}, and {outs[0].scale:g} of its "
                "output, with which LiteRT does not run"
            )
        return SumQuantization(pairs[0], pairs[1], pairs[2], LEFT_SHIFT)

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """int8 has the multipliers."""
        if outs[0].dtype != DType.I8:
            return {}
        quantization = self.quantization(ins, outs)
        return {
            "a_zero_point": tensor_of(ins, 0).zero_point,
            "a_multiplier": quantization.a[0],
            "a_shift": quantization.a[1],
            "b_zero_point": tensor_of(ins, 1).zero_point,
            "b_multiplier": quantization.b[0],
            "b_shift": quantization.b[1],
            "out_zero_point": outs[0].zero_point,
            "out_multiplier": quantization.out[0],
            "out_shift": quantization.out[1],
        }

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Not known: the square turns where the operands are the same."""
        return None

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, broadcasts, scales of int8."""
        image = (1, 4, 8, 16)
        common = per_tensor(0.05, -3), per_tensor(0.03, 11), per_tensor(0.2, -128)
        coarse = per_tensor(0.9, -128), per_tensor(0.0007, 127), per_tensor(3.0, 5)
        name = "squared_difference"
        yield cls.graph(f"{name}_i8", (image, image), common)
        yield cls.graph(f"{name}_scales", ((16,), image), coarse)
        yield cls.graph(f"{name}_i32", ((2, 1, 5), (1, 3, 1)), DType.I32)
        yield cls.graph(f"{name}_f32", (image, (1, 1, 1, 16)), DType.F32)
