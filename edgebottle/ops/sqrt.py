"""SQRT: the square root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Signature, where
from edgebottle.ops.fixed_point import checked_multiplier, single_ratio
from edgebottle.ops.float_function import FEW_SHAPES, function_kernels
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import ActivationOperator, dequantized_values, per_tensor, saturate

MAX_STEPS_SHIFT = 30
"""Of the reciprocal of a scale; what is larger may leave int32, into which LiteRT converts it."""


@dataclass(frozen=True, kw_only=True)
class Sqrt(ActivationOperator):
    """The square root.

    LiteRT computes it of int8 in float32, and rounds down.

    Limits:
        An int8 input below zero, at which LiteRT stops, counts as zero.
    """

    OP = "SQRT"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = function_kernels("eb_sqrt_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(value)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The root of each input in steps of the output, without their fraction."""
        root = self.real(np.maximum(dequantized_values(tensor), np.float32(0)))
        most = single_ratio(float(root.max()), by=out.scale)
        checked_multiplier(where(self), most, MAX_STEPS_SHIFT)
        steps = np.trunc(root / np.float32(out.scale)).astype(np.int64)
        return saturate(steps + out.zero_point, out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Few shapes, scales of int8; float32. The lowest int8 is zero: no input is below."""
        for label, shape in FEW_SHAPES:
            yield cls.graph(f"sqrt_{label}", shape, per_tensor(0.05, -128), per_tensor(0.015, -128))
            yield cls.graph(f"sqrt_f32_{label}", shape, None, None)
        fine, coarse = per_tensor(0.0007, -128), per_tensor(2.0, 3)
        yield cls.graph("sqrt_fine", FEW_SHAPES[0][1], fine, per_tensor(0.002, -100))
        yield cls.graph("sqrt_coarse", FEW_SHAPES[0][1], per_tensor(1.9, -128), coarse)
