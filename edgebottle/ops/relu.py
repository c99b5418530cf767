"""RELU as an operator of its own: a clamp, and requantization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Activation, Signature, where
from edgebottle.ops.fixed_point import (
    activation_range,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    ActivationOperator,
    activation_kernels,
    all_values,
    input_quants,
    per_tensor,
    saturate,
)

FLOAT_LIMIT = float(np.finfo(np.float32).max)
MAX_SHIFT = 22
"""A 9-bit difference shifted further left would overflow int32."""


@dataclass(frozen=True, kw_only=True)
class Relu(ActivationOperator):
    """max(0, x).

    LiteRT requantizes with the float32 quotient of the scales and rounds twice.
    """

    OP = "RELU"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_clamp_f32_row")
    ACTIVATION: ClassVar[Activation] = Activation.RELU

    def real(self, value: Array) -> Array:
        """The clamp on float32."""
        low, high = self.ACTIVATION.float_range()
        return np.clip(value, np.float32(low), np.float32(min(high, FLOAT_LIMIT)))

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """Each input requantized, then clamped to the quantized bounds."""
        ratio = single_ratio(tensor.scale, by=out.scale)
        multiplier, shift = checked_multiplier(where(self), ratio, MAX_SHIFT)
        centered = all_values(tensor.dtype) - tensor.zero_point
        scaled = multiply_by_quantized_multiplier(centered, multiplier, shift) + out.zero_point
        return saturate(np.clip(scaled, *activation_range(self.ACTIVATION, out)), out.dtype)

    def float_arguments(self) -> tuple[str, ...]:
        """The bounds."""
        low, high = self.ACTIVATION.float_range()
        return f"{low:.1f}f", "FLT_MAX" if high == np.inf else f"{high:.1f}f"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks; the same and other quantizations of the output; bounds beyond int8; float32."""
        name = cls.OP.lower()
        for label, shape in CASE_SHAPES:
            quant = per_tensor(0.05, -3)
            yield cls.graph(f"{name}_{label}", shape, quant, quant)
            yield cls.graph(f"{name}_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            for factor, zero_point in ((0.3, -128), (1.0, 5), (2.7, 127)):
                out = per_tensor(quant.scale[0] * factor, zero_point)
                case = f"{name}_{label}_by_{factor}_zero_{zero_point}"
                yield cls.graph(case, EVERY_VALUE, quant, out)
