"""DEQUANTIZE: integers to float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, require_dtype
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    UnaryOperator,
    UnaryRows,
    per_tensor,
    tensor_of,
    value_of,
)


class _DequantizeRows(UnaryRows):
    """Products with the scale."""

    def rest(self, layer: Layer[Dequantize], e: Emitter) -> tuple[str, ...]:
        """Scale and zero point."""
        tensor = tensor_of(layer.ins)
        fields = {"scale": float(np.float32(tensor.scale)), "zero_point": tensor.zero_point}
        return (e.params("eb_dequantize", fields),)


@dataclass(frozen=True, kw_only=True)
class Dequantize(KernelOperator, UnaryOperator):
    """scale * (stored - zero_point), in single precision; a float16 constant is its value.

    Limits:
        One scale for the whole tensor; a constant may have one per channel.
    """

    OP = "DEQUANTIZE"
    SIGNATURE: ClassVar[Signature] = Signature("DequantizeOptions", 1, 1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _DequantizeRows((DType.I8,), "eb_dequantize_s8_row", "eb_quantize.h"),
        _DequantizeRows((DType.U8,), "eb_dequantize_u8_row", "eb_quantize.h"),
        _DequantizeRows((DType.I16,), "eb_dequantize_s16_row", "eb_quantize.h"),
    )

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The shape of the input, float32."""
        return ((tensor_of(ins).shape, DType.F32),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int8, uint8 and int16, quantized per tensor; a constant per channel as well."""
        tensor = tensor_of(ins)
        if tensor.data is not None and tensor.dtype is DType.F16:
            return
        require_dtype(self, tensor, DType.I8, DType.U8, DType.I16)
        if tensor.data is None:
            _ = tensor.scale

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The product; it has at most 41 bits, so single precision rounds once."""
        if tensor_of(ins).dtype is DType.F16:
            return (value_of(values).astype(np.float32),)
        scale, zero_point = _along_axis(tensor_of(ins))
        centered = (value_of(values).astype(np.int64) - zero_point).astype(np.float32)
        with np.errstate(over="ignore"):
            return (np.asarray(scale * centered, dtype=np.float32),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Types, ranks, zero points."""
        for label, shape in CASE_SHAPES:
            yield cls._case(f"dequantize_{label}", shape, DType.I8, 0.05, -3)
        for dtype, zeros in ((DType.I8, (-128, 127)), (DType.U8, (0, 255)), (DType.I16, (0,))):
            for zero in zeros:
                for scale in (0.0007, 1.0, 3.3):
                    case = f"dequantize_{dtype.label}_{scale}_zero_{zero}"
                    yield cls._case(case, EVERY_VALUE, dtype, scale, zero)

    @classmethod
    def _case(cls, case: str, shape: Shape, dtype: DType, scale: float, zero: int) -> Graph:
        x = Tensor("x", shape, dtype, per_tensor(scale, zero))
        y = Tensor("y", shape, DType.F32)
        return one_node_graph(case, cls(name=case, inputs=("x",), outputs=("y",)), (x, y))


def _along_axis(tensor: Tensor) -> tuple[Array, Array]:
    """Scales, float32, and zero points, in a shape that broadcasts against the tensor's."""
    if tensor.quant is None:
        raise UnsupportedOp(f"tensor '{tensor.name}' has no quantization")
    shape = [1] * len(tensor.shape)
    if tensor.quant.axis is not None:
        shape[tensor.quant.axis] = -1
    scale = np.array(tensor.quant.scale, dtype=np.float32)
    zero_point = np.array(tensor.quant.zero_point, dtype=np.int64)
    return scale.reshape(shape), zero_point.reshape(shape)
