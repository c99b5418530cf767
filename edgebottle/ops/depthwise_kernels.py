"""The kernels of DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    PlainF32,
    PlainS8,
    PlainS16,
    WideS8,
    folded_bias,
    has_full_depth,
    int8_fields,
    marked_scales,
    mve_scales,
    output_bits,
    output_of,
    quantization,
    scales_of,
)
from edgebottle.ops.depthwise_dots import DotColumns, FewChannelRows
from edgebottle.ops.depthwise_neon import ChannelRows
from edgebottle.ops.depthwise_packing import pack_3x3, pack_window
from edgebottle.ops.depthwise_scaling import SHIFTS, find_packing
from edgebottle.ops.depthwise_strips import PairRows, StripBitRows, StripRows
from edgebottle.ops.depthwise_sums import PackedScaling, Sums
from edgebottle.ops.fixed_point import quantize_multipliers
from edgebottle.ops.inlining import Inlining
from edgebottle.ops.kernel import AnyKernel, P
from edgebottle.ops.mve_packing import CHANNELS, MAX_TAPS, even_and_odd
from edgebottle.ops.packing import Output, pad_to
from edgebottle.ops.weights import bias_values, operands


class _OneToOne(FullDepth[P]):
    """A kernel of layers with as many output as input channels."""

    HEADER = "eb_depthwise_conv_2d.h"


class _Tiles(_OneToOne[P]):
    """A kernel of the DSP extension for windows without gaps between their columns."""

    ISAS = frozenset({Isa.DSP})
    STRIDES = (1, 2)
    """Pixels from one window to the next."""

    def suits(self, layer: Convolved) -> bool:
        """Windows without gaps that step by one pixel or two, of at least four channels."""
        node, channels = layer.node, layer.output.shape[3]
        is_dense = node.dilation[1] == 1 and node.stride[1] in self.STRIDES
        return super().suits(layer) and channels >= 4 and is_dense


class WindowRows(_Tiles[Array]):
    """Tiles of four pixels of a channel, gathered into a strip."""

    ROW, ROW_INLINED = "eb_depthwise_window_s8_row", "eb_depthwise_window_s8_row_inlined"
    TILES: ClassVar[dict[int, str]] = {
        1: "eb_depthwise_window_stride_1",
        2: "eb_depthwise_window_stride_2",
    }
    """By the stride of the pixels."""

    TILE_PIXELS, TILE_INSTRUCTIONS, INLINED_BYTES = 4, 40, 650
    """Saved by a copy of its own for each tile, and its bytes; counted on layers of KWS and
    mcunet."""

    def pack(self, layer: Convolved) -> Array:
        """The weights; the requantization is that of the plain kernel."""
        return pack_window(operands(layer.ins)[1].constant()[0]).reshape(-1)

    def scratch(self, layer: Convolved) -> int:
        """The strip: all columns of a channel, two rows to a word."""
        height = operands(layer.ins)[1].shape[1]
        return 16 * ((height + 1) // 2) * _columns(layer)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        node, (data, weights, bias), output = layer.node, operands(layer.ins), layer.output
        columns = _columns(layer)
        fields: dict[str, CValue] = {
            "channels": data.shape[3],
            "output_width": output.shape[2],
            "kernel_height": weights.shape[1],
            "kernel_width": weights.shape[2],
            "stride_width": node.stride[1],
            "pad_left": node.padding[2],
            "pixels": max(min(data.shape[2], columns - node.padding[2]), 0),
            "columns": columns,
            **quantization(layer),
        }
        added = bias_values(bias, output.shape[3], data.dtype)
        arrays = [
            e.constant("weights", packed),
            e.constant("bias", added),
            *marked_scales(layer, added, e),
            e.scratch(),
            self.TILES[node.stride[1]],
        ]
        function = self.ROW_INLINED if e.inlined else self.ROW
        return self.row_call(e, function, "eb_depthwise_window", fields, *arrays)

    def inlining(self, layer: Convolved) -> Inlining:
        """See ``Kernel``."""
        batch, height, width, channels = layer.output.shape
        tiles = batch * height * channels * (pad_to(width, self.TILE_PIXELS) // self.TILE_PIXELS)
        return Inlining(self.TILE_INSTRUCTIONS * tiles, self.INLINED_BYTES)


class Rows3x3(_Tiles[PackedScaling]):
    """3x3 windows, a pair of columns shared by neighbouring pixels."""

    ROW, ROW_INLINED = "eb_depthwise_3x3_s8_row", "eb_depthwise_3x3_s8_row_inlined"
    ROW_FEW = "eb_depthwise_3x3_few_row"
    LAYER, LAYER_INLINED = "eb_depthwise_3x3_s8_layer", "eb_depthwise_3x3_s8_layer_inlined"
    WRITES_FEW = True
    TILES: ClassVar[dict[tuple[int, int, int, bool], str]] = {
        (stride, shift, bits, by_sign): f"eb_depthwise_3x3_by_{stride}_shift_{shift}"
        + (f"_to_{bits}" if bits < 8 else "")
        + ("_sign" if by_sign else "")
        for stride in (1, 2)
        for shift in SHIFTS
        for bits in (8, 4, 3, 2, 1)
        for by_sign in (False, True)
    }
    """By the stride of the pixels, the shift of ``PackedScaling``, the bits of the outputs, and
    whether negative sums have an offset of their own."""
    STORES: ClassVar[dict[int, str]] = {
        8: "eb_depthwise_3x3_as_int8",
        4: "eb_depthwise_3x3_as_bits_4",
        2: "eb_depthwise_3x3_as_bits_2",
        1: "eb_depthwise_3x3_as_bits_1",
    }
    """What stores outputs of few values, by the bits that each takes."""
    CLAMP = "eb_depthwise_3x3_clamped"
    """What keeps outputs within bounds other than those of int8."""

    GROUP_BYTES = 48 + 6 * 4
    """Of scratch for each pair of columns: its values, and pointers to them."""
    TILE_CHANNELS, ROW_INSTRUCTIONS, INLINED_BYTES = 4, 13, 480
    """Saved by a copy of its own for each four channels of a row, and its bytes; counted on layers
    of KWS, VWW and mcunet."""

    def suits(self, layer: Convolved) -> bool:
        """3x3, two pixels at least, and outputs of int8, or of all values of some bits."""
        return (
            super().suits(layer)
            and operands(layer.ins)[1].shape[1:3] == (3, 3)
            and layer.output.shape[2] >= 2
            and (layer.output.dtype.bits == 8 or _is_few(layer))
        )

    def pack(self, layer: Convolved) -> PackedScaling | None:
        """See ``find_packing``."""
        taps = operands(layer.ins)[1].constant().reshape(9, -1)
        scales = quantize_multipliers(scales_of(layer))
        out = output_of(layer)
        if _is_few(layer):  # counted from the lowest on
            out = Output(out.zero_point - out.low, 0, out.high - out.low)
        place = out.zero_point, out.low, out.high
        return find_packing(Sums(taps, folded_bias(layer), *scales, *place))

    def scratch(self, layer: Convolved) -> int:
        """Pairs of columns of four channels, a pixel of zero points, outputs that get packed."""
        _, _, width, channels = layer.output.shape
        packed = width * channels if layer.output.dtype.bits < 8 else 0
        return self._groups(layer) * self.GROUP_BYTES + pad_to(channels, 4) + packed

    def emit(self, layer: Convolved, packed: PackedScaling, e: Emitter) -> str:
        """See ``Kernel``."""
        function = self.ROW_INLINED if e.inlined else self.ROW
        rest = [self._records(packed, e), e.scratch(), self._tile(layer, packed)]
        if not _is_whole(layer):
            function, out = self.ROW_FEW, output_of(layer)
            fields: dict[str, CValue] = {
                "store": self.STORES[layer.output.dtype.bits] if _is_few(layer) else self.CLAMP,
                "low": out.low,
                "high": out.high,
                "is_packed": int(layer.output.dtype.bits < 8),
            }
            rest.append(e.params("eb_depthwise_3x3_few", fields))
        return self.row_call(e, function, "eb_depthwise_3x3", self._params(layer), *rest)

    def emit_layer(
        self, layer: Convolved, packed: PackedScaling, e: Emitter, walk: Mapping[str, CValue]
    ) -> str | None:
        """See ``Kernel``."""
        if not _is_whole(layer):
            return None
        function = self.LAYER_INLINED if e.inlined else self.LAYER
        records = self._records(packed, e)
        rest = {**walk, "records": records, "tile": self._tile(layer, packed)}
        return self.layer_call(e, function, "eb_depthwise_3x3_whole", self._params(layer), rest)

    def inlining(self, layer: Convolved) -> Inlining | None:
        """See ``Kernel``."""
        if not _is_whole(layer):
            return None
        batch, height, _, channels = layer.output.shape
        fours = batch * height * (pad_to(channels, self.TILE_CHANNELS) // self.TILE_CHANNELS)
        return Inlining(self.ROW_INSTRUCTIONS * fours, self.INLINED_BYTES)

    def _params(self, layer: Convolved) -> dict[str, CValue]:
        data = operands(layer.ins)[0]
        return {
            "input_width": data.shape[2],
            "channels": data.shape[3],
            "output_width": layer.output.shape[2],
            "pad_left": layer.node.padding[2],
            "input_zero_point": data.zero_point,
            "groups": self._groups(layer),
        }

    def _groups(self, layer: Convolved) -> int:
        """Pairs of columns that an output row reads."""
        width = layer.output.shape[2]
        return width + 1 if layer.node.stride[1] == 2 else (width + 3) // 2

    def _tile(self, layer: Convolved, packed: PackedScaling) -> str:
        bits = output_bits(layer) if _is_few(layer) else 8
        return self.TILES[layer.node.stride[1], packed.shift, bits, packed.scaling.is_by_sign]

    @staticmethod
    def _records(packed: PackedScaling, e: Emitter) -> str:
        return e.constant("weights", pack_3x3(packed.sums, packed.scaling).reshape(-1))


def _is_few(layer: Convolved) -> bool:
    """Whether the outputs of a layer are all values of a few bits."""
    return output_bits(layer) in (4, 3, 2, 1)


def _is_whole(layer: Convolved) -> bool:
    """Whether the outputs of a layer are all values of int8."""
    return output_bits(layer) == 8


class VectorDepthwiseRows(_OneToOne[Array]):
    """Eight channels at a time: MVE."""

    ISAS = frozenset({Isa.MVE})
    ROW = "eb_depthwise_conv_2d_s8_mve_row"

    def suits(self, layer: Convolved) -> bool:
        """Windows that fit its pointers, eight channels at least, and no shift to the left."""
        weights = operands(layer.ins)[1]
        taps, channels = weights.shape[1] * weights.shape[2], weights.shape[3]
        fits = taps <= MAX_TAPS and channels >= 2 * CHANNELS
        return super().suits(layer) and fits and self.packed(layer) is not None

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales."""
        return mve_scales(layer, even_and_odd(layer.output.shape[3]))

    def scratch(self, layer: Convolved) -> int:
        """A pixel of zero points."""
        return operands(layer.ins)[0].shape[3]

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = (
            e.constant("weights", operands(layer.ins)[1].constant()),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        fields = int8_fields(layer)
        return self.row_call(e, self.ROW, "eb_depthwise_conv_2d", fields, *constants)


class PlainDepthwiseRowsS8(PlainS8):
    """Any int8 layer."""

    HEADER = "eb_depthwise_conv_2d.h"
    ROW, STRUCT = "eb_depthwise_conv_2d_s8_row", "eb_depthwise_conv_2d"


class TapRows(PlainDepthwiseRowsS8):
    """The same, several channels of a tap at a time: DSP, for windows with gaps."""

    ISAS = frozenset({Isa.DSP})

    def suits(self, layer: Convolved) -> bool:
        """As many output as input channels, where the tiles of windows do not suit."""
        return has_full_depth(layer) and not _WINDOWS.suits(layer)

    def scratch(self, layer: Convolved) -> int:
        """Pointers to the taps, and a pixel of zero points."""
        data, weights, _ = operands(layer.ins)
        return 8 * weights.shape[1] * weights.shape[2] + data.shape[3]


class PlainDepthwiseRowsF32(PlainF32):
    """Any float32 layer."""

    HEADER = "eb_depthwise_conv_2d.h"
    ROW, STRUCT = "eb_depthwise_conv_2d_f32_row", "eb_depthwise_conv_2d_f32"


def _columns(layer: Convolved) -> int:
    """Columns that the tiles of an output row read: four pixels each, two taps at a time."""
    stride = layer.node.stride[1]
    pixels = pad_to(layer.output.shape[2], 4)
    taps = pad_to(operands(layer.ins)[1].shape[2], 2)
    return (pixels - 4) * stride + taps + (3 if stride == 1 else 6)


_WINDOWS = WindowRows()

KERNELS: tuple[AnyKernel, ...] = (
    Rows3x3(),
    _WINDOWS,
    PairRows(),
    StripRows(),
    StripBitRows(),
    VectorDepthwiseRows(),
    DotColumns(),
    ChannelRows(),
    FewChannelRows(),
    TapRows(),
    PlainDepthwiseRowsS8(),
    WideS8(),
    PlainS16(),
    PlainDepthwiseRowsF32(),
)
