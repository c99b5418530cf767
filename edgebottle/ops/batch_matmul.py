"""BATCH_MATMUL: products of matrices, both of which may be computed at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, AxisMap, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import RowOperator, Signature, one_node_graph, require_dtype, where
from edgebottle.ops.batch_matmul_kernels import KERNELS
from edgebottle.ops.fixed_point import (
    MAX_SHIFT,
    check_scaled,
    check_zero_points,
    checked_multiplier,
    multiply_by_quantized_multiplier,
    multiply_wide,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator
from edgebottle.ops.movement import MAX_RANK, data_input
from edgebottle.ops.seen import Seen
from edgebottle.ops.table import per_tensor, saturate, value_of
from edgebottle.ops.weights import MAX_WIDE_SHIFT, MAX_WINDOW

Strides = tuple[int, ...]
"""Elements from one index to the next, along each axis of an operand."""


@dataclass(frozen=True, kw_only=True)
class BatchMatMul(KernelOperator, RowOperator):
    """Products of the matrices of the last two axes, batches broadcast against each other.

    LiteRT's multiplier of integers is the float32 product of the operands' scales over the output's
    scale; sums of int8 are rounded twice, those of int16 have 64 bits.

    Where the rows of the left matrix are the rows of its tensor, and those of the product the rows
    of the output, it computes rows: one token's scores of all heads from its queries and from all
    the keys.

    Limits:
        2 to 6 axes. At most 131,071 products for each output.

    Attributes:
        transposes_a: The last two axes of a are exchanged first.
        transposes_b: Those of b.
        seen_a: How a is seen before that; None for as it is. Only passes set this and what follows.
        seen_b: How b is.
        seen_y: How the output is seen as the product.
        shape: Of the output, where it is not that of the product.
    """

    OP: ClassVar[str] = "BATCH_MATMUL"
    SIGNATURE: ClassVar[Signature] = Signature(
        "BatchMatMulOptions", 2, 2, fields=("bool", "bool", "bool")
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = KERNELS

    transposes_a: bool = False
    transposes_b: bool = False
    seen_a: Seen | None = None
    seen_b: Seen | None = None
    seen_y: Seen | None = None
    shape: Shape | None = None

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

        if (self.seen_a, self.seen_b, self.seen_y, self.shape) != (None,) * 4:
            raise UnsupportedOp(f"{where(self)} sees its operands as TFLite cannot express it")
        options = BatchMatMulOptionsT()
        options.adjX, options.adjY = self.transposes_a, self.transposes_b
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        product = self.product(ins)
        stored = product if self.seen_y is None else self.seen_y.shape
        return ((stored if self.shape is None else self.shape, data_input(ins).dtype),)

    def product(self, ins: Tensors) -> Shape:
        """The shape of the product: batches, rows, columns; raises ``UnsupportedOp``."""
        operands = [self.seen(ins, index).seen for index in (0, 1)]
        if not all(2 <= len(shape) <= MAX_RANK for shape in operands):
            raise UnsupportedOp(f"{where(self)} needs operands of 2 to {MAX_RANK} axes")
        left = _turned(operands[0], self.transposes_a)
        right = _turned(operands[1], self.transposes_b)
        try:
            batches = np.broadcast_shapes(left[:-2], right[:-2])
        except ValueError:
            batches = None
        if batches is None or left[-1] != right[-2]:
            raise UnsupportedOp(
                f"{where(self)} multiplies the shapes {list(left)} and {list(right)}"
            )
        return (*batches, left[-2], right[-1])

    def seen(self, ins: Tensors, index: int) -> Seen:
        """How an operand is seen."""
        return (self.seen_a, self.seen_b)[index] or Seen.plain(data_input(ins, index).shape)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        a, b = data_input(ins, 0), data_input(ins, 1)
        require_dtype(self, a, DType.I8, DType.I16, DType.F32)
        require_dtype(self, b, a.dtype)
        require_dtype(self, outs[0], a.dtype)
        if self.seen_y is not None and self.seen_y.order[-1] != len(self.seen_y.order) - 1:
            raise UnsupportedOp(f"{where(self)} has columns that do not lie side by side")
        if a.dtype is DType.I8:
            # A difference from the zero point has 9 bits, with its sign: four products of int8.
            if self.depth(ins) > MAX_WINDOW // 4:
                raise UnsupportedOp(
                    f"{where(self)} sums {self.depth(ins)} products for each output; edgebottle "
                    f"supports {MAX_WINDOW // 4}"
                )
            self.multiplier(ins, outs[0])
        if a.dtype is DType.I16:
            self._check_int16(ins, outs[0])

    def _check_int16(self, ins: Tensors, output: Tensor) -> None:
        """Zero points are 0, sums have at most 47 bits, and scaled ones fit int32."""
        a, b, depth = data_input(ins, 0), data_input(ins, 1), self.depth(ins)
        check_zero_points(where(self), a, b, output)
        if depth > MAX_WINDOW:
            raise UnsupportedOp(
                f"{where(self)} sums {depth} products for each output; edgebottle "
                f"supports {MAX_WINDOW}"
            )
        self.multiplier(ins, output)
        check_scaled(where(self), depth * 2.0**30 * a.scale * b.scale / output.scale)

    def depth(self, ins: Tensors) -> int:
        """Products of an output."""
        return _turned(self.seen(ins, 0).seen, self.transposes_a)[-1]

    def multiplier(self, ins: Tensors, output: Tensor) -> tuple[int, int]:
        """Multiplier and shift of the sums."""
        a, b = (np.float32(data_input(ins, index).scale) for index in (0, 1))
        scale = float(a * b) / float(np.float32(output.scale))
        limit = MAX_WIDE_SHIFT if output.dtype is DType.I16 else MAX_SHIFT
        return checked_multiplier(where(self), scale, limit)

    def strides(self, ins: Tensors, index: int) -> Strides:
        """Of an operand, transposed, with batches of ``MAX_RANK`` axes; 0 where it is broadcast."""
        tensor, seen = data_input(ins, index), self.seen(ins, index)
        *batches, outer, inner = _steps(tensor, seen)
        pairs = zip(seen.seen[:-2], batches, strict=True)
        steps = [0 if dim == 1 else step for dim, step in pairs]
        missing = MAX_RANK - len(seen.order)
        transposes = (self.transposes_a, self.transposes_b)[index]
        return (*(0,) * missing, *steps, *_turned((outer, inner), transposes))

    def out_strides(self, ins: Tensors, output: Tensor) -> Strides:
        """Of the product within the output, likewise."""
        seen = self.seen_y or Seen.plain(self.product(ins))
        return (*(0,) * (MAX_RANK - len(seen.order)), *_steps(output, seen))

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """Row by row of a, with all of b, where the rows of matrices are rows of tensors."""
        a, b, output = data_input(ins, 0), data_input(ins, 1), outs[0]
        if any(one.layout.row_axis is None or one.layout.images > 1 for one in (a, b, output)):
            return None
        row_strides = self.strides(ins, 0)[-2], self.out_strides(ins, output)[-2]
        for tensor, row_stride in zip((a, output), row_strides, strict=True):
            layout = tensor.layout
            rows = (layout.image_rows, layout.row_elements)
            if rows != (self.product(ins)[-2], row_stride):
                return None
        if index == 0:
            return (Same(), Same(), *map(All, a.shape[2:]))
        return (Same(), *map(All, b.shape[1:]))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: no channel can be taken away."""
        return None

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        a, b = (self.seen(ins, index).read(value_of(values, index)) for index in (0, 1))
        left = np.swapaxes(a, -1, -2) if self.transposes_a else a
        right = np.swapaxes(b, -1, -2) if self.transposes_b else b
        product = self._product(left, right, ins, outs[0])
        stored = product if self.seen_y is None else self.seen_y.stored(product)
        return (np.ascontiguousarray(stored).reshape(outs[0].shape),)

    def _product(self, left: Array, right: Array, ins: Tensors, output: Tensor) -> Array:
        if output.dtype is DType.F32:
            return np.asarray(left @ right, np.float32)
        multiplier = self.multiplier(ins, output)
        if output.dtype is DType.I16:
            total = np.matmul(left.astype(np.int64), right.astype(np.int64))
            return saturate(multiply_wide(total, *multiplier), DType.I16)
        # Sums of products below 2^53 are exact in float64, in any order.
        centred = (
            one.astype(np.float64) - data_input(ins, index).zero_point
            for index, one in enumerate((left, right))
        )
        total = wrap_int32(np.matmul(*centred).astype(np.int64))
        scaled = multiply_by_quantized_multiplier(total, *multiplier)
        return saturate(scaled + output.zero_point, DType.I8)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return outs[0].size * self.depth(ins)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shapes, transposes in _CASES:
            quants = per_tensor(0.05, -3), per_tensor(0.03, 11), per_tensor(0.04, 5)
            for dtype, quant in ((DType.I8, quants), (DType.F32, (None, None, None))):
                yield cls._case(f"{dtype.label}_{case}", shapes, transposes, dtype, quant)
        for case, shapes, transposes, seen, shape in _SEEN_CASES:
            attributes = {"seen_a": seen[0], "seen_b": seen[1], "seen_y": seen[2], "shape": shape}
            quants = per_tensor(0.05, -3), per_tensor(0.03, 11), per_tensor(0.04, 5)
            yield cls._case(case, shapes, transposes, DType.I8, quants, **attributes)
            yield cls._case(f"{case}_f32", shapes, transposes, DType.F32, (None,) * 3, **attributes)
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
        **attributes: Any,
    ) -> Graph:
        node = cls(
            name="matmul",
            inputs=("a", "b"),
            outputs=("y",),
            transposes_a=transposes[0],
            transposes_b=transposes[1],
            **attributes,
        )
        operands = [
            Tensor(name, shape, dtype, quant)
            for name, shape, quant in zip("ab", shapes, quants, strict=False)
        ]
        ((shape, _),) = node.infer(operands)
        output = Tensor("y", shape, dtype, quants[2])
        return one_node_graph(f"batch_matmul_{case}", node, [*operands, output])


def _steps(tensor: Tensor, seen: Seen) -> Strides:
    """Elements from one index to the next along each axis that is seen."""
    layout = seen.layout(tensor.dtype.bits)
    return tuple(stride // layout.element_bytes for stride in layout.byte_strides)


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
    ("columns", ((2, 7, 13), (2, 13, 11)), (False, False)),
    ("dots", ((2, 7, 13), (2, 11, 13)), (False, True)),
)

_HEADS = Seen((1, 5, 3, 8), (0, 2, 1, 3))
_SCORES = Seen((1, 5, 3, 7), (0, 2, 1, 3))

_SEEN_CASES: tuple[
    tuple[
        str,
        tuple[Shape, Shape],
        tuple[bool, bool],
        tuple[Seen | None, Seen | None, Seen | None],
        Shape | None,
    ],
    ...,
] = (
    (
        "scores_by_rows",
        ((1, 5, 1, 24), (1, 7, 1, 24)),
        (False, True),
        (_HEADS, Seen((1, 7, 3, 8), (0, 2, 1, 3)), _SCORES),
        None,
    ),
    (
        "values_by_rows",
        ((1, 5, 3, 7), (1, 7, 1, 24)),
        (False, False),
        (_SCORES, Seen((1, 7, 3, 8), (0, 2, 1, 3)), _HEADS),
        (1, 5, 1, 24),
    ),
    (
        "one_head_by_rows",
        ((1, 6, 1, 9), (1, 4, 1, 9)),
        (False, True),
        (Seen.plain((1, 6, 9)), Seen.plain((1, 4, 9)), None),
        (1, 6, 1, 4),
    ),
    (
        "heads_of_two_images",
        ((2, 5, 24), (2, 5, 24)),
        (False, True),
        (Seen((2, 5, 3, 8), (0, 2, 1, 3)), Seen((2, 5, 3, 8), (0, 2, 1, 3)), None),
        None,
    ),
    ("depth_outside", ((6, 5), (6, 4)), (False, False), (Seen((6, 5), (1, 0)), None, None), None),
)
