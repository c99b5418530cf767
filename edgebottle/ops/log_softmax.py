"""LOG_SOFTMAX: the logarithm of the softmax over the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import plain, quantized
from edgebottle.ops.fixed_functions import INT32, logarithm
from edgebottle.ops.fixed_point import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgebottle.ops.kernel import AnyKernel, Layer
from edgebottle.ops.pixels import PixelOperator, PixelRows
from edgebottle.ops.softmax import DIFFERENCE_BITS, SUM_BITS, exponentials
from edgebottle.ops.table import saturate, tensor_of, value_of

OUTPUT = Quant((1 / 16,), (127,))
"""Of an int8 output, which TFLite prescribes."""

OUTPUT_SHIFT = 22
"""From Q5.26 to steps of 1/16."""

MAX_CHANNELS = 511
"""The sum of more exponentials may not fit the logarithm."""


@dataclass(frozen=True)
class DifferenceScaling:
    """Of an int8 input.

    Attributes:
        multiplier: From differences to Q5.26, as ``quantize_multiplier`` gives it.
        reverse: And back.
        least: Of the differences whose exponential is not zero.
    """

    multiplier: tuple[int, int]
    reverse: tuple[int, int]
    least: int


class _LogRows(PixelRows):
    """Pixel by pixel."""

    def rest(self, layer: Layer[LogSoftmax], e: Emitter) -> tuple[str, ...]:
        """Parameters and table of int8."""
        tensor = tensor_of(layer.ins)
        if tensor.dtype is not DType.I8:
            return ()
        scaling, known = layer.node.scaling(tensor), exponentials(tensor.scale, 1.0)
        fields = {
            "multiplier": scaling.multiplier[0],
            "shift": scaling.multiplier[1],
            "reverse_multiplier": scaling.reverse[0],
            "reverse_shift": scaling.reverse[1],
            "least_difference": scaling.least,
            "entries": len(known),
        }
        table = e.constant("exponentials", known.astype(np.int32))
        return (e.params("eb_log_softmax_s8", fields), table)


@dataclass(frozen=True, kw_only=True)
class LogSoftmax(PixelOperator):
    """The logarithm of the softmax over the last axis.

    The int8 kernel of LiteRT is fixed-point arithmetic of gemmlowp.

    Limits:
        int8: at most 511 channels; the output has the scale 1/16 and the zero point 127.
    """

    OP: ClassVar[str] = "LOG_SOFTMAX"
    INT8_OUTPUT: ClassVar[Quant | None] = OUTPUT
    SIGNATURE: ClassVar[Signature] = Signature("LogSoftmaxOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _LogRows((DType.I8,), "eb_log_softmax_s8_row", "eb_log_softmax.h"),
        _LogRows((DType.F32,), "eb_log_softmax_f32_row", "eb_log_softmax.h"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts float32, and int8 with the output quantization that LiteRT demands."""
        tensor, out = tensor_of(ins), outs[0]
        require_dtype(self, tensor, DType.I8, DType.F32)
        if not tensor.shape:
            raise UnsupportedOp(f"{where(self)} has no axes")
        if tensor.dtype is DType.F32:
            return
        if (out.scale, out.zero_point) != (1 / 16, 127):
            raise UnsupportedOp(
                f"{where(self)} has output scale {out.scale:g} and zero point {out.zero_point}; "
                "TFLite demands 1/16 and 127"
            )
        if tensor.shape[-1] > MAX_CHANNELS:
            raise UnsupportedOp(
                f"{where(self)} sums over {tensor.shape[-1]} channels; at most {MAX_CHANNELS}"
            )
        self.scaling(tensor)

    def scaling(self, tensor: Tensor) -> DifferenceScaling:
        """The multipliers, computed in double precision as LiteRT does."""
        real = min(float(np.float32(tensor.scale)) * 2.0**DIFFERENCE_BITS, 2.0**31 - 1.0)
        multiplier, shift = quantize_multiplier(real)
        if real > 1.0:
            reverse = quantize_multiplier(2.0 ** (31 - shift) / multiplier)
            if reverse[0] > 0 and reverse[1] <= 0 < shift:
                least = floor(31 * 2.0**DIFFERENCE_BITS / 2.0**shift)
                return DifferenceScaling((multiplier, shift), reverse, -least)
        raise UnsupportedOp(
            f"{where(self)} reads '{tensor.name}', whose scale {tensor.scale:g} is too fine; "
            "quantize the model anew, with representative data"
        )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Fixed-point arithmetic for int8."""
        value, tensor = value_of(values), tensor_of(ins)
        if tensor.dtype is DType.F32:
            below = value - value.max(axis=-1, keepdims=True)
            return (below - np.log(np.exp(below).sum(axis=-1, keepdims=True)),)
        scaling, known = self.scaling(tensor), exponentials(tensor.scale, 1.0)
        table = np.zeros(256, dtype=np.int64)
        table[: len(known)] = known
        wide = value.astype(np.int64)
        difference = wide - wide.max(axis=-1, keepdims=True)
        total = rounding_divide_by_pot(table[-difference], SUM_BITS).sum(axis=-1, keepdims=True)
        log = logarithm(total, SUM_BITS)
        reach = multiply_by_quantized_multiplier(INT32.min + log, *scaling.reverse)
        scaled = multiply_by_quantized_multiplier(difference, *scaling.multiplier)
        steps = rounding_divide_by_pot(scaled - log, OUTPUT_SHIFT) + OUTPUT.zero_point[0]
        least = np.maximum(scaling.least - 1, reach)
        return (saturate(np.where(difference > least, steps, -128), DType.I8),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Shapes, scales; float32."""
        for case, shape, scale in (
            ("4d", (1, 4, 6, 10), 0.1),
            ("fine", (3, 300), 0.003),
            ("coarse", (16, 21), 1.5),
            ("one", (4, 1), 0.05),
        ):
            for dtype in (DType.I8, DType.F32)[: 2 if case == "4d" else 1]:
                node = cls(name="log", inputs=("x",), outputs=("y",))
                tensors = [plain("x", shape), plain("y", shape)]
                if dtype is DType.I8:
                    tensors = [quantized("x", shape, scale, 7), quantized("y", shape, 1 / 16, 127)]
                yield one_node_graph(f"log_softmax_{dtype.label}_{case}", node, tensors)
