"""FULLY_CONNECTED: every output sees every input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, AxisMap, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Activation, RowOperator, Signature, where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import (
    activation_range,
    effective_scales,
    scale_accumulator,
    wrap_int32,
)
from edgebottle.ops.fully_connected_cases import FULLY_CONNECTED, fully_connected_case
from edgebottle.ops.fully_connected_kernels import KERNELS
from edgebottle.ops.kernel import AnyKernel, KernelOperator
from edgebottle.ops.packing import sum_range
from edgebottle.ops.weighted_sums import WeightedSums
from edgebottle.ops.weights import (
    BIAS_INT32,
    bias_values,
    check_bias_option,
    check_reach,
    check_weights,
    exact_matmul,
    has_narrow_sums,
    operands,
    ordered_matmul,
    range_of_sums,
    weights_zero_point,
)


@dataclass(frozen=True, kw_only=True)
class FullyConnected(KernelOperator, RowOperator):
    """Matrix product with constant weights (outputs, inputs), over any number of batches.

    The pixels of an image are batches; so it computes rows where the output keeps the axes.

    Limits:
        Weights (2 axes) and biases are constants. Weights have one scale and zero point, or a scale
        per output and zero point 0; no negative scales, no shuffled weights. At most 131,071
        products for each output.

    Attributes:
        keep_num_dims: The output keeps the input's axes but the last; else it is
            (batches, outputs).
        activation: Clamps the result.
    """

    OP: ClassVar[str] = "FULLY_CONNECTED"
    SIGNATURE: ClassVar[Signature] = Signature(
        "FullyConnectedOptions",
        2,
        3,
        optional=(2,),
        fields=("i8", "i8", "bool", "bool", "i8", "-"),
        version=4,
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = KERNELS

    keep_num_dims: bool
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
        if options.weightsFormat != 0:
            raise UnsupportedOp(f"{label} uses shuffled weights, which edgebottle does not support")
        check_bias_option(label, ins, options)
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            keep_num_dims=bool(options.keepNumDims),
            activation=Activation.from_tflite(options.fusedActivationFunction, label),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import FullyConnectedOptionsT

        options = FullyConnectedOptionsT()
        options.keepNumDims = self.keep_num_dims
        options.fusedActivationFunction = self.activation.value
        if has_narrow_sums(ins):
            options.quantizedBiasType = BIAS_INT32
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, weights, _ = operands(ins)
        if len(weights.shape) != 2 or data.size % weights.shape[1]:
            raise UnsupportedOp(
                f"{where(self)} has weights of the shape {list(weights.shape)} for an input of the "
                f"shape {list(data.shape)}"
            )
        outputs, inputs = weights.shape
        if not self.keep_num_dims:
            return (((data.size // inputs, outputs), data.dtype),)
        if not data.shape or data.shape[-1] != inputs:
            raise UnsupportedOp(
                f"{where(self)} keeps its axes, but takes {inputs} inputs from the shape "
                f"{list(data.shape)}"
            )
        return (((*data.shape[:-1], outputs), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_weights(self, ins, outs[0], axis=0, types=(DType.I8, DType.I16, DType.F32))
        quant = operands(ins)[1].quant
        if quant is not None and len(quant.scale) > 1 and any(quant.zero_point):
            raise UnsupportedOp(
                f"{where(self)} has per-channel weights with zero points, which edgebottle does "
                "not support"
            )
        if outs[0].dtype is not DType.F32:
            activation_range(self.activation, outs[0])
            self._check_reach(ins, outs[0])

    def _check_reach(self, ins: Tensors, output: Tensor) -> None:
        """No scale is negative, no scaled sum leaves int32, into which LiteRT casts a double."""
        data, weights, bias = operands(ins)
        scales = np.array(effective_scales(data, weights, output))
        if scales.min() < 0.0:
            raise UnsupportedOp(
                f"{where(self)} has weights of a negative scale, which edgebottle does not support"
            )
        matrix = weights.constant().astype(np.int64) - weights_zero_point(weights)
        if data.dtype is DType.I16:
            added = bias_values(bias, len(matrix), data.dtype)
            check_reach(self, matrix, added, scales.tolist(), 31 if has_narrow_sums(ins) else 47)
            return
        if scales.max() < 1.0:
            return
        added = bias_values(bias, len(matrix), data.dtype).astype(np.int64)
        ends = sum_range(matrix, added - data.zero_point * matrix.sum(axis=1))
        reach = np.abs(ends).max(axis=0) * scales
        if reach.max() >= 2.0**31:
            raise UnsupportedOp(
                f"{where(self)} scales its sums up to {reach.max():.2g}, and 32-bit arithmetic "
                "takes less than 2^31; quantize the model anew, with representative data"
            )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, weights, bias = operands(ins)
        output = outs[0]
        value, weight = values[0], values[1]
        assert value is not None and weight is not None
        rows = value.reshape(-1, weights.shape[1])
        added = bias_values(bias, weights.shape[0], data.dtype)
        if data.dtype is DType.F32:
            sums = ordered_matmul(rows, weight.T) + added
            total = np.clip(sums, *self.activation.float_range())
            return (total.astype(np.float32).reshape(output.shape),)
        matrix = weight.T.astype(np.int16) - np.int16(weights_zero_point(weights))
        if data.dtype is DType.I16:
            acc = exact_matmul(rows.astype(np.int64), matrix).astype(np.int64) + added
            return (self.requantize(acc, ins, output).reshape(output.shape),)
        centred = rows.astype(np.int16) - np.int16(data.zero_point)
        acc = wrap_int32(exact_matmul(centred, matrix).astype(np.int64) + added)
        return (self.requantize(acc, ins, output).reshape(output.shape),)

    def requantize(self, acc: Array, ins: Tensors, output: Tensor) -> Array:
        """The stored outputs of accumulators; the last axis is the outputs."""
        data, weights, _ = operands(ins)
        scaled = scale_accumulator(acc, np.array(effective_scales(data, weights, output)))
        low, high = activation_range(self.activation, output)
        return np.clip(scaled + output.zero_point, low, high).astype(output.dtype.numpy)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """All channels of the same place, where the output keeps the axes."""
        if index != 0 or not self.keep_num_dims:
            return None
        data = operands(ins)[0]
        return (*(Same() for _ in data.shape[:-1]), All(data.layout.pixel_elements))

    def row_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None where there is but one row: that is a matrix, whole."""
        return None if outs[0].layout.row_axis is None else super().row_access(index, ins, outs)

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """All, with weights of their own for each pixel that is flattened."""
        return All(operands(ins)[0].layout.pixel_elements) if index == 0 else None

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """The weights and the bias."""
        return {1: 0, 2: 0}

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """See ``Operator``."""
        sums, output = self.weighted_sums(ins, outs), outs[0]
        if sums is None:
            return None
        bounds = activation_range(self.activation, output)
        return range_of_sums(
            sums, ranges[0], 0, bounds, lambda acc: self.requantize(acc, ins, output)
        )

    def weighted_sums(self, ins: Tensors, outs: Sequence[Tensor]) -> WeightedSums | None:
        """See ``Operator``."""
        if outs[0].dtype is not DType.I8:
            return None
        data, weights, bias = operands(ins)
        outputs, inputs = weights.shape
        values = weights.constant().astype(np.int64) - weights_zero_point(weights)
        return WeightedSums(
            weights=values[:, None, :],
            reads=np.arange(inputs)[None, :],
            bias=bias_values(bias, outputs, DType.I8).astype(np.int64),
            channels=inputs,
            zero_point=data.zero_point,
            inside=np.ones(1, dtype=bool),
            outside=np.zeros(1, dtype=bool),
        )

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return outs[0].size * operands(ins)[1].shape[1]

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in FULLY_CONNECTED:
            yield fully_connected_case(cls, case)
