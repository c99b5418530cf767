"""Unary operators: one 256-byte table for 8-bit types, one function for float32.

Whatever an operator does to an 8-bit value, it does through a table that the compiler fills from
the exact reference, so that one kernel serves them all and no rounding happens on the target.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.ir.access import Access, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, RowOperator, one_node_graph, require_dtype
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import checked_multiplier, round_half_away, single_ratio
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel


def tensor_of(tensors: Tensors, index: int = 0) -> Tensor:
    """The tensor of an input that cannot be absent."""
    tensor = tensors[index]
    assert tensor is not None, f"input {index} is absent"
    return tensor


def value_of(values: Sequence[Array | None], index: int = 0) -> Array:
    """The value of an input that cannot be absent."""
    value = values[index]
    assert value is not None, f"input {index} is absent"
    return value


def integer_range(dtype: DType) -> tuple[int, int]:
    """The lowest and the highest value of an integer type."""
    limits = np.iinfo(np.dtype(dtype.numpy).name)
    return int(limits.min), int(limits.max)


def all_values(dtype: DType) -> Array:
    """Every value of an integer type of up to 16 bits, ascending, as int64."""
    low, high = integer_range(dtype)
    return np.arange(low, high + 1, dtype=np.int64)


def saturate(stored: Array, dtype: DType) -> Array:
    """Clips integers (or whole floats) into an integer type."""
    return np.clip(stored, *integer_range(dtype)).astype(dtype.numpy)


def byte_table(results: Array, in_dtype: DType) -> Array:
    """Orders the 256 results of ``all_values`` by the bits of the input byte, as ``eb_table`` does.

    Args:
        results: [256] i8 or u8, for ascending inputs.
        in_dtype: I8 or U8.

    Returns:
        [256] int8: the bits of the outputs.
    """
    by_bits = np.roll(results, 128) if in_dtype == DType.I8 else results
    return by_bits.astype(results.dtype).view(np.int8)


def table_from_real(ins: Tensor, out: Tensor, real: Array) -> Array:
    """Quantizes the results of a float function as LiteRT fills its lookup tables.

    Args:
        ins: The input.
        out: The output.
        real: float32, the function of every dequantized input.

    Returns:
        ``real`` times the float32 reciprocal of the output's scale, rounded half away from zero,
        plus its zero point, saturated.

    Raises:
        UnsupportedOp: the scale is too fine.
    """
    reciprocal = single_ratio(1.0, by=out.scale)
    checked_multiplier(f"the function that gives '{out.name}'", reciprocal)
    steps = round_half_away(real * np.float32(reciprocal))
    return saturate(steps + out.zero_point, out.dtype)


def dequantized_values(tensor: Tensor) -> Array:
    """The real value, float32, of every stored value of an 8-bit tensor."""
    centered = (all_values(tensor.dtype) - tensor.zero_point).astype(np.float32)
    with np.errstate(over="ignore"):
        return np.asarray(np.float32(tensor.scale) * centered, dtype=np.float32)


def flat_extent(tensor: Tensor, out_pixel_stride: int) -> tuple[int, int]:
    """Pixels and channels of a row for a loop over all its elements.

    A row without gaps is one pixel of all its elements.
    """
    layout = tensor.layout
    if out_pixel_stride == layout.pixel_elements:
        return 1, layout.row_elements
    return layout.pixels, layout.pixel_elements


@dataclass(frozen=True, kw_only=True)
class UnaryOperator(RowOperator):
    """One input, one output of the same shape, element by element."""

    STRIDED_OUTPUT: ClassVar[bool] = True

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """Shape and type of the input."""
        return ((tensor_of(ins).shape, tensor_of(ins).dtype),)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """The same place."""
        return (Same(),) * len(outs[0].shape)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Any function of single values: what it makes of those in the interval."""
        results = self.reference((all_values(DType.I8).astype(np.int8),), ins, outs)[0]
        least, _ = integer_range(DType.I8)
        pieces = [
            results[low - least : high - least + 1].astype(np.int64)
            for low, high in zip(ranges[0].low, ranges[0].high, strict=True)
        ]
        lows, highs = [piece.min() for piece in pieces], [piece.max() for piece in pieces]
        return Range(np.array(lows), np.array(highs))

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """The input, where an output element takes as many bytes."""
        return (0,) if tensor_of(ins).dtype.bits == outs[0].dtype.bits else ()


@dataclass(frozen=True)
class UnaryRows(TypedKernel[Any]):
    """A row of one input, element by element.

    Attributes:
        header: Where the function is.
    """

    header: str

    def emit(self, layer: Layer[Any], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``: pixels, channels, input, output, output pixel stride, and the rest."""
        pixels, channels = flat_extent(layer.output, e.out_pixel_stride())
        stride = e.out_pixel_stride() if pixels > 1 else channels
        e.include(self.header)
        common = (str(pixels), str(channels), e.row(0), e.out_row(), str(stride))
        return f"{self.function}({', '.join((*common, *self.rest(layer, e)))});"

    @abstractmethod
    def rest(self, layer: Layer[Any], e: Emitter) -> tuple[str, ...]:
        """The arguments after the common ones."""


class TableRows(UnaryRows):
    """Any function of a byte, from the ``table`` of its operator."""

    def rest(self, layer: Layer[Any], e: Emitter) -> tuple[str, ...]:
        """The table."""
        tensor = tensor_of(layer.ins)
        results = layer.node.table(tensor, layer.output)
        return (e.constant("table", byte_table(results, tensor.dtype)),)


class FloatRows(UnaryRows):
    """A function on float32."""

    def rest(self, layer: Layer[ActivationOperator], e: Emitter) -> tuple[str, ...]:
        """What the operator says."""
        return layer.node.float_arguments()


def table_rows(*types: DType) -> TableRows:
    """The kernel for the types of input and output, which take a byte each."""
    return TableRows(types, "eb_table_s8_row", "eb_table.h")


def activation_kernels(function: str) -> tuple[AnyKernel, ...]:
    """Those of an ``ActivationOperator`` with this C function for float32."""
    floats = FloatRows((DType.F32,), function, "eb_activation.h")
    return table_rows(DType.I8), floats


@dataclass(frozen=True, kw_only=True)
class ActivationOperator(KernelOperator, UnaryOperator):
    """An operator of its own for a function that has no attributes: int8 by table, and float32."""

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int8, quantized per tensor, and float32."""
        require_dtype(self, tensor_of(ins), DType.I8, DType.F32)
        if outs[0].dtype == DType.I8:
            self.table(tensor_of(ins), outs[0])

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The function, or the table of it."""
        value = value_of(values)
        if outs[0].dtype == DType.F32:
            return (self.real(value),)
        return (self.table(tensor_of(ins), outs[0])[value.astype(np.int64) + 128],)

    def float_arguments(self) -> tuple[str, ...]:
        """What the float kernel takes besides the common arguments."""
        return ()

    @abstractmethod
    def real(self, value: Array) -> Array:
        """The function on float32."""

    def table(self, tensor: Tensor, out: Tensor) -> Array:
        """[256] int8: the outputs for the inputs -128 .. 127; the function of each, quantized."""
        return table_from_real(tensor, out, self.real(dequantized_values(tensor)))

    @classmethod
    def graph(
        cls,
        case: str,
        shape: Shape,
        quant: Quant | None,
        out_quant: Quant | None,
        quantized: DType = DType.I8,
    ) -> Graph:
        """A test case: of the type ``quantized`` where there is quantization, else float32."""
        dtype = DType.F32 if quant is None else quantized
        tensors = (Tensor("x", shape, dtype, quant), Tensor("y", shape, dtype, out_quant))
        node = cls(name=case, inputs=("x",), outputs=("y",))
        return one_node_graph(case, node, tensors)


EVERY_VALUE: Shape = (1, 4, 8, 16)
"""A shape that random test inputs fill with nearly every int8 value."""

CASE_SHAPES: tuple[tuple[str, Shape], ...] = (
    ("4d", EVERY_VALUE),
    ("batch", (2, 3, 5, 3)),
    ("1d", (7,)),
    ("2d", (3, 11)),
    ("3d", (2, 3, 5)),
    ("5d", (1, 2, 3, 2, 2)),
)


def per_tensor(scale: float, zero_point: int) -> Quant:
    """Per-tensor quantization with the scale that float32 holds."""
    return Quant((float(np.float32(scale)),), (zero_point,))


def input_quants() -> Iterator[tuple[str, Quant]]:
    """Quantizations of inputs for test cases: common ones and extreme ones."""
    yield "common", per_tensor(0.05, -3)
    yield "fine", per_tensor(0.0007, 100)
    yield "coarse", per_tensor(1.9, 17)
    yield "all_positive", per_tensor(0.0235, -128)
    yield "all_negative", per_tensor(0.04, 127)
