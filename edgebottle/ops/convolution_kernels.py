"""What kernels of CONV_2D and DEPTHWISE_CONV_2D share: parameters, constants, the plain ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int
from edgebottle.ops.base import CValue, Emitter
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.fixed_point import (
    activation_range,
    quantize_multipliers,
    reduced_multiplier,
    wrap_int32,
)
from edgebottle.ops.kernel import Kernel, Layer, P
from edgebottle.ops.mve_packing import pack_scales
from edgebottle.ops.packing import TAPS, Output, pad_to, sum_range
from edgebottle.ops.scaling import Scaling, find_scaling, scale_twice
from edgebottle.ops.weights import bias_values, has_narrow_sums, operands, per_channel

SHIFT_WIDE = 64
"""``EB_SHIFT_WIDE`` of ``eb_requant.h``: marks channels whose sums may reach 2^30."""

Convolved = Layer[Convolution]


class ConvolutionKernel(Kernel[Convolution, P]):
    """A kernel over windows of weights."""

    HEADER: ClassVar[str]
    """The C header of it."""

    def row_call(
        self, e: Emitter, function: str, struct: str, fields: Mapping[str, CValue], *rest: str
    ) -> str:
        """The call of a row kernel: parameters, rows, the output row and its stride, the rest."""
        e.include(self.HEADER)
        row = (e.params(struct, fields), e.rows(0), e.out_row(), str(e.out_pixel_stride()))
        return f"{function}({', '.join((*row, *rest))});"

    def layer_call(
        self,
        e: Emitter,
        function: str,
        struct: str,
        params: Mapping[str, CValue],
        rest: Mapping[str, CValue],
        more: Mapping[str, CValue] | None = None,
    ) -> str:
        """The call of a kernel that computes a whole layer.

        Args:
            e: The emitter.
            function: Its name.
            struct: The struct of its arguments.
            params: The fields of ``params`` in the struct.
            rest: Its other fields, but for the stride of the output and the scratch.
            more: The fields of a struct around it, in which it is called ``packed``.
        """
        e.include(self.HEADER)
        fields: dict[str, CValue] = {f"params.{name}": value for name, value in params.items()}
        fields |= {**rest, "out_pixel_stride": e.out_pixel_stride(), "scratch": e.scratch_place()}
        if more is not None:
            fields = {**{f"packed.{name}": value for name, value in fields.items()}, **more}
        return f"{function}({e.params(struct, fields)});"

    def scratch_or_null(self, layer: Convolved, e: Emitter) -> str:
        """The scratch of a layer that may have none."""
        return e.scratch() if self.scratch(layer) else "NULL"


class FullDepth(ConvolutionKernel[P]):
    """A kernel of int8 layers whose weights are as deep as the input.

    Those are convolutions without groups, and depthwise ones with a depth multiplier of 1.
    """

    def suits(self, layer: Convolved) -> bool:
        """See the class."""
        return has_full_depth(layer)


class PlainF32(ConvolutionKernel[Array]):
    """float32, tap by tap."""

    ROW: ClassVar[str]
    STRUCT: ClassVar[str]

    def suits(self, layer: Convolved) -> bool:
        """Every layer of float32."""
        return layer.output.dtype is DType.F32

    def pack(self, layer: Convolved) -> Array:
        """The bias."""
        return bias_values(operands(layer.ins)[2], layer.output.shape[3], DType.F32)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        low, high = layer.node.activation.float_range()
        fields = {**geometry(layer), "low": low, "high": high}
        weights = operands(layer.ins)[1].constant()
        arrays = e.constant("weights", weights), e.constant("bias", packed)
        return self.row_call(e, self.ROW, self.STRUCT, fields, *arrays)


class PlainS8(ConvolutionKernel[Array]):
    """int8, tap by tap, with 64-bit requantization: exact for any constants."""

    ROW: ClassVar[str]
    STRUCT: ClassVar[str]

    def suits(self, layer: Convolved) -> bool:
        """Every layer of int8."""
        return is_int8(layer)

    def pack(self, layer: Convolved) -> Array:
        """The bias without the input's zero point folded in."""
        return bias_values(operands(layer.ins)[2], layer.output.shape[3], DType.I8)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = [
            e.constant("weights", operands(layer.ins)[1].constant()),
            e.constant("bias", wrap_int32(folded_bias(layer)).astype(np.int32)),
            *marked_scales(layer, packed, e),
            # A kernel that was preferred may have asked for some.
            e.scratch() if layer.node.scratch_bytes(layer.ins, layer.outs, e.isa) else "NULL",
        ]
        return self.row_call(e, self.ROW, self.STRUCT, int8_fields(layer), *constants)


class PlainS16(ConvolutionKernel[Array]):
    """int16 with int8 weights, which are laid out as those of groups."""

    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_s16_row"

    def suits(self, layer: Convolved) -> bool:
        """int16."""
        return layer.output.dtype is DType.I16

    def pack(self, layer: Convolved) -> Array:
        """The bias."""
        return bias_values(operands(layer.ins)[2], layer.output.shape[3], DType.I16)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        is_narrow = has_narrow_sums(layer.ins)
        multiplier, shift = quantize_multipliers(scales_of(layer))
        if not is_narrow:
            multiplier = reduced_multiplier(multiplier).astype(np.int32)
        arrays = (
            e.constant("weights", matrix_of(layer)),
            e.constant("bias", packed),
            e.constant("multiplier", multiplier),
            e.constant("shift", shift),
        )
        fields = grouped_fields(layer)
        return self.row_call(e, self.ROW, "eb_conv_2d", fields, *arrays, str(int(is_narrow)))


class WideS8(ConvolutionKernel[Array]):
    """int8 with weights of 16 bits, which are laid out as those of groups."""

    HEADER = "eb_conv_2d.h"
    ROW = "eb_conv_2d_s8_wide_row"

    def suits(self, layer: Convolved) -> bool:
        """int8, and weights of 16 bits."""
        data, weights, _ = operands(layer.ins)
        return (data.dtype, weights.dtype) == (DType.I8, DType.I16)

    def pack(self, layer: Convolved) -> Array:
        """The bias."""
        return bias_values(operands(layer.ins)[2], layer.output.shape[3], DType.I8)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = e.constant("weights", matrix_of(layer)), e.constant("bias", packed)
        scales = marked_scales(layer, packed, e)
        return self.row_call(e, self.ROW, "eb_conv_2d", grouped_fields(layer), *constants, *scales)


def is_int8(layer: Convolved) -> bool:
    """Whether a layer computes with int8 alone."""
    data, weights, _ = operands(layer.ins)
    return data.dtype is weights.dtype is DType.I8


def has_full_depth(layer: Convolved) -> bool:
    """Whether a layer of int8 has weights as deep as its input."""
    data, weights, _ = operands(layer.ins)
    return is_int8(layer) and weights.shape[3] == data.shape[3]


def geometry(layer: Convolved) -> dict[str, CValue]:
    """The fields of the parameters that say what a window reads."""
    node, (data, weights, _) = layer.node, operands(layer.ins)
    return {
        "input_width": data.shape[2],
        "input_channels": data.shape[3],
        "output_width": layer.output.shape[2],
        "kernel_height": weights.shape[1],
        "kernel_width": weights.shape[2],
        "stride_width": node.stride[1],
        "dilation_width": node.dilation[1],
        "pad_left": node.padding[2],
        **node.more_fields(data.shape, weights.shape),
    }


def quantization(layer: Convolved) -> dict[str, CValue]:
    """The fields of the parameters that say how int8 values are meant."""
    low, high = activation_range(layer.node.activation, layer.output)
    return {
        "input_zero_point": operands(layer.ins)[0].zero_point,
        "output_zero_point": layer.output.zero_point,
        "low": low,
        "high": high,
    }


def int8_fields(layer: Convolved) -> dict[str, CValue]:
    """The fields of the parameters of the plain int8 kernel."""
    return geometry(layer) | quantization(layer)


def grouped_fields(layer: Convolved) -> dict[str, CValue]:
    """The parameters as those of a CONV_2D, of which a depthwise layer has a group per channel."""
    matrix, depth = matrix_of(layer), operands(layer.ins)[0].shape[3]
    _, height, width, _ = operands(layer.ins)[1].shape
    fields = int8_fields(layer)
    fields.pop("depth_multiplier", None)
    groups = depth * height * width // matrix.shape[1]
    return {**fields, "output_channels": len(matrix), "groups": groups}


def matrix_of(layer: Convolved) -> Array:
    """The weights, (outputs, taps)."""
    weights, axis = operands(layer.ins)[1].constant(), layer.node.CHANNEL_AXIS
    return np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)


def folded_bias(layer: Convolved) -> Int:
    """[channels] int64: the bias with the input's zero point folded in, not wrapped."""
    data, _, bias = operands(layer.ins)
    matrix = matrix_of(layer)
    added = bias_values(bias, len(matrix), layer.output.dtype).astype(np.int64)
    return np.asarray(added - data.zero_point * matrix.sum(axis=1, dtype=np.int64))


def scales_of(layer: Convolved) -> list[float]:
    """[channels]: what an accumulator of each is multiplied by."""
    return per_channel(layer.node.scales(layer.ins, layer.output), layer.output.shape[3])


def scratch_of_pairs(layer: Convolved) -> int:
    """Bytes for the windows of two pixels, and what gathers them (``eb_packed_begin``)."""
    data, weights, _ = operands(layer.ins)
    window, depth = weights.size // weights.shape[0], data.shape[3]
    taps = pad_to(window, TAPS)
    if layer.output.shape[2] == 1:
        return taps + TAPS
    if depth % TAPS:
        return 4 * taps + 2 * (taps + TAPS)
    return 4 * taps + (depth if window > depth or any(layer.node.padding) else 0)


def output_of(layer: Convolved) -> Output:
    """Where the values of the output lie."""
    bounds = activation_range(layer.node.activation, layer.output)
    return Output(layer.output.zero_point, *bounds)


def output_bits(layer: Convolved) -> int:
    """Bits of the outputs, counted from the lowest one; 0 where they are not all that bits hold."""
    out = output_of(layer)
    count = out.high - out.low + 1
    return count.bit_length() - 1 if count & (count - 1) == 0 else 0


def code_bits(layer: Convolved) -> int:
    """Bits that outputs saturate to which are stored with few; 0 where other bounds are needed."""
    is_few = layer.output.dtype.bits < 8
    return output_bits(layer) if is_few and output_of(layer).low == 0 else 0


def written_bits(layer: Convolved) -> tuple[str, ...]:
    """The argument in C of kernels that write outputs of few bits; none where they are int8."""
    bits = layer.output.dtype.bits
    return (str(bits),) if bits < 8 else ()


def marked_scales(layer: Convolved, added: Array, e: Emitter) -> list[str]:
    """Multipliers and shifts as constants; those of wide sums are marked."""
    multiplier, shift = quantize_multipliers(scales_of(layer))
    return [
        e.constant("multiplier", multiplier),
        e.constant("shift", marked_shifts(shift, matrix_of(layer), added)),
    ]


def marked_shifts(shift: Array, matrix: Array, added: Array) -> Array:
    """[outputs] int8: the shifts, those of sums that may reach 2^30 marked.

    Args:
        shift: One for each output, or for all.
        matrix: [outputs, products] int8 weights.
        added: [outputs] int32 biases.
    """
    magnitude = np.abs(matrix.astype(np.int64)).sum(axis=1)
    is_wide = (np.abs(added.astype(np.int64)) + 256 * magnitude >= 1 << 30) & (shift < 0)
    return np.where(is_wide, shift + SHIFT_WIDE, shift).astype(np.int8)


def mve_scales(layer: Convolved, vectors: Sequence[Sequence[int]]) -> Array | None:
    """Bias and scales for an MVE kernel, whose sums of ``vectors`` are computed together.

    None where it does not do the layer.
    """
    bias = wrap_int32(folded_bias(layer))
    return pack_scales(bias, *quantize_multipliers(scales_of(layer)), vectors)


def scaling_of(layer: Convolved) -> Scaling | None:
    """Requantization with products of 32 bits, of an int8 layer; None if there is none."""
    folded, scales, place = folded_bias(layer), scales_of(layer), output_of(layer)
    reach = sum_range(matrix_of(layer), folded)
    return find_scaling(*reach, folded, scales, scale_twice(scales, place), place)
