"""MEAN: the mean over some axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    CValue,
    Emitter,
    RowOperator,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import indices, plain, quantized
from edgebottle.ops.channel_range import Range, fits_int32
from edgebottle.ops.fixed_point import checked_multiplier, multiply_by_quantized_multiplier
from edgebottle.ops.kernel import (
    AccumulatingKernel,
    AnyKernel,
    Layer,
)
from edgebottle.ops.movement import data_input
from edgebottle.ops.reduction import (
    ChannelReduction,
    GlobalReduction,
    Reduction,
    is_global,
    is_of_channels,
)
from edgebottle.ops.table import saturate

MAX_INT16 = (1 << 16) - 1
"""16-bit elements that can be added without leaving int32."""


class MeanKernel(AccumulatingKernel["Mean"]):
    """MeanKernel of the elements, and their means."""

    def emit(self, layer: Layer[Mean], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        source = e.row(0) if isinstance(layer.node, ChannelReduction) else e.input(0)
        target = e.out_row() if isinstance(layer.node, RowOperator) else e.output()
        return f"{self.function}({self._params(layer, e)}, {source}, {target});"

    def emit_accumulate(self, layer: Layer[Mean], e: Emitter) -> str:
        """See ``AccumulatingKernel``."""
        e.include("eb_accumulate.h")
        _, _, width, channels = data_input(layer.ins).shape
        return f"{self.accumulate}({e.accumulator()}, {e.row(0)}, {width}, {channels});"

    def emit_end(self, layer: Layer[Mean], e: Emitter) -> str:
        """See ``AccumulatingKernel``."""
        return f"{self.end}({self._params(layer, e)}, {e.accumulator()}, {e.out_row()});"

    def _params(self, layer: Layer[Mean], e: Emitter) -> str:
        node, data, output = layer.node, data_input(layer.ins), layer.output
        divisor = float(node.divisor(data.shape))
        fields: dict[str, CValue] = {**node.walk_fields(data.shape), "count": divisor}
        if data.dtype.is_quantized:
            multiplier, shift = node.rescale(layer.ins, layer.outs)
            fields |= {
                "input_zero_sum": data.zero_point * node.count(data.shape),
                "multiplier": multiplier,
                "shift": shift,
                "output_zero_point": output.zero_point,
            }
        e.include("eb_mean.h")
        return e.params("eb_mean", fields)


@dataclass(frozen=True, kw_only=True)
class Mean(Reduction):
    """The mean over ``axes``."""

    OP: ClassVar[str] = "MEAN"
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        MeanKernel(
            (DType.I8,),
            "eb_mean_s8",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_accumulate_sum_s8",
            end="eb_mean_s8_end",
        ),
        MeanKernel(
            (DType.I16,),
            "eb_mean_s16",
            begin="eb_accumulate_begin",
            first="0",
            accumulate="eb_accumulate_sum_s16",
            end="eb_mean_s16_end",
        ),
        MeanKernel(
            (DType.F32,),
            "eb_mean_f32",
            begin="eb_accumulate_begin_f32",
            first="0.0f",
            accumulate="eb_accumulate_sum_f32",
            end="eb_mean_f32_end",
        ),
    )

    @classmethod
    def over(cls, shape: Shape, **fields: Any) -> Self:
        """A ``GlobalMean`` or a ``ChannelMean`` where that is possible."""
        if is_of_channels(shape, **fields):
            return cast(Self, ChannelMean(**fields))
        return cast(Self, GlobalMean(**fields)) if is_global(shape, **fields) else cls(**fields)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data = data_input(ins)
        require_dtype(self, data, DType.I8, DType.I16, DType.F32)
        self.check_axes(data.shape)
        if data.dtype.is_quantized:
            self.rescale(ins, outs)
        if data.dtype is DType.I16 and (
            data.zero_point or outs[0].zero_point or self.count(data.shape) > MAX_INT16
        ):
            raise UnsupportedOp(
                f"{where(self)} has 16-bit activations with a zero point, or more than {MAX_INT16} "
                "elements for one of the output"
            )

    def count(self, shape: Shape) -> int:
        """Elements that one output is made of."""
        return int(np.prod([shape[axis] for axis in self.axes], dtype=np.int64))

    def divisor(self, shape: Shape) -> int:
        """What their sum is divided by."""
        return self.count(shape)

    def rescale(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, int]:
        """Multiplier and shift that take a sum to the output.

        LiteRT divides the multiplier of the scales by the count, after a left shift that keeps
        31 bits of it.
        """
        data, output = data_input(ins), outs[0]
        ratio = float(np.float32(data.scale)) / float(np.float32(output.scale))
        multiplier, shift = checked_multiplier(where(self), ratio)
        count = self.divisor(data.shape)
        room = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << room) // count, shift - room

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, output = values[0], outs[0]
        assert data is not None
        if output.dtype is DType.F32:
            divisor = np.float32(self.divisor(data.shape))
            mean = data.sum(axis=self.axes, dtype=np.float32) / divisor
            return (np.asarray(mean, np.float32).reshape(output.shape),)
        zero = data_input(ins).zero_point
        total = data.sum(axis=self.axes, dtype=np.int64) - zero * self.count(data.shape)
        scaled = multiply_by_quantized_multiplier(total, *self.rescale(ins, outs))
        result = saturate(scaled + output.zero_point, output.dtype)
        return (result.reshape(output.shape),)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """The mean of a channel's lowest values, and that of its highest."""
        known, data = ranges[0], data_input(ins)
        if self.channel_access(0, ins, outs) is None:
            return None
        low, high = (
            self.count(data.shape) * (end - data.zero_point) for end in (known.low, known.high)
        )
        grows = known.constant | fits_int32(low, high, self.rescale(ins, outs)[1])
        ends = []
        for end in (known.low, known.high):
            value = np.broadcast_to(end.astype(np.int8), data.shape)
            ends.append(self.reference((value,), ins, outs)[0].reshape(-1, end.size)[0])
        return Range(*ends).where(grows, Range.anything(known.low.size))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axes, keep_dims, source, target in _CASES:
            yield cls._case(case, shape, axes, keep_dims, source, target)
        for case, shape, axes, keep_dims, _, _ in _CASES[:4]:
            yield cls._case(f"{case}_f32", shape, axes, keep_dims, None, None)
        for case, shape, axes, keep_dims, (scale, _), (target_scale, _) in _CASES[1:4]:
            fine = (scale / 100, 0), (target_scale / 100, 0)
            yield cls._case(f"{case}_i16", shape, axes, keep_dims, *fine, DType.I16)

    @classmethod
    def _case(
        cls,
        case: str,
        shape: Shape,
        axes: tuple[int, ...],
        keep_dims: bool,
        source: tuple[float, int] | None,
        target: tuple[float, int] | None,
        dtype: DType = DType.I8,
    ) -> Graph:
        node = cls.over(
            shape,
            name="mean",
            inputs=("x", "axes"),
            outputs=("y",),
            axes=axes,
            keep_dims=keep_dims,
        )
        data = quantized("x", shape, *source, dtype) if source else plain("x", shape)
        ((out_shape, _),) = node.infer([data])
        out = quantized("y", out_shape, *target, dtype) if target else plain("y", out_shape)
        return one_node_graph(f"mean_{case}", node, [data, indices("axes", *axes), out])


@dataclass(frozen=True, kw_only=True)
class GlobalMean(Mean, GlobalReduction):
    """The mean over height and width of one image."""


@dataclass(frozen=True, kw_only=True)
class ChannelMean(Mean, ChannelReduction):
    """The mean of each pixel's channels, as a layer normalization takes it."""


_Q = tuple[float, int]
_CASES: tuple[tuple[str, Shape, tuple[int, ...], bool, _Q, _Q], ...] = (
    ("height_width", (1, 7, 5, 6), (1, 2), True, (0.05, 3), (0.05, 3)),
    ("height_width_dropped", (1, 3, 3, 33), (1, 2), False, (0.05, -128), (0.031, 7)),
    ("width", (1, 6, 7, 4), (2,), True, (0.05, 3), (0.017, -7)),
    ("last", (1, 16, 7), (2,), False, (0.05, 3), (0.05, -7)),
    ("channels", (1, 4, 3, 31), (3,), True, (0.1, 127), (0.02, 127)),
    ("everything", (1, 5, 4, 3), (0, 1, 2, 3), True, (0.1, -20), (0.013, 0)),
    ("height_channels", (2, 5, 4, 3), (1, 3), False, (0.1, -20), (0.09, 0)),
    ("every_other", (2, 3, 2, 3, 2, 3), (0, 2, 4), True, (0.1, -20), (0.09, 11)),
    ("ones", (1, 1, 1, 9), (1, 2), False, (0.1, -20), (0.1, -20)),
    ("large_up", (1, 9, 9, 5), (1, 2), True, (0.9, -128), (0.004, -128)),
    ("large_down", (1, 9, 9, 5), (1, 2), True, (0.0007, 5), (0.9, -1)),
    ("one_channel", (1, 3, 5, 1), (1, 2), False, (0.1, 5), (0.07, -1)),
    ("batch_too", (1, 4, 3, 7), (0, 1, 2), True, (0.1, 5), (0.07, -1)),
    ("images", (2, 4, 3, 7), (1, 2), True, (0.1, 5), (0.07, -1)),
)
