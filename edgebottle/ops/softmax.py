"""SOFTMAX: exp(beta * x), divided by its sum over the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_functions import reciprocal
from edgebottle.ops.fixed_point import (
    Int,
    check_zero_points,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.softmax_int16 import MAX_CHANNELS as MAX_INT16_CHANNELS
from edgebottle.ops.softmax_int16 import (
    difference_multiplier,
    exponential_table,
    reciprocal_table,
    softmax_int16,
)
from edgebottle.ops.table import (
    UnaryOperator,
    integer_range,
    per_tensor,
    saturate,
    tensor_of,
    value_of,
)

DIFFERENCE_BITS = 26
"""Fractional bits of the scaled difference to the row's maximum (5 integer bits, a sign)."""

SUM_BITS = 12
"""Integer bits of the sum of exponentials."""

MAX_CHANNELS = (1 << SUM_BITS) - 1
"""More channels could overflow the sum, in LiteRT as well."""

ONE = (1 << 31) - 1
"""The nearest to 1 that Q0.31 holds."""

OUTPUT_QUANTS = {DType.I8: per_tensor(2.0**-8, -128), DType.I16: per_tensor(2.0**-16, -32768)}
"""What LiteRT demands of the output: all of its range for 0 .. 1, within a thousandth for i16."""

INT16_OUTPUT = per_tensor(2.0**-15, 0)
"""The same where the input is int16."""


class _SoftmaxRows(TypedKernel["Softmax"]):
    """The pixels of a row."""

    def emit(self, layer: Layer[Softmax], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        out = layer.output
        e.include("eb_softmax.h")
        arguments = (
            f"{out.layout.pixels}, {_channels(out)}, {e.row(0)}, {e.out_row()}, "
            f"{e.out_pixel_stride()}, {self.rest(layer, e)}"
        )
        return f"{self.function}({arguments});"

    def rest(self, layer: Layer[Softmax], e: Emitter) -> str:
        """The arguments after the common ones: beta."""
        return f"{float(np.float32(layer.node.beta)).hex()}f"


class _SoftmaxByTable(_SoftmaxRows):
    """The same with a table of exponentials."""

    def rest(self, layer: Layer[Softmax], e: Emitter) -> str:
        """The table, and its length."""
        known = exponentials(tensor_of(layer.ins).scale, layer.node.beta)
        return f"{e.constant('exponentials', known.astype(np.int32))}, {len(known)}"


class _SoftmaxOfInt16(_SoftmaxRows):
    """The same with tables of two functions."""

    def rest(self, layer: Layer[Softmax], e: Emitter) -> str:
        """The tables, and what takes inputs to the first."""
        multiplier, shift = layer.node.difference_multiplier(layer.ins)
        tables = (
            e.constant("exponentials", exponential_table()),
            e.constant("reciprocals", reciprocal_table()),
        )
        return f"{', '.join(tables)}, {multiplier}, {shift}"


@dataclass(frozen=True, kw_only=True)
class Softmax(KernelOperator, UnaryOperator):
    """The softmax over the last axis.

    The int8 kernel of LiteRT is fixed-point arithmetic of gemmlowp. The exponential depends only
    on the difference to the maximum, 0 .. 255, so it is a table computed here; the sum, its
    reciprocal and the division are computed on the target.

    Limits:
        beta is positive. int8: at most 4,095 channels, int16: 65,535; the output has the scale and
        zero point that TFLite prescribes.

    Attributes:
        beta: Factor of the inputs, positive.
        dtype: Type of the output: that of the input, or I16 for an int8 input.
    """

    beta: float
    dtype: DType

    OP = "SOFTMAX"
    INT8_OUTPUT: ClassVar[Quant | None] = OUTPUT_QUANTS[DType.I8]
    SIGNATURE: ClassVar[Signature] = Signature("SoftmaxOptions", 1, 1, fields=("f32",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _SoftmaxByTable((DType.I8, DType.I8), "eb_softmax_s8_s8_row"),
        _SoftmaxByTable((DType.I8, DType.I16), "eb_softmax_s8_s16_row"),
        _SoftmaxOfInt16((DType.I16, DType.I16), "eb_softmax_s16_row"),
        _SoftmaxRows((DType.F32,), "eb_softmax_f32_row"),
    )

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
        """Reads beta and the type of the output."""
        beta = 1.0 if options is None else float(options.beta)
        return cls(name=name, inputs=inputs, outputs=outputs, beta=beta, dtype=outs[0].dtype)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """The schema's options."""
        from ai_edge_litert import schema_py_generated as schema

        options = schema.SoftmaxOptionsT()
        options.beta = self.beta
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The shape of the input."""
        return ((tensor_of(ins).shape, self.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts float32, and int8 with the output quantization that LiteRT demands."""
        tensor = tensor_of(ins)
        require_dtype(self, tensor, DType.I8, DType.I16, DType.F32)
        is_float = tensor.dtype == DType.F32
        if tensor.dtype is DType.I8:
            require_dtype(self, outs[0], *OUTPUT_QUANTS)
        else:
            require_dtype(self, outs[0], tensor.dtype)
        if not (np.isfinite(self.beta) and self.beta > 0):
            raise UnsupportedOp(f"{where(self)} uses beta {self.beta:g}, which must be positive")
        if is_float:
            return
        scale, zero_point = outs[0].scale, outs[0].zero_point
        is_int16 = tensor.dtype is DType.I16
        wanted = INT16_OUTPUT if is_int16 else OUTPUT_QUANTS[outs[0].dtype]
        (wanted_scale,), (wanted_zero_point,) = wanted.scale, wanted.zero_point
        if abs(scale / wanted_scale - 1) > 1e-3 or zero_point != wanted_zero_point:
            raise UnsupportedOp(
                f"{where(self)} has output scale {scale:g} and zero point {zero_point}; "
                f"TFLite demands {wanted_scale:g} and {wanted_zero_point}"
            )
        limit = MAX_INT16_CHANNELS if is_int16 else MAX_CHANNELS
        if _channels(tensor) > limit:
            raise UnsupportedOp(
                f"{where(self)} sums over {_channels(tensor)} channels; "
                f"{tensor.dtype.label} softmax takes at most {limit}"
            )
        check_zero_points(where(self), tensor)
        if is_int16:
            self.difference_multiplier(ins)
        else:
            exponentials(tensor.scale, self.beta)

    def difference_multiplier(self, ins: Tensors) -> tuple[int, int]:
        """What takes differences of int16 inputs to the table of exponentials."""
        return difference_multiplier(where(self), tensor_of(ins).scale, self.beta)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """All channels of the same pixel."""
        shape = outs[0].shape
        return (*(Same(),) * (len(shape) - 1), *(All(dim) for dim in shape[-1:]))

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Nothing is known: each value depends on all channels."""
        return None

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Fixed-point arithmetic for int8 and int16."""
        value = value_of(values)
        rows = value.reshape(-1, _channels(outs[0]))
        if outs[0].dtype == DType.F32:
            scaled = (rows - rows.max(axis=1, keepdims=True)) * np.float32(self.beta)
            exponential = np.exp(scaled)
            return ((exponential / exponential.sum(axis=1, keepdims=True)).reshape(value.shape),)
        if tensor_of(ins).dtype is DType.I16:
            found = softmax_int16(rows.astype(np.int64), self.difference_multiplier(ins))
            return (found.reshape(value.shape),)
        table = np.zeros(256, dtype=np.int64)
        known = exponentials(tensor_of(ins).scale, self.beta)
        table[: len(known)] = known
        wide = rows.astype(np.int64)
        share = table[wide.max(axis=1, keepdims=True) - wide]
        total = rounding_divide_by_pot(share, SUM_BITS).sum(axis=1, keepdims=True)
        inverse, bits = reciprocal(total, SUM_BITS)
        product = saturating_rounding_doubling_high_mul(share, inverse)
        shift = bits + 31 - outs[0].dtype.bits
        # LiteRT has no answer for shifts beyond 31: everything rounds to 0 there.
        scaled = np.where(shift > 31, 0, rounding_divide_by_pot(product, np.minimum(shift, 31)))
        lowest, _ = integer_range(outs[0].dtype)
        return (saturate(scaled + lowest, outs[0].dtype).reshape(value.shape),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, row lengths, scales, beta, float32.

        LiteRT stops the process where a sum reaches 512, so rows are shorter.
        """
        shapes: tuple[Shape, ...] = (
            (1, 10),
            (4, 1),
            (3, 2),
            (5,),
            (2, 257),
            (2, 511),
            (2, 3, 12),
            (1, 4, 6, 5),
            (2, 3, 2, 7),
            (1, 2, 2, 2, 3),
        )
        for shape in shapes:
            label = "x".join(map(str, shape))
            yield cls._case(f"softmax_{label}", shape, 1.0, per_tensor(0.14, 7))
            yield cls._case(f"softmax_f32_{label}", shape, 1.0, None)
        for number, scale in enumerate((0.0009, 0.01, 0.055, 0.3, 1.0, 7.5, 200.0)):
            for beta in (0.25, 1.0, 2.5):
                case = f"softmax_scale_{number}_beta_{beta}"
                yield cls._case(case, (16, 21), beta, per_tensor(scale, -128))
                yield cls._case(f"{case}_i16", (16, 21), beta, per_tensor(scale, -128), DType.I16)
        yield cls._case("softmax_f32_beta", (3, 9), 0.375, None)
        for shape, scale in (((2, 3, 12), 0.0003), ((4, 1), 0.001), ((5, 300), 0.00002)):
            case = f"softmax_of_i16_{'x'.join(map(str, shape))}"
            yield cls._case(case, shape, 1.0, per_tensor(scale, 0), DType.I16, DType.I16)

    @classmethod
    def _case(
        cls,
        case: str,
        shape: Shape,
        beta: float,
        quant: Quant | None,
        out: DType = DType.I8,
        dtype: DType = DType.I8,
    ) -> Graph:
        dtype = DType.F32 if quant is None else dtype
        out = DType.F32 if quant is None else out
        x = Tensor("x", shape, dtype, quant)
        out_quant = INT16_OUTPUT if dtype is DType.I16 else OUTPUT_QUANTS.get(out)
        y = Tensor("y", shape, out, out_quant)
        node = cls(name=case, inputs=("x",), outputs=("y",), beta=beta, dtype=out)
        return one_node_graph(case, node, (x, y))


def _channels(tensor: Tensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1


def exponentials(scale: float, beta: float) -> Int:
    """exp(-beta * scale * d) in Q0.31 for d = 0, 1, ... as far as it contributes to a softmax.

    Args:
        scale: Of the input.
        beta: Factor of the inputs.

    Returns:
        1 to 256 values. Those beyond are too small to change a sum or a result.

    Raises:
        UnsupportedOp: the scale is too small for LiteRT's kernel.
    """
    factor = float(np.float32(beta)) * float(np.float32(scale)) * (1 << DIFFERENCE_BITS)
    multiplier, shift = quantize_multiplier(min(factor, float(ONE)))
    if shift < 1:
        raise UnsupportedOp(f"softmax has input scale times beta {scale * beta:g}: too small")
    furthest = (31 << DIFFERENCE_BITS) >> shift
    difference = -np.arange(min(furthest, 255) + 1, dtype=np.int64)
    scaled = saturating_rounding_doubling_high_mul(difference << shift, multiplier)
    result = _exp_of_negative(scaled)
    # Below half a unit of the sum, an exponential vanishes from the sum and from the result.
    return result[: int(np.flatnonzero(result >= 1 << (SUM_BITS - 1))[-1]) + 1]


def _exp_of_negative(a: Int) -> Int:
    """Exp of Q5.26 values <= 0, in Q0.31.

    The part above a multiple of -1/4 by a series around -1/8, then a factor for each bit of the
    rest, as gemmlowp's ``exp_on_negative_values`` does.
    """
    quarter = 1 << (DIFFERENCE_BITS - 2)
    fraction = (a & (quarter - 1)) - quarter
    result = _exp_of_last_quarter(fraction << 5)
    remainder = fraction - a
    for exponent in range(-2, 5):
        factor = round(np.exp(-(2.0**exponent)) * 2.0**31)
        high = saturating_rounding_doubling_high_mul(result, factor)
        result = np.where(remainder & (1 << (DIFFERENCE_BITS + exponent)), high, result)
    return np.where(a == 0, ONE, result)


def _exp_of_last_quarter(a: Int) -> Int:
    """Exp of Q0.31 values in [-1/4, 0), in Q0.31: four terms around -1/8."""
    multiply = saturating_rounding_doubling_high_mul
    middle = round(np.exp(-0.125) * 2.0**31)
    third = round(2.0**31 / 3.0)
    x = a + (1 << 28)
    square = multiply(x, x)
    cube = multiply(square, x)
    fourth = rounding_divide_by_pot(multiply(square, square), 2)
    rest = rounding_divide_by_pot(multiply(fourth + cube, third) + square, 1)
    return np.asarray(middle + multiply(middle, x + rest), dtype=np.int64)
