"""CONV_2D: weights of a window over all input channels, or over those of a group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import All, AxisMap, Listed
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Inlining, Isa, Signature, where
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.convolution_cases import CONV_2D, Case, weighted_case
from edgebottle.ops.fixed_point import activation_range, effective_scales, quantize_multipliers
from edgebottle.ops.mve_packing import pack_weights, quads
from edgebottle.ops.packing import TAPS, Output, Packed, pack, pad_to, rounded_twice
from edgebottle.ops.scaling import Scaling, pack_fours, pack_scaling, triple_segment
from edgebottle.ops.weights import bias_values, exact_matmul, operands, per_channel


@dataclass(frozen=True, kw_only=True)
class Conv2D(Convolution):
    """Convolution; weights are OHWI. Fewer weight than input channels mean groups.

    Limits:
        Channels form whole groups.
    """

    OP: ClassVar[str] = "CONV_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Conv2DOptions", 2, 3, optional=(2,), fields=("i8", "i32", "i32", "i8", "i32", "i32", "i8")
    )
    CHANNEL_AXIS: ClassVar[int] = 0
    HEADER: ClassVar[str] = "eb_conv_2d"

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import Conv2DOptionsT

        if operands(ins)[2] is None:
            raise UnsupportedOp(f"{where(self)} has no bias, which LiteRT does not run")
        return self.fill_options(Conv2DOptionsT(), ins)

    def check_shapes(self, data: Shape, weights: Shape) -> None:
        """See ``Convolution``."""
        if data[3] % weights[3] or weights[0] % (data[3] // weights[3]):
            raise UnsupportedOp(
                f"{where(self)} has {data[3]} input channels, weights for {weights[3]}, and "
                f"{weights[0]} output channels: not a whole number of groups"
            )

    def channels_read(self, data: Tensor, weights: Tensor) -> AxisMap:
        """All of them, or those of its group."""
        outputs, depth = weights.shape[0], weights.shape[3]
        groups = data.shape[3] // depth
        if groups == 1:
            return All(depth)
        firsts = (output // (outputs // groups) * depth for output in range(outputs))
        return Listed(tuple(tuple(range(first, first + depth)) for first in firsts))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """All of them; None where they form groups, of which each would have to lose as many."""
        access = super().channel_access(index, ins, outs)
        return access if isinstance(access, All) else None

    def sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """See ``Convolution``."""
        outputs, height, width, depth = weights.shape
        groups = value.shape[3] // depth
        if (height, width, groups) == (1, 1, 1):
            columns = self.tap(value, 0, 0, shape)[:, :, :, None, :]
        else:
            columns = np.empty((*shape[:3], height * width, value.shape[3]), value.dtype)
            for tap in range(height * width):
                columns[:, :, :, tap] = self.tap(value, tap // width, tap % width, shape)
        per_group = outputs // groups
        matrix = weights.reshape(outputs, -1).T
        results = []
        for group in range(groups):
            window = columns[..., group * depth : (group + 1) * depth]
            chosen = matrix[:, group * per_group : (group + 1) * per_group]
            rows = window.reshape(-1, matrix.shape[0])
            is_float = value.dtype == np.float32
            results.append(rows @ chosen if is_float else exact_matmul(rows, chosen))
        return np.concatenate(results, axis=1).reshape(shape)

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """See ``Operator``: the windows of two or three pixels, and what gathers them."""
        data, weights, _ = operands(ins)
        if isa is Isa.PORTABLE or data.dtype.bits != 8:
            return 0
        if isa is Isa.MVE:
            is_pixel = weights.shape[1:3] == (1, 1) and not any(self.padding)
            has_kernel = self._mve(ins, outs[0]) is not None
            return weights.size // weights.shape[0] if has_kernel and not is_pixel else 0
        window = weights.size // weights.shape[0]
        if isa is Isa.SCALAR:
            return 8 * window + data.shape[3] if weights.shape[3] == data.shape[3] else 0
        width, depth = outs[0].shape[2], data.shape[3]
        plain = min(2, width) * ((window + 1) // 2 * 4)
        if weights.shape[3] != depth:
            return plain
        taps = pad_to(window, TAPS)
        if width == 1:
            return max(plain, taps + TAPS)
        if depth % TAPS:
            return 4 * taps + 2 * (taps + TAPS)
        return 4 * taps + (depth if window > depth or any(self.padding) else 0)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        scales = self._mve(ins, outs[0]) if e.isa is Isa.MVE else None
        if scales is not None:
            weights = operands(ins)[1].constant()
            return self.emit_mve(e, pack_weights(weights.reshape(len(weights), -1)), scales)
        scaling = self.triple(ins, outs[0]) if e.isa is Isa.SCALAR else None
        if scaling is not None:
            return self._emit_triple(e, scaling)
        packed = self.packed(ins, outs[0]) if e.isa is Isa.DSP else None
        if packed is None:
            return super().emit(e)
        return self.int8_call(
            e,
            "s8_packed_row_inlined" if e.inlined else "s8_packed_row",
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def inlining(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Inlining | None:
        """See ``Operator``; counted on layers of IC, VWW and mcunet."""
        if isa is not Isa.DSP or self.packed(ins, outs[0]) is None:
            return None
        _, height, width, depth = operands(ins)[1].shape
        pairs = outs[0].size // outs[0].shape[3] // 2
        gathered = height * width > 1 and depth % TAPS == 0
        return Inlining((20 + 4 * height * width if gathered else 20) * pairs, 700)

    def emit_layer(self, e: Emitter, walk: Mapping[str, CValue]) -> str | None:
        """See ``RowOperator``."""
        ins, outs = e.tensors
        packed = self.packed(ins, outs[0]) if e.isa is Isa.DSP else None
        if packed is None:
            return None
        constants: dict[str, CValue] = {
            "weights": e.constant("weights", packed.weights),
            "requant": e.constant("requant", packed.requant),
        }
        function = f"{self.HEADER}_s8_packed_layer{'_inlined' if e.inlined else ''}"
        struct = f"{self.HEADER}_packed"
        return self.layer_call(e, struct, function, self.int8_fields(e), {**walk, **constants})

    def _mve(self, ins: Tensors, output: Tensor) -> Array | None:
        """Bias and scales for the MVE kernel; None where it does not do the layer."""
        data, weights, _ = operands(ins)
        if data.dtype is not DType.I8 or weights.shape[3] != data.shape[3]:
            return None
        return self.mve_scales(ins, output, quads(output.shape[3]))

    def _emit_triple(self, e: Emitter, scaling: Scaling) -> str:
        weights = operands(e.tensors[0])[1].constant()
        matrix = weights.reshape(weights.shape[0], -1)
        return self.int8_call(
            e,
            "s8_triple_row",
            e.constant("weights", pack_fours(matrix)),
            e.constant("scales", pack_scaling(scaling)),
            str(int(scaling.has_pivot)),
            str(triple_segment(matrix)),
            e.scratch(),
        )

    def triple(self, ins: Tensors, output: Tensor) -> Scaling | None:
        """The scaling of the kernel for three pixels; None where it does not suit the layer."""
        data, weights, _ = operands(ins)
        if data.dtype is not DType.I8 or weights.shape[3] != data.shape[3]:
            return None
        return self.scaling(ins, output)

    def packed(self, ins: Tensors, output: Tensor) -> Packed | None:
        """The constants of the packed kernel; None where it does not suit the layer."""
        data, weights, bias = operands(ins)
        if data.dtype is not DType.I8 or weights.shape[3] != data.shape[3]:
            return None
        channels = weights.shape[0]
        matrix = weights.constant().reshape(channels, -1)
        added = bias_values(bias, channels, data.dtype).astype(np.int64)
        folded = added - data.zero_point * matrix.sum(axis=1, dtype=np.int64)
        scales = per_channel(effective_scales(data, weights, output), channels)
        place = Output(output.zero_point, *activation_range(self.activation, output))
        return pack(matrix, folded, *rounded_twice(*quantize_multipliers(scales), place))

    def more_fields(self, data: Shape, weights: Shape) -> dict[str, CValue]:
        """See ``Convolution``."""
        return {"output_channels": weights[0], "groups": data[3] // weights[3]}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in CONV_2D:
            yield cls._case(case)

    @classmethod
    def _case(cls, case: Case) -> Graph:
        channels = case.shape[3] // case.groups
        weights = (case.outputs, *case.kernel, channels)
        return weighted_case(cls, case, weights, axis=0)
