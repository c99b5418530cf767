"""BATCH_MATMUL: products of matrices, both of which may be computed at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.fixed_point import (
    MAX_SHIFT,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    multiply_wide,
    reduced_multiplier,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import MAX_RANK, data_input
from edgebottle.ops.table import per_tensor, saturate, value_of
from edgebottle.ops.weights import MAX_WIDE_SHIFT, MAX_WINDOW

BATCH_AXES = MAX_RANK - 2
"""Axes of batches that the kernels walk along."""

Strides = tuple[int, ...]
"""Elements from one index to the next, along each axis of an operand."""


class _Products(TypedKernel["BatchMatMul"]):
    """Element by element, for any order of the axes."""

    def emit(self, layer: Layer[BatchMatMul], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node, (a, b) = layer.node, (data_input(layer.ins, i) for i in (0, 1))
        output = layer.output
        left, right = (node.strides(layer.ins, index) for index in (0, 1))
        batches = (1,) * (MAX_RANK - len(output.shape)) + output.shape[:-2]
        fields: dict[str, CValue] = {
            "batches": batches,
            "a_batch_strides": left[:-2],
            "b_batch_strides": right[:-2],
            "rows": output.shape[-2],
            "columns": output.shape[-1],
            "depth": node.depth(a),
            "a_row_stride": left[-2],
            "a_depth_stride": left[-1],
            "b_depth_stride": right[-2],
            "b_column_stride": right[-1],
        }
        struct = "eb_batch_matmul_f32"
        if output.dtype.is_quantized:
            struct = "eb_batch_matmul"
            multiplier, shift = node.multiplier(layer.ins, output)
            if output.dtype is DType.I16:
                multiplier = int(reduced_multiplier(multiplier))
            fields |= {
                "a_zero_point": a.zero_point,
                "b_zero_point": b.zero_point,
                "out_zero_point": output.zero_point,
                "multiplier": multiplier,
                "shift": shift,
            }
        e.include("eb_batch_matmul.h")
        pointers = f"{e.input(0)}, {e.input(1)}, {e.output()}"
        return f"{self.function}({e.params(struct, fields)}, {pointers});"


@dataclass(frozen=True, kw_only=True)
class BatchMatMul(KernelOperator):
    """Products of the matrices of the last two axes, batches broadcast against each other.

    LiteRT's multiplier of integers is the float32 product of the operands' scales over the output's
    scale; sums of int8 are rounded twice, those of int16 have 64 bits.

    Limits:
        2 to 6 axes. At most 131,071 products for each output.

    Attributes:
        transposes_a: The last two axes of a are exchanged first.
        transposes_b: Those of b.
    """

    OP: ClassVar[str] = "BATCH_MATMUL"
    SIGNATURE: ClassVar[Signature] = Signature(
        "BatchMatMulOptions", 2, 2, fields=("bool", "bool", "bool")
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _Products((DType.I8,), "eb_batch_matmul_s8"),
        _Products((DType.I16,), "eb_batch_matmul_s16"),
        _Products((DType.F32,), "eb_batch_matmul_f32_all"),
    )

    transposes_a: bool = False
    transposes_b: bool = False

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
        """See ``Operator``."""
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            transposes_a=options is not None and bool(options.adjX),
            transposes_b=options is not None and bool(options.adjY),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import BatchMatMulOptionsT

        options = BatchMatMulOptionsT()
        options.adjX, options.adjY = self.transposes_a, self.transposes_b
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        a, b = data_input(ins, 0), data_input(ins, 1)
        if not all(2 <= len(one.shape) <= MAX_RANK for one in (a, b)):
            raise UnsupportedOp(f"{where(self)} needs operands of 2 to {MAX_RANK} axes")
        left, right = _turned(a.shape, self.transposes_a), _turned(b.shape, self.transposes_b)
        try:
            batches = np.broadcast_shapes(left[:-2], right[:-2])
        except ValueError:
            batches = None
        if batches is None or left[-1] != right[-2]:
            raise UnsupportedOp(
                f"{where(self)} multiplies the shapes {list(left)} and {list(right)}"
            )
        return (((*batches, left[-2], right[-1]), a.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        a, b = data_input(ins, 0), data_input(ins, 1)
        require_dtype(self, a, DType.I8, DType.I16, DType.F32)
        require_dtype(self, b, a.dtype)
        require_dtype(self, outs[0], a.dtype)
        if a.dtype is DType.I8:
            # A difference from the zero point has 9 bits, with its sign: four products of int8.
            if self.depth(a) > MAX_WINDOW // 4:
                raise UnsupportedOp(
                    f"{where(self)} sums {self.depth(a)} products for each output; edgebottle "
                    f"supports {MAX_WINDOW // 4}"
                )
            self.multiplier(ins, outs[0])
        if a.dtype is DType.I16:
            self._check_int16(a, b, outs[0])

    def _check_int16(self, a: Tensor, b: Tensor, output: Tensor) -> None:
        """Zero points are 0, sums have at most 47 bits, and scaled ones fit int32."""
        if any(one.zero_point for one in (a, b, output)):
            raise UnsupportedOp(f"{where(self)} has 16-bit activations with a zero point")
        if self.depth(a) > MAX_WINDOW:
            raise UnsupportedOp(
                f"{where(self)} sums {self.depth(a)} products for each output; edgebottle "
                f"supports {MAX_WINDOW}"
            )
        self.multiplier((a, b), output)
        reach = self.depth(a) * 2.0**30 * a.scale * b.scale / output.scale
        if reach >= 2.0**31:
            raise UnsupportedOp(
                f"{where(self)} scales its sums up to {reach:.2g}, and 32-bit arithmetic takes "
                "less than 2^31; quantize the model anew, with representative data"
            )

    def depth(self, a: Tensor) -> int:
        """Products of an output."""
        return a.shape[-2] if self.transposes_a else a.shape[-1]

    def multiplier(self, ins: Tensors, output: Tensor) -> tuple[int, int]:
        """Multiplier and shift of the sums."""
        a, b = (np.float32(data_input(ins, index).scale) for index in (0, 1))
        scale = float(a * b) / float(np.float32(output.scale))
        limit = MAX_WIDE_SHIFT if output.dtype is DType.I16 else MAX_SHIFT
        return checked_multiplier(where(self), scale, limit)

    def strides(self, ins: Tensors, index: int) -> Strides:
        """Of an operand, transposed, with ``BATCH_AXES`` axes before; 0 where it is broadcast."""
        tensor = data_input(ins, index)
        steps = [stride // tensor.layout.element_bytes for stride in tensor.layout.byte_strides]
        pairs = zip(tensor.shape[:-2], steps[:-2], strict=True)
        batches = [0 if dim == 1 else step for dim, step in pairs]
        missing = MAX_RANK - len(tensor.shape)
        transposes = (self.transposes_a, self.transposes_b)[index]
        return (*(0,) * missing, *batches, *_turned(tuple(steps[-2:]), transposes))

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        a, b = value_of(values, 0), value_of(values, 1)
        left = np.swapaxes(a, -1, -2) if self.transposes_a else a
        right = np.swapaxes(b, -1, -2) if self.transposes_b else b
        output = outs[0]
        if output.dtype is DType.F32:
            return (np.asarray(left @ right, np.float32),)
        multiplier = self.multiplier(ins, output)
        if output.dtype is DType.I16:
            total = np.matmul(left.astype(np.int64), right.astype(np.int64))
            return (saturate(multiply_wide(total, *multiplier), DType.I16),)
        # Sums of products below 2^53 are exact in float64, in any order.
        centred = (
            one.astype(np.float64) - data_input(ins, index).zero_point
            for index, one in enumerate((left, right))
        )
        total = wrap_int32(np.matmul(*centred).astype(np.int64))
        scaled = multiply_by_quantized_multiplier(total, *multiplier)
        return (saturate(scaled + output.zero_point, DType.I8),)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return outs[0].size * self.depth(data_input(ins, 0))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shapes, transposes in _CASES:
            quants = per_tensor(0.05, -3), per_tensor(0.03, 11), per_tensor(0.04, 5)
            for dtype, quant in ((DType.I8, quants), (DType.F32, (None, None, None))):
                yield cls._case(f"{dtype.label}_{case}", shapes, transposes, dtype, quant)
        for number, (a, b, out) in enumerate(((0.9, 0.8, 0.004), (0.001, 0.002, 0.9))):
            quants = per_tensor(a, -128), per_tensor(b, 127), per_tensor(out, -1)
            shapes = ((1, 5, 7), (1, 7, 6))
            yield cls._case(f"scales_{number}", shapes, (False, False), DType.I8, quants)
        for case, out in (("turned", 0.003), ("saturated", 0.0004)):
            quants = per_tensor(0.0005, 0), per_tensor(0.0003, 0), per_tensor(out, 0)
            shapes = ((2, 1, 5, 3), (3, 5, 4))
            yield cls._case(f"i16_{case}", shapes, (True, False), DType.I16, quants)

    @classmethod
    def _case(
        cls,
        case: str,
        shapes: tuple[Shape, Shape],
        transposes: tuple[bool, bool],
        dtype: DType,
        quants: Sequence[Quant | None],
    ) -> Graph:
        node = cls(
            name="matmul",
            inputs=("a", "b"),
            outputs=("y",),
            transposes_a=transposes[0],
            transposes_b=transposes[1],
        )
        operands = [
            Tensor(name, shape, dtype, quant)
            for name, shape, quant in zip("ab", shapes, quants, strict=False)
        ]
        ((shape, _),) = node.infer(operands)
        output = Tensor("y", shape, dtype, quants[2])
        return one_node_graph(f"batch_matmul_{case}", node, [*operands, output])


def _turned(shape: Shape, transposes: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if transposes else shape


_CASES: tuple[tuple[str, tuple[Shape, Shape], tuple[bool, bool]], ...] = (
    ("matrices", ((3, 5), (5, 4)), (False, False)),
    ("heads", ((1, 2, 6, 4), (1, 2, 4, 6)), (False, False)),
    ("transposed_b", ((1, 2, 6, 4), (1, 2, 6, 4)), (False, True)),
    ("transposed_a", ((2, 5, 3), (2, 5, 4)), (True, False)),
    ("transposed_both", ((2, 5, 3), (2, 4, 5)), (True, True)),
    ("broadcast_b", ((3, 2, 4, 5), (5, 3)), (False, False)),
    ("broadcast_both", ((3, 1, 2, 5), (1, 2, 5, 3)), (False, False)),
    ("rank_5", ((2, 1, 2, 3, 4), (1, 2, 1, 4, 2)), (False, False)),
    ("vector", ((1, 1, 9), (1, 9, 1)), (False, False)),
)
