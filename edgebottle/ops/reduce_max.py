"""REDUCE_MAX: the largest element along some axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import FLOAT_LIMIT, DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, one_node_graph, require_dtype, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.channel_range import Range
from edgebottle.ops.kernel import AnyKernel, Layer, TypedKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.reduction import Reduction


class ExtremesKernel(TypedKernel["ReduceExtreme"]):
    """Element by element."""

    def emit(self, layer: Layer[ReduceExtreme], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node = layer.node
        fields = {
            **node.walk_fields(data_input(layer.ins).shape),
            "larger": int(node.LARGER),
            "begins_inside": int(node.begins_inside(layer.ins)),
        }
        e.include("eb_reduce_extreme.h")
        params = e.params("eb_reduce_extreme", fields)
        return f"{self.function}({params}, {e.input(0)}, {e.output()});"


@dataclass(frozen=True, kw_only=True)
class ReduceExtreme(Reduction):
    """The largest or the smallest element.

    Limits:
        The output has the scale and zero point of the input.
    """

    LARGER: ClassVar[bool]
    """The largest, else the smallest."""

    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.I16, DType.F32, DType.I32)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        ExtremesKernel((DType.I8,), "eb_reduce_extreme_s8"),
        ExtremesKernel((DType.I16,), "eb_reduce_extreme_s16"),
        ExtremesKernel((DType.I32,), "eb_reduce_extreme_s32"),
        ExtremesKernel((DType.F32,), "eb_reduce_extreme_f32"),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data, output = data_input(ins), outs[0]
        require_dtype(self, data, *self.TYPES)
        self.check_axes(data.shape)
        if data.quant != output.quant:
            raise UnsupportedOp(
                f"{where(self)} changes the quantization, which edgebottle does not support yet"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        value = values[0]
        assert value is not None
        extreme = np.fmax if self.LARGER else np.fmin
        first = value.reshape(-1)[0]
        if self.begins_inside(ins) and np.isnan(first):
            return (np.full(outs[0].shape, first),)
        result = extreme.reduce(value, self.axes)
        if not self.begins_inside(ins):
            result = extreme(result, np.float32(-FLOAT_LIMIT if self.LARGER else FLOAT_LIMIT))
        return (np.asarray(result).reshape(outs[0].shape),)

    def begins_inside(self, ins: Tensors) -> bool:
        """Whether the first element is what the others have to beat, which NaN never do.

        Otherwise it is a finite float: LiteRT begins with one unless it reduces every axis.
        """
        data = data_input(ins)
        return data.dtype is not DType.F32 or len(self.axes) == len(data.shape)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """That of the channel."""
        return None if self.channel_access(0, ins, outs) is None else ranges[0]

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Axes, types."""
        for case, shape, axes, keep_dims in _CASES:
            for dtype in cls.TYPES:
                node = cls(
                    name="reduce",
                    inputs=("x", "axes"),
                    outputs=("y",),
                    axes=axes,
                    keep_dims=keep_dims,
                )
                data = activation("x", shape, dtype)
                ((out_shape, _),) = node.infer([data])
                tensors = [data, indices("axes", *axes), activation("y", out_shape, dtype)]
                label = f"{cls.OP.lower()}_{dtype.label}_{case}"
                yield one_node_graph(label, node, tensors)


@dataclass(frozen=True, kw_only=True)
class ReduceMax(ReduceExtreme):
    """The largest element along ``axes``."""

    OP: ClassVar[str] = "REDUCE_MAX"
    LARGER: ClassVar[bool] = True


_CASES: tuple[tuple[str, Shape, tuple[int, ...], bool], ...] = (
    ("height_width", (1, 7, 5, 6), (1, 2), True),
    ("height_width_dropped", (1, 3, 3, 9), (1, 2), False),
    ("width", (1, 6, 7, 4), (2,), True),
    ("last", (1, 16, 7), (2,), False),
    ("everything", (1, 5, 4, 3), (0, 1, 2, 3), True),
    ("height_channels", (2, 5, 4, 3), (1, 3), False),
    ("every_other", (2, 3, 2, 3, 2, 3), (0, 2, 4), True),
)
