"""ABS: the magnitude of x."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Signature, where
from edgebottle.ops.fixed_point import (
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.slopes import MAX_SHIFT
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


@dataclass(frozen=True, kw_only=True)
class Abs(ActivationOperator):
    """The magnitude of x.

    LiteRT requantizes with the float32 quotient of the scales, and rounds twice; not at all where
    the scales are the same.
    """

    OP = "ABS"
    SIGNATURE: ClassVar[Signature] = Signature("AbsOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_abs_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32."""
        return np.abs(value)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The magnitude of each input, requantized."""
        magnitude = np.abs(all_values(tensor.dtype) - tensor.zero_point)
        if np.float32(tensor.scale) != np.float32(out.scale):
            ratio = single_ratio(tensor.scale, by=out.scale)
            multiplier = checked_multiplier(where(self), ratio, MAX_SHIFT)
            magnitude = multiply_by_quantized_multiplier(magnitude, *multiplier)
        return saturate(magnitude + out.zero_point, out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32."""
        for label, shape in CASE_SHAPES:
            yield cls.graph(f"abs_{label}", shape, per_tensor(0.05, -3), per_tensor(0.03, -100))
            yield cls.graph(f"abs_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            out = per_tensor(quant.scale[0] * 0.7, 11)
            yield cls.graph(f"abs_{label}", EVERY_VALUE, quant, out)
