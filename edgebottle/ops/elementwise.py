"""Binary elementwise operators: what ADD, SUB, MUL and others share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Activation, CValue, one_node_graph, require_dtype, where
from edgebottle.ops.broadcasting import BroadcastOperator, BroadcastRows
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import (
    Int,
    activation_range,
    check_zero_points,
    wrap_int32,
)
from edgebottle.ops.kernel import Layer
from edgebottle.ops.neon_kernels import VECTORS
from edgebottle.ops.table import saturate, tensor_of, value_of


class BinaryRows(BroadcastRows["BinaryOperator"]):
    """A row of the output, within the bounds of the fused activation."""

    def fields(self, layer: Layer[BinaryOperator]) -> Mapping[str, CValue]:
        """What the operator says, and the bounds."""
        number = float if layer.output.dtype == DType.F32 else int
        low, high = (number(bound) for bound in layer.node.bounds(layer.output))
        return {**super().fields(layer), "low": low, "high": high}


VECTOR_LANES = 8
"""Elements that a kernel of NEON combines at once."""


@dataclass(frozen=True)
class BinaryVectors(BinaryRows):
    """The same for Cortex-A, where no operand is broadcast along the channels."""

    ISAS = VECTORS

    def suits(self, layer: Layer[BinaryOperator]) -> bool:
        """The types, and enough channels."""
        shapes = [tensor_of(layer.ins, index).shape for index in (0, 1)]
        last = {shape[-1:] for shape in (*shapes, layer.output.shape)}
        return super().suits(layer) and len(last) == 1 and max(last) >= (VECTOR_LANES,)


@dataclass(frozen=True, kw_only=True)
class BinaryOperator(BroadcastOperator):
    """Two operands, broadcast against each other, and a fused activation.

    Limits:
        Both operands have the output's type and broadcast; at most 6 axes.

    Attributes:
        activation: Clamps the result.
    """

    TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.F32, DType.I32)
    """Of the operands."""

    CLAMPS: ClassVar[bool] = True
    """The kernels know of the activation, so that one can be fused."""

    activation: Activation = Activation.NONE

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

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts ``TYPES``; int8 and int16 are quantized per tensor, the latter around 0."""
        a, b = tensor_of(ins, 0), tensor_of(ins, 1)
        require_dtype(self, a, *self.TYPES)
        require_dtype(self, b, a.dtype)
        require_dtype(self, outs[0], a.dtype)
        if a.dtype.is_quantized:
            self.quantization(ins, outs)
            self.bounds(outs[0])
        check_zero_points(where(self), a, b, outs[0])

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
        return (saturate(np.clip(scaled, int(low), int(high)), outs[0].dtype),)

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

    def clamp(self, out: Tensor) -> tuple[int, int] | None:
        """See ``Operator``."""
        return activation_range(self.activation, out) if self.CLAMPS else None

    def bounds(self, out: Tensor) -> tuple[float, float]:
        """Bounds of the stored output under the fused activation."""
        if out.dtype.is_quantized:
            return activation_range(self.activation, out)
        low, high = self.activation.float_range()
        if out.dtype is DType.F32:
            return low, high
        return max(low, -(2**31)), min(high, 2**31 - 1)

    @abstractmethod
    def combine(self, a: Array, b: Array) -> Array:
        """The operator on float32 or int64."""

    @abstractmethod
    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """The operator on int8 operands without their zero points, at the output's scale."""

    @abstractmethod
    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> object:
        """The fixed-point multipliers of int8; raises ``UnsupportedOp`` for scales without any."""

    @classmethod
    def graph(
        cls,
        case: str,
        shapes: tuple[Shape, Shape],
        quants: tuple[Quant, Quant, Quant] | DType,
        activation: Activation = Activation.NONE,
        constant: int | None = None,
        dtype: DType = DType.I8,
    ) -> Graph:
        """A test case.

        Args:
            case: Its name.
            shapes: Shapes of the operands.
            quants: Quantization of the operands and of the output, or a type without any.
            activation: The fused activation.
            constant: Index of the operand that is a constant, or None.
            dtype: The type that is quantized.
        """
        dtype = quants if isinstance(quants, DType) else dtype
        quant: Sequence[Quant | None] = (None,) * 3 if isinstance(quants, DType) else quants
        operands = []
        for index, (name, shape) in enumerate(zip("ab", shapes, strict=True)):
            data = _case_data(shape, dtype) if index == constant else None
            operands.append(Tensor(name, shape, dtype, quant[index], data))
        out = Tensor("y", np.broadcast_shapes(*shapes), dtype, quant[2])
        node = cls(name=case, inputs=("a", "b"), outputs=("y",), activation=activation)
        return one_node_graph(case, node, (*operands, out))


def _case_data(shape: Shape, dtype: DType) -> Array:
    """Data of a constant operand: spread over the type's range, the same at every call."""
    random = np.random.default_rng(7)
    if dtype == DType.F32:
        return random.normal(size=shape).astype(np.float32)
    return random.integers(-128, 128, size=shape).astype(dtype.numpy)


@dataclass(frozen=True, kw_only=True)
class StoredOperator(BinaryOperator):
    """An operator on elements as they are stored: LiteRT does not look at their scales."""

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The operator on stored values."""
        found = self.combine(value_of(values, 0), value_of(values, 1))
        if self.activation is Activation.NONE and outs[0].bounds is None:
            return (found,)
        low, high = self.bounds(outs[0])
        return (np.clip(found, found.dtype.type(low), found.dtype.type(high)),)

    def combine_centered(self, a: Int, b: Int, ins: Tensors, outs: Sequence[Tensor]) -> Int:
        """Not asked for: stored values are combined."""
        raise NotImplementedError

    def quantization(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Nothing is scaled."""

    def kernel_fields(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[str, CValue]:
        """Nothing but the walk and the bounds."""
        return {}
