"""Binary elementwise operators: broadcasting, and what ADD, SUB and MUL share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Broadcast, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    Activation,
    CValue,
    Emitter,
    RowOperator,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import Int, activation_range, wrap_int32
from edgebottle.ops.kernel import KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import MAX_RANK
from edgebottle.ops.table import saturate, tensor_of, value_of

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
class BinaryRows(TypedKernel["BinaryOperator"]):
    """A row of the output, walked along three axes of the operands.

    Attributes:
        struct: Its parameters in C.
        header: Where they are declared.
    """

    struct: str
    header: str

    def emit(self, layer: Layer[BinaryOperator], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node, ins, out = layer.node, layer.ins, layer.output
        shapes = (tensor_of(ins, 0).shape, tensor_of(ins, 1).shape)
        gaps = e.out_pixel_stride() != (out.shape[-1] if out.shape else 1)
        walk = plan_walk(shapes, out.shape, keep_channels=gaps)
        stride = e.out_pixel_stride() if gaps else walk.extent[2]
        low, high = node.bounds(out)
        number = float if out.dtype == DType.F32 else int
        fields: dict[str, CValue] = {
            "extent": walk.extent,
            "a_stride": walk.strides[0],
            "b_stride": walk.strides[1],
            **node.kernel_fields(ins, layer.outs),
            "low": number(low),
            "high": number(high),
        }
        e.include(self.header)
        params = e.params(self.struct, fields)
        pointers = [_row_pointer(e, index) for index in (0, 1)] + [e.out_row()]
        return _looped(walk, stride, f"{self.function}({params}", pointers)


@dataclass(frozen=True, kw_only=True)
class BinaryOperator(KernelOperator, RowOperator):
    """Two operands, broadcast against each other, and a fused activation.

    Limits:
        Both operands have the output's type and broadcast; at most 6 axes.

    Attributes:
        activation: Clamps the result.
    """

    activation: Activation = Activation.NONE

    STRIDED_OUTPUT: ClassVar[bool] = True

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
        """Reads the fused activation, of those that can have one."""
        code = getattr(options, "fusedActivationFunction", 0)
        activation = Activation.from_tflite(code, f"{name} ({cls.OP})")
        return cls(name=name, inputs=inputs, outputs=outputs, activation=activation)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """The schema's options, with the activation where they have one."""
        options = super().to_tflite(ins, outs)
        if hasattr(options, "fusedActivationFunction"):
            options.fusedActivationFunction = self.activation.value
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """The broadcast shape and the type of the operands."""
        a, b = tensor_of(ins, 0), tensor_of(ins, 1)
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise UnsupportedOp(
                f"{where(self)} combines the shapes {list(a.shape)} and {list(b.shape)}, "
                "which do not broadcast"
            ) from None
        return ((shape, a.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int8 quantized per tensor, int32 and float32, of up to ``MAX_RANK`` axes."""
        a, b = tensor_of(ins, 0), tensor_of(ins, 1)
        require_dtype(self, a, DType.I8, DType.F32, DType.I32)
        require_dtype(self, b, a.dtype)
        require_dtype(self, outs[0], a.dtype)
        if len(outs[0].shape) > MAX_RANK:
            raise UnsupportedOp(f"{where(self)} has an output of more than {MAX_RANK} axes")
        if a.dtype == DType.I8:
            self.quantization(ins, outs)
            self.bounds(outs[0])

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """The same place; the only one along axes that are broadcast, or missing."""
        shape, out = tensor_of(ins, index).shape, outs[0].shape
        dims = (*(None,) * (len(out) - len(shape)), *shape)
        pairs = zip(dims, out, strict=True)
        return tuple(Same() if dim == count else Broadcast() for dim, count in pairs)

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """Constants that are not broadcast along the channels."""
        return {
            index: len(tensor_of(ins, index).shape) - 1
            for index in (0, 1)
            if tensor_of(ins, index).data is not None
            and isinstance(self.channel_access(index, ins, outs), Same)
        }

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """The operands that are not broadcast."""
        return tuple(
            index
            for index in (0, 1)
            if tensor_of(ins, index).data is None and tensor_of(ins, index).shape == outs[0].shape
        )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The operator on broadcast operands."""
        a, b = value_of(values, 0), value_of(values, 1)
        low, high = self.bounds(outs[0])
        if outs[0].dtype == DType.F32:
            return (np.clip(self.combine(a, b), np.float32(low), np.float32(high)),)
        if outs[0].dtype == DType.I32:
            wide = wrap_int32(self.combine(a.astype(np.int64), b.astype(np.int64)))
            return (np.clip(wide, int(low), int(high)).astype(np.int32),)
        centered = (
            a.astype(np.int64) - tensor_of(ins, 0).zero_point,
            b.astype(np.int64) - tensor_of(ins, 1).zero_point,
        )
        scaled = self.combine_centered(*centered, ins, outs) + outs[0].zero_point
        return (saturate(np.clip(scaled, int(low), int(high)), DType.I8),)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Sums, differences and products are extreme where both operands are."""
        a, b = ((known.low, known.high) for known in (ranges[0], ranges[1]))
        corners = []
        for operands in product(a, b):
            values = [operand.astype(np.int8) for operand in operands]
            corner = self.reference(values, ins, outs)[0].astype(np.int64)
            corners.append(Range(corner, corner))
        return Range.around(corners)

    def bounds(self, out: Tensor) -> tuple[float, float]:
        """Bounds of the stored output under the fused activation."""
        if out.dtype == DType.I8:
            return activation_range(self.activation, out)
        lowest, highest = (
            (float(np.finfo(np.float32).min), float(np.finfo(np.float32).max))
            if out.dtype == DType.F32
            else (-(2**31), 2**31 - 1)
        )
        low, high = self.activation.float_range()
        return max(low, lowest), min(high, highest)

    @abstractmethod
    def combine(self, a: Array, b: Array) -> Array:
        """The operator on float32 or int64."""

    @abstractmethod
    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """The operator on int8 operands without their zero points, at the output's scale."""

    @abstractmethod
    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> object:
        """The fixed-point multipliers of int8; raises ``UnsupportedOp`` for scales without any."""

    @abstractmethod
    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> dict[str, CValue]:
        """What the parameters of the kernel have besides the walk and the bounds."""

    @classmethod
    def graph(
        cls,
        case: str,
        shapes: tuple[Shape, Shape],
        quants: tuple[Quant, Quant, Quant] | DType,
        activation: Activation = Activation.NONE,
        constant: int | None = None,
    ) -> Graph:
        """A test case.

        Args:
            case: Its name.
            shapes: Shapes of the operands.
            quants: Quantization of the operands and of the output (int8), or another type.
            activation: The fused activation.
            constant: Index of the operand that is a constant, or None.
        """
        dtype = quants if isinstance(quants, DType) else DType.I8
        quant: Sequence[Quant | None] = (None,) * 3 if isinstance(quants, DType) else quants
        operands = []
        for index, (name, shape) in enumerate(zip("ab", shapes, strict=True)):
            data = _case_data(shape, dtype) if index == constant else None
            operands.append(Tensor(name, shape, dtype, quant[index], data))
        out = Tensor("y", np.broadcast_shapes(*shapes), dtype, quant[2])
        node = cls(name=case, inputs=("a", "b"), outputs=("y",), activation=activation)
        return one_node_graph(case, node, (*operands, out))


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


def _case_data(shape: Shape, dtype: DType) -> Array:
    """Data of a constant operand: spread over the type's range, the same at every call."""
    random = np.random.default_rng(7)
    if dtype == DType.F32:
        return random.normal(size=shape).astype(np.float32)
    return random.integers(-128, 128, size=shape).astype(dtype.numpy)
