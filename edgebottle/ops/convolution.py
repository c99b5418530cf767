"""What CONV_2D and DEPTHWISE_CONV_2D share: windows of weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Same, window
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Shape, Tensor, Tensors
from edgebottle.ops.base import Activation, CValue, RowOperator, where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import (
    MAX_SHIFT,
    activation_range,
    checked_multiplier,
    effective_scales,
    multiply_by_quantized_multiplier,
    multiply_wide,
    quantize_multipliers,
    wrap_int32,
)
from edgebottle.ops.kernel import KernelOperator
from edgebottle.ops.weighted_sums import WeightedOperands, WeightedSums, seen_taps, terms_read
from edgebottle.ops.weights import (
    BIAS_INT32,
    MAX_WIDE_SHIFT,
    bias_values,
    check_bias_option,
    check_reach,
    check_weights,
    has_narrow_sums,
    operands,
    range_of_sums,
)
from edgebottle.ops.window_padding import check_padding, check_sides, code_of, padding_of


@dataclass(frozen=True, kw_only=True)
class Convolution(KernelOperator, RowOperator):
    """A window of weights that moves over height and width.

    Limits:
        Input and weights have 4 axes; weights and biases are constants. int8 weights have zero
        point 0 and one scale, or one for each output channel; biases are int32, or int64 with
        int16 activations. At most 131,071 products for each output, and 32,767 pixels of a
        window, its stride, dilation and padding.

    Attributes:
        stride: Rows and pixels from one window to the next.
        dilation: Rows and pixels from one tap of the window to the next.
        padding: Rows and pixels outside of the image: top, bottom, left, right.
        activation: Clamps the result.
    """

    STRIDED_OUTPUT: ClassVar[bool] = True
    CHANNEL_AXIS: ClassVar[int]
    """The axis of the weights' output channels."""
    OF_UINT8: ClassVar[bool] = False
    """It was uint8 in the file: LiteRT scales such sums otherwise, and weights may be int16."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
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
        if options is None or len(ins) < 2 or ins[0] is None or ins[1] is None:
            raise UnsupportedOp(f"{label} needs an input, weights and its options")
        if len(ins[0].shape) != 4 or len(ins[1].shape) != 4:
            raise UnsupportedOp(f"{label} needs an input and weights of 4 axes")
        stride = (int(options.strideH), int(options.strideW))
        dilation = (int(options.dilationHFactor), int(options.dilationWFactor))
        if min(*stride, *dilation) < 1:
            raise UnsupportedOp(f"{label} has a stride of {stride} and a dilation of {dilation}")
        check_bias_option(label, ins, options)
        image, window = ins[0].shape[1:3], ins[1].shape[1:3]
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            stride=stride,
            dilation=dilation,
            padding=padding_of(options.padding, image, window, stride, dilation, label),
            activation=Activation.from_tflite(options.fusedActivationFunction, label),
            **cls.more_options(label, ins, options),
        )

    @classmethod
    def more_options(cls, label: str, ins: Tensors, options: Any) -> dict[str, Any]:
        """Further attributes that ``from_tflite`` reads."""
        return {}

    def fill_options(self, options: Any, ins: Tensors) -> Any:
        """Puts the shared attributes into the schema's options object, and returns it."""
        if self.OF_UINT8:
            raise UnsupportedOp(f"{where(self)} was uint8: no int8 file gives the same results")
        data, weights, _ = operands(ins)
        image, window = data.shape[1:3], weights.shape[1:3]
        options.padding = code_of(
            self.padding, image, window, self.stride, self.dilation, where(self)
        )
        options.strideH, options.strideW = self.stride
        options.dilationHFactor, options.dilationWFactor = self.dilation
        options.fusedActivationFunction = self.activation.value
        if has_narrow_sums(ins):
            options.quantizedBiasType = BIAS_INT32
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, weights, _ = operands(ins)
        self.check_shapes(data.shape, weights.shape)
        extents = []
        for axis in (0, 1):
            reach = (weights.shape[1 + axis] - 1) * self.dilation[axis] + 1
            padded = data.shape[1 + axis] + sum(self.padding[2 * axis : 2 * axis + 2])
            if padded < reach:
                raise UnsupportedOp(f"{where(self)} has a window larger than its image")
            extents.append((padded - reach) // self.stride[axis] + 1)
        channels = weights.shape[self.CHANNEL_AXIS]
        return (((data.shape[0], extents[0], extents[1], channels), data.dtype),)

    @abstractmethod
    def check_shapes(self, data: Shape, weights: Shape) -> None:
        """Raises ``UnsupportedOp`` where the channels contradict each other."""

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        types = (DType.I8, DType.I16, DType.F32)
        check_weights(self, ins, outs[0], self.CHANNEL_AXIS, wide=self.OF_UINT8, types=types)
        data, weights, _ = operands(ins)
        check_padding(data.shape, self.padding, where(self))
        window = weights.shape[1:3]
        check_sides((*window, *self.stride, *self.dilation, *self.padding), where(self))
        if weights.quant is not None and any(weights.quant.zero_point):
            raise UnsupportedOp(
                f"{where(self)} has weights with a zero point, which edgebottle does not support"
            )
        if outs[0].dtype is not DType.F32:
            activation_range(self.activation, outs[0])
        if outs[0].dtype is DType.I16:
            self._check_int16(ins, outs[0])

    def _check_int16(self, ins: Tensors, output: Tensor) -> None:
        """Sums and shifts are what LiteRT's arithmetic takes."""
        _, weights, bias = operands(ins)
        is_narrow, scales = has_narrow_sums(ins), self.scales(ins, output)
        for scale in scales:
            checked_multiplier(where(self), scale, MAX_SHIFT if is_narrow else MAX_WIDE_SHIFT)
        matrix = np.moveaxis(weights.constant(), self.CHANNEL_AXIS, 0)
        matrix = matrix.reshape(len(matrix), -1)
        added = bias_values(bias, len(matrix), DType.I16)
        check_reach(self, matrix, added, scales, 31 if is_narrow else 47)

    def clamp(self, out: Tensor) -> tuple[int, int]:
        """See ``Operator``."""
        return activation_range(self.activation, out)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, _, bias = operands(ins)
        output = outs[0]
        value, weight = values[0], values[1]
        assert value is not None and weight is not None
        added = bias_values(bias, output.shape[3], data.dtype)
        if data.dtype is DType.F32:
            total = self.sums(self.padded(value.astype(np.float32)), weight, output.shape) + added
            return (np.clip(total, *self.activation.float_range()).astype(np.float32),)
        if data.dtype is DType.I16:
            acc = self.sums(self.padded(value.astype(np.int64)), weight, output.shape)
            return (self.requantize(acc.astype(np.int64) + added, ins, output),)
        centred = self.padded(value.astype(np.int16) - np.int16(data.zero_point))
        acc = wrap_int32(self.sums(centred, weight, output.shape).astype(np.int64) + added)
        return (self.requantize(acc, ins, output),)

    def requantize(self, acc: Array, ins: Tensors, output: Tensor) -> Array:
        """The stored outputs of accumulators; the last axis is the channels."""
        multiplier, shift = quantize_multipliers(self.scales(ins, output))
        if output.dtype is DType.I16:
            multiply = multiply_by_quantized_multiplier if has_narrow_sums(ins) else multiply_wide
            bounds = activation_range(self.activation, output)
            return np.clip(multiply(acc, multiplier, shift), *bounds).astype(np.int16)
        scaled = multiply_by_quantized_multiplier(acc, multiplier, shift) + output.zero_point
        return np.clip(scaled, *activation_range(self.activation, output)).astype(np.int8)

    def scales(self, ins: Tensors, output: Tensor) -> list[float]:
        """What sums are multiplied by: one scale, or one for each output channel."""
        data, weights, _ = operands(ins)
        return effective_scales(data, weights, output, single_product=self.OF_UINT8)

    def padded(self, value: Array) -> Array:
        """The input with zeros around it."""
        top, bottom, left, right = self.padding
        return np.pad(value, ((0, 0), (top, bottom), (left, right), (0, 0)))

    @abstractmethod
    def sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """The sums of products, of ``shape``, over an input padded and centred at zero."""

    def tap(self, value: Array, ky: int, kx: int, shape: Shape) -> Array:
        """What one tap of the window sees in every output pixel: a view of ``value``."""
        y, x = ky * self.dilation[0], kx * self.dilation[1]
        rows = slice(y, y + (shape[1] - 1) * self.stride[0] + 1, self.stride[0])
        columns = slice(x, x + (shape[2] - 1) * self.stride[1] + 1, self.stride[1])
        return value[:, rows, columns, :]

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        _, weights, _ = operands(ins)
        return outs[0].size * weights.size // weights.shape[self.CHANNEL_AXIS]

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """A window of pixels; weights and bias are read as a whole."""
        if index != 0:
            return None
        data, weights, _ = operands(ins)
        return (Same(), *self._windows(weights), self.channels_read(data, weights))

    def _windows(self, weights: Tensor) -> tuple[AxisMap, AxisMap]:
        """Which rows and which columns of the input those of the output read."""
        height, width = (
            window(self.stride[i], weights.shape[1 + i], self.dilation[i], padding)
            for i, padding in enumerate((self.padding[:2], self.padding[2:]))
        )
        return height, width

    @abstractmethod
    def channels_read(self, data: Tensor, weights: Tensor) -> AxisMap:
        """Which channels of the input a channel of the output reads."""

    def weighted_operands(self) -> WeightedOperands:
        """See ``Operator``."""
        return WeightedOperands(1, 2, self.CHANNEL_AXIS)

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """The weights and the bias."""
        return {1: self.CHANNEL_AXIS, 2: 0}

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """See ``Operator``."""
        sums, output = self.weighted_sums(ins, outs), outs[0]
        if sums is None:
            return None
        _, shift = quantize_multipliers(self.scales(ins, output))
        bounds = activation_range(self.activation, output)
        return range_of_sums(
            sums, ranges[0], shift, bounds, lambda acc: self.requantize(acc, ins, output)
        )

    def weighted_sums(self, ins: Tensors, outs: Sequence[Tensor]) -> WeightedSums | None:
        """See ``Operator``."""
        if outs[0].dtype is not DType.I8:
            return None
        data, weights, bias = operands(ins)
        _, height, width, outputs = outs[0].shape
        rows, columns = self._windows(weights)
        row_always, row_ever = seen_taps(rows, height, data.shape[1])
        column_always, column_ever = seen_taps(columns, width, data.shape[2])
        values = np.moveaxis(weights.constant(), self.CHANNEL_AXIS, 0).astype(np.int64)
        return WeightedSums(
            weights=values.reshape(outputs, row_ever.size * column_ever.size, -1),
            reads=terms_read(self.channels_read(data, weights), outputs),
            bias=bias_values(bias, outputs, DType.I8).astype(np.int64),
            channels=data.shape[3],
            zero_point=data.zero_point,
            inside=np.logical_and.outer(row_always, column_always).ravel(),
            outside=~np.logical_and.outer(row_ever, column_ever).ravel(),
        )

    def bordered(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """See ``RowOperator``."""
        return replace(self, padding=(*rows, *columns))

    @abstractmethod
    def more_fields(self, data: Shape, weights: Shape) -> dict[str, CValue]:
        """Fields of the C parameters that only this operator has."""
