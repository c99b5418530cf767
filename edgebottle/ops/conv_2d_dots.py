"""The kernel of CONV_2D for Cortex-A with SDOT: see ``eb_conv_2d_s8_dot.h``."""

from __future__ import annotations

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_few import SpreadRows
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    int8_fields,
    matrix_of,
)
from edgebottle.ops.dot_packing import downward_scales, pack_fours
from edgebottle.ops.few_packing import QUAD
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands

LOADED = 16
"""Bytes of a load. Runs that are shorter are collected to windows."""

PIXELS = 4
"""Of a tile."""


class DotRows(FullDepth[Array]):
    """Four pixels by sixteen output channels, four taps at a time."""

    ISAS = frozenset({Isa.NEON_DOT})
    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_s8_dot_row", "eb_conv_2d_dot"

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales; None where a shift is not to the right."""
        return downward_scales(layer)

    def scratch(self, layer: Convolved) -> int:
        """Copies of the rows of a window, and windows; none where they are read as they lie."""
        collected = _collected(layer)
        if not collected and _run(layer) % QUAD == 0 and not any(layer.node.padding):
            return 0
        data, weights, _ = operands(layer.ins)
        rows = weights.shape[1] * SpreadRows(layer, planes=False).row_bytes
        beyond = PIXELS * layer.node.stride[1] * data.shape[3] + LOADED
        return rows + pad_to(layer.output.shape[2], PIXELS) * collected + beyond

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        rows = SpreadRows(layer, planes=False)
        fields: dict[str, CValue] = {f"conv.{k}": v for k, v in int8_fields(layer).items()}
        fields |= {
            "columns": rows.columns,
            "row_bytes": rows.row_bytes,
            "parts": rows.runs_of_row,
            "run": _run(layer),
            "collected": _collected(layer),
        }
        runs = 1 if _collected(layer) else _runs(layer)
        constants = (
            e.constant("weights", pack_fours(matrix_of(layer), runs)),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        return self.row_call(e, self.ROW, self.STRUCT, fields, *constants)


def _runs(layer: Convolved) -> int:
    """Of a window."""
    return operands(layer.ins)[1].shape[1] * SpreadRows(layer, planes=False).runs_of_row


def _run(layer: Convolved) -> int:
    """Values of a window that lie side by side."""
    weights = operands(layer.ins)[1]
    return weights.size // weights.shape[0] // _runs(layer)


def _collected(layer: Convolved) -> int:
    """Bytes from a window that is collected to the next, with what is copied behind it; or 0."""
    runs, run = _runs(layer), _run(layer)
    return pad_to(runs * run, LOADED) + LOADED if runs > 1 and run < LOADED else 0
