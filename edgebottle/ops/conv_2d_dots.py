"""The kernel of CONV_2D for Cortex-A with SDOT: see ``eb_conv_2d_s8_dot.h``."""

from __future__ import annotations

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_few import SpreadRows
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    folded_bias,
    int8_fields,
    matrix_of,
    scales_of,
)
from edgebottle.ops.dot_packing import pack_downwards, pack_fours
from edgebottle.ops.few_packing import QUAD
from edgebottle.ops.fixed_point import quantize_multipliers, wrap_int32
from edgebottle.ops.weights import operands


class DotRows(FullDepth[Array]):
    """Four pixels by sixteen output channels, four taps at a time."""

    ISAS = frozenset({Isa.NEON_DOT})
    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_s8_dot_row", "eb_conv_2d_dot"

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales; None where a shift is not to the right."""
        bias = wrap_int32(folded_bias(layer))
        return pack_downwards(bias, *quantize_multipliers(scales_of(layer)))

    def scratch(self, layer: Convolved) -> int:
        """Copies of the rows of a window; none where they are read as they lie."""
        if _run(layer) % QUAD == 0 and not any(layer.node.padding):
            return 0
        return operands(layer.ins)[1].shape[1] * SpreadRows(layer, planes=False).row_bytes

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        rows = SpreadRows(layer, planes=False)
        height = operands(layer.ins)[1].shape[1]
        fields: dict[str, CValue] = {f"conv.{k}": v for k, v in int8_fields(layer).items()}
        fields |= rows.row_fields()
        fields |= {"parts": rows.runs_of_row, "run": _run(layer)}
        constants = (
            e.constant("weights", pack_fours(matrix_of(layer), height * rows.runs_of_row)),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        return self.row_call(e, self.ROW, self.STRUCT, fields, *constants)


def _run(layer: Convolved) -> int:
    """Values of a window's row that lie side by side."""
    width, rows = operands(layer.ins)[1].shape[2], SpreadRows(layer, planes=False)
    return width // rows.runs_of_row * operands(layer.ins)[0].shape[3]
