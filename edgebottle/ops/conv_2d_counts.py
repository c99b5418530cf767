"""The kernel of CONV_2D with weights and inputs of 1 bit, for cores with the DSP extension."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.ops.base import Emitter, Isa
from edgebottle.ops.conv_2d_fields import (
    codes_of_bytes,
    packed_geometry,
    reads_bytes,
    scales_from_zero,
)
from edgebottle.ops.convolution_kernels import ConvolutionKernel, Convolved, output_of
from edgebottle.ops.packing import Packed, pad_to
from edgebottle.ops.weights import operands

WORD = 32
"""Bits of a word."""


def pack_bits(codes: Array) -> Array:
    """(outputs, taps) of 0 and 1 as (outputs, words) int32, the first tap in the lowest bit."""
    outputs, taps = codes.shape
    padded = np.zeros((outputs, pad_to(taps, WORD)), np.uint8)
    padded[:, :taps] = codes
    return np.packbits(padded, axis=1, bitorder="little").view("<i4")


class CountRows(ConvolutionKernel[Packed]):
    """Products of bits are counted: a pixel by all output channels."""

    ISAS = frozenset({Isa.DSP})
    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_counts_row"

    def suits(self, layer: Convolved) -> bool:
        """1 bit; see ``reads_bytes``."""
        data, weights, _ = operands(layer.ins)
        is_bits = weights.levels is not None and weights.levels.bits == 1
        return is_bits and data.dtype is DType.U1 and reads_bytes(layer)

    def pack(self, layer: Convolved) -> Packed | None:
        """See ``pack_bits`` and ``scales_from_zero``."""
        requant, words = scales_from_zero(layer), pack_bits(codes_of_bytes(layer))
        return None if requant is None else Packed(words, requant)

    def scratch(self, layer: Convolved) -> int:
        """The window of a pixel, and the same split into even and odd bits."""
        data, weights, _ = operands(layer.ins)
        window = weights.shape[1] * weights.shape[2] * data.layout.pixel_bytes
        return 12 * (pad_to(window, WORD // 8) // (WORD // 8)) + 4

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        levels, out = operands(layer.ins)[1].levels, output_of(layer)
        assert levels is not None
        counts = {
            "tile": "eb_counts_of_1" if out.high - out.low == 1 else "eb_counts_clamped",
            "words": packed.weights.shape[1],
            "lowest": levels.lowest,
            "step": levels.step,
        }
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d",
            packed_geometry(layer),
            e.params("eb_counts", counts),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )
