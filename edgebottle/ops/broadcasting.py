"""Operators on several operands, element by element: how these are broadcast, and walked over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Broadcast, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, RowOperator, where
from edgebottle.ops.kernel import KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import MAX_RANK
from edgebottle.ops.table import tensor_of

Op = TypeVar("Op", bound="BroadcastOperator")

OPERANDS = "abc"
"""Their names in the parameters of kernels."""

KERNEL_AXES = 3
"""Axes a kernel loops over: outer, pixels, channels."""


@dataclass(frozen=True)
class Walk:
    """How a kernel walks over one output row.

    Attributes:
        extent: Outer, pixels, channels: the output is written in this order.
        strides: For each operand the elements from one index to the next along these axes, 0 where
            it is broadcast.
        loops: Extent and strides of further axes around these, outermost first.
    """

    extent: tuple[int, int, int]
    strides: tuple[tuple[int, int, int], ...]
    loops: tuple[tuple[int, tuple[int, ...]], ...] = ()


def row_shape(shape: Shape, out_rank: int) -> Shape:
    """The axes of an operand within one output row, aligned to the output's rank."""
    aligned = (1,) * (out_rank - len(shape)) + shape
    return aligned[2:] if out_rank == 4 else aligned


def plan_walk(shapes: Sequence[Shape], out_shape: Shape, *, keep_channels: bool) -> Walk:
    """Merges the axes of one output row into the three a kernel has, and what is left around them.

    Args:
        shapes: Shapes of the operands.
        out_shape: Shape of the output.
        keep_channels: The last axis stays on its own (the output has gaps between pixels).
    """
    rank = len(out_shape)
    extents = row_shape(out_shape, rank) or (1,)
    operands = [row_shape(shape, rank) or (1,) for shape in shapes]
    strides = [_strides(operand) for operand in operands]
    merged: list[tuple[int, tuple[int, ...]]] = []
    for axis in reversed(range(len(extents))):
        steps = tuple(stride[axis] for stride in strides)
        first = not merged
        if extents[axis] == 1 and not (first and keep_channels):
            continue
        if merged and not (keep_channels and len(merged) == 1):
            size, inner = merged[-1]
            if all(step == size * below for step, below in zip(steps, inner, strict=True)):
                merged[-1] = (size * extents[axis], inner)
                continue
        merged.append((extents[axis], steps))
    merged += [(1, (0,) * len(shapes))] * (KERNEL_AXES - len(merged))
    channels, pixels, outer = merged[:KERNEL_AXES]
    return Walk(
        (outer[0], pixels[0], channels[0]),
        tuple((outer[1][i], pixels[1][i], channels[1][i]) for i in range(len(shapes))),
        tuple(reversed(merged[KERNEL_AXES:])),
    )


def _strides(shape: Shape) -> tuple[int, ...]:
    """Contiguous strides of a shape, 0 along axes of extent 1."""
    result, step = [], 1
    for extent in reversed(shape):
        result.append(0 if extent == 1 else step)
        step *= extent
    return tuple(reversed(result))


@dataclass(frozen=True)
class BroadcastRows(TypedKernel[Op]):
    """A row of the output, walked along three axes of the operands.

    Attributes:
        struct: Its parameters in C.
        header: Where they are declared.
    """

    struct: str
    header: str

    def emit(self, layer: Layer[Op], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        ins, out = layer.ins, layer.output
        indices = range(len(ins))
        shapes = [tensor_of(ins, index).shape for index in indices]
        gaps = e.out_pixel_stride() != (out.shape[-1] if out.shape else 1)
        walk = plan_walk(shapes, out.shape, keep_channels=gaps)
        stride = e.out_pixel_stride() if gaps else walk.extent[2]
        fields: dict[str, CValue] = {"extent": walk.extent}
        fields |= {
            f"{name}_stride": strides for name, strides in zip(OPERANDS, walk.strides, strict=False)
        }
        e.include(self.header)
        params = e.params(self.struct, {**fields, **self.fields(layer)})
        pointers = [_row_pointer(e, index) for index in indices] + [e.out_row()]
        return _looped(walk, stride, f"{self.function}({params}", pointers)

    def fields(self, layer: Layer[Op]) -> Mapping[str, CValue]:
        """What the parameters have besides the walk: what the operator says."""
        return layer.node.kernel_fields(layer.ins, layer.outs)


@dataclass(frozen=True, kw_only=True)
class BroadcastOperator(KernelOperator, RowOperator):
    """Operands that are broadcast against each other."""

    STRIDED_OUTPUT: ClassVar[bool] = True

    @abstractmethod
    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """What the parameters of the kernel have besides the walk."""

    def operand_shape(self, ins: Tensors, index: int) -> Shape:
        """The shape that an operand is broadcast from."""
        return tensor_of(ins, index).shape

    def broadcast(self, ins: Tensors) -> Shape:
        """The shape of the output; raises ``UnsupportedOp`` where there is none."""
        shapes = [self.operand_shape(ins, index) for index in range(len(ins))]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            *first, last = (str(list(shape)) for shape in shapes)
            raise UnsupportedOp(
                f"{where(self)} combines the shapes {', '.join(first)} and {last}, "
                "which do not broadcast"
            ) from None
        if len(shape) > MAX_RANK:
            raise UnsupportedOp(f"{where(self)} has an output of more than {MAX_RANK} axes")
        return shape

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The broadcast shape and the type of the first operand."""
        return ((self.broadcast(ins), tensor_of(ins).dtype),)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """The same place; the only one along axes that are broadcast, or missing."""
        shape, out = tensor_of(ins, index).shape, outs[0].shape
        dims = (*(None,) * (len(out) - len(shape)), *shape)
        pairs = zip(dims, out, strict=True)
        return tuple(Same() if dim == count else Broadcast() for dim, count in pairs)

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """Constants that are not broadcast along the channels."""
        return {
            index: len(tensor_of(ins, index).shape) - 1
            for index in range(len(ins))
            if tensor_of(ins, index).data is not None
            and isinstance(self.channel_access(index, ins, outs), Same)
        }

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """The operands that are not broadcast, and whose elements take as many bytes."""
        operands = [tensor_of(ins, index) for index in range(len(ins))]
        return tuple(
            index
            for index, operand in enumerate(operands)
            if operand.data is None
            and operand.shape == outs[0].shape
            and operand.dtype.bits == outs[0].dtype.bits
        )


def _row_pointer(e: Emitter, index: int) -> str:
    """Where the row of an operand begins; one of three axes is an image without a batch."""
    ins, (out, *_) = e.tensors
    shape = tensor_of(ins, index).shape
    if len(out.shape) == 4 and len(shape) == 3 and shape[0] > 1:
        return f"{e.row(index)} + ({e.y()}) * {shape[1] * shape[2]}"
    return e.row(index)


def _looped(walk: Walk, stride: int, call: str, pointers: Sequence[str]) -> str:
    """The call of a row kernel, in a loop for each axis that is more than it has.

    Args:
        walk: The axes.
        stride: Elements from one output pixel to the next.
        call: The call as far as the pointers.
        pointers: To the operands and the output; what they point to at index 0 of the loops.
    """
    step = stride * walk.extent[0] * walk.extent[1]
    places = list(pointers)
    loops = ""
    for depth in reversed(range(len(walk.loops))):
        extent, strides = walk.loops[depth]
        for number, elements in enumerate((*strides, step)):
            places[number] += f" + axis{depth} * {elements}" if elements else ""
        head = f"int32_t axis{depth} = 0; axis{depth} < {extent}; ++axis{depth}"
        loops = f"for ({head}) {{ {loops}"
        step *= extent
    end = " }" * len(walk.loops)
    return f"{loops}{call}, {', '.join(places)}, {stride});{end}"
