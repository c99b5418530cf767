"""What AVERAGE_POOL_2D and MAX_POOL_2D share: the window, its padding, the call, the cases."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Listed, Same, window
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    Activation,
    CValue,
    Emitter,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import plain, quantized
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import activation_range
from edgebottle.ops.kernel import AccumulatingKernel, AccumulatingKernelOperator, Layer
from edgebottle.ops.movement import data_input
from edgebottle.ops.window_padding import SAME, VALID, check_padding, code_of, padding_of

MAX_WINDOW = (1 << 16) - 1
"""Pixels whose 16-bit values can be added without leaving int32."""

SCALE_TOLERANCE = 1e-6
"""LiteRT's own bound on the difference between the scales of input and output."""


@dataclass(frozen=True)
class PoolRows(AccumulatingKernel["Pool2D"]):
    """A row of windows.

    Attributes:
        header: Where the functions are.
    """

    header: str

    def emit(self, layer: Layer[Pool2D], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        params = self._params(layer, e)
        arguments = f"{params}, {e.rows(0)}, {e.out_row()}, {e.out_pixel_stride()}"
        return f"{self.function}({arguments});"

    def emit_accumulate(self, layer: Layer[Pool2D], e: Emitter) -> str:
        """See ``AccumulatingKernel``."""
        arguments = f"{self._params(layer, e)}, {e.row(0)}, {e.accumulator()}"
        return f"{self.accumulate}({arguments});"

    def emit_end(self, layer: Layer[Pool2D], e: Emitter) -> str:
        """See ``AccumulatingKernel``."""
        params = self._params(layer, e)
        arguments = f"{params}, {e.accumulator()}, {e.out_row()}, {e.out_pixel_stride()}"
        return f"{self.end}({arguments});"

    def _params(self, layer: Layer[Pool2D], e: Emitter) -> str:
        node, data, output = layer.node, data_input(layer.ins), layer.output
        e.include(self.header)
        is_float = data.dtype is DType.F32
        low: CValue
        high: CValue
        if is_float:
            low, high = node.activation.float_range()
        else:
            low, high = activation_range(node.activation, output)
        return e.params(
            "eb_pool_2d_f32" if is_float else "eb_pool_2d",
            {
                "in_width": data.shape[2],
                "channels": data.shape[3],
                "out_width": output.shape[2],
                "window_height": len(node.row_access(0, layer.ins, layer.outs).reads(0)),
                "window_width": node.filter[1],
                "stride_width": node.stride[1],
                "padding_left": node.padding[2],
                "activation_min": low,
                "activation_max": high,
            },
        )


@dataclass(frozen=True, kw_only=True)
class Pool2D(AccumulatingKernelOperator):
    """A pooling window that moves over height and width; padding is not counted.

    Limits:
        4 axes. The output has the scale and zero point of the input; the window fits into the
        padded image.

    Attributes:
        filter: Height and width of the window.
        stride: Rows and pixels from one window to the next.
        padding: Rows and pixels outside of the image: top, bottom, left, right.
        activation: Clamps the result.
    """

    STRIDED_OUTPUT: ClassVar[bool] = True
    filter: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    activation: Activation

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
        data = data_input(ins)
        if len(data.shape) != 4 or options is None:
            raise UnsupportedOp(f"{label} needs an input of 4 axes and its options")
        window = (int(options.filterHeight), int(options.filterWidth))
        stride = (int(options.strideH), int(options.strideW))
        if min(*window, *stride) < 1:
            raise UnsupportedOp(f"{label} has a window of {window} and a stride of {stride}")
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            filter=window,
            stride=stride,
            padding=padding_of(options.padding, data.shape[1:3], window, stride, (1, 1), label),
            activation=Activation.from_tflite(options.fusedActivationFunction, label),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import Pool2DOptionsT

        image = data_input(ins).shape[1:3]
        options = Pool2DOptionsT()
        options.padding = code_of(
            self.padding, image, self.filter, self.stride, (1, 1), where(self)
        )
        options.filterHeight, options.filterWidth = self.filter
        options.strideH, options.strideW = self.stride
        options.fusedActivationFunction = self.activation.value
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        batch, height, width, channels = data.shape
        top, bottom, left, right = self.padding
        out_height = (height + top + bottom - self.filter[0]) // self.stride[0] + 1
        out_width = (width + left + right - self.filter[1]) // self.stride[1] + 1
        if min(out_height, out_width) < 1:
            raise UnsupportedOp(f"{where(self)} has a window larger than its image")
        return (((batch, out_height, out_width, channels), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data, output = data_input(ins), outs[0]
        require_dtype(self, data, DType.I8, DType.I16, DType.F32)
        check_padding(data.shape, self.padding, where(self))
        if data.dtype is DType.F32:
            return
        if data.zero_point != output.zero_point or abs(data.scale - output.scale) > SCALE_TOLERANCE:
            raise UnsupportedOp(
                f"{where(self)} changes the quantization, which edgebottle does not support yet"
            )
        activation_range(self.activation, output)
        if data.dtype is DType.I16 and (data.zero_point or math.prod(self.filter) > MAX_WINDOW):
            raise UnsupportedOp(
                f"{where(self)} has 16-bit activations with a zero point, or a window of more than "
                f"{MAX_WINDOW} pixels"
            )

    def clamp(self, out: Tensor) -> tuple[int, int]:
        """See ``Operator``."""
        return activation_range(self.activation, out)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, output = values[0], outs[0]
        assert data is not None
        height, width = data.shape[1:3]
        result = np.empty(output.shape, dtype=output.dtype.numpy)
        for y in range(output.shape[1]):
            top = y * self.stride[0] - self.padding[0]
            rows = slice(max(top, 0), min(top + self.filter[0], height))
            for x in range(output.shape[2]):
                left = x * self.stride[1] - self.padding[2]
                columns = slice(max(left, 0), min(left + self.filter[1], width))
                result[:, y, x, :] = self.pool(data[:, rows, columns, :], output)
        return (result,)

    @abstractmethod
    def pool(self, window: Array, output: Tensor) -> Array:
        """Pools the pixels of one window, of shape (batch, rows, columns, channels)."""

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """A window of each channel."""
        height, width = (
            window(self.stride[i], self.filter[i], padding=padding)
            for i, padding in enumerate((self.padding[:2], self.padding[2:]))
        )
        return (Same(), height, width, Same())

    def row_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap:
        """The same; of one window no rows that are padding anyway."""
        along = self.access(index, ins, outs)[1]
        if outs[0].shape[1] > 1:
            return along
        return Listed((tuple(y for y in along.reads(0) if 0 <= y < data_input(ins).shape[1]),))

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Padding is not counted, and a rounded mean of integers stays between them."""
        return ranges[0].clipped(*activation_range(self.activation, outs[0]))

    def bordered(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """See ``RowOperator``."""
        return replace(self, padding=(*rows, *columns))

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: in place where no window begins before its own output pixel."""
        _, out_height, out_width, _ = outs[0].shape
        _, height, width, _ = data_input(ins).shape
        shrinks = out_height <= height and out_width <= width
        begins_late = all(
            max(i * stride - before, 0) >= i
            for stride, before, count in (
                (self.stride[0], self.padding[0], out_height),
                (self.stride[1], self.padding[2], out_width),
            )
            for i in range(count)
        )
        return (0,) if shrinks and begins_late else ()

    def accumulates(self, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        """See ``AccumulatingOperator``: one window over all rows."""
        if outs[0].shape[:2] != (1, 1):
            return False
        return self.row_access(0, ins, outs).reads(0) == tuple(range(data_input(ins).shape[1]))

    def accumulator_bytes(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``AccumulatingOperator``."""
        return 4 * outs[0].size

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for row in CASES:
            yield cls._case(*row, dtype=DType.I8)
        for row in (*CASES[:4], *CASES[-3:]):
            yield cls._case(f"{row[0]}_f32", *row[1:], dtype=DType.F32)
        for row in (*CASES[1:3], *CASES[-1:]):
            fine = (row[-1][0] / 100, 0)
            yield cls._case(f"{row[0]}_i16", *row[1:-1], fine, dtype=DType.I16)

    @classmethod
    def _case(
        cls,
        case: str,
        shape: Shape,
        window: tuple[int, int],
        stride: tuple[int, int],
        code: int,
        activation: Activation,
        quant: tuple[float, int],
        *,
        dtype: DType,
    ) -> Graph:
        node = cls(
            name="pool",
            inputs=("x",),
            outputs=("y",),
            filter=window,
            stride=stride,
            padding=padding_of(code, shape[1:3], window, stride, (1, 1), case),
            activation=activation,
        )
        is_float = dtype is DType.F32
        data = plain("x", shape) if is_float else quantized("x", shape, *quant, dtype)
        ((out_shape, _),) = node.infer([data])
        out = plain("y", out_shape) if is_float else quantized("y", out_shape, *quant, dtype)
        return one_node_graph(f"{cls.OP.lower()}_{case}", node, [data, out])


CASES: tuple[
    tuple[str, Shape, tuple[int, int], tuple[int, int], int, Activation, tuple[float, int]], ...
] = (
    ("valid_2x2", (1, 7, 9, 3), (2, 2), (2, 2), VALID, Activation.NONE, (0.05, 0)),
    ("same_3x3", (1, 7, 6, 5), (3, 3), (1, 1), SAME, Activation.NONE, (0.05, -3)),
    ("relu", (1, 8, 7, 4), (3, 2), (2, 1), SAME, Activation.RELU, (0.03, 4)),
    ("relu6", (1, 5, 5, 2), (2, 3), (1, 2), VALID, Activation.RELU6, (0.05, -128)),
    ("relu_n1_to_1", (1, 5, 5, 2), (2, 2), (1, 1), VALID, Activation.RELU_N1_TO_1, (0.02, 127)),
    ("whole_image", (1, 25, 5, 16), (25, 5), (25, 5), VALID, Activation.NONE, (0.1, -128)),
    ("window_beyond_image", (1, 3, 4, 3), (9, 11), (2, 2), SAME, Activation.NONE, (0.1, 5)),
    ("window_beyond_image_one", (1, 3, 2, 3), (9, 7), (3, 2), SAME, Activation.NONE, (0.1, 5)),
    ("even_same", (1, 6, 6, 3), (2, 2), (1, 1), SAME, Activation.NONE, (0.1, 127)),
    ("stride_beyond_window", (1, 11, 10, 2), (2, 1), (3, 4), VALID, Activation.NONE, (0.1, 1)),
    ("one_row", (1, 1, 119, 8), (1, 2), (1, 2), VALID, Activation.NONE, (0.1, -20)),
    ("one_pixel", (1, 1, 1, 1), (1, 1), (1, 1), SAME, Activation.NONE, (0.1, 0)),
    ("batch", (2, 5, 4, 3), (3, 3), (2, 2), SAME, Activation.NONE, (0.1, 0)),
    ("all_rows", (1, 5, 9, 3), (5, 3), (1, 2), VALID, Activation.NONE, (0.1, 3)),
    ("all_rows_same", (1, 4, 7, 5), (9, 3), (4, 2), SAME, Activation.RELU, (0.1, -9)),
    ("all_rows_relu6", (1, 9, 9, 4), (9, 9), (1, 1), VALID, Activation.RELU6, (0.03, -11)),
)
