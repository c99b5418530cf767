"""What FULLY_CONNECTED is with any weights, and its form whose weights are computed at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import (
    Activation,
    CValue,
    Emitter,
    Isa,
    RowOperator,
    Signature,
    require_dtype,
    where,
)
from edgebottle.ops.fixed_point import (
    activation_range,
    check_scaled,
    checked_multiplier,
    effective_scales,
    exact_multiplier,
    scale_accumulator,
    wrap_int32,
)
from edgebottle.ops.fully_connected_cases import AT_RUN_TIME, fully_connected_case
from edgebottle.ops.fully_connected_kernels import PlainLayerF32, layer_sizes
from edgebottle.ops.kernel import AnyKernel, Kernel, KernelOperator, Layer
from edgebottle.ops.weighted_sums import ProductOperands
from edgebottle.ops.weights import (
    BIAS_INT32,
    MAX_WIDE_WINDOW,
    bias_values,
    check_bias_option,
    exact_matmul,
    has_narrow_sums,
    operands,
    ordered_matmul,
    weights_zero_point,
)


@dataclass(frozen=True, kw_only=True)
class DenseLayer(KernelOperator, RowOperator):
    """Matrix product with weights (outputs, inputs), over any number of batches.

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

    def clamp(self, out: Tensor) -> tuple[int, int]:
        """See ``Operator``."""
        return activation_range(self.activation, out)

    def requantize(self, acc: Array, ins: Tensors, output: Tensor) -> Array:
        """The stored outputs of accumulators; the last axis is the outputs."""
        data, weights, _ = operands(ins)
        scaled = scale_accumulator(acc, np.array(effective_scales(data, weights, output)))
        low, high = activation_range(self.activation, output)
        return np.clip(scaled + output.zero_point, low, high).astype(output.dtype.numpy)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return outs[0].size * operands(ins)[1].shape[1]


Dense = Layer[DenseLayer]


class ComputedS8(Kernel[DenseLayer, Array]):
    """int8."""

    FUNCTION = "eb_fully_connected_s8_computed_layer"

    def suits(self, layer: Dense) -> bool:
        """int8."""
        return operands(layer.ins)[0].dtype is DType.I8

    def pack(self, layer: Dense) -> Array:
        """The scale, as LiteRT's double."""
        data, weights, _ = operands(layer.ins)
        (scale,) = effective_scales(data, weights, layer.output)
        return np.array(exact_multiplier(scale), dtype=np.uint32)

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        data, weights, bias = operands(layer.ins)
        low, high = activation_range(layer.node.activation, layer.output)
        fields: dict[str, CValue] = {
            **layer_sizes(layer),
            "per_channel": 0,
            "weights_zero_point": weights.zero_point,
            "output_zero_point": layer.output.zero_point,
            "low": low,
            "high": high,
        }
        arguments = (
            e.params("eb_fully_connected", fields),
            str(data.zero_point),
            *(e.input(0), e.output(), e.input(1)),
            e.constant("bias", bias_values(bias, weights.shape[0], DType.I8)),
            e.constant("scale", packed),
            *([e.scratch()] if self.scratch(layer) else []),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"


class ComputedDotsS8(ComputedS8):
    """The same with rows of the input widened to 16 bits: DSP."""

    ISAS = frozenset({Isa.DSP})
    FUNCTION = "eb_fully_connected_s8_computed_dots_layer"

    def scratch(self, layer: Dense) -> int:
        """A row of the input."""
        return 2 * aligned(operands(layer.ins)[1].shape[1])


class ComputedVectorsS8(ComputedS8):
    """The same, sixteen products at a time: MVE."""

    ISAS = frozenset({Isa.MVE})
    FUNCTION = "eb_fully_connected_s8_computed_mve_layer"


class ComputedF32(PlainLayerF32):
    """float32."""

    def weights(self, layer: Dense, e: Emitter) -> str:
        """The input."""
        return e.input(1)


@dataclass(frozen=True, kw_only=True)
class DenseAtRunTime(DenseLayer):
    """FULLY_CONNECTED whose weights are computed at run time, as in attention.

    Nothing of it can be packed or moved to another layer, so passes must not take it for one whose
    weights they know.
    """

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        ComputedDotsS8(),
        ComputedVectorsS8(),
        ComputedS8(),
        ComputedF32(),
    )

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data, weights, bias = operands(ins)
        require_dtype(self, data, DType.I8, DType.F32)
        is_float = data.dtype is DType.F32
        require_dtype(self, weights, data.dtype)
        require_dtype(self, outs[0], data.dtype)
        if bias is not None:
            require_dtype(self, bias, DType.F32 if is_float else DType.I32)
            if bias.size != weights.shape[0]:
                raise UnsupportedOp(
                    f"{where(self)} has {bias.size} biases for {weights.shape[0]} outputs"
                )
            bias.constant()
        if is_float:
            return
        if weights.shape[1] > MAX_WIDE_WINDOW:
            raise UnsupportedOp(
                f"{where(self)} sums {weights.shape[1]} products for each output; edgebottle "
                f"supports {MAX_WIDE_WINDOW} with weights computed at run time"
            )
        activation_range(self.activation, outs[0])
        _ = data.scale, weights.scale, outs[0].scale
        (scale,) = effective_scales(data, weights, outs[0])
        checked_multiplier(where(self), scale)
        added = bias_values(bias, weights.shape[0], DType.I8).astype(np.int64)
        if scale >= 1.0:
            reach = (255**2 * weights.shape[1] + int(np.abs(added).max())) * scale
            check_scaled(where(self), reach)

    def other_operands(self) -> ProductOperands:
        """See ``Operator``."""
        return ProductOperands((0, 1), 2)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in AT_RUN_TIME:
            yield fully_connected_case(cls, case)
