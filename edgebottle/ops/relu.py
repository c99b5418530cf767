"""RELU as an operator of its own: a clamp, and requantization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import FLOAT_LIMIT
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Activation, Signature
from edgebottle.ops.fixed_point import (
    activation_range,
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.slopes import SlopedOperator, slope_kernels
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    input_quants,
    per_tensor,
)


@dataclass(frozen=True, kw_only=True)
class Relu(SlopedOperator):
    """max(0, x).

    LiteRT requantizes with the float32 quotient of the scales and rounds twice.
    """

    OP = "RELU"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = slope_kernels("eb_clamp_f32_row")
    ACTIVATION: ClassVar[Activation] = Activation.RELU

    def real(self, value: Array) -> Array:
        """The clamp on float32."""
        low, high = self.ACTIVATION.float_range()
        return np.clip(value, np.float32(low), np.float32(high))

    def ratios(self, tensor: Tensor, out: Tensor) -> tuple[float, float]:
        """The same on both sides: what is below zero is clamped."""
        ratio = single_ratio(tensor.scale, by=out.scale)
        return ratio, ratio

    def stored_bounds(self, out: Tensor) -> tuple[int, int]:
        """Those of the activation."""
        return activation_range(self.ACTIVATION, out)

    def clamp(self, out: Tensor) -> tuple[int, int]:
        """See ``Operator``."""
        return self.stored_bounds(out)

    def float_arguments(self) -> tuple[str, ...]:
        """The bounds."""
        low, high = self.ACTIVATION.float_range()
        return f"{low:.1f}f", "FLT_MAX" if high == FLOAT_LIMIT else f"{high:.1f}f"

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
        yield from cls.int16_cases()
