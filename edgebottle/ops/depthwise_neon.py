"""The kernel of DEPTHWISE_CONV_2D for Cortex-A: see ``eb_depthwise_conv_2d_neon.h``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_few import SpreadRows
from edgebottle.ops.convolution_kernels import (
    ConvolutionKernel,
    Convolved,
    folded_bias,
    grouped_fields,
    scales_of,
)
from edgebottle.ops.few_packing import Block, blocks_of
from edgebottle.ops.few_ways import INT16
from edgebottle.ops.fixed_point import quantize_multipliers, wrap_int32
from edgebottle.ops.mve_packing import pack_scales, quads
from edgebottle.ops.neon_kernels import VECTORS
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands

CHANNELS = 16
"""That are computed together: ``EB_DEPTHWISE_NEON_CHANNELS``."""


INT8_HIGHEST = 128
"""The greatest magnitude of a value of int8."""


@dataclass(frozen=True)
class ChannelConstants:
    """What the kernel reads.

    Attributes:
        weights: Of ``pack_taps``.
        step: What all weights are multiples of.
        blocks: Of taps.
        scales: See ``pack_scales``.
    """

    weights: Array
    step: int
    blocks: tuple[Block, ...]
    scales: Array


class ChannelRows(ConvolutionKernel[ChannelConstants]):
    """Rows are spread to bytes; sixteen channels of four pixels at a time."""

    ISAS = VECTORS - {Isa.NEON_DOT}
    HEADER = "eb_depthwise_conv_2d.h"
    ROW, STRUCT = "eb_depthwise_conv_2d_neon_row", "eb_depthwise_neon"

    def suits(self, layer: Convolved) -> bool:
        """Input of int8 or few bits; as many output as input channels."""
        data, weights, _ = operands(layer.ins)
        is_read = data.dtype in (DType.I8, DType.U4, DType.U2, DType.U1)
        return is_read and weights.dtype is DType.I8 and weights.shape[3] == data.shape[3]

    def pack(self, layer: Convolved) -> ChannelConstants | None:
        """See the class; None where a shift goes to the left."""
        values = operands(layer.ins)[1].constant().astype(np.int64)
        taps = values.reshape(-1, values.shape[3])
        step = int(np.gcd.reduce(np.abs(taps), axis=None)) or 1
        bits = operands(layer.ins)[0].dtype.bits
        blocks = _blocks(layer, INT8_HIGHEST if bits == 8 else (1 << bits) - 1)
        vectors = quads(values.shape[3])
        vectors += [[]] * (-len(vectors) % (CHANNELS // 4))
        bias = wrap_int32(folded_bias(layer))
        scales = pack_scales(bias, *quantize_multipliers(scales_of(layer)), vectors)
        if scales is None:
            return None
        return ChannelConstants(pack_taps(taps // step), step, blocks, scales)

    def scratch(self, layer: Convolved) -> int:
        """The rows of a window, spread, and what is read behind them."""
        height = operands(layer.ins)[1].shape[1]
        return height * SpreadRows(layer, planes=False).row_bytes + CHANNELS

    def gains_by_few(self, layer: Convolved) -> bool:
        """Fewer blocks: one is emptied less often; all else is the same with int8, unpacking more.

        Its weights decide, where few as well: a window of their products with int8 fits int16.
        """
        found = self.packed(layer)
        return found is not None and len(found.blocks) < len(_blocks(layer, INT8_HIGHEST))

    def emit(self, layer: Convolved, packed: ChannelConstants, e: Emitter) -> str:
        """See ``Kernel``."""
        data, rows = operands(layer.ins)[0], SpreadRows(layer, planes=False)
        conv = grouped_fields(layer) | {
            "input_channels": data.layout.pixel_bytes,
            "input_zero_point": data.zero_point,
        }
        fields: dict[str, CValue] = {f"conv.{name}": value for name, value in conv.items()}
        fields |= rows.row_fields()
        fields |= {
            "blocks": e.constant("blocks", self._table(layer, packed.blocks)),
            "block_count": len(packed.blocks),
            "pixel": layer.node.stride[1] * rows.column,
            "step": packed.step,
        }
        constants = (
            e.constant("weights", packed.weights),
            e.constant("scales", packed.scales),
            e.scratch(),
        )
        return self.row_call(e, self.ROW, self.STRUCT, fields, *constants)

    @staticmethod
    def _table(layer: Convolved, blocks: tuple[Block, ...]) -> Array:
        """``eb_depthwise_neon.blocks``."""
        _, height, width, _ = operands(layer.ins)[1].shape
        rows = SpreadRows(layer, planes=False)
        apart = layer.node.dilation[1] * rows.column
        places = [
            row * rows.row_bytes + tap * apart for row in range(height) for tap in range(width)
        ]
        words: list[int] = []
        for block in blocks:
            first, count = block[0].first, sum(part.count for part in block)
            words += [count, *places[first : first + count]]
        return np.array(words, np.int32)


def _blocks(layer: Convolved, highest: int) -> tuple[Block, ...]:
    """Of taps whose sums of products with values of at most this magnitude fit int16."""
    weights = operands(layer.ins)[1]
    taps = np.abs(weights.constant().astype(np.int64).reshape(-1, weights.shape[3]))
    step = int(np.gcd.reduce(taps, axis=None)) or 1
    blocks = blocks_of(highest * (taps // step).T[:, None, :], INT16)
    assert blocks is not None, "a product of int8 fits int16"
    return blocks


def pack_taps(taps: Array) -> Array:
    """Packs depthwise weights for sixteen channels at a time.

    Args:
        taps: (taps of a window, channels), values of int8.

    Returns:
        int8, flat: (sixteens of channels, taps, 16), padded with zeros.
    """
    count, channels = taps.shape
    padded = np.zeros((count, pad_to(channels, CHANNELS)), np.int8)
    padded[:, :channels] = taps
    groups = padded.reshape(count, -1, CHANNELS).transpose(1, 0, 2)
    return np.ascontiguousarray(groups).reshape(-1)
