"""The kernels of BATCH_MATMUL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.ir.dtypes import DType
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import CValue, Emitter, Isa, works_by_rows
from edgebottle.ops.fixed_point import reduced_multiplier
from edgebottle.ops.kernel import AnyKernel, Layer, TypedKernel
from edgebottle.ops.movement import MAX_RANK, data_input

Matmul = Layer[Any]

NARROW = 1 << 30
"""Sums of ``eb_requantize_narrow`` are below."""


class _Products(TypedKernel[Any]):
    """Element by element, for any order of the axes."""

    def emit(self, layer: Matmul, packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``: one row of the output is a product of matrices of one row."""
        output = layer.output
        by_rows = works_by_rows(layer.node, layer.ins, layer.outs)
        ends = (e.row(0), e.out_row()) if by_rows else (e.input(0), e.output())
        fields = _walk(layer, by_rows=by_rows)
        struct = "eb_batch_matmul_f32"
        if output.dtype.is_quantized:
            struct = "eb_batch_matmul"
            fields |= self.quantization(layer)
        e.include("eb_batch_matmul.h")
        arguments = (e.params(struct, fields), ends[0], e.input(1), ends[1], *self.rest(layer, e))
        return f"{self.function}({', '.join(arguments)});"

    def quantization(self, layer: Matmul) -> dict[str, CValue]:
        """The fields of integers."""
        a, b, output = (*(data_input(layer.ins, index) for index in (0, 1)), layer.output)
        multiplier, shift = layer.node.multiplier(layer.ins, output)
        if output.dtype is DType.I16:
            multiplier = int(reduced_multiplier(multiplier))
        return {
            "a_zero_point": a.zero_point,
            "b_zero_point": b.zero_point,
            "out_zero_point": output.zero_point,
            "multiplier": multiplier,
            "shift": shift,
        }

    def rest(self, layer: Matmul, e: Emitter) -> Sequence[str]:
        """The arguments behind the tensors."""
        return ()


@dataclass(frozen=True)
class _WideProducts(_Products):
    """Rows of a widened to 16 bits, times words of b: DSP.

    Attributes:
        axis: Of b, from the end, whose elements must lie side by side.
    """

    ISAS = frozenset({Isa.DSP})

    axis: int

    def suits(self, layer: Matmul) -> bool:
        """The types, elements side by side, and sums that ``eb_requantize_narrow`` takes."""
        node = layer.node
        if not super().suits(layer) or node.strides(layer.ins, 1)[self.axis] != 1:
            return False
        _, shift = node.multiplier(layer.ins, layer.output)
        return bool(shift < 0 and node.depth(layer.ins) * 255**2 < NARROW)

    def scratch(self, layer: Matmul) -> int:
        """A row of a."""
        return 2 * aligned(layer.node.depth(layer.ins))

    def rest(self, layer: Matmul, e: Emitter) -> Sequence[str]:
        """Scratch."""
        return (e.scratch(),)


@dataclass(frozen=True)
class _VectorProducts(_Products):
    """Sixteen products at a time, of elements that lie side by side: MVE."""

    ISAS = frozenset({Isa.MVE})

    def suits(self, layer: Matmul) -> bool:
        """The types, and rows of a and columns of b without gaps."""
        if not super().suits(layer):
            return False
        left, right = (layer.node.strides(layer.ins, index) for index in (0, 1))
        return (left[-1], right[-2]) == (1, 1)


def _walk(layer: Matmul, *, by_rows: bool) -> dict[str, CValue]:
    """The fields that say where elements are, of all rows or of one."""
    node, output = layer.node, layer.output
    left, right = (node.strides(layer.ins, index) for index in (0, 1))
    out = node.out_strides(layer.ins, output)
    product = node.product(layer.ins)
    return {
        "walk.batches": (1,) * (MAX_RANK - len(product)) + product[:-2],
        "walk.a_strides": left[:-2],
        "walk.b_strides": right[:-2],
        "walk.out_strides": out[:-2],
        "rows": 1 if by_rows else product[-2],
        "columns": product[-1],
        "depth": node.depth(layer.ins),
        "a_row_stride": left[-2],
        "a_depth_stride": left[-1],
        "b_depth_stride": right[-2],
        "b_column_stride": right[-1],
        "out_row_stride": out[-2],
    }


KERNELS: tuple[AnyKernel, ...] = (
    _WideProducts((DType.I8,), "eb_batch_matmul_s8_dots", -2),
    _WideProducts((DType.I8,), "eb_batch_matmul_s8_columns", -1),
    _VectorProducts((DType.I8,), "eb_batch_matmul_s8_mve"),
    _Products((DType.I8,), "eb_batch_matmul_s8"),
    _Products((DType.I16,), "eb_batch_matmul_s16"),
    _Products((DType.F32,), "eb_batch_matmul_f32_all"),
)
