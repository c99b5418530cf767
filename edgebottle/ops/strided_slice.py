"""STRIDED_SLICE: a regular part of a tensor, as in NumPy's ``x[begin:end:stride]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Offset, window
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
)


@dataclass(frozen=True)
class _Axis:
    """What becomes of one axis: ``count`` elements from ``start``, ``step`` apart.

    Attributes:
        source: The input's axis; None for a new axis.
        start: First index.
        step: Of any sign, not 0.
        count: At least 1.
        kept: The output has this axis.
    """

    source: int | None
    start: int
    step: int
    count: int
    kept: bool


@dataclass(frozen=True, kw_only=True)
class StridedSlice(Operator):
    """A slice; inputs 1, 2 and 3 hold ``begin``, ``end`` and ``strides``.

    Bit i of a mask is about entry i of these, which need not be one per axis of the input.

    Limits:
        At most 6 axes. Begin, end and strides are constants; the result is not empty.

    Attributes:
        begin: First index, counted from the end when negative.
        end: Index after the last, likewise.
        strides: Not 0.
        begin_mask: Entries without a begin.
        end_mask: Entries without an end.
        ellipsis_mask: The entry, at most one, that stands for all axes not mentioned.
        new_axis_mask: Entries that make a new axis.
        shrink_axis_mask: Entries that pick one index and drop the axis.
    """

    OP: ClassVar[str] = "STRIDED_SLICE"
    SIGNATURE: ClassVar[Signature] = Signature(
        "StridedSliceOptions", 4, 4, fields=("i32", "i32", "i32", "i32", "i32", "bool")
    )
    MOVES: ClassVar[bool] = True

    begin: tuple[int, ...]
    end: tuple[int, ...]
    strides: tuple[int, ...]
    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0

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
        if options is None or len(ins) != 4:
            raise UnsupportedOp(f"{label} lacks its options or an operand")
        begin, end, strides = (constant_ints(tensor, label) for tensor in ins[1:4])
        if not len(begin) == len(end) == len(strides) or 0 in strides:
            raise UnsupportedOp(f"{label} has {begin}, {end}, {strides} as begin, end and strides")
        if getattr(options, "offset", False):
            end = tuple(first + count for first, count in zip(begin, end, strict=True))
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            begin=begin,
            end=end,
            strides=strides,
            begin_mask=int(options.beginMask),
            end_mask=int(options.endMask),
            ellipsis_mask=int(options.ellipsisMask),
            new_axis_mask=int(options.newAxisMask),
            shrink_axis_mask=int(options.shrinkAxisMask),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import StridedSliceOptionsT

        options = StridedSliceOptionsT()
        options.beginMask = self.begin_mask
        options.endMask = self.end_mask
        options.ellipsisMask = self.ellipsis_mask
        options.newAxisMask = self.new_axis_mask
        options.shrinkAxisMask = self.shrink_axis_mask
        return options

    def _axes(self, shape: Shape) -> list[_Axis]:
        """What becomes of each axis, in the order of the output."""
        entries = range(len(self.begin))
        mentioned = sum(
            not (self._bit("ellipsis_mask", i) or self._bit("new_axis_mask", i)) for i in entries
        )
        rest = len(shape) - mentioned
        if rest < 0 or self.ellipsis_mask.bit_count() > 1:
            raise UnsupportedOp(f"{self.name} ({self.OP}) slices more axes than {list(shape)} has")
        axes: list[_Axis] = []
        source = 0
        for i in entries:
            if self._bit("ellipsis_mask", i):
                axes += [_Axis(source + k, 0, 1, shape[source + k], True) for k in range(rest)]
                source += rest
            elif self._bit("new_axis_mask", i):
                axes.append(_Axis(None, 0, 1, 1, True))
            else:
                axes.append(self._axis(i, source, shape[source]))
                source += 1
        axes += [_Axis(axis, 0, 1, shape[axis], True) for axis in range(source, len(shape))]
        return axes

    def _axis(self, i: int, source: int, dim: int) -> _Axis:
        """Entry ``i``, which is about input axis ``source``."""
        if self._bit("shrink_axis_mask", i):
            start = 0 if self._bit("begin_mask", i) else self.begin[i]
            if not -dim <= start < dim or self.strides[i] < 0:
                raise UnsupportedOp(
                    f"{self.name} ({self.OP}) picks index {start} with the stride "
                    f"{self.strides[i]} of an axis with {dim} elements"
                )
            return _Axis(source, start % dim, 1, 1, False)
        begin = None if self._bit("begin_mask", i) else self.begin[i]
        end = None if self._bit("end_mask", i) else self.end[i]
        picked = range(dim)[begin : end : self.strides[i]]
        if not picked:
            raise UnsupportedOp(f"{self.name} ({self.OP}) has an empty result")
        return _Axis(source, picked.start, picked.step, len(picked), True)

    def _bit(self, mask: str, i: int) -> bool:
        return bool(getattr(self, mask) >> i & 1)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        shape = tuple(axis.count for axis in self._axes(data.shape) if axis.kept)
        return ((shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(
            self, ins, outs, 0, copies=lambda: [(self._source(data_input(ins)), outs[0].layout)]
        )

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """The picked places, where the result has the axes of the input."""
        axes = self._axes(data_input(ins).shape)
        if index != 0 or not all(axis.kept and axis.source == i for i, axis in enumerate(axes)):
            return None
        return tuple(
            window(axis.step, 1, padding=(-axis.start, 0))
            if axis.step != 1
            else Offset(-axis.start)
            for axis in axes
        )

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: begin and end count channels."""
        return None

    def attribute_operands(self) -> Mapping[int, Sequence[int]]:
        """Begin, end and strides."""
        return {1: self.begin, 2: self.end, 3: self.strides}

    def _source(self, data: Tensor) -> Layout:
        """The picked elements; axes that are dropped count one element."""
        layout, axes = data.layout, self._axes(data.shape)
        for axis in axes:
            if axis.source is not None:
                stop = axis.start + axis.count * axis.step
                layout = layout.slice(axis.source, axis.start, stop, axis.step)
        return layout.permuted([axis.source for axis in axes if axis.kept])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        for axis in self._axes(data.shape):
            if axis.source is not None:
                picked = axis.start + axis.step * np.arange(axis.count)
                data = np.take(data, picked, axis.source)
        return (data.reshape(outs[0].shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        data, output = data_input(ins), outs[0]
        source = self._source(data)
        params = copy_params(e, source, output.layout)
        return copy_call(params, e.input(0), source.offset, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, bounds, masks, dtype in _CASES:
            begin, end, strides = bounds
            node = cls(
                name="slice",
                inputs=("x", "begin", "end", "strides"),
                outputs=("y",),
                begin=begin,
                end=end,
                strides=strides,
                **masks,
            )
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            operands = [
                indices("begin", *begin),
                indices("end", *end),
                indices("strides", *strides),
            ]
            output = activation("y", out_shape, dtype)
            yield one_node_graph(f"strided_slice_{case}", node, [data, *operands, output])


_Ints = tuple[int, ...]
_CASES: tuple[tuple[str, Shape, tuple[_Ints, _Ints, _Ints], dict[str, int], DType], ...] = (
    ("rows", (1, 6, 4, 3), ((0, 1, 0, 0), (1, 5, 4, 3), (1, 2, 1, 1)), {}, DType.I8),
    ("inner", (1, 6, 4, 3), ((0, 0, 1, 1), (1, 6, 3, 3), (1, 1, 1, 1)), {}, DType.I8),
    ("negative", (2, 5), ((0, -4), (2, -1), (1, 2)), {}, DType.I8),
    ("backwards", (2, 5, 3), ((1, 4, 2), (-3, 0, -4), (-1, -2, -1)), {}, DType.I8),
    (
        "masks",
        (2, 5, 3),
        ((1, 2, 1), (1, 3, 2), (1, -1, 1)),
        {"begin_mask": 0b011, "end_mask": 0b110},
        DType.I8,
    ),
    ("beyond", (2, 5), ((0, -9), (9, 99), (1, 3)), {}, DType.I8),
    ("beyond_backwards", (2, 5), ((9, 99), (-9, -99), (-1, -3)), {}, DType.I8),
    (
        "shrink",
        (3, 5, 4),
        ((1, 0, -1), (2, 5, 0), (1, 2, 1)),
        {"shrink_axis_mask": 0b101},
        DType.I8,
    ),
    (
        "ellipsis",
        (2, 3, 4, 5),
        ((1, 0, 1), (2, 0, 4), (1, 1, 2)),
        {"ellipsis_mask": 0b010},
        DType.I8,
    ),
    ("new_axis", (3, 5), ((0, 1, 0), (0, 3, 4), (1, 1, 1)), {"new_axis_mask": 0b001}, DType.I8),
    (
        "ellipsis_new_axis_shrink",
        (2, 3, 4),
        ((0, 0, 0, 1), (0, 0, 0, 2), (1, 1, 1, 1)),
        {
            "ellipsis_mask": 0b0001,
            "new_axis_mask": 0b0010,
            "end_mask": 0b0100,
            "shrink_axis_mask": 0b1000,
        },
        DType.I8,
    ),
    ("fewer_entries", (3, 4, 5), ((1,), (3,), (1,)), {}, DType.I8),
    ("f32", (2, 5, 3), ((1, 4, 2), (-3, 0, -4), (-1, -2, -1)), {}, DType.F32),
    ("i32", (4,), ((1,), (3,), (1,)), {}, DType.I32),
    ("i16", (3, 4), ((0, 1), (3, 4), (2, 2)), {}, DType.I16),
)
