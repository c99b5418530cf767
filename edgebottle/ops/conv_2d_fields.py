"""The kernel of CONV_2D with weights and inputs of few bits, for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.convolution_kernels import (
    ConvolutionKernel,
    Convolved,
    folded_bias,
    int8_fields,
    matrix_of,
    output_bits,
    output_of,
    scales_of,
)
from edgebottle.ops.fields_packing import FIELDS, PIXELS, Fields
from edgebottle.ops.fixed_point import quantize_multipliers
from edgebottle.ops.packing import Output, Packed, pack_requant, pad_to, rounded_twice
from edgebottle.ops.weights import operands


def reads_bytes(layer: Convolved) -> bool:
    """A layer without groups, whose zero point is a code, of pixels that can be read as bytes.

    What fills their last bytes is 0 in memory, and has to be outside of the image.
    """
    data, weights, _ = operands(layer.ins)
    bits, depth = data.dtype.bits, data.shape[3]
    is_code = 0 <= data.zero_point < 1 << bits
    is_filled = depth * bits % 8 == 0 or data.zero_point == 0
    return is_filled and is_code and weights.shape[3] == depth


def taps_of_bytes(layer: Convolved) -> int:
    """Values that a window reads, with those that fill the bytes of pixels."""
    data, weights, _ = operands(layer.ins)
    _, height, width, depth = weights.shape
    return height * width * pad_to(depth, data.layout.in_a_byte)


def codes_of_bytes(layer: Convolved) -> Array:
    """The codes of the weights, (outputs, taps), with zeros for what fills the bytes of pixels."""
    data, weights, _ = operands(layer.ins)
    assert weights.levels is not None
    codes, bits = weights.levels.codes(weights.constant()), data.dtype.bits
    fill = -codes.shape[3] % (8 // bits)
    return np.pad(codes, ((0, 0), (0, 0), (0, 0), (0, fill))).reshape(len(codes), -1)


def scales_from_zero(layer: Convolved) -> Array | None:
    """See ``packing.pack_requant``; of outputs whose lowest value counts as 0."""
    out = output_of(layer)
    moved = Output(out.zero_point - out.low, 0, out.high - out.low)
    scaling = rounded_twice(*quantize_multipliers(scales_of(layer)), moved)
    return pack_requant(matrix_of(layer), folded_bias(layer), *scaling)


def packed_geometry(layer: Convolved) -> dict[str, CValue]:
    """The parameters of a layer, with bytes in the place of channels."""
    data = operands(layer.ins)[0]
    full = sum(data.zero_point << place for place in range(0, 8, data.dtype.bits))
    signed = (full ^ 0x80) - 0x80  # as the parameters have a byte
    bytes_of_pixel = {"input_channels": data.layout.pixel_bytes, "input_zero_point": signed}
    return int8_fields(layer) | bytes_of_pixel


class FieldRows(ConvolutionKernel[Packed]):
    """Products are fields of 64 bits: four pixels by two or three channels."""

    ISAS = frozenset({Isa.DSP})
    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_fields_row"

    def suits(self, layer: Convolved) -> bool:
        """See ``reads_bytes``; outputs have all values of some bits."""
        data, weights, _ = operands(layer.ins)
        if weights.levels is None or (weights.levels.bits, data.dtype) not in FIELDS:
            return False
        return output_bits(layer) in self._tiles(layer) and reads_bytes(layer)

    def pack(self, layer: Convolved) -> Packed | None:
        """See ``Fields.pack`` and ``scales_from_zero``."""
        requant = scales_from_zero(layer)
        words = self._fields(layer).pack(codes_of_bytes(layer))
        return None if requant is None else Packed(words, requant)

    def scratch(self, layer: Convolved) -> int:
        """The words of values of a tile, and the windows of its pixels."""
        data, weights, _ = operands(layer.ins)
        window = weights.shape[1] * weights.shape[2] * data.layout.pixel_bytes
        return 8 * self._read_taps(layer) + PIXELS * (pad_to(window, 4) + 4)

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        data, weights, _ = operands(layer.ins)
        levels, bits = weights.levels, data.dtype.bits
        assert levels is not None
        spread = FIELDS[levels.bits, data.dtype][1]
        whole, half = self._tiles(layer)[output_bits(layer)]
        tiles = {
            "whole": whole,
            "half": half,
            "spread": spread,
            "bits": bits,
            "taps": self._read_taps(layer),
            "words": packed.weights.shape[1],
            "lowest": levels.lowest,
            "step": levels.step,
        }
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d",
            packed_geometry(layer),
            e.params("eb_fields", tiles),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def _tiles(self, layer: Convolved) -> Mapping[int, tuple[str, str]]:
        """By the bits of outputs."""
        taps, is_nibbles = taps_of_bytes(layer), layer.output.dtype.bits == 4
        return self._fields(layer).tiles_of(taps, is_nibbles=is_nibbles)

    @staticmethod
    def _fields(layer: Convolved) -> Fields:
        data, weights, _ = operands(layer.ins)
        assert weights.levels is not None
        return FIELDS[weights.levels.bits, data.dtype][0]

    def _read_taps(self, layer: Convolved) -> int:
        """Of a window, with those that fill its last word."""
        fields = self._fields(layer)
        return fields.words(taps_of_bytes(layer)) * len(fields.places)


class FieldNibbleRows(FieldRows):
    """The same with outputs that are stored with 4 bits, counted from the zero point on."""

    WRITES_FEW = True

    def suits(self, layer: Convolved) -> bool:
        """Such outputs."""
        if layer.output.dtype.bits != 4 or not super().suits(layer):
            return False
        out = output_of(layer)
        return out.zero_point == out.low == 0
