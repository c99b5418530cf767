"""The kernels of CONV_2D with weights or inputs of few bits, for Cortex-A: see ``eb_few.h``.

Each kind of core multiplies in the way that costs it least (``few_ways``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_fields import reads_bytes
from edgebottle.ops.convolution_kernels import (
    ConvolutionKernel,
    Convolved,
    folded_bias,
    has_full_depth,
    int8_fields,
    scales_of,
)
from edgebottle.ops.few_packing import table_of
from edgebottle.ops.few_ways import PIXELS, FewProducts, FewWeights, cheapest, saves_by_few
from edgebottle.ops.fixed_point import quantize_multipliers, wrap_int32
from edgebottle.ops.mve_packing import pack_scales, quads
from edgebottle.ops.neon_costs import KINDS
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands

BLOCK_BYTES = 16
"""Rows that are spread begin at a multiple of it, and so many bytes lie behind each at least."""


@dataclass(frozen=True)
class SpreadRows:
    """Rows of a layer as ``eb_few_rows`` has them.

    Attributes:
        layer: The layer.
        planes: Bits lie in planes.
    """

    layer: Convolved
    planes: bool

    @property
    def bits(self) -> int:
        """Of a code."""
        return operands(self.layer.ins)[0].dtype.bits

    @property
    def codes(self) -> int:
        """Of a pixel, with those that fill its last byte."""
        return operands(self.layer.ins)[0].layout.pixel_bytes * 8 // self.bits

    @property
    def column(self) -> int:
        """Bytes of a pixel, of one plane where there are planes."""
        return self.codes // 8 if self.planes else self.codes

    @property
    def columns(self) -> int:
        """From the first one of the first window to the last one of the last window."""
        width = operands(self.layer.ins)[1].shape[2]
        stride, dilation = self.layer.node.stride[1], self.layer.node.dilation[1]
        return (self.layer.output.shape[2] - 1) * stride + (width - 1) * dilation + 1

    @property
    def plane_bytes(self) -> int:
        """From one plane, or row without planes, to the next."""
        return pad_to(self.columns * self.column + 4, BLOCK_BYTES)

    @property
    def row_bytes(self) -> int:
        """From one row to the next."""
        return self.plane_bytes * (self.bits if self.planes else 1)

    @property
    def is_whole(self) -> bool:
        """The taps of a window's row lie side by side."""
        return self.layer.node.dilation[1] == 1

    @property
    def runs_of_row(self) -> int:
        """Of taps that lie side by side."""
        return 1 if self.is_whole else operands(self.layer.ins)[1].shape[2]

    @property
    def offsets(self) -> list[int]:
        """Of each run of a window, the bytes from the first value."""
        height = operands(self.layer.ins)[1].shape[1]
        apart = self.layer.node.dilation[1] * self.column
        return [
            row * self.row_bytes + run * apart
            for row in range(height)
            for run in range(self.runs_of_row)
        ]

    def fields(self) -> dict[str, CValue]:
        """The fields of ``eb_few_rows``, and those of ``eb_few`` that depend on them."""
        return self.row_fields() | {
            "few.pixel": self.layer.node.stride[1] * self.column,
            "few.plane_bytes": self.plane_bytes,
        }

    def row_fields(self) -> dict[str, CValue]:
        """The fields of ``eb_few_rows``."""
        return {
            "rows.bits": self.bits,
            "rows.is_planes": int(self.planes),
            "rows.column": self.column,
            "rows.columns": self.columns,
            "rows.plane_bytes": self.plane_bytes,
            "rows.row_bytes": self.row_bytes,
        }


@dataclass(frozen=True)
class FewConstants:
    """What the kernel reads.

    Attributes:
        packed: The weights, and how they are multiplied.
        table: ``eb_few.blocks``.
        scales: See ``pack_scales``.
    """

    packed: FewWeights
    table: Array
    scales: Array


class FewRows(ConvolutionKernel[FewConstants]):
    """Rows are spread; four pixels by eight or sixteen output channels at a time."""

    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_few_neon_row"

    def __init__(self, variant: Isa) -> None:
        """For the cores of a variant, by what their instructions cost."""
        self.ISAS = frozenset({variant})
        self._kinds = KINDS[variant]

    def suits(self, layer: Convolved) -> bool:
        """Few bits of the input, or of the weights alone; no groups."""
        data, weights, _ = operands(layer.ins)
        if data.dtype is DType.I8:
            return has_full_depth(layer) and weights.levels is not None
        is_few = data.dtype in (DType.U4, DType.U2, DType.U1) and weights.dtype is DType.I8
        return is_few and reads_bytes(layer)

    def pack(self, layer: Convolved) -> FewConstants | None:
        """See ``few_ways.cheapest``; None where a shift goes to the left as well."""
        packed = cheapest(_sums_of(layer), self._kinds)
        if packed is None:
            return None
        bias = wrap_int32(folded_bias(layer) + packed.added)
        vectors = quads(layer.output.shape[3])
        vectors += [[]] * (len(vectors) % 2)  # eight channels are computed together
        scales = pack_scales(bias, *quantize_multipliers(scales_of(layer)), vectors)
        if scales is None:
            return None
        rows = SpreadRows(layer, packed.way.planes)
        vector = packed.way.taps // 8 if packed.way.planes else packed.way.taps
        return FewConstants(packed, table_of(packed.blocks, rows.offsets, vector), scales)

    def gains_by_few(self, layer: Convolved) -> bool:
        """See ``saves_by_few``."""
        found = self.packed(layer)
        if found is None:
            return False
        data, weights, _ = operands(layer.ins)
        down, across = layer.node.stride
        elements = PIXELS * across * data.shape[3]
        each = elements * down, elements * weights.shape[1]
        return saves_by_few(_sums_of(layer), found.packed, self._kinds, *each)

    def scratch(self, layer: Convolved) -> int:
        """The rows of a window, spread, whatever way is chosen, and sums of their bytes."""
        height, forms = operands(layer.ins)[1].shape[1], self._forms(layer)
        spread = [SpreadRows(layer, planes) for planes in forms]
        return height * max(one.row_bytes for one in spread) + spread[-1].plane_bytes

    @staticmethod
    def _forms(layer: Convolved) -> tuple[bool, ...]:
        return (False, True) if operands(layer.ins)[0].dtype.bits <= 2 else (False,)

    def emit(self, layer: Convolved, packed: FewConstants, e: Emitter) -> str:
        """See ``Kernel``."""
        data, way = operands(layer.ins)[0], packed.packed.way
        rows = SpreadRows(layer, way.planes)
        name = way.name(_sums_of(layer))
        conv = int8_fields(layer) | {
            "input_channels": data.layout.pixel_bytes,
            "input_zero_point": data.zero_point,
        }
        fields: dict[str, CValue] = {f"conv.{name}": value for name, value in conv.items()}
        fields |= rows.fields()
        fields |= {
            "few.four": f"{name}_4",
            "few.one": f"{name}_1",
            "few.blocks": e.constant("blocks", packed.table),
            "few.block_count": len(packed.packed.blocks),
            "few.step": packed.packed.step,
            "few.lowest": packed.packed.lowest,
        }
        constants = (
            e.constant("weights", packed.packed.weights),
            e.constant("scales", packed.scales),
            e.scratch(),
        )
        return self.row_call(e, self.ROW, "eb_conv_2d_few", fields, *constants)


def _sums_of(layer: Convolved) -> FewProducts:
    """The products of a layer, with those of what fills the bytes of pixels."""
    weights = operands(layer.ins)[1]
    values = weights.constant()
    rows = SpreadRows(layer, planes=False)
    fill = ((0, 0),) * 3 + ((0, rows.codes - values.shape[3]),)
    is_filler = np.pad(np.zeros(values.shape, bool), fill, constant_values=True)
    return FewProducts(
        matrix=np.pad(values, fill).reshape(len(values), -1),
        is_filler=is_filler.reshape(len(values), -1)[0],
        levels=weights.levels,
        bits=rows.bits,
        runs=values.shape[1] * rows.runs_of_row,
        height=values.shape[1],
    )
