"""The kernels of convolutions for Cortex-A: vectors of NEON, with SDOT where the core has it.

The C decides between SMULL with SADALP and SDOT when it is compiled for a CPU, or, where it is to
run on any, once it does; weights are packed for both alike.
"""

from __future__ import annotations

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

VECTORS = frozenset({Isa.NEON, Isa.NEON_COUNTS, Isa.NEON_DOT, Isa.NEON_ANY})
"""All cores with NEON."""

PIXELS = 4
"""Of a tile of a convolution."""

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


class WindowTiles(FullDepth[Array]):
    """CONV_2D: four pixels by four output channels, sixteen taps at a time."""

    ISAS = VECTORS - {Isa.NEON_ANY}
    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_s8_neon_row", "eb_conv_2d"

    def suits(self, layer: Convolved) -> bool:
        """Weights above the lowest, and shifts to the right."""
        if not super().suits(layer) or self.packed(layer) is None:
            return False
        return int(operands(layer.ins)[1].constant().min()) > LOWEST

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales; None where a shift goes to the left."""
        return mve_scales(layer, quads(layer.output.shape[3]))

    def scratch(self, layer: Convolved) -> int:
        """The windows of four pixels; none where they lie in the input as they are read."""
        weights = operands(layer.ins)[1]
        is_pixel = weights.shape[1:3] == (1, 1) and not any(layer.node.padding)
        if is_pixel and weights.shape[3] % LANES == 0:
            return 0
        return PIXELS * pad_to(weights.size // weights.shape[0], LANES)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = (
            e.constant("weights", pack_windows(matrix_of(layer))),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        return self.row_call(e, self.ROW, self.STRUCT, int8_fields(layer), *constants)


class AnyWindowTiles(WindowTiles):
    """The same, with SDOT where the program finds that the core has it."""

    ISAS = frozenset({Isa.NEON_ANY})
    ROW = "eb_conv_2d_s8_neon_any_row"
