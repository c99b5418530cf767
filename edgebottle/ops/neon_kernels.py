"""The kernels of convolutions for Cortex-A: vectors of NEON, with SDOT where the core has it.

The C decides between SMULL with SADALP and SDOT when it is compiled for a CPU; weights are packed
for both alike, so that a project is the same for all boards.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import Emitter, Isa
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    int8_fields,
    matrix_of,
    mve_scales,
)
from edgebottle.ops.mve_packing import CHANNELS, LANES, quads
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands

VECTORS = frozenset({Isa.NEON, Isa.NEON_COUNTS, Isa.NEON_DOT})
"""All cores with NEON."""

PIXELS = 4
"""Of a tile of a convolution."""

DEPTHWISE_CHANNELS = 8
"""That are computed together."""

MAX_TAPS = 49
"""The most taps of a depthwise window: ``EB_NEON_TAPS``."""

LOWEST = -128
"""Of the weights: two products of it with the lowest value do not fit the int16 that sums pairs."""


def pack_windows(matrix: Array) -> Array:
    """Packs the weights of a convolution for four channels and sixteen taps at a time.

    Args:
        matrix: int8, (outputs, taps).

    Returns:
        int8, flat: (fours of outputs, sixteens of taps, 4, 16), padded with zeros.
    """
    outputs, taps = matrix.shape
    padded = np.zeros((pad_to(outputs, CHANNELS), pad_to(taps, LANES)), np.int8)
    padded[:outputs, :taps] = matrix
    tiles = padded.reshape(-1, CHANNELS, padded.shape[1] // LANES, LANES)
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3)).reshape(-1)


def pack_channels(weights: Array) -> Array:
    """Packs depthwise weights for eight channels at a time.

    Args:
        weights: int8, (1, height, width, channels).

    Returns:
        int8, flat: (eights of channels, taps, 8).
    """
    eights = weights.reshape(-1, weights.shape[3] // DEPTHWISE_CHANNELS, DEPTHWISE_CHANNELS)
    return np.ascontiguousarray(eights.transpose(1, 0, 2)).reshape(-1)


class _NeonRows(FullDepth[Array]):
    """A kernel of layers whose weights are above the lowest and whose shifts go to the right."""

    ISAS = VECTORS
    ROW: ClassVar[str]
    STRUCT: ClassVar[str]

    def suits(self, layer: Convolved) -> bool:
        """See the class."""
        if not super().suits(layer) or self.packed(layer) is None:
            return False
        return int(operands(layer.ins)[1].constant().min()) > LOWEST

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales; None where a shift goes to the left."""
        return mve_scales(layer, quads(layer.output.shape[3]))

    def weights(self, layer: Convolved) -> Array:
        """The weights as the kernel reads them."""
        raise NotImplementedError

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = (
            e.constant("weights", self.weights(layer)),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        return self.row_call(e, self.ROW, self.STRUCT, int8_fields(layer), *constants)


class WindowTiles(_NeonRows):
    """CONV_2D: four pixels by four output channels, sixteen taps at a time."""

    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_s8_neon_row", "eb_conv_2d"

    def weights(self, layer: Convolved) -> Array:
        """See ``pack_windows``."""
        return pack_windows(matrix_of(layer))

    def scratch(self, layer: Convolved) -> int:
        """The windows of four pixels; none where they lie in the input as they are read."""
        weights = operands(layer.ins)[1]
        is_pixel = weights.shape[1:3] == (1, 1) and not any(layer.node.padding)
        if is_pixel and weights.shape[3] % LANES == 0:
            return 0
        return PIXELS * pad_to(weights.size // weights.shape[0], LANES)


class ChannelVectors(_NeonRows):
    """DEPTHWISE_CONV_2D: eight channels of a pixel, two taps at a time."""

    HEADER = "eb_depthwise_conv_2d.h"
    ROW, STRUCT = "eb_depthwise_conv_2d_s8_neon_row", "eb_depthwise_conv_2d"

    def suits(self, layer: Convolved) -> bool:
        """Also: whole eights of channels, and windows that fit its pointers."""
        _, height, width, channels = operands(layer.ins)[1].shape
        fits = height * width <= MAX_TAPS and channels % DEPTHWISE_CHANNELS == 0
        return fits and super().suits(layer)

    def weights(self, layer: Convolved) -> Array:
        """See ``pack_channels``."""
        return pack_channels(operands(layer.ins)[1].constant())

    def scratch(self, layer: Convolved) -> int:
        """A pixel of zero points."""
        return operands(layer.ins)[0].shape[3]
