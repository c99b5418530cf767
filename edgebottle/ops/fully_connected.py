"""FULLY_CONNECTED: every output sees every input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, AxisMap, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor, Tensors
from edgebottle.ops.base import where
from edgebottle.ops.channel_range import Range
from edgebottle.ops.dense import DenseAtRunTime, DenseLayer
from edgebottle.ops.fixed_point import (
    activation_range,
    check_scaled,
    effective_scales,
)
from edgebottle.ops.fully_connected_cases import FULLY_CONNECTED, fully_connected_case
from edgebottle.ops.fully_connected_kernels import KERNELS
from edgebottle.ops.fully_connected_neon import KERNELS as NEON
from edgebottle.ops.fully_connected_scalar import KERNELS as SCALAR
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.packing import sum_range
from edgebottle.ops.weighted_sums import WeightedOperands, WeightedSums
from edgebottle.ops.weights import (
    bias_values,
    check_reach,
    check_weights,
    has_narrow_sums,
    operands,
    range_of_sums,
    weights_zero_point,
)


@dataclass(frozen=True, kw_only=True)
class FullyConnected(DenseLayer):
    """Matrix product with constant weights (outputs, inputs), over any number of batches.

    The pixels of an image are batches; so it computes rows where the output keeps the axes.

    Limits:
        Weights have 2 axes, biases are constants. Weights have one scale and zero point, or, where
        they are constants, a scale per output and zero point 0; no negative scales, no shuffled
        weights. At most 131,071 products for each output, and 33,025 with weights computed at run
        time, which 16-bit activations do not take.
    """

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (*NEON, *SCALAR, *KERNELS)

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
        check_scaled(where(self), float((np.abs(ends).max(axis=0) * scales).max()))

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

    def weighted_operands(self) -> WeightedOperands:
        """See ``Operator``."""
        return WeightedOperands(1, 2, 0)

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

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in FULLY_CONNECTED:
            yield fully_connected_case(cls, case)
        yield from DenseAtRunTime.cases()
