"""QUANTIZE: float32 to integers, and integers to integers of another scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.fixed_point import (
    checked_multiplier,
    multiply_by_quantized_multiplier,
    round_half_away,
    single_ratio,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    UnaryOperator,
    UnaryRows,
    all_values,
    integer_range,
    per_tensor,
    saturate,
    table_rows,
    tensor_of,
    value_of,
)

MAX_SHIFT = 14
"""A 17-bit difference shifted further left would overflow int32."""

MAX_STEPS_SHIFT = 24
"""With finer steps, numbers of 128 and more leave int32, into which LiteRT converts them first."""

SATURATING = 70000.0
"""Beyond this many steps of an output's scale every 8- and 16-bit output saturates."""


class _QuantizeRows(UnaryRows):
    """Division by the scale, and rounding."""

    def rest(self, layer: Layer[Quantize], e: Emitter) -> tuple[str, ...]:
        """Scale, zero point and bounds."""
        out = layer.output
        low, high = integer_range(out.dtype)
        scale = float(np.float32(out.scale))
        fields = {"scale": scale, "zero_point": out.zero_point, "low": low, "high": high}
        return (e.params("eb_quantize", fields),)


class _RescaleRows(UnaryRows):
    """Requantization."""

    def rest(self, layer: Layer[Quantize], e: Emitter) -> tuple[str, ...]:
        """Multiplier, zero points and bounds."""
        tensor, out = tensor_of(layer.ins), layer.output
        low, high = integer_range(out.dtype)
        multiplier, shift = layer.node.multiplier(tensor, out)
        fields = {
            "in_zero_point": tensor.zero_point,
            "multiplier": multiplier,
            "shift": shift,
            "out_zero_point": out.zero_point,
            "low": low,
            "high": high,
        }
        return (e.params("eb_rescale", fields),)


_ROWS: tuple[UnaryRows, ...] = (
    _QuantizeRows((DType.F32, DType.I8), "eb_quantize_f32_s8_row", "eb_quantize.h"),
    _QuantizeRows((DType.F32, DType.U8), "eb_quantize_f32_u8_row", "eb_quantize.h"),
    _QuantizeRows((DType.F32, DType.I16), "eb_quantize_f32_s16_row", "eb_quantize.h"),
    table_rows(DType.I8, DType.I8),
    table_rows(DType.I8, DType.U8),
    table_rows(DType.U8, DType.I8),
    table_rows(DType.U8, DType.U8),
    _RescaleRows((DType.I16, DType.I8), "eb_rescale_s16_s8_row", "eb_quantize.h"),
    _RescaleRows((DType.I16, DType.I16), "eb_rescale_s16_s16_row", "eb_quantize.h"),
    _RescaleRows((DType.I16, DType.I32), "eb_rescale_s16_s32_row", "eb_quantize.h"),
    _RescaleRows((DType.I8, DType.I16), "eb_rescale_s8_s16_row", "eb_quantize.h"),
    _RescaleRows((DType.I32, DType.I8), "eb_rescale_s32_s8_row", "eb_quantize.h"),
    _RescaleRows((DType.I32, DType.I16), "eb_rescale_s32_s16_row", "eb_quantize.h"),
)
SUPPORTED = tuple((kernel.types[0], kernel.types[1]) for kernel in _ROWS)
"""The types of input and output."""


@dataclass(frozen=True, kw_only=True)
class Quantize(KernelOperator, UnaryOperator):
    """Brings values to the scale and zero point of the output.

    From float32: divided by the scale in single precision, rounded half away from zero, saturated
    (NaN gives the lowest value; LiteRT's result for NaN and for values beyond 2^31 steps depends
    on the machine). From integers: requantized by the double-precision quotient of the scales.

    Limits:
        One scale for the whole tensor.

    Attributes:
        dtype: Type of the output.
    """

    dtype: DType

    OP = "QUANTIZE"
    SIGNATURE: ClassVar[Signature] = Signature("QuantizeOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = _ROWS

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """The output's type is the only attribute."""
        return cls(name=name, inputs=inputs, outputs=outputs, dtype=outs[0].dtype)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The shape of the input."""
        return ((tensor_of(ins).shape, self.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts the pairs of types in ``SUPPORTED``, quantized per tensor."""
        tensor = tensor_of(ins)
        sources = [source for source, target in SUPPORTED if target == self.dtype]
        if not sources:
            raise UnsupportedOp(
                f"{where(self)} gives {self.dtype.label}, which edgebottle does not support yet"
            )
        require_dtype(self, tensor, *sources)
        if self.dtype == DType.I32 and outs[0].zero_point != 0:
            raise UnsupportedOp(f"{where(self)} gives int32 with a zero point other than 0")
        _ = outs[0].scale
        if tensor.dtype != DType.F32:
            self.multiplier(tensor, outs[0])
        else:
            checked_multiplier(where(self), single_ratio(1.0, by=outs[0].scale), MAX_STEPS_SHIFT)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Division and rounding, or requantization."""
        tensor, out, value = tensor_of(ins), outs[0], value_of(values)
        if tensor.dtype != DType.F32:
            return (self._requantize(value.astype(np.int64), tensor, out),)
        with np.errstate(over="ignore", invalid="ignore"):
            steps = (value / np.float32(out.scale)).astype(np.float64)
        steps = np.nan_to_num(np.clip(steps, -SATURATING, SATURATING), nan=-SATURATING)
        return (saturate(round_half_away(steps) + out.zero_point, out.dtype),)

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """[256]: the outputs for all inputs of a byte, ascending."""
        return self._requantize(all_values(tensor.dtype), tensor, out)

    def multiplier(self, tensor: Tensor, out: Tensor) -> tuple[int, int]:
        """Multiplier and shift from integers to integers."""
        ratio = float(np.float32(tensor.scale)) / float(np.float32(out.scale))
        return checked_multiplier(where(self), ratio, MAX_SHIFT)

    def _requantize(self, stored: Array, tensor: Tensor, out: Tensor) -> Array:
        centered = wrap_int32(stored - tensor.zero_point)
        scaled = multiply_by_quantized_multiplier(centered, *self.multiplier(tensor, out))
        return saturate(scaled + out.zero_point, out.dtype)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Every pair of types, ranks, scales."""
        for label, shape in CASE_SHAPES:
            yield cls._case(f"quantize_f32_i8_{label}", shape, DType.F32, None, DType.I8)
        for source, target in SUPPORTED:
            for number, (ratio, zero, out_zero) in enumerate(
                ((1.0, 0, 0), (0.3, -3, 11), (2.7, 100, -128), (0.011, 17, 127))
            ):
                quant = None
                if source != DType.F32:
                    quant = per_tensor(0.07, _zero_point(source, zero))
                case = f"quantize_{source.label}_{target.label}_{number}"
                out = per_tensor(0.07 * ratio, _zero_point(target, out_zero))
                yield cls._case(case, EVERY_VALUE, source, quant, target, out)

    @classmethod
    def _case(
        cls,
        case: str,
        shape: Shape,
        source: DType,
        quant: Quant | None,
        target: DType,
        out: Quant | None = None,
    ) -> Graph:
        x = Tensor("x", shape, source, quant)
        y = Tensor("y", shape, target, out or per_tensor(0.03, 4))
        node = cls(name=case, inputs=("x",), outputs=("y",), dtype=target)
        return one_node_graph(case, node, (x, y))


def _zero_point(dtype: DType, signed: int) -> int:
    """A zero point LiteRT accepts: shifted for u8, 0 for i16 and i32."""
    if dtype in (DType.I16, DType.I32):
        return 0
    return signed + 128 if dtype == DType.U8 else signed
