"""SVDF: a fully connected layer of low rank with a memory of the last inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import (
    Activation,
    CValue,
    Emitter,
    Signature,
    one_node_graph,
    require_dtype,
    where,
)
from edgebottle.ops.case_tensors import constant, plain, quantized
from edgebottle.ops.fixed_point import (
    checked_multiplier,
    multiply_by_quantized_multiplier,
    single_ratio,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.weighted_sums import FilterOperands

INPUT, FEATURE, TIME, BIAS, STATE = range(5)


class _Filters(TypedKernel["Svdf"]):
    """All filters of a batch, one after the other: float32."""

    STRUCT = "eb_svdf_f32"

    def emit(self, layer: Layer[Svdf], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        data, time = (data_input(layer.ins, index) for index in (INPUT, TIME))
        fields: dict[str, CValue] = {
            "batch": data.shape[0],
            "input_size": data.shape[1],
            "units": layer.output.shape[1],
            "rank": layer.node.rank,
            "memory": time.shape[1],
            **self.more_fields(layer),
        }
        e.include("eb_svdf.h")
        bias = "NULL" if layer.ins[BIAS] is None else e.input(BIAS)
        pointers = [e.input(INPUT), e.output(), e.input(FEATURE), e.input(TIME), bias]
        params = e.params(self.STRUCT, fields)
        return f"{self.function}({params}, {', '.join(pointers)}, {e.input(STATE)});"

    def more_fields(self, layer: Layer[Svdf]) -> dict[str, CValue]:
        """The bounds."""
        low, high = layer.node.activation.float_range()
        return {"activation_min": low, "activation_max": high}


@dataclass(frozen=True)
class _FiltersS8(_Filters):
    """The same of int8.

    Attributes:
        state: Type of the memory.
    """

    STRUCT = "eb_svdf"

    state: DType

    def suits(self, layer: Layer[Svdf]) -> bool:
        """The type of the memory as well."""
        return super().suits(layer) and data_input(layer.ins, STATE).dtype is self.state

    def more_fields(self, layer: Layer[Svdf]) -> dict[str, CValue]:
        """Zero points, multipliers and shifts."""
        data, state = (data_input(layer.ins, index) for index in (INPUT, STATE))
        feature, output = layer.node.multipliers(layer.ins, layer.outs)
        return {
            "input_zero_point": data.zero_point,
            "state_zero_point": state.zero_point,
            "output_zero_point": layer.output.zero_point,
            "feature_multiplier": feature[0],
            "feature_shift": feature[1],
            "output_multiplier": output[0],
            "output_shift": output[1],
        }


@dataclass(frozen=True, kw_only=True)
class Svdf(KernelOperator):
    """Each filter remembers its last results; a unit is the weighted sum over its filters' memory.

    Inputs: data (batch, input size); feature weights (filters, input size); time weights (filters,
    memory); bias (units) or None; state (batch, filters * memory), oldest first, int16 or int8 for
    an int8 network. LiteRT knows only the int16 state; TensorFlow Lite Micro both.

    Limits:
        2 axes. Weights have zero point 0, the state is a variable. int8: no fused activation but
        RELU.

    Attributes:
        rank: Filters of one unit.
        activation: LiteRT ignores it for int8, where the range of the output says as much.
    """

    OP: ClassVar[str] = "SVDF"
    SIGNATURE: ClassVar[Signature] = Signature(
        "SVDFOptions", 5, 5, optional=(3,), fields=("i32", "i8", "bool"), version=3
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _FiltersS8((DType.I8,), "eb_svdf_s8_state16", DType.I16),
        _FiltersS8((DType.I8,), "eb_svdf_s8_state8", DType.I8),
        _Filters((DType.F32,), "eb_svdf_f32_all"),
    )

    rank: int
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
        if options is None or len(ins) != 5 or options.rank < 1:
            raise UnsupportedOp(f"{label} lacks its options or an input")
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            rank=int(options.rank),
            activation=Activation.from_tflite(options.fusedActivationFunction, label),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import SVDFOptionsT

        options = SVDFOptionsT()
        options.rank = self.rank
        options.fusedActivationFunction = self.activation.value
        return options

    @property
    def state_inputs(self) -> tuple[int, ...]:
        """See ``Node``."""
        return (STATE,)

    def other_operands(self) -> FilterOperands | None:
        """See ``Operator``: where int8 layers have the activation."""
        if self.activation not in (Activation.NONE, Activation.RELU):
            return None
        return FilterOperands(FEATURE, TIME, BIAS, STATE, self.rank)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data, feature, time = (data_input(ins, index) for index in (INPUT, FEATURE, TIME))
        if len(data.shape) != 2 or len(feature.shape) != 2 or len(time.shape) != 2:
            raise UnsupportedOp(f"{where(self)} needs inputs of 2 axes")
        filters, memory = time.shape
        fits = (
            feature.shape == (filters, data.shape[1])
            and data_input(ins, STATE).shape == (data.shape[0], filters * memory)
            and filters % self.rank == 0
            and (ins[BIAS] is None or data_input(ins, BIAS).shape == (filters // self.rank,))
        )
        if not fits:
            raise UnsupportedOp(f"{where(self)} has inputs of shapes that do not fit together")
        return (((data.shape[0], filters // self.rank), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data, feature, time, state = (
            data_input(ins, index) for index in (INPUT, FEATURE, TIME, STATE)
        )
        if not state.state:
            raise UnsupportedOp(f"{where(self)} needs a variable tensor for its state")
        require_dtype(self, data, DType.I8, DType.F32)
        if data.dtype is DType.F32:
            for index in (FEATURE, TIME, BIAS, STATE):
                if ins[index] is not None:
                    require_dtype(self, data_input(ins, index), DType.F32)
            return
        if ins[BIAS] is not None:
            require_dtype(self, data_input(ins, BIAS), DType.I32)
        require_dtype(self, feature, DType.I8)
        require_dtype(self, state, DType.I16, DType.I8)
        require_dtype(self, time, state.dtype)
        if self.activation not in (Activation.NONE, Activation.RELU):
            raise UnsupportedOp(f"{where(self)} uses the fused activation {self.activation.name}")
        for weights in (feature, time):
            if weights.zero_point != 0:
                raise UnsupportedOp(f"{where(self)} has weights with a zero point")
        self.multipliers(ins, outs)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return data_input(ins).shape[0] * sum(data_input(ins, i).size for i in (FEATURE, TIME))

    def multipliers(
        self, ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Multiplier and shift of the features and of the output.

        LiteRT multiplies the scales in single precision.
        """
        data, feature, time, state = (
            data_input(ins, index).scale for index in (INPUT, FEATURE, TIME, STATE)
        )
        return (
            checked_multiplier(where(self), single_ratio(data, feature, by=state)),
            checked_multiplier(where(self), single_ratio(state, time, by=outs[0].scale)),
        )

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``; the new state follows the output."""
        data, feature, time, bias, old = values
        assert data is not None and feature is not None and time is not None and old is not None
        batch = data.shape[0]
        memory = old.reshape(batch, *time.shape)
        if data.dtype == np.float32:
            newest = data @ feature.T
            memory = np.concatenate([memory[:, :, 1:], newest[:, :, np.newaxis]], axis=2)
            sums = (memory * time).sum(axis=2, dtype=np.float32).reshape(batch, -1, self.rank)
            total = sums.sum(axis=2, dtype=np.float32) + (0 if bias is None else bias)
            result = np.clip(total, *self.activation.float_range()).astype(np.float32)
            return result, memory.reshape(old.shape)
        state, output = data_input(ins, STATE), outs[0]
        to_state, to_output = self.multipliers(ins, outs)
        centered = data.astype(np.int64) - data_input(ins).zero_point
        scaled = multiply_by_quantized_multiplier(centered @ feature.T.astype(np.int64), *to_state)
        limits = np.iinfo(old.dtype)
        newest = np.clip(scaled + state.zero_point, limits.min, limits.max).astype(old.dtype)
        memory = np.concatenate([memory[:, :, 1:], newest[:, :, np.newaxis]], axis=2)
        products = (memory.astype(np.int64) - state.zero_point) * time.astype(np.int64)
        total = products.sum(axis=2).reshape(batch, -1, self.rank).sum(axis=2)
        total = wrap_int32(total if bias is None else total + bias)
        rescaled = multiply_by_quantized_multiplier(total, *to_output) + output.zero_point
        return np.clip(rescaled, -128, 127).astype(np.int8), memory.reshape(old.shape)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for seed, row in enumerate(_CASES):
            yield cls._case(seed, *row)

    @classmethod
    def _case(
        cls,
        seed: int,
        case: str,
        sizes: tuple[int, int, int, int, int],
        dtype: DType,
        zero_points: tuple[int, int, int],
        with_bias: bool,
        activation: Activation,
    ) -> Graph:
        batch, size, units, rank, memory = sizes
        filters = units * rank
        rng = np.random.default_rng(seed)
        inputs = ("x", "feature", "time", "bias" if with_bias else None, "state")
        node = cls(name="svdf", inputs=inputs, outputs=("y",), rank=rank, activation=activation)
        state_shape = (batch, filters * memory)
        tensors: list[Tensor] = []
        if dtype is DType.F32:
            feature = rng.normal(size=(filters, size)).astype(np.float32)
            time = rng.normal(size=(filters, memory)).astype(np.float32)
            bias = rng.normal(size=units).astype(np.float32)
            tensors = [
                plain("x", (batch, size)),
                constant("feature", feature),
                constant("time", time),
                constant("bias", bias),
                Tensor("state", state_shape, DType.F32, state=True),
                plain("y", (batch, units)),
            ]
        else:
            top = 32767 if dtype is DType.I16 else 127
            state_scale = 0.004 if dtype is DType.I16 else 0.3
            time_scale = 1.0 / top
            feature = rng.integers(-127, 128, (filters, size)).astype(np.int8)
            # Halved, so that int32 holds the sum over a memory at its limits.
            time = rng.integers(-top // 2, top // 2, (filters, memory)).astype(dtype.numpy)
            bias = rng.integers(-9000, 9000, units).astype(np.int32)
            state_quant = Quant((_single(state_scale),), (zero_points[1],))
            tensors = [
                quantized("x", (batch, size), 0.08, zero_points[0]),
                constant("feature", feature, Quant((_single(0.02),), (0,))),
                constant("time", time, Quant((_single(time_scale),), (0,))),
                constant("bias", bias, Quant((_single(state_scale * time_scale),), (0,))),
                Tensor("state", state_shape, dtype, state_quant, state=True),
                quantized("y", (batch, units), 0.25, zero_points[2]),
            ]
        kept = [tensor for tensor in tensors if tensor.name != "bias" or with_bias]
        return one_node_graph(f"svdf_{case}", node, kept)


def _single(scale: float) -> float:
    return float(np.float32(scale))


_CASES: tuple[
    tuple[str, tuple[int, int, int, int, int], DType, tuple[int, int, int], bool, Activation], ...
] = (
    ("rank_1", (1, 16, 9, 1, 8), DType.I16, (0, 0, -128), True, Activation.RELU),
    ("rank_2", (1, 7, 5, 2, 3), DType.I16, (-128, 0, 4), True, Activation.RELU),
    ("batch", (2, 5, 3, 2, 4), DType.I16, (127, 0, -9), True, Activation.RELU),
    ("no_bias", (1, 5, 4, 1, 1), DType.I16, (3, 0, 0), False, Activation.RELU),
    ("state8", (1, 16, 9, 1, 8), DType.I8, (5, 0, -128), True, Activation.RELU),
    ("state8_zero_point", (1, 7, 5, 2, 3), DType.I8, (-128, 11, 4), True, Activation.RELU),
    ("state8_no_bias", (2, 7, 5, 2, 3), DType.I8, (-128, -31, 4), False, Activation.RELU),
    ("f32", (1, 16, 9, 1, 8), DType.F32, (0, 0, 0), True, Activation.RELU),
    ("f32_rank_2", (2, 7, 5, 2, 3), DType.F32, (0, 0, 0), False, Activation.NONE),
)
