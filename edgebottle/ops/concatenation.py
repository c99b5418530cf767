"""CONCATENATION: tensors joined along an axis, in place where the plan can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Offset, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    MANY,
    Activation,
    Emitter,
    RowOperator,
    Signature,
    one_node_graph,
    where,
)
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.channel_range import Range
from edgebottle.ops.movement import Copy, check_movable, data_input, normal_axis


@dataclass(frozen=True, kw_only=True)
class Concatenation(RowOperator):
    """The inputs one after the other along ``axis``, all of the same quantization.

    Limits:
        All inputs have the output's type, scale and zero point. No fused activation. Images are not
        joined along the batch.

    Attributes:
        axis: From the front.
    """

    OP: ClassVar[str] = "CONCATENATION"
    SIGNATURE: ClassVar[Signature] = Signature(
        "ConcatenationOptions", 1, MANY, fields=("i32", "i8")
    )
    STRIDED_OUTPUT: ClassVar[bool] = True
    MOVES: ClassVar[bool] = True

    axis: int

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
        label = f"{name} ({cls.OP})"
        if options is None:
            raise UnsupportedOp(f"{label} lacks its options")
        fused = Activation.from_tflite(options.fusedActivationFunction, label)
        if fused is not Activation.NONE:
            raise UnsupportedOp(f"{label} uses the fused activation {fused.name}")
        axis = normal_axis(int(options.axis), len(data_input(ins).shape), label)
        return cls(name=name, inputs=inputs, outputs=outputs, axis=axis)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import ConcatenationOptionsT

        options = ConcatenationOptionsT()
        options.axis = self.axis
        options.fusedActivationFunction = Activation.NONE.value
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        parts = [data_input(ins, index) for index in range(len(ins))]
        first = parts[0]
        for part in parts:
            alike = _without(part.shape, self.axis) == _without(first.shape, self.axis)
            if len(part.shape) != len(first.shape) or not alike:
                raise UnsupportedOp(
                    f"{where(self)} joins {list(first.shape)} and {list(part.shape)} along axis "
                    f"{self.axis}"
                )
        shape = list(first.shape)
        shape[self.axis] = sum(part.shape[self.axis] for part in parts)
        return ((tuple(shape), first.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, *range(len(ins)), copies=lambda: self._copies(ins, outs[0]))
        output = outs[0]
        for tensor in ins:
            if tensor is not None and tensor.dtype is not output.dtype:
                raise UnsupportedOp(f"{where(self)} joins tensors of different types")
            # LiteRT refuses this too: its int8 kernel does not rescale.
            if tensor is not None and tensor.quant != output.quant:
                raise UnsupportedOp(f"{where(self)} joins tensors of different quantization")
        if self.axis == 0 and len(output.shape) == 4 and len(ins) > 1:
            raise UnsupportedOp(
                f"{where(self)} joins batches, which edgebottle does not support yet"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        return (np.concatenate([value for value in values if value is not None], self.axis),)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """One behind the other along the axis."""
        return self._access(self._before(index, ins), outs)

    def accesses(self, ins: Tensors, outs: Sequence[Tensor]) -> Sequence[Access]:
        """The same of all inputs, whose elements are counted once."""
        sizes = (data_input(ins, index).shape[self.axis] for index in range(len(ins)))
        return [self._access(before, outs) for before in list(accumulate(sizes, initial=0))[:-1]]

    def _access(self, before: int, outs: Sequence[Tensor]) -> Access:
        """That of an input that begins after ``before`` elements along the axis."""
        joined = Offset(before)
        return tuple(joined if i == self.axis else Same() for i in range(len(outs[0].shape)))

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """See ``Operator``."""
        parts = list(ranges.values())
        is_channels = self.axis == len(outs[0].shape) - 1
        return Range.joined(parts) if is_channels else Range.around(parts)

    def _before(self, index: int, ins: Tensors) -> int:
        """Elements along the axis that come before input ``index``."""
        return sum(data_input(ins, i).shape[self.axis] for i in range(index))

    def _copies(self, ins: Tensors, output: Tensor) -> list[Copy]:
        """Each input, and its place in the output."""
        parts = [data_input(ins, index) for index in range(len(ins))]
        ends = list(accumulate((part.shape[self.axis] for part in parts), initial=0))
        return [
            (part.layout, output.layout.slice(self.axis, *place))
            for part, place in zip(parts, pairwise(ends), strict=True)
        ]

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        output = outs[0]
        e.include("eb_concatenation.h")
        pixel = e.out_pixel_stride() * output.layout.in_bytes.element_bytes
        return "\n    ".join(self._copy(e, index, ins, output, pixel) for index in range(len(ins)))

    def _copy(self, e: Emitter, index: int, ins: Tensors, output: Tensor, pixel: int) -> str:
        """Copies one input (row). ``pixel``: bytes from one output pixel to the next."""
        data = data_input(ins, index)
        rank = len(data.shape)
        before = self._before(index, ins)
        # Of a rank-4 tensor a call sees one row: its axes 0 and 1 have one element.
        seen = (1, 1, *data.shape[2:]) if rank == 4 else data.shape
        if self.axis == rank - 1:
            offset = output.layout.slice(self.axis, before, before + data.shape[-1]).offset
            blocks = (1, 0, _product(seen[:-1]), pixel)
        else:
            # Pixels that follow one index of the joined axis, in the output.
            within = _product(seen[self.axis + 1 : -1])
            offset = 0 if rank == 4 and self.axis == 1 else before * within * pixel
            joined = output.shape[self.axis] * within * pixel
            blocks = (_product(seen[: self.axis]), joined, seen[self.axis] * within, pixel)
        place = f"(uint8_t *){e.out_row()} + {offset}" if offset else e.out_row()
        arguments = f"{e.rows(index)}[0], {place}, {', '.join(map(str, blocks))}"
        return f"eb_concatenation_copy({arguments}, {data.layout.pixel_bytes});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shapes, axis, dtype in _CASES:
            names = tuple(f"x{index}" for index in range(len(shapes)))
            node = cls(name="concat", inputs=names, outputs=("y",), axis=axis)
            parts = [
                activation(name, shape, dtype) for name, shape in zip(names, shapes, strict=True)
            ]
            ((shape, _),) = node.infer(parts)
            output = activation("y", shape, dtype)
            yield one_node_graph(f"concatenation_{case}", node, [*parts, output])


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _product(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


_CASES: tuple[tuple[str, tuple[Shape, ...], int, DType], ...] = (
    ("channels", ((1, 3, 4, 2), (1, 3, 4, 5), (1, 3, 4, 1)), 3, DType.I8),
    ("width", ((1, 3, 4, 2), (1, 3, 1, 2)), 2, DType.I8),
    ("height", ((1, 3, 4, 2), (1, 1, 4, 2), (1, 2, 4, 2)), 1, DType.I8),
    ("batch_of_2", ((2, 3, 4, 2), (2, 3, 4, 3)), 3, DType.I8),
    ("batch_of_2_height", ((2, 3, 4, 2), (2, 1, 4, 2)), 1, DType.I8),
    ("vectors", ((1, 7), (1, 3)), 1, DType.I8),
    ("rank_3_first", ((1, 3, 4), (2, 3, 4)), 0, DType.I8),
    ("rank_3_middle", ((2, 3, 4), (2, 1, 4)), 1, DType.I8),
    ("rank_1", ((5,), (2,)), 0, DType.I8),
    ("rank_5", ((1, 2, 3, 2, 2), (1, 2, 1, 2, 2)), 2, DType.I8),
    ("one", ((1, 3, 4, 2),), 3, DType.I8),
    ("f32", ((1, 3, 4, 2), (1, 3, 4, 5)), 3, DType.F32),
    ("i32", ((1, 4), (3, 4)), 0, DType.I32),
    ("i16", ((1, 4, 3), (1, 4, 2)), 2, DType.I16),
)
