"""The kernels of TRANSPOSE_CONV.

Which taps reach an output pixel depends on its place modulo the stride alone: its phase. The pixels
of a phase are those of a convolution of stride 1 with the phase's taps, so the fast kernels of
CONV_2D compute them, phase by phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.convolution_kernels import marked_shifts
from edgebottle.ops.fixed_point import (
    activation_range,
    quantize_multipliers,
    reduced_multiplier,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, Kernel, Layer
from edgebottle.ops.movement import data_input
from edgebottle.ops.mve_packing import pack_scales, pack_weights, quads
from edgebottle.ops.packing import TAPS, Output, pack, pad_to, rounded_twice, sum_range
from edgebottle.ops.scaling import (
    find_scaling,
    pack_fours,
    pack_scaling,
    scale_twice,
    triple_segment,
)
from edgebottle.ops.weights import bias_values, per_channel

if TYPE_CHECKING:
    from edgebottle.ops.transpose_conv import TransposeConv

Transposed: TypeAlias = "Layer[TransposeConv]"


@dataclass(frozen=True)
class Phase:
    """A convolution of stride 1.

    Attributes:
        matrix: [outputs, taps] int8.
        bias: [outputs] int64, with the input's zero point folded in, not wrapped.
    """

    matrix: Array
    bias: Int


@dataclass(frozen=True)
class Phases:
    """The constants of all phases.

    Attributes:
        weights: Those of one phase after the other.
        scales: int32, likewise.
        table: int32, a row for each phase: where its weights begin, where its scales do, and what
            else the kernel wants to know.
    """

    weights: Array
    scales: Array
    table: Array

    @classmethod
    def joined(cls, parts: Sequence[tuple[Array, Array]], *more: Sequence[int]) -> Phases:
        """Joins weights and scales of each phase; ``more`` are further columns of the table."""
        weights, scales = ([part.ravel() for part in column] for column in zip(*parts, strict=True))
        starts = [np.cumsum([0, *map(len, column)])[:-1] for column in (weights, scales)]
        table = np.stack([*starts, *map(np.array, more)], axis=1).astype(np.int32)
        return cls(np.concatenate(weights), np.concatenate(scales), table)


class TapByTap(Kernel["TransposeConv", Array]):
    """A plain kernel, tap by tap."""

    ROW: ClassVar[str]
    STRUCT: ClassVar[str] = "eb_transpose_conv"
    TYPE: ClassVar[DType]
    WEIGHTS: ClassVar[DType] = DType.I8

    def suits(self, layer: Transposed) -> bool:
        """Its types."""
        weights = operands_of(layer.ins)[1]
        return layer.output.dtype is self.TYPE and weights.dtype is self.WEIGHTS

    def pack(self, layer: Transposed) -> Array:
        """The bias."""
        data, _, bias = operands_of(layer.ins)
        return bias_values(bias, layer.output.shape[3], data.dtype)

    def emit(self, layer: Transposed, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        weights = operands_of(layer.ins)[1]
        fields = geometry(layer) | self.fields(layer)
        arrays = [
            e.constant("weights", weights.constant()),
            e.constant("bias", packed),
            *(e.constant(name, value) for name, value in self.scales(layer, packed)),
        ]
        return row_call(e, self.ROW, e.params(self.STRUCT, fields), arrays)

    def fields(self, layer: Transposed) -> dict[str, CValue]:
        """The parameters that are not sizes."""
        return quantization(layer)

    def scales(self, layer: Transposed, packed: Array) -> Iterator[tuple[str, Array]]:
        """Further constants."""
        raise NotImplementedError


class TapByTapS8(TapByTap):
    """Any int8 layer."""

    ROW, TYPE = "eb_transpose_conv_s8_row", DType.I8

    def scales(self, layer: Transposed, packed: Array) -> Iterator[tuple[str, Array]]:
        """Those of wide sums are marked."""
        weights = operands_of(layer.ins)[1].constant()
        multiplier, shift = quantize_multipliers(scales_of(layer))
        yield "multiplier", multiplier
        yield "shift", marked_shifts(shift, weights.reshape(len(weights), -1), packed)


class TapByTapWide(TapByTapS8):
    """int8 with weights of 9 bits, of a network that was uint8."""

    ROW = "eb_transpose_conv_s8_wide_row"
    WEIGHTS = DType.I16


class TapByTapS16(TapByTap):
    """int16 with int8 weights."""

    ROW, TYPE = "eb_transpose_conv_s16_row", DType.I16

    def scales(self, layer: Transposed, packed: Array) -> Iterator[tuple[str, Array]]:
        """Multipliers of 16 bits."""
        multiplier, shift = quantize_multipliers(scales_of(layer))
        yield "multiplier", reduced_multiplier(multiplier).astype(np.int32)
        yield "shift", shift


class TapByTapF32(TapByTap):
    """float32."""

    ROW, TYPE = "eb_transpose_conv_f32_row", DType.F32
    WEIGHTS = DType.F32
    STRUCT = "eb_transpose_conv_f32"

    def fields(self, layer: Transposed) -> dict[str, CValue]:
        """The bounds."""
        low, high = layer.node.activation.float_range()
        return {"low": low, "high": high}

    def scales(self, layer: Transposed, packed: Array) -> Iterator[tuple[str, Array]]:
        """None."""
        yield from ()


class PhaseRows(Kernel["TransposeConv", Phases]):
    """A kernel of CONV_2D for one phase of int8 after the other."""

    ROW: ClassVar[str]
    WEIGHTS: ClassVar[str] = ""
    """What the constant of the weights is cast to in C."""

    def suits(self, layer: Transposed) -> bool:
        """int8."""
        return layer.output.dtype is operands_of(layer.ins)[1].dtype is DType.I8

    def emit(self, layer: Transposed, packed: Phases, e: Emitter) -> str:
        """See ``Kernel``: a window has a tap of each phase, if only of zeros."""
        height, width = taps_of(layer)
        fields = geometry(layer) | quantization(layer)
        fields |= {"kernel_height": height, "kernel_width": width}
        arrays = [
            f"{self.WEIGHTS}{e.constant('weights', packed.weights)}",
            e.constant("scales", packed.scales),
            e.constant("phases", packed.table),
            e.scratch(),
        ]
        return row_call(e, self.ROW, e.params("eb_transpose_conv", fields), arrays)

    def window(self, layer: Transposed) -> int:
        """Values of the largest phase's window."""
        height, width = (
            -(-taps // step) for taps, step in zip(taps_of(layer), layer.node.stride, strict=True)
        )
        return height * width * operands_of(layer.ins)[0].shape[3]


class PackedPhases(PhaseRows):
    """Two output channels share a lane: DSP, two pixels by four channels at a time."""

    ISAS = frozenset({Isa.DSP})
    ROW = "eb_transpose_conv_s8_packed_row"
    WEIGHTS = "(const uint32_t *)"

    def pack(self, layer: Transposed) -> Phases | None:
        """See ``packing.pack``."""
        rows = rounded_twice(*quantize_multipliers(scales_of(layer)), output_of(layer))
        found = [pack(phase.matrix, phase.bias, *rows) for phase in phases(layer)]
        parts = [(one.weights, one.requant) for one in found if one is not None]
        return Phases.joined(parts) if len(parts) == len(found) else None

    def scratch(self, layer: Transposed) -> int:
        """The windows of two pixels, and what gathers them."""
        taps, depth = pad_to(self.window(layer), TAPS), operands_of(layer.ins)[0].shape[3]
        return 4 * taps + (2 * (taps + TAPS) if depth % TAPS else depth)


class TriplePhases(PhaseRows):
    """Three pixels at a time with products of 32 bits: cores without the DSP extension."""

    ISAS = frozenset({Isa.SCALAR})
    ROW = "eb_transpose_conv_s8_triple_row"

    def pack(self, layer: Transposed) -> Phases | None:
        """See ``find_scaling``."""
        scales, place = scales_of(layer), output_of(layer)
        exact, found = scale_twice(scales, place), list(phases(layer))
        scalings = [
            find_scaling(*sum_range(one.matrix, one.bias), one.bias, scales, exact, place)
            for one in found
        ]
        parts = [
            (pack_fours(one.matrix), pack_scaling(scaling))
            for one, scaling in zip(found, scalings, strict=True)
            if scaling is not None
        ]
        if len(parts) < len(found):
            return None
        pivots = [int(scaling is not None and scaling.has_pivot) for scaling in scalings]
        return Phases.joined(parts, pivots, [triple_segment(one.matrix) for one in found])

    def scratch(self, layer: Transposed) -> int:
        """The windows of three pixels, and a pixel of zero points."""
        return 8 * self.window(layer) + operands_of(layer.ins)[0].shape[3]


class VectorPhases(PhaseRows):
    """Four output channels of sixteen taps at a time: MVE."""

    ISAS = frozenset({Isa.MVE})
    ROW = "eb_transpose_conv_s8_mve_row"

    def pack(self, layer: Transposed) -> Phases | None:
        """Bias and scales; None where a shift is to the left."""
        scales, channels = quantize_multipliers(scales_of(layer)), quads(layer.output.shape[3])
        found = list(phases(layer))
        packed = [pack_scales(wrap_int32(one.bias), *scales, channels) for one in found]
        parts = [
            (pack_weights(one.matrix), scale)
            for one, scale in zip(found, packed, strict=True)
            if scale is not None
        ]
        return Phases.joined(parts) if len(parts) == len(found) else None

    def scratch(self, layer: Transposed) -> int:
        """The window of a pixel."""
        return self.window(layer)


KERNELS: tuple[AnyKernel, ...] = (
    PackedPhases(),
    TriplePhases(),
    VectorPhases(),
    TapByTapS8(),
    TapByTapWide(),
    TapByTapS16(),
    TapByTapF32(),
)


def row_call(e: Emitter, function: str, params: str, arrays: Sequence[str]) -> str:
    """The call of a kernel for an output row."""
    e.include("eb_transpose_conv.h")
    row = (params, e.rows(2), e.y(), e.out_row(), str(e.out_pixel_stride()))
    return f"{function}({', '.join((*row, *arrays))});"


def operands_of(ins: Tensors) -> tuple[Tensor, Tensor, Tensor | None]:
    """Data, weights and bias, in the order of the other convolutions."""
    return data_input(ins, 2), data_input(ins, 1), ins[3] if len(ins) > 3 else None


def geometry(layer: Transposed) -> dict[str, CValue]:
    """The fields of the parameters that are sizes."""
    data, weights, _ = operands_of(layer.ins)
    outputs, taps_high, taps_wide, depth = weights.shape
    top, left = layer.node.before(weights)
    return {
        "input_width": data.shape[2],
        "input_channels": depth,
        "output_width": layer.node.size[1],
        "output_channels": outputs,
        "kernel_height": taps_high,
        "kernel_width": taps_wide,
        "stride_height": layer.node.stride[0],
        "stride_width": layer.node.stride[1],
        "pad_top": top,
        "pad_left": left,
    }


def quantization(layer: Transposed) -> dict[str, CValue]:
    """The fields of the parameters that say how integers are meant."""
    low, high = activation_range(layer.node.activation, layer.output)
    return {
        "input_zero_point": operands_of(layer.ins)[0].zero_point,
        "output_zero_point": layer.output.zero_point,
        "low": low,
        "high": high,
    }


def scales_of(layer: Transposed) -> list[float]:
    """[outputs]: what an accumulator of each is multiplied by."""
    return per_channel(layer.node.scales(layer.ins, layer.output), layer.output.shape[3])


def output_of(layer: Transposed) -> Output:
    """Where the values of the output lie."""
    bounds = activation_range(layer.node.activation, layer.output)
    return Output(layer.output.zero_point, *bounds)


def taps_of(layer: Transposed) -> tuple[int, int]:
    """Height and width of a window that has a tap of each phase."""
    shape, stride = operands_of(layer.ins)[1].shape, layer.node.stride
    return max(shape[1], stride[0]), max(shape[2], stride[1])


def phases(layer: Transposed) -> Iterator[Phase]:
    """Row by row, from left to right; the pixel that begins a window last comes first in a row.

    Rows of the image come in the order of the kernel's pointers, pixels in that of the image.
    """
    data, weights, bias = operands_of(layer.ins)
    values, (height, width) = weights.constant(), taps_of(layer)
    missing = (0, height - values.shape[1]), (0, width - values.shape[2])
    whole = np.pad(values, ((0, 0), *missing, (0, 0)))
    added = bias_values(bias, len(values), DType.I8).astype(np.int64)
    down, across = layer.node.stride
    for row in range(down):
        for column in range(across):
            taps = whole[:, row::down, column::across][:, :, ::-1]
            matrix = np.ascontiguousarray(taps).reshape(len(values), -1)
            sums = matrix.sum(axis=1, dtype=np.int64)
            yield Phase(matrix, np.asarray(added - data.zero_point * sums))
