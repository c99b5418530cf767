"""L2_NORMALIZATION: each pixel's channels over the root of the sum of their squares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import plain, quantized
from edgebottle.ops.fixed_functions import inverse_root
from edgebottle.ops.fixed_point import multiply_by_quantized_multiplier
from edgebottle.ops.kernel import AnyKernel, Layer
from edgebottle.ops.pixels import PixelOperator, PixelRows
from edgebottle.ops.table import saturate, tensor_of, value_of

OUTPUT = Quant((1 / 128,), (0,))
"""Of an int8 output, which TFLite prescribes."""

OUTPUT_BITS = 7

MAX_CHANNELS = 1 << 15
"""Whose squares int32 can add up."""

EPSILON = np.float32(1e-6)
"""The least length of float32."""


class _NormalizedRows(PixelRows):
    """Pixel by pixel."""

    def rest(self, layer: Layer[L2Normalization], e: Emitter) -> tuple[str, ...]:
        """The zero point of int8."""
        tensor = tensor_of(layer.ins)
        return (str(tensor.zero_point),) if tensor.dtype is DType.I8 else ()


@dataclass(frozen=True, kw_only=True)
class L2Normalization(PixelOperator):
    """The channels of each pixel over the root of the sum of their squares.

    LiteRT computes the root of int8 in fixed point.

    Limits:
        1 to 4 axes, no fused activation. int8: the output has the scale 1/128 and the zero point 0;
        at most 32,768 channels.
    """

    OP: ClassVar[str] = "L2_NORMALIZATION"
    INT8_OUTPUT: ClassVar[Quant | None] = OUTPUT
    SIGNATURE: ClassVar[Signature] = Signature("L2NormOptions", 1, 1, fields=("i8",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _NormalizedRows((DType.I8,), "eb_l2_normalization_s8_row", "eb_l2_normalization.h"),
        _NormalizedRows((DType.F32,), "eb_l2_normalization_f32_row", "eb_l2_normalization.h"),
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
        """Refuses a fused activation, as LiteRT does."""
        if options is not None and options.fusedActivationFunction:
            raise UnsupportedOp(f"{name} ({cls.OP}) has a fused activation")
        return cls(name=name, inputs=inputs, outputs=outputs)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts float32, and int8 with the output quantization that LiteRT demands."""
        tensor, out = tensor_of(ins), outs[0]
        require_dtype(self, tensor, DType.I8, DType.F32)
        if not 1 <= len(tensor.shape) <= 4:
            raise UnsupportedOp(f"{where(self)} has {len(tensor.shape)} axes; supported: 1 to 4")
        if tensor.dtype is DType.F32:
            return
        _ = tensor.scale
        if (out.scale, out.zero_point) != (1 / 128, 0):
            raise UnsupportedOp(
                f"{where(self)} has output scale {out.scale:g} and zero point {out.zero_point}; "
                "TFLite demands 1/128 and 0"
            )
        if tensor.shape[-1] > MAX_CHANNELS:
            raise UnsupportedOp(
                f"{where(self)} sums over {tensor.shape[-1]} channels; at most {MAX_CHANNELS}"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Fixed-point arithmetic for int8."""
        value = value_of(values)
        if outs[0].dtype is DType.F32:
            length = np.sqrt(np.square(value).sum(axis=-1, keepdims=True, dtype=np.float32))
            return (value / np.maximum(length, EPSILON),)
        centered = value.astype(np.int64) - tensor_of(ins).zero_point
        multiplier, shift = inverse_root(np.square(centered).sum(axis=-1, keepdims=True))
        scaled = multiply_by_quantized_multiplier(centered, multiplier, shift + OUTPUT_BITS)
        return (saturate(scaled, DType.I8),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Shapes, zero points; float32."""
        for case, shape, zero in (
            ("4d", (1, 4, 8, 16), -3),
            ("low", (2, 300), -128),
            ("one", (3, 5, 1), 127),
            ("1d", (7,), 0),
        ):
            for dtype in (DType.I8, DType.F32)[: 2 if case == "4d" else 1]:
                node = cls(name="normal", inputs=("x",), outputs=("y",))
                tensors = [plain("x", shape), plain("y", shape)]
                if dtype is DType.I8:
                    tensors = [quantized("x", shape, 0.05, zero), quantized("y", shape, 1 / 128)]
                yield one_node_graph(f"l2_normalization_{dtype.label}_{case}", node, tensors)
