"""CAST: elements of one type as those of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer
from edgebottle.ops.table import UnaryOperator, UnaryRows, integer_range, tensor_of, value_of


class CastRows(UnaryRows):
    """A conversion of each element."""

    def rest(self, layer: Layer[Cast], e: Emitter) -> tuple[str, ...]:
        """Nothing."""
        return ()


def _rows(source: DType, target: DType, function: str) -> CastRows:
    return CastRows((source, target), function, "eb_cast.h")


@dataclass(frozen=True, kw_only=True)
class Cast(KernelOperator, UnaryOperator):
    """The stored elements as those of another type: scales are not looked at.

    Floats lose their fraction and stay within the type, integers wrap, and what is not zero is
    true.

    Attributes:
        dtype: The type of the output.
    """

    dtype: DType

    OP: ClassVar[str] = "CAST"
    SIGNATURE: ClassVar[Signature] = Signature("CastOptions", 1, 1, version=1)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _rows(DType.I8, DType.I32, "eb_cast_s8_s32_row"),
        _rows(DType.I8, DType.F32, "eb_cast_s8_f32_row"),
        _rows(DType.I8, DType.BOOL, "eb_cast_s8_bool_row"),
        _rows(DType.I8, DType.I16, "eb_cast_s8_s16_row"),
        _rows(DType.I16, DType.I8, "eb_cast_s16_s8_row"),
        _rows(DType.I16, DType.I32, "eb_cast_s16_s32_row"),
        _rows(DType.I16, DType.F32, "eb_cast_s16_f32_row"),
        _rows(DType.I16, DType.BOOL, "eb_cast_s16_bool_row"),
        _rows(DType.I32, DType.I8, "eb_cast_s32_s8_row"),
        _rows(DType.I32, DType.I16, "eb_cast_s32_s16_row"),
        _rows(DType.I32, DType.F32, "eb_cast_s32_f32_row"),
        _rows(DType.I32, DType.BOOL, "eb_cast_s32_bool_row"),
        _rows(DType.I64, DType.I32, "eb_cast_s64_s32_row"),
        _rows(DType.I64, DType.F32, "eb_cast_s64_f32_row"),
        _rows(DType.F32, DType.I8, "eb_cast_f32_s8_row"),
        _rows(DType.F32, DType.I16, "eb_cast_f32_s16_row"),
        _rows(DType.F32, DType.I32, "eb_cast_f32_s32_row"),
        _rows(DType.F32, DType.BOOL, "eb_cast_f32_bool_row"),
        _rows(DType.BOOL, DType.I32, "eb_cast_bool_s32_row"),
        _rows(DType.BOOL, DType.F32, "eb_cast_bool_f32_row"),
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
        """The output's type; the options, which repeat it, are not looked at, as in LiteRT."""
        return cls(name=name, inputs=inputs, outputs=outputs, dtype=outs[0].dtype)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The shape of the input."""
        return ((tensor_of(ins).shape, self.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts the conversions that there are kernels for."""
        source = tensor_of(ins)
        pairs = [kernel.types for kernel in self.KERNELS if isinstance(kernel, CastRows)]
        if source.data is None and (source.dtype, self.dtype) not in pairs:
            raise UnsupportedOp(
                f"{where(self)} casts {source.dtype.label} to {self.dtype.label}, which edgebottle "
                "does not support"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The conversion; of floats within the type."""
        value = value_of(values)
        if value.dtype.kind == "f" and self.dtype in (DType.I8, DType.I16, DType.I32):
            low, high = integer_range(self.dtype)
            whole = np.trunc(np.nan_to_num(value.astype(np.float64), nan=high))
            value = np.clip(whole, low, high)
        return (value.astype(self.dtype.numpy),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Every pair of types."""
        for kernel in cls.KERNELS:
            assert isinstance(kernel, CastRows)
            source, target = kernel.types
            case = f"cast_{source.label}_{target.label}"
            node = cls(name="cast", inputs=("x",), outputs=("y",), dtype=target)
            x = activation("x", (1, 3, 4, 5), source)
            yield one_node_graph(case, node, [x, activation("y", x.shape, target)])
