"""The kernel of CONV_2D with weights of few bits, for cores without the DSP extension."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.code_tables import MAKERS, SUMS, TableForm
from edgebottle.ops.convolution_kernels import (
    ConvolutionKernel,
    Convolved,
    folded_bias,
    int8_fields,
    matrix_of,
    output_of,
    scales_of,
)
from edgebottle.ops.fixed_point import wrap_int32
from edgebottle.ops.scaling import (
    Scaling,
    find_scaling,
    find_steps,
    pack_scaling,
    scale_twice,
)
from edgebottle.ops.weights import operands

INPUTS = (DType.I8, DType.U4, DType.U2, DType.U1)
"""Types of inputs as they are stored."""


MAX_LEVELS = 3
"""Of outputs that are counted, not scaled."""


@dataclass(frozen=True)
class Finish:
    """How sums become outputs.

    Attributes:
        function: In C.
        records: int32, some for each channel.
        levels: Of the outputs above the lowest, where they are counted.
        has_pivot: See ``Scaling``.
    """

    function: str
    records: Array
    levels: int = 0
    has_pivot: bool = False

    @classmethod
    def scaled(cls, scaling: Scaling) -> Finish:
        """By multiplication."""
        records = pack_scaling(scaling)
        return cls("eb_conv_2d_tables_scaled", records, has_pivot=scaling.has_pivot)

    @classmethod
    def at_steps(cls, steps: Int, lower: Int, folded: Int) -> Finish:
        """By comparison.

        Args:
            steps: Of ``find_steps``.
            lower: The least sum of each channel, at most 2^15 - 1 below the greatest.
            folded: What the kernel leaves out of the sums.
        """
        added = (1 << 15) - (steps - lower) - (lower - folded)
        records = wrap_int32(added.T * 0x00010001).astype(np.int32)
        return cls("eb_conv_2d_tables_steps", np.ascontiguousarray(records), len(steps))

    @classmethod
    def at_wide_steps(cls, steps: Int, folded: Int) -> Finish:
        """The same with sums of 32 bits, which lie less than 2^31 apart."""
        records = wrap_int32((steps - 1 - folded).T).astype(np.int32)
        return cls("eb_conv_2d_tables_wide_steps", np.ascontiguousarray(records), len(steps))


class CodeTableRows(ConvolutionKernel[Finish]):
    """Sums for four bits of weights come out of tables; those of 4 bits are multiplied.

    Four pixels at a time, or two where values have 4 or 8 bits.
    """

    ISAS = frozenset({Isa.SCALAR, Isa.PORTABLE})
    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_tables_row"

    def suits(self, layer: Convolved) -> bool:
        """Weights of few bits as deep as the input, and padding that can be stored."""
        data, weights, _ = operands(layer.ins)
        if weights.levels is None or data.dtype not in INPUTS:
            return False
        form = _form(layer)
        if weights.shape[3] != data.shape[3] or not form.pays or not form.is_exact:
            return False
        least, most = _bounds(data.dtype)
        return least <= data.zero_point <= most or not any(layer.node.padding)

    def pack(self, layer: Convolved) -> Finish | None:
        """Sums are of values that are not negative."""
        matrix, output = matrix_of(layer).astype(np.int64), output_of(layer)
        least, most = _bounds(operands(layer.ins)[0].dtype)
        bias: Int = folded_bias(layer) + least * matrix.sum(axis=1)
        lower = (most - least) * np.minimum(matrix, 0).sum(axis=1) + bias
        upper = (most - least) * np.maximum(matrix, 0).sum(axis=1) + bias
        folded = bias + self._centred(layer)
        scales = scales_of(layer)
        exact = scale_twice(scales, output)
        form, reach = _form(layer), int((upper - lower).max())
        has_fields = form.field_bits == 8
        if form.is_counted and reach < 1 << (15 if has_fields else 31):
            steps = find_steps(lower, upper, scales, exact, output)
            if steps is None:
                return None
            if has_fields:
                return Finish.at_steps(steps, lower, folded)
            return Finish.at_wide_steps(steps, folded)
        scaling = find_scaling(lower, upper, folded, scales, exact, output)
        return None if scaling is None else Finish.scaled(scaling)

    @staticmethod
    def _centred(layer: Convolved) -> Int:
        """[channels]: what is missing from products with values that are less their centre."""
        levels, form = operands(layer.ins)[1].levels, _form(layer)
        assert levels is not None
        code, value = form.centres
        codes = levels.codes(matrix_of(layer)).sum(axis=1, dtype=np.int64)
        return np.asarray(levels.step * value * (codes - code * form.codes * form.code_taps))

    def scratch(self, layer: Convolved) -> int:
        """See ``TableForm``."""
        return _form(layer).scratch

    def emit(self, layer: Convolved, packed: Finish, e: Emitter) -> str:
        """See ``Kernel``."""
        data, weights, _ = operands(layer.ins)
        form, levels = _form(layer), weights.levels
        assert levels is not None
        code, value = form.centres
        ones = sum(1 << place for place in range(0, 32, form.field_bits))
        fields: dict[str, CValue] = {f"conv.{k}": v for k, v in int8_fields(layer).items()}
        fields |= {
            "make": MAKERS[form.weight_bits, form.bits],
            "sum": SUMS[form.weight_bits],
            "finish": packed.function,
            "bits": form.bits,
            "outside": _byte_of(data.zero_point, form.bits),
            "values": form.values,
            "codes": form.codes,
            "code_taps": form.code_taps,
            "table_words": form.table_words,
            "run_words": form.run_words,
            "middle": value * ones,
            "centre": code,
            "start": form.start * ones,
            "lowest": levels.lowest + levels.step * code,
            "step": levels.step,
            "added": -levels.step * form.runs * form.start,
            "has_pivot": int(packed.has_pivot),
            "levels": packed.levels,
        }
        words: Array = form.pack(levels.codes(matrix_of(layer)))
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d_tables",
            fields,
            e.constant("weights", words),
            e.constant("records", packed.records),
            e.scratch(),
        )


def _form(layer: Convolved) -> TableForm:
    data, weights, _ = operands(layer.ins)
    assert weights.levels is not None
    outputs, height, width, depth = weights.shape
    output = output_of(layer)
    is_counted = output.high - output.low <= MAX_LEVELS
    return TableForm(
        weights.levels.bits, data.dtype.bits, depth, height * width, outputs, is_counted
    )


def _bounds(dtype: DType) -> tuple[int, int]:
    """The least and the greatest value that is stored."""
    return (-128, 127) if dtype is DType.I8 else (0, (1 << dtype.bits) - 1)


def _byte_of(value: int, bits: int) -> int:
    """A byte full of a value."""
    return sum((value & ((1 << bits) - 1)) << place for place in range(0, 8, bits))
