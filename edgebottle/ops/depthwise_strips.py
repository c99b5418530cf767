"""The kernels of DEPTHWISE_CONV_2D for cores without the DSP extension: strips of columns."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ops.base import Emitter, Isa
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    int8_fields,
    scaling_of,
    written_bits,
)
from edgebottle.ops.packing import pad_to
from edgebottle.ops.scaling import STRIP_TAPS, Scaling, pack_scaling, pack_strip
from edgebottle.ops.weights import operands

PACKED = frozenset({DType.U4, DType.U2, DType.U1})
"""Types of inputs of few bits."""


class StripRows(FullDepth[Scaling]):
    """A strip of columns, with products of 32 bits: cores without the DSP extension."""

    HEADER = "eb_depthwise_conv_2d.h"
    ISAS = frozenset({Isa.SCALAR})
    ROW = "eb_depthwise_strip_s8_row"

    def suits(self, layer: Convolved) -> bool:
        """Windows without gaps between their columns."""
        return super().suits(layer) and layer.node.dilation[1] == 1

    def pack(self, layer: Convolved) -> Scaling | None:
        """See ``scaling_of``."""
        return scaling_of(layer)

    def scratch(self, layer: Convolved) -> int:
        """The strip, and the sums of its pixels."""
        height, width = operands(layer.ins)[1].shape[1:3]
        pixels = layer.output.shape[2]
        columns = (pixels - 1) * layer.node.stride[1] + width
        return 4 * (columns * height + STRIP_TAPS - 1 + pixels)

    def emit(self, layer: Convolved, packed: Scaling, e: Emitter) -> str:
        """See ``Kernel``."""
        weights = operands(layer.ins)[1].constant()
        return self.row_call(
            e,
            self.ROW,
            "eb_depthwise_conv_2d",
            int8_fields(layer),
            *written_bits(layer),
            e.constant("weights", pack_strip(weights[0])),
            e.constant("scales", pack_scaling(packed)),
            str(int(packed.has_pivot)),
            e.scratch(),
        )


class StripBitRows(StripRows):
    """The same with outputs that are stored with 4, 2 or 1 bits."""

    WRITES_FEW = True
    ROW = "eb_depthwise_strip_bits_row"

    def suits(self, layer: Convolved) -> bool:
        """Outputs of few bits."""
        return super().suits(layer) and layer.output.dtype.bits < 8


class PairRows(StripRows):
    """The same of inputs of 4, 2 or 1 bits: two pixels share a product."""

    ISAS = frozenset({Isa.SCALAR, Isa.PORTABLE})
    ROW = "eb_depthwise_pairs_row"

    MIN_PIXELS = 8
    """In shorter rows, columns under both halves take longer than products; Cortex-M0+."""
    BLOCK_INSTRUCTIONS, VALUE_INSTRUCTIONS, ROW_INSTRUCTIONS = 16.5, 2.6, 113.0
    """Saved for each output by a block of weights; lost for each value that is read, and for each
    row of a window and channel by the ends of rows; counted for 3x3, Cortex-M0+."""
    PACKING_INSTRUCTIONS = 3.3
    """For each value of 4 bits that is packed before."""

    def suits(self, layer: Convolved) -> bool:
        """As ``StripRows``, if a zero point can be stored and sums fit half a word."""
        data, weights, _ = operands(layer.ins)
        if data.dtype not in PACKED or weights.dtype is not DType.I8:
            return False
        most = (1 << data.dtype.bits) - 1
        is_code, has_gaps = 0 <= data.zero_point <= most, layer.node.dilation[1] != 1
        matrix = weights.constant().astype(np.int64).reshape(-1, weights.shape[3])
        ends = np.maximum(matrix, 0).sum(axis=0), -np.minimum(matrix, 0).sum(axis=0)
        fits = most * max(int(one.max()) for one in ends) < 1 << 15
        is_whole = weights.shape[3] == data.shape[3] and not has_gaps
        return is_code and is_whole and fits and layer.output.shape[2] >= self.MIN_PIXELS

    def gains_by_few(self, layer: Convolved) -> bool:
        """Rows so long that products save more than the ends of rows and packing take."""
        data, weights, _ = operands(layer.ins)
        height, width = weights.shape[1:3]
        blocks = pad_to(height * width, STRIP_TAPS) // STRIP_TAPS
        saved = self.BLOCK_INSTRUCTIONS * blocks / layer.node.stride[1]
        lost = self.VALUE_INSTRUCTIONS + self.ROW_INSTRUCTIONS * height / data.shape[2]
        return saved - lost > self.PACKING_INSTRUCTIONS

    def scratch(self, layer: Convolved) -> int:
        """The strip, and the sums of two halves of a row."""
        height, width = operands(layer.ins)[1].shape[1:3]
        half = -(-layer.output.shape[2] // 2)
        columns = (half - 1) * layer.node.stride[1] + width
        return 4 * (columns * height + STRIP_TAPS - 1 + 2 * half)

    def emit(self, layer: Convolved, packed: Scaling, e: Emitter) -> str:
        """See ``Kernel``."""
        data, weights, _ = operands(layer.ins)
        return self.row_call(
            e,
            self.ROW,
            "eb_depthwise_conv_2d",
            int8_fields(layer),
            str(data.dtype.bits),
            e.constant("weights", pack_strip(weights.constant()[0])),
            e.constant("scales", pack_scaling(packed)),
            str(int(packed.has_pivot)),
            e.scratch(),
        )
