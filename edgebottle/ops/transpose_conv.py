"""TRANSPOSE_CONV: the window of weights that each input pixel adds to the output."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, AxisMap, Listed, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    Activation,
    RowOperator,
    Signature,
    one_node_graph,
    where,
)
from edgebottle.ops.case_tensors import indices
from edgebottle.ops.convolution_cases import Case, case_float, case_int8, case_int16
from edgebottle.ops.fixed_point import (
    activation_range,
    checked_multiplier,
    effective_scales,
    multiply_by_quantized_multiplier,
    multiply_wide,
    quantize_multipliers,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator
from edgebottle.ops.movement import constant_ints, data_input
from edgebottle.ops.transpose_conv_kernels import KERNELS, operands_of
from edgebottle.ops.weighted_sums import WeightedOperands
from edgebottle.ops.weights import (
    MAX_WIDE_SHIFT,
    bias_values,
    check_reach,
    check_weights,
    exact_matmul,
)
from edgebottle.ops.window_padding import MAX_SIDE, SAME, VALID, check_sides, same_padding


@dataclass(frozen=True, kw_only=True)
class TransposeConv(KernelOperator, RowOperator):
    """The transpose of a convolution; inputs are the output's shape, weights (OHWI), data, bias.

    An output pixel sums what the input pixels at every ``stride``-th place under its window give.

    Limits:
        Data and weights have 4 axes; shape, weights and biases are constants. int8 weights have
        zero point 0 and one scale, or one for each output channel; biases are int32. At most
        131,071 products for each output, and 32,767 pixels along a side of output and window. The
        size of the output is one that the convolution back would make the input of.

    Attributes:
        stride: Rows and pixels of the output from one input pixel's window to the next.
        size: Height and width of the output.
        same: The padding is TFLite's SAME, else VALID.
        activation: Clamps the result.
    """

    OP: ClassVar[str] = "TRANSPOSE_CONV"
    STRIDED_OUTPUT: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature(
        "TransposeConvOptions",
        3,
        4,
        optional=(3,),
        fields=("i8", "i32", "i32", "i8", "i8"),
        version=4,
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = KERNELS
    OF_UINT8: ClassVar[bool] = False
    """Of a uint8 network: LiteRT rounds the product of two scales to single precision."""

    stride: tuple[int, int]
    size: tuple[int, int]
    same: bool
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
        shape = constant_ints(ins[0], label)
        weights, data = data_input(ins, 1), data_input(ins, 2)
        if options is None or {len(shape), len(weights.shape), len(data.shape)} != {4}:
            raise UnsupportedOp(f"{label} needs shape, weights and data of 4 axes and its options")
        stride = (int(options.strideH), int(options.strideW))
        if min(*stride, *shape[1:3]) < 1 or options.padding not in (SAME, VALID):
            raise UnsupportedOp(
                f"{label} has a stride of {stride}, an output of {list(shape)} and the padding "
                f"{options.padding}"
            )
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            stride=stride,
            size=(shape[1], shape[2]),
            same=options.padding == SAME,
            activation=Activation.from_tflite(options.fusedActivationFunction, label),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import TransposeConvOptionsT

        if self.OF_UINT8:
            raise UnsupportedOp(f"{where(self)} was uint8: no int8 file gives the same results")

        options = TransposeConvOptionsT()
        options.padding = SAME if self.same else VALID
        options.strideH, options.strideW = self.stride
        options.fusedActivationFunction = self.activation.value
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        weights, data = data_input(ins, 1), data_input(ins, 2)
        if weights.shape[3] != data.shape[3]:
            raise UnsupportedOp(
                f"{where(self)} has {data.shape[3]} input channels and weights for "
                f"{weights.shape[3]}"
            )
        for axis in (0, 1):
            taps = 1 if self.same else weights.shape[1 + axis]
            places = -(-(self.size[axis] - taps + 1) // self.stride[axis])
            if places != data.shape[1 + axis] or self.size[axis] > MAX_SIDE:
                raise UnsupportedOp(
                    f"{where(self)} makes {self.size[0]} x {self.size[1]} pixels of "
                    f"{data.shape[1]} x {data.shape[2]}, which a stride of {self.stride} does not "
                    f"give, or more than {MAX_SIDE} along a side"
                )
        return (((data.shape[0], *self.size, weights.shape[0]), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        weights = data_input(ins, 1)
        types = (DType.I8, DType.I16, DType.F32)
        check_weights(self, operands_of(ins), outs[0], 0, wide=self.OF_UINT8, types=types)
        check_sides(weights.shape[1:3], where(self))
        if weights.quant is not None and any(weights.quant.zero_point):
            raise UnsupportedOp(
                f"{where(self)} has weights with a zero point, which edgebottle does not support"
            )
        if outs[0].dtype is not DType.F32:
            activation_range(self.activation, outs[0])
        if outs[0].dtype is DType.I16:
            self._check_int16(ins, outs[0])

    def _check_int16(self, ins: Tensors, output: Tensor) -> None:
        """Sums have 64 bits, and shifts are what LiteRT's arithmetic takes."""
        data, weights, bias = operands_of(ins)
        if bias is not None and bias.dtype is not DType.I64:
            raise UnsupportedOp(f"{where(self)} has 16-bit activations and biases of 32 bits")
        scales = effective_scales(data, weights, output)
        for scale in scales:
            checked_multiplier(where(self), scale, MAX_WIDE_SHIFT)
        matrix = weights.constant().reshape(weights.shape[0], -1)
        check_reach(self, matrix, bias_values(bias, len(matrix), DType.I16), scales, 47)

    def scales(self, ins: Tensors, output: Tensor) -> list[float]:
        """What sums are multiplied by: one scale, or one for each output channel."""
        data, weights, _ = operands_of(ins)
        return effective_scales(data, weights, output, single_product=self.OF_UINT8)

    def before(self, weights: Tensor) -> tuple[int, int]:
        """Rows and columns of the first window that lie before the output."""
        if not self.same:
            return (0, 0)
        top, left = (
            same_padding(self.size[i], weights.shape[1 + i], self.stride[i])[0] for i in (0, 1)
        )
        return top, left

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """Of data, the pixels whose windows reach; shape, weights and bias are read as a whole."""
        if index != 2:
            return None
        weights, data = data_input(ins, 1), data_input(ins, 2)
        before = self.before(weights)
        rows, columns = (
            _reached(self.size[i], weights.shape[1 + i], self.stride[i], before[i]) for i in (0, 1)
        )
        return (Same(), rows, columns, All(data.shape[3]))

    def weighted_operands(self) -> WeightedOperands:
        """See ``Operator``."""
        return WeightedOperands(1, 3, 0)

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: the shape counts the channels."""
        return None

    def clamp(self, out: Tensor) -> tuple[int, int]:
        """See ``Operator``."""
        return activation_range(self.activation, out)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, _, bias = operands_of(ins)
        output, value, weight = outs[0], values[2], values[1]
        assert value is not None and weight is not None
        added = bias_values(bias, output.shape[3], data.dtype)
        if data.dtype is DType.F32:
            total = self._sums(value, weight, output.shape) + added
            return (np.clip(total, *self.activation.float_range()).astype(np.float32),)
        multiplier, shift = quantize_multipliers(self.scales(ins, output))
        if data.dtype is DType.I16:
            acc = self._sums(value.astype(np.int64), weight, output.shape) + added
            bounds = activation_range(self.activation, output)
            return (np.clip(multiply_wide(acc, multiplier, shift), *bounds).astype(np.int16),)
        centred = value.astype(np.int16) - np.int16(data.zero_point)
        acc = wrap_int32(self._sums(centred, weight, output.shape).astype(np.int64) + added)
        scaled = multiply_by_quantized_multiplier(acc, multiplier, shift) + output.zero_point
        bounds = activation_range(self.activation, output)
        return (np.clip(scaled, *bounds).astype(np.int8),)

    def _sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """The sums of products, of ``shape``: each tap added where it falls into the output."""
        batch, height, width, depth = value.shape
        outputs, taps_high, taps_wide, _ = weights.shape
        before = self.before(Tensor("weights", weights.shape, DType.I8))
        reach = [
            max((count - 1) * step + taps, first + size)
            for count, step, taps, first, size in zip(
                (height, width), self.stride, (taps_high, taps_wide), before, self.size, strict=True
            )
        ]
        is_float = value.dtype == np.float32
        whole = np.zeros((batch, *reach, outputs), np.float32 if is_float else np.int64)
        rows = value.reshape(-1, depth)
        for ky in range(taps_high):
            for kx in range(taps_wide):
                matrix = weights[:, ky, kx, :].T
                product = rows @ matrix if is_float else exact_matmul(rows, matrix)
                sums = product.reshape(batch, height, width, outputs).astype(whole.dtype)
                down = slice(ky, ky + (height - 1) * self.stride[0] + 1, self.stride[0])
                across = slice(kx, kx + (width - 1) * self.stride[1] + 1, self.stride[1])
                whole[:, down, across] += sums
        top, left = before
        return whole[:, top : top + shape[1], left : left + shape[2]]

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``: of all windows, those parts included that fall outside of the output."""
        weights, data = data_input(ins, 1), data_input(ins, 2)
        return data.size * weights.size // weights.shape[3]

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in _CASES:
            for same in (True, False):
                yield cls._case(
                    replace(case, name=f"{case.name}_{'same' if same else 'valid'}"), same
                )
        yield TransposeConvOfUint8._case(_OF_UINT8, True)

    @classmethod
    def _case(cls, case: Case, same: bool) -> Graph:
        weights = (case.outputs, *case.kernel, case.shape[3])
        size = tuple(
            count * step if same else (count - 1) * step + taps
            for count, step, taps in zip(case.shape[1:3], case.stride, case.kernel, strict=True)
        )
        node = cls(
            name="transpose_conv",
            inputs=("shape", "weights", "input", "bias" if case.bias else None),
            outputs=("output",),
            stride=case.stride,
            size=(size[0], size[1]),
            same=same,
            activation=case.activation,
        )
        shape = (case.shape[0], *size, case.outputs)
        rng = np.random.default_rng(zlib.crc32(case.name.encode()))
        fill = case_float if case.is_float else case_int16 if case.is_int16 else case_int8
        data, filters, bias, output = fill(case, weights, 0, rng)
        tensors = [indices("shape", *shape), filters, data, *([bias] if case.bias else [])]
        return one_node_graph(f"transpose_conv_{case.name}", node, [*tensors, output(shape)])


@dataclass(frozen=True, kw_only=True)
class TransposeConvOfUint8(TransposeConv):
    """Such a layer of a uint8 network, shifted to int8 when it was imported."""

    OF_UINT8: ClassVar[bool] = True


def _reached(size: int, taps: int, stride: int, before: int) -> AxisMap:
    """For each index of the output those of the input whose windows reach it; -1 where fewer do.

    The first of them is the one that begins last.
    """
    places = []
    for index in range(size):
        last, phase = divmod(index + before, stride)
        places.append(
            tuple(last - k if phase + k * stride < taps else -1 for k in range(-(-taps // stride)))
        )
    return Listed(tuple(places))


_OF_UINT8 = Case(
    name="uint8_wide",
    shape=(1, 4, 3, 5),
    outputs=3,
    kernel=(3, 3),
    stride=(2, 2),
    per_channel=False,
    weights="wide",
)

_CASES = (
    Case(name="two", shape=(1, 3, 4, 5), outputs=3, kernel=(2, 2), stride=(2, 2)),
    Case(name="three", shape=(1, 4, 3, 2), outputs=4, kernel=(3, 3), stride=(2, 2)),
    Case(name="four", shape=(1, 3, 3, 4), outputs=2, kernel=(4, 4), stride=(2, 2)),
    Case(name="stride_1", shape=(1, 4, 5, 3), outputs=3, kernel=(3, 3)),
    Case(name="uneven", shape=(1, 3, 5, 3), outputs=2, kernel=(5, 2), stride=(3, 1)),
    Case(name="gaps", shape=(1, 3, 2, 3), outputs=2, kernel=(1, 2), stride=(2, 3)),
    Case(name="fours", shape=(1, 3, 5, 8), outputs=9, kernel=(3, 3), stride=(2, 2)),
    Case(name="wide", shape=(1, 2, 3, 4), outputs=4, kernel=(2, 7), stride=(1, 3)),
    Case(name="batch", shape=(2, 2, 3, 3), outputs=2, kernel=(3, 3), stride=(2, 2)),
    Case(name="no_bias", shape=(1, 3, 3, 3), outputs=2, kernel=(2, 2), stride=(2, 2), bias=False),
    Case(
        name="per_tensor",
        shape=(1, 3, 3, 3),
        outputs=3,
        kernel=(3, 3),
        stride=(2, 2),
        per_channel=False,
    ),
    Case(
        name="relu6",
        shape=(1, 3, 3, 3),
        outputs=3,
        kernel=(3, 3),
        stride=(2, 2),
        activation=Activation.RELU6,
        gain=600.0,
    ),
    Case(
        name="saturates",
        shape=(1, 3, 3, 3),
        outputs=3,
        kernel=(3, 3),
        stride=(2, 2),
        gain=20000.0,
        zero_points=(-128, 127),
    ),
    Case(
        name="large_bias",
        shape=(1, 3, 3, 3),
        outputs=7,
        kernel=(3, 3),
        stride=(2, 2),
        accumulator_scale=2.0**-24.3,
        has_large_bias=True,
    ),
    Case(name="int16", shape=(1, 4, 3, 2), outputs=4, kernel=(3, 3), stride=(2, 2), is_int16=True),
    Case(
        name="f32",
        shape=(1, 3, 4, 3),
        outputs=2,
        kernel=(3, 3),
        stride=(2, 2),
        is_float=True,
    ),
)
