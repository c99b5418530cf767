"""The kernel of CONV_2D from bits to bits, for cores with the DSP extension."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int
from edgebottle.ir.levels import Levels
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_fields import codes_of_bytes, packed_geometry, reads_bytes
from edgebottle.ops.convolution_kernels import (
    ConvolutionKernel,
    Convolved,
    folded_bias,
    matrix_of,
    output_of,
    scales_of,
)
from edgebottle.ops.packing import pad_to
from edgebottle.ops.scaling import find_steps, scale_twice
from edgebottle.ops.weights import operands

CHANNELS = 32
"""Of a word."""

TAPS = 16
"""``EB_SLICES_TAPS``."""

MAX_SLICES = 11
"""``EB_SLICES``."""

MAX_REMAINDERS = 2
"""Sets of thresholds."""

HALF_INSTRUCTIONS, WORD_INSTRUCTIONS = 132, 140
"""Of 16 taps of 32 channels, and of what they need beside; counted, as the others."""

COUNTED_INSTRUCTIONS, COUNTED_BITS = 46, 4
"""What ``CountRows`` needs for an output, and how many taps an instruction does."""


@dataclass(frozen=True)
class Thresholds:
    """How the counters of a layer become outputs: see ``eb_slices``.

    Attributes:
        words: int32, (words of channels, remainders, slices): the bits of thresholds, inverted.
        unit: The remainders are multiples of it.
        start: Where counters begin for a window of zeros.
    """

    words: Array
    unit: int
    start: int

    @classmethod
    def find(cls, levels: Levels, taps: int, least: Int) -> Thresholds | None:
        """Of outputs that are the higher value from sums of products on.

        Args:
            levels: The weights; ``lowest`` is 0 or below.
            taps: Of a window.
            least: [outputs] the sums.

        Returns:
            None where counters would have too many bits, or there would be too many sets.
        """
        unit = math.gcd(levels.lowest, levels.step) or levels.step
        start = -levels.lowest * taps // levels.step
        slices = (taps + start + 1).bit_length()
        if levels.step // unit > MAX_REMAINDERS or slices > MAX_SLICES:
            return None
        remainders = np.arange(0, levels.step, unit)
        counts = -((-least[:, None] - remainders) // levels.step) + start
        return cls(_inverted(np.clip(counts, 0, (1 << slices) - 1), slices), unit, start)


def _inverted(counts: Int, slices: int) -> Array:
    """Counts (outputs, remainders) as ``Thresholds.words``; channels that are none reach none."""
    outputs, remainders = counts.shape
    padded = np.full((pad_to(outputs, CHANNELS), remainders), (1 << slices) - 1, np.int64)
    padded[:outputs] = counts
    bits = ~padded[..., None] >> np.arange(slices) & 1
    words = bits.reshape(-1, CHANNELS, remainders, slices) << np.arange(CHANNELS)[:, None, None]
    return np.asarray(words.sum(axis=1).astype("<u4").view(np.int32))


def pack_slices(codes: Array) -> Array:
    """(outputs, taps) of 0 and 1 as (words of channels, taps) int32, channel 0 the lowest bit."""
    outputs, taps = codes.shape
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, TAPS)), np.int64)
    padded[:outputs, :taps] = codes
    words = padded.reshape(-1, CHANNELS, padded.shape[1]) << np.arange(CHANNELS)[:, None]
    return np.asarray(words.sum(axis=1).astype("<u4").view(np.int32))


class SliceRows(ConvolutionKernel[Thresholds]):
    """Sums of 32 output channels of a pixel at a time, bit by bit; outputs are compared."""

    ISAS = frozenset({Isa.DSP})
    WRITES_FEW = True
    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_slices_row"

    def suits(self, layer: Convolved) -> bool:
        """1 bit everywhere, and enough channels; see ``reads_bytes``."""
        data, weights, _ = operands(layer.ins)
        levels = weights.levels
        if levels is None or levels.bits != 1 or levels.lowest > 0:
            return False
        if data.dtype is not DType.U1 or layer.output.dtype not in (DType.I8, DType.U1):
            return False
        out = output_of(layer)
        return out.high == out.low + 1 and reads_bytes(layer) and _pays(layer)

    def pack(self, layer: Convolved) -> Thresholds | None:
        """See ``find_steps``: the sums at which outputs become the higher value."""
        matrix, folded = matrix_of(layer).astype(np.int64), folded_bias(layer)
        scales, output = scales_of(layer), output_of(layer)
        lower, upper = (edge(matrix, 0).sum(axis=1) + folded for edge in (np.minimum, np.maximum))
        steps = find_steps(lower, upper, scales, scale_twice(scales, output), output)
        levels = operands(layer.ins)[1].levels
        if steps is None or levels is None:
            return None
        return Thresholds.find(levels, _taps(layer), steps[0] - folded)

    def scratch(self, layer: Convolved) -> int:
        """The window of a pixel."""
        return pad_to(_taps(layer), CHANNELS) // 8 + 4

    def emit(self, layer: Convolved, packed: Thresholds, e: Emitter) -> str:
        """See ``Kernel``."""
        levels = operands(layer.ins)[1].levels
        assert levels is not None
        words = pack_slices(codes_of_bytes(layer))
        fields: dict[str, CValue] = {
            "halves": words.shape[1] // TAPS,
            "slices": packed.words.shape[2],
            "minus": -levels.lowest,
            "step": levels.step,
            "unit": packed.unit,
            "start": packed.start,
            "is_bits": int(layer.output.dtype is DType.U1),
        }
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d",
            packed_geometry(layer),
            e.params("eb_slices", fields),
            f"(const uint32_t *){e.constant('weights', words)}",
            f"(const uint32_t *){e.constant('thresholds', packed.words)}",
            e.scratch(),
        )


def _taps(layer: Convolved) -> int:
    """Of a window, with what fills the bytes of pixels."""
    data, weights, _ = operands(layer.ins)
    return 8 * weights.shape[1] * weights.shape[2] * data.layout.pixel_bytes


def _pays(layer: Convolved) -> bool:
    """Whether there are so many channels that the last word may have room for more."""
    taps, outputs = _taps(layer), layer.output.shape[3]
    of_word = HALF_INSTRUCTIONS * (pad_to(taps, TAPS) // TAPS) + WORD_INSTRUCTIONS
    counted = outputs * (COUNTED_INSTRUCTIONS + taps // COUNTED_BITS)
    return pad_to(outputs, CHANNELS) // CHANNELS * of_word < counted
