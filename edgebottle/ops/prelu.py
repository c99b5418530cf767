"""PRELU: x where it is positive, a learned slope times x below zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, require_dtype, where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.elementwise import BinaryOperator, BinaryRows
from edgebottle.ops.elementwise_cases import BROADCASTS
from edgebottle.ops.fixed_point import (
    Int,
    check_zero_points,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.mul import MAX_SHIFT as MAX_PRODUCT_SHIFT
from edgebottle.ops.slopes import MAX_INT16_SHIFT, MAX_SHIFT
from edgebottle.ops.table import per_tensor, tensor_of

MAX_INT16_PRODUCT_SHIFT = 7
"""A product of 16 and 9 bits shifted further left would overflow int32."""

_CASES = ("same", "channel", "channel_rank_1", "channel_rank_3", "one_element", "batch", "rank_2")


@dataclass(frozen=True, kw_only=True)
class Prelu(BinaryOperator):
    """a where it is not negative, else a * b: b holds a slope, mostly one for each channel.

    LiteRT requantizes each side of zero with its own multiplier, the float32 quotient of the
    scales, and rounds twice.

    Limits:
        The slopes of int16 are int8.
    """

    OP = "PRELU"
    SIGNATURE: ClassVar[Signature] = Signature("", 2, 2, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        BinaryRows((DType.I8,), "eb_prelu_s8_row", "eb_prelu_s8", "eb_prelu.h"),
        BinaryRows((DType.I16,), "eb_prelu_s16_row", "eb_prelu_s8", "eb_prelu.h"),
        BinaryRows((DType.F32,), "eb_prelu_f32_row", "eb_prelu_f32", "eb_prelu.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data, slopes, output = tensor_of(ins, 0), tensor_of(ins, 1), outs[0]
        require_dtype(self, data, DType.I8, DType.I16, DType.F32)
        if data.dtype is not DType.I16:
            super().check(ins, outs)
            return
        require_dtype(self, slopes, DType.I8)
        require_dtype(self, output, DType.I16)
        check_zero_points(where(self), data, output)
        self.quantization(ins, outs)
        self.bounds(output)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Not known: with a negative slope the function turns at zero."""
        return None

    def combine(self, a: Array, b: Array) -> Array:
        """On float32."""
        return np.where(a >= 0, a, a * b)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """Each side of zero by its own multiplier."""
        above, below = self.quantization(ins, outs)
        positive = multiply_by_quantized_multiplier(a, *above)
        return np.where(a >= 0, positive, multiply_by_quantized_multiplier(a * b, *below))

    def quantization(
        self, ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Multiplier and shift above zero, and those of the product below it."""
        a, b, out = tensor_of(ins, 0), tensor_of(ins, 1), outs[0]
        above = single_ratio(a.scale, by=out.scale)
        below = single_ratio(a.scale, b.scale, by=out.scale)
        is_wide = a.dtype is DType.I16
        return (
            checked_multiplier(where(self), above, MAX_INT16_SHIFT if is_wide else MAX_SHIFT),
            checked_multiplier(
                where(self), below, MAX_INT16_PRODUCT_SHIFT if is_wide else MAX_PRODUCT_SHIFT
            ),
        )

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> dict[str, CValue]:
        """Integers have the multipliers."""
        if outs[0].dtype is DType.F32:
            return {}
        above, below = self.quantization(ins, outs)
        return {
            "a_zero_point": tensor_of(ins, 0).zero_point,
            "b_zero_point": tensor_of(ins, 1).zero_point,
            "out_zero_point": outs[0].zero_point,
            "multiplier": above[0],
            "shift": above[1],
            "product_multiplier": below[0],
            "product_shift": below[1],
        }

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Shapes of the slopes, constants, scales; int8, float32."""
        quants = per_tensor(0.05, -3), per_tensor(0.004, 11), per_tensor(0.04, -20)
        for label, a, b in BROADCASTS:
            if label in _CASES:
                yield cls.graph(f"prelu_{label}", (a, b), quants, constant=1)
                yield cls.graph(f"prelu_f32_{label}", (a, b), DType.F32)
        yield from cls._int16_cases()
        for number, (scale, slope, out) in enumerate(((0.9, 0.01, 0.004), (0.0007, 0.02, 0.9))):
            scales = per_tensor(scale, -128), per_tensor(slope, 5), per_tensor(out, 127)
            yield cls.graph(f"prelu_scales_{number}", ((1, 8, 16, 16), (1, 1, 16)), scales)

    @classmethod
    def _int16_cases(cls) -> Iterator[Graph]:
        """Slopes of channels and of elements."""
        for case, shape in (("channel", (1, 1, 16)), ("same", (1, 8, 16, 16))):
            quants = per_tensor(0.0005, 0), per_tensor(0.01, -20), per_tensor(0.0004, 0)
            graph = cls.graph(f"prelu_i16_{case}", ((1, 8, 16, 16), shape), quants, dtype=DType.I16)
            slopes = replace(graph.tensors["b"], dtype=DType.I8)
            yield replace(graph, tensors={**graph.tensors, "b": slopes})
