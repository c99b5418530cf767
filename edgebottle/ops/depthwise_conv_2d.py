"""DEPTHWISE_CONV_2D: each input channel with its own windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import AxisMap, Broadcast, Listed, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Inlining, Isa, Signature, where
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.convolution_cases import DEPTHWISE_CONV_2D, Case, weighted_case
from edgebottle.ops.depthwise_cases import DEPTHWISE_3X3
from edgebottle.ops.depthwise_packing import pack_3x3, pack_window
from edgebottle.ops.depthwise_scaling import HIGH, LOW, Packing, Sums, find_packing
from edgebottle.ops.fixed_point import activation_range, effective_scales, quantize_multipliers
from edgebottle.ops.mve_packing import CHANNELS, MAX_TAPS, even_and_odd
from edgebottle.ops.scaling import STRIP_TAPS, Scaling, pack_scaling, pack_strip
from edgebottle.ops.weights import bias_values, operands, per_channel


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Convolution):
    """Depthwise convolution; weights are 1HWC, C = input channels x depth_multiplier.

    Attributes:
        depth_multiplier: Output channels per input channel; those of one lie together.
    """

    OP: ClassVar[str] = "DEPTHWISE_CONV_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "DepthwiseConv2DOptions",
        2,
        3,
        optional=(2,),
        fields=("i8", "i32", "i32", "i32", "i8", "i32", "i32"),
    )
    CHANNEL_AXIS: ClassVar[int] = 3
    HEADER: ClassVar[str] = "eb_depthwise_conv_2d"

    depth_multiplier: int

    def channels_read(self, data: Tensor, weights: Tensor) -> AxisMap:
        """Each its own."""
        if self.depth_multiplier == 1:
            return Same()
        outputs = weights.shape[3]
        return Listed(tuple((channel // self.depth_multiplier,) for channel in range(outputs)))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Each its own; where the input has but one, its outputs come and go alone."""
        if index == 0 and operands(ins)[0].shape[3] == 1:
            return Broadcast()
        return super().channel_access(index, ins, outs)

    @classmethod
    def more_options(cls, label: str, ins: Tensors, options: Any) -> dict[str, Any]:
        """See ``Convolution``. LiteRT takes the multiplier from the shapes, and so do we."""
        data, weights, _ = operands(ins)
        return {"depth_multiplier": max(weights.shape[3] // data.shape[3], 1)}

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import DepthwiseConv2DOptionsT

        options = self.fill_options(DepthwiseConv2DOptionsT(), ins)
        options.depthMultiplier = self.depth_multiplier
        return options

    def check_shapes(self, data: Shape, weights: Shape) -> None:
        """See ``Convolution``."""
        if weights[0] != 1 or weights[3] != data[3] * self.depth_multiplier:
            raise UnsupportedOp(
                f"{where(self)} has {data[3]} input channels, a depth multiplier of "
                f"{self.depth_multiplier} and weights of the shape {list(weights)}"
            )

    def sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """See ``Convolution``."""
        numpy = np.float32 if value.dtype == np.float32 else np.int32
        wide = value.astype(numpy)
        spread = weights[0].astype(numpy)
        if self.depth_multiplier > 1:
            wide = np.repeat(wide, self.depth_multiplier, axis=3)
        total = np.zeros(shape, numpy)
        for ky in range(weights.shape[1]):
            for kx in range(weights.shape[2]):
                total += self.tap(wide, ky, kx, shape) * spread[ky, kx]
        return total

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        scales = self._mve(ins, outs[0]) if e.isa is Isa.MVE else None
        if scales is not None:
            return self.emit_mve(e, operands(ins)[1].constant(), scales)
        if e.isa is Isa.DSP and self._is_window(ins):
            packing = self._packing_3x3(ins, outs[0])
            return self._emit_window(e) if packing is None else self._emit_3x3(e, packing)
        scaling = self.strip(ins, outs[0]) if e.isa is Isa.SCALAR else None
        return super().emit(e) if scaling is None else self._emit_strip(e, scaling)

    def _emit_strip(self, e: Emitter, scaling: Scaling) -> str:
        weights = operands(e.tensors[0])[1].constant()
        return self.row_call(
            e,
            "eb_depthwise_strip_s8_row",
            self.HEADER,
            self.int8_fields(e),
            e.constant("weights", pack_strip(weights[0])),
            e.constant("scales", pack_scaling(scaling)),
            str(int(scaling.has_pivot)),
            e.scratch(),
        )

    def strip(self, ins: Tensors, output: Tensor) -> Scaling | None:
        """The scaling of the kernel of strips; None where it does not suit the layer."""
        is_int8 = operands(ins)[0].dtype is DType.I8
        if not is_int8 or self.depth_multiplier != 1 or self.dilation[1] != 1:
            return None
        return self.scaling(ins, output)

    def _mve(self, ins: Tensors, output: Tensor) -> Array | None:
        """Bias and scales for the MVE kernel; None where it does not do the layer."""
        data, weights, _ = operands(ins)
        taps = weights.shape[1] * weights.shape[2]
        if data.dtype is not DType.I8 or self.depth_multiplier != 1 or taps > MAX_TAPS:
            return None
        if data.shape[3] < 2 * CHANNELS:
            return None
        return self.mve_scales(ins, output, even_and_odd(data.shape[3]))

    def emit_layer(self, e: Emitter, walk: Mapping[str, CValue]) -> str | None:
        """See ``RowOperator``."""
        ins, outs = e.tensors
        packing = self._packing_3x3(ins, outs[0]) if e.isa is Isa.DSP else None
        if packing is None:
            return None
        constants: dict[str, CValue] = {
            "records": self._records(e, packing),
            "tile": self._tile(packing),
        }
        return self.layer_call(
            e,
            "eb_depthwise_3x3_whole",
            f"eb_depthwise_3x3_s8_layer{'_inlined' if e.inlined else ''}",
            self._params_3x3(e),
            {**walk, **constants},
        )

    def _emit_3x3(self, e: Emitter, packing: Packing) -> str:
        function = f"eb_depthwise_3x3_s8_row{'_inlined' if e.inlined else ''}"
        rest = self._records(e, packing), e.scratch(), self._tile(packing)
        return self.row_call(e, function, "eb_depthwise_3x3", self._params_3x3(e), *rest)

    def _params_3x3(self, e: Emitter) -> dict[str, CValue]:
        ins, outs = e.tensors
        data, output = operands(ins)[0], outs[0]
        return {
            "input_width": data.shape[2],
            "channels": data.shape[3],
            "output_width": output.shape[2],
            "pad_left": self.padding[2],
            "input_zero_point": data.zero_point,
            "groups": self._groups(output),
        }

    def _tile(self, packing: Packing) -> str:
        return f"eb_depthwise_3x3_stride_{self.stride[1]}_shift_{packing.shift}"

    @staticmethod
    def _records(e: Emitter, packing: Packing) -> str:
        return e.constant("weights", pack_3x3(packing.sums, packing.scaling).reshape(-1))

    def _emit_window(self, e: Emitter) -> str:
        ins, outs = e.tensors
        data, weights, bias = operands(ins)
        output = outs[0]
        columns = self._columns(ins, output)
        fields: dict[str, CValue] = {
            "channels": data.shape[3],
            "output_width": output.shape[2],
            "kernel_height": weights.shape[1],
            "kernel_width": weights.shape[2],
            "stride_width": self.stride[1],
            "pad_left": self.padding[2],
            "pixels": max(min(data.shape[2], columns - self.padding[2]), 0),
            "columns": columns,
            **self._quantized(ins, output),
        }
        added = bias_values(bias, output.shape[3], data.dtype)
        arrays = [
            e.constant("weights", pack_window(weights.constant()[0]).reshape(-1)),
            e.constant("bias", added),
            *self._scales(e, ins, output, added),
            e.scratch(),
            f"eb_depthwise_window_stride_{self.stride[1]}",
        ]
        function = f"eb_depthwise_window_s8_row{'_inlined' if e.inlined else ''}"
        return self.row_call(e, function, "eb_depthwise_window", fields, *arrays)

    def inlining(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Inlining | None:
        """See ``Operator``; counted on layers of KWS, VWW and mcunet."""
        if isa is not Isa.DSP or not self._is_window(ins):
            return None
        batch, height, width, channels = outs[0].shape
        if self._packing_3x3(ins, outs[0]) is None:
            return Inlining(40 * batch * height * channels * -(-width // 4), 650)
        return Inlining(13 * batch * height * -(-channels // 4), 480)

    def _packing_3x3(self, ins: Tensors, output: Tensor) -> Packing | None:
        """How the DSP kernel for 3x3 windows is to scale; None where it cannot take the layer."""
        if not self._is_3x3(ins, output):
            return None
        data, weights, bias = operands(ins)
        channels = output.shape[3]
        scales = per_channel(effective_scales(data, weights, output), channels)
        taps = weights.constant().reshape(9, channels)
        added = bias_values(bias, channels, data.dtype).astype(np.int64)
        folded = added - data.zero_point * taps.sum(axis=0, dtype=np.int64)
        sums = Sums(taps, folded, *quantize_multipliers(scales), output.zero_point)
        return find_packing(sums)

    def _is_3x3(self, ins: Tensors, output: Tensor) -> bool:
        """Whether the shapes are those of the DSP kernel for 3x3 windows."""
        return (
            self._is_window(ins)
            and operands(ins)[1].shape[1:3] == (3, 3)
            and output.shape[2] >= 2
            and activation_range(self.activation, output) == (LOW, HIGH)
        )

    def _is_window(self, ins: Tensors) -> bool:
        """Whether a DSP kernel takes the layer."""
        data, _, _ = operands(ins)
        return (
            data.dtype.bits == 8
            and self.depth_multiplier == 1
            and data.shape[3] >= 4
            and self.dilation[1] == 1
            and self.stride[1] <= 2
        )

    def _columns(self, ins: Tensors, output: Tensor) -> int:
        """Columns that the tiles of an output row read: four pixels each, two taps at a time."""
        pixels = -(-output.shape[2] // 4) * 4
        taps = -(-operands(ins)[1].shape[2] // 2) * 2
        return (pixels - 4) * self.stride[1] + taps + (3 if self.stride[1] == 1 else 6)

    def _groups(self, output: Tensor) -> int:
        """Pairs of columns that an output row of the 3x3 kernel reads."""
        width = output.shape[2]
        return width + 1 if self.stride[1] == 2 else (width + 3) // 2

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """See ``Operator``: a strip, and pointers to what it is made of."""
        data, weights, _ = operands(ins)
        if isa is Isa.MVE:
            return data.shape[3] if self._mve(ins, outs[0]) is not None else 0
        if isa is Isa.PORTABLE or data.dtype.bits != 8 or self.depth_multiplier != 1:
            return 0
        height, width = weights.shape[1:3]
        if isa is Isa.SCALAR:
            if self.dilation[1] != 1:
                return 0
            pixels = outs[0].shape[2]
            columns = (pixels - 1) * self.stride[1] + width
            return 4 * (columns * height + STRIP_TAPS - 1 + pixels)
        if not self._is_window(ins):
            return 8 * height * width + data.shape[3]
        strip = 16 * ((height + 1) // 2) * self._columns(ins, outs[0])
        if not self._is_3x3(ins, outs[0]):
            return strip
        return max(strip, self._groups(outs[0]) * (48 + 6 * 4) + -(-data.shape[3] // 4) * 4)

    def more_fields(self, data: Shape, weights: Shape) -> dict[str, CValue]:
        """See ``Convolution``."""
        return {"depth_multiplier": self.depth_multiplier}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in (*DEPTHWISE_CONV_2D, *DEPTHWISE_3X3):
            yield cls._case(case)

    @classmethod
    def _case(cls, case: Case) -> Graph:
        weights = (1, *case.kernel, case.outputs)
        multiplier = case.outputs // case.shape[3]
        return weighted_case(cls, case, weights, axis=3, depth_multiplier=multiplier)
