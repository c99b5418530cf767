"""RSQRT: one over the square root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Signature, where
from edgebottle.ops.fixed_functions import inverse_root
from edgebottle.ops.fixed_point import checked_multiplier, multiply_by_quantized_multiplier
from edgebottle.ops.float_function import FEW_SHAPES, function_kernels
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import ActivationOperator, all_values, per_tensor, saturate

ROOM = 20
"""Bits that the root gains before it is brought to the output's scale."""


@dataclass(frozen=True, kw_only=True)
class Rsqrt(ActivationOperator):
    """One over the square root.

    LiteRT computes it of int8 in fixed point; of zero it is the largest value.

    Limits:
        An int8 input below zero, at which LiteRT stops, counts as zero.
    """

    OP = "RSQRT"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1, version=2)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = function_kernels("eb_rsqrt_f32_row")

    def real(self, value: Array) -> Array:
        """The function on float32."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.float32(1) / np.sqrt(value))

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """The fixed-point root of each stored value, brought to the output's scale."""
        ratio = 1.0 / float(np.sqrt(np.float32(tensor.scale)) * np.float32(out.scale))
        multiplier, shift = checked_multiplier(where(self), ratio, ROOM)
        if shift < ROOM - 31:
            raise UnsupportedOp(
                f"{where(self)} gives nothing but zero with the scales {tensor.scale:g} and "
                f"{out.scale:g}; quantize the model anew, with representative data"
            )
        value = all_values(tensor.dtype) - tensor.zero_point
        mantissa, exponent = inverse_root(np.maximum(value, 0))
        root = multiply_by_quantized_multiplier(1, mantissa, exponent + ROOM)
        scaled = multiply_by_quantized_multiplier(root, multiplier, shift - ROOM)
        return saturate(np.where(value > 0, scaled + out.zero_point, 127), out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Few shapes, scales of int8; float32. The lowest int8 is zero: no input is below."""
        for label, shape in FEW_SHAPES:
            yield cls.graph(f"rsqrt_{label}", shape, per_tensor(0.05, -128), per_tensor(0.02, -100))
            yield cls.graph(f"rsqrt_f32_{label}", shape, None, None)
        fine, coarse = per_tensor(0.0007, -128), per_tensor(2.0, 3)
        yield cls.graph("rsqrt_fine", FEW_SHAPES[0][1], fine, per_tensor(0.15, -128))
        yield cls.graph("rsqrt_coarse", FEW_SHAPES[0][1], per_tensor(1.9, -128), coarse)
