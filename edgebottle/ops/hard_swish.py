"""HARD_SWISH: x * min(max(x + 3, 0), 6) / 6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Signature, where
from edgebottle.ops.fixed_point import (
    Int,
    checked_multiplier,
    rounding_divide_by_pot,
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

HIGH_RESOLUTION_BITS = 7
"""Inputs are held with this many more bits, which fills int16."""

GATE_SCALE = 3.0 / 32768.0
"""int16 at this scale spans -3 .. 3, the sloped part of the gate."""

LEAST_RATIO = 2.0**-16
"""Right shifts of int16 end at 15; LiteRT's round wrongly beyond."""


@dataclass(frozen=True, kw_only=True)
class HardSwish(ActivationOperator):
    """The piecewise swish of MobileNetV3.

    LiteRT's int8 kernel works in int16: the gate min(max(x / 3, -1), 1) saturates in Q15, and its
    product with the input, rescaled to the output, is truncated and then rounded.

    Limits:
        The input's scale is not far below the output's: their ratio fits 16-bit arithmetic.
    """

    OP = "HARD_SWISH"
    SIGNATURE: ClassVar[Signature] = Signature("HardSwishOptions", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_hard_swish_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32."""
        gate = np.clip(value + np.float32(3.0), np.float32(0.0), np.float32(6.0))
        return np.asarray(value * gate / np.float32(6.0), dtype=np.float32)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The int16 arithmetic of LiteRT's kernel."""
        to_out = single_ratio(1.0 / (1 << HIGH_RESOLUTION_BITS), tensor.scale, by=out.scale)
        to_gate = single_ratio(1.0 / (1 << HIGH_RESOLUTION_BITS), tensor.scale, by=GATE_SCALE)
        least = min(to_out, to_gate)
        if least < LEAST_RATIO:
            raise UnsupportedOp(
                f"{where(self)} scales by {least:.2g}, and 16-bit arithmetic takes no less than "
                f"{LEAST_RATIO:g}; quantize the model anew, with representative data"
            )
        out_multiplier, out_shift = checked_multiplier(where(self), to_out, 0)
        gate_multiplier, gate_shift = checked_multiplier(where(self), to_gate)
        fine = (all_values(tensor.dtype) - tensor.zero_point) << HIGH_RESOLUTION_BITS
        scaled = _high_mul(fine, _to_int16(out_multiplier))
        gate = _saturate16(fine << max(gate_shift - 1, 0))
        gate = _high_mul(gate, _to_int16(gate_multiplier))
        if gate_shift > 0:
            gate = _saturate16(gate << 1)
        gate = rounding_divide_by_pot(gate, max(-gate_shift, 0))
        gate = (gate + (1 << 15)) >> 1
        product = gate * scaled
        truncated = np.where(product >= 0, product >> 15, -(-product >> 15))
        rounded = rounding_divide_by_pot(truncated, -out_shift)
        return saturate(rounded + out.zero_point, out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations on both sides of the gate's slope, float32."""
        for label, shape in CASE_SHAPES:
            quant = per_tensor(0.05, -3)
            yield cls.graph(f"hard_swish_{label}", shape, quant, per_tensor(0.04, -118))
            yield cls.graph(f"hard_swish_f32_{label}", shape, None, None)
        for label, quant in input_quants():
            for factor, zero_point in ((0.5, -110), (1.0, 5), (3.1, 0)):
                out = per_tensor(quant.scale[0] * factor, zero_point)
                yield cls.graph(f"hard_swish_{label}_by_{factor}", EVERY_VALUE, quant, out)


def _to_int16(multiplier: int) -> int:
    """A Q31 multiplier rounded to Q15, without overflow."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def _high_mul(a: Int, b: int) -> Int:
    """The high half of ``2 * a * b`` on int16, rounded half up; b is not negative."""
    return np.asarray((a * b + (1 << 14)) >> 15, dtype=np.int64)


def _saturate16(value: Int) -> Int:
    return np.asarray(np.clip(value, -(1 << 15), (1 << 15) - 1), dtype=np.int64)
