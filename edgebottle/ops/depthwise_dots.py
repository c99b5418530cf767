"""The kernels of DEPTHWISE_CONV_2D for Cortex-A with SDOT: see ``eb_depthwise_s8_dot.h``."""

from __future__ import annotations

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_few import SpreadRows
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    grouped_fields,
)
from edgebottle.ops.depthwise_neon import ChannelRows
from edgebottle.ops.dot_packing import downward_scales, pack_columns
from edgebottle.ops.few_packing import QUAD
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands

READ_BYTES = 64
"""Of a column, at a time: behind the last one so many are read at most."""


class DotColumns(FullDepth[Array]):
    """Four rows of a column of four channels at a time; four pixels by sixteen channels."""

    ISAS = frozenset({Isa.NEON_DOT})
    HEADER = "eb_depthwise_conv_2d.h"
    ROW, STRUCT = "eb_depthwise_conv_2d_s8_dot_row", "eb_depthwise_dot"

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales; None where a shift is not to the right."""
        return downward_scales(layer)

    def scratch(self, layer: Convolved) -> int:
        """Rows of a window, woven, and a row of zero points."""
        height, depth = operands(layer.ins)[1].shape[1::2]
        columns = SpreadRows(layer, planes=False).columns
        return pad_to(height, QUAD) // QUAD * _woven_bytes(layer) + columns * depth

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        fields: dict[str, CValue] = {f"conv.{k}": v for k, v in grouped_fields(layer).items()}
        fields |= {
            "columns": SpreadRows(layer, planes=False).columns,
            "woven_bytes": _woven_bytes(layer),
        }
        constants = (
            e.constant("weights", pack_columns(operands(layer.ins)[1].constant()[0])),
            e.constant("scales", packed),
            e.scratch(),
        )
        return self.row_call(e, self.ROW, self.STRUCT, fields, *constants)


class FewChannelRows(ChannelRows):
    """Where sums need no blocks with int8, an input of few bits gains nothing."""

    ISAS = frozenset({Isa.NEON_DOT})

    def gains_by_few(self, layer: Convolved) -> bool:
        """See the class."""
        return False


def _woven_bytes(layer: Convolved) -> int:
    """Of four rows, with what is read behind them."""
    depth = operands(layer.ins)[1].shape[3]
    return QUAD * depth * SpreadRows(layer, planes=False).columns + READ_BYTES
