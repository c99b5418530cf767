"""UNIDIRECTIONAL_SEQUENCE_LSTM: a layer of LSTM cells that goes through a sequence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Int, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Signature, one_node_graph, require_dtype, where
from edgebottle.ops.fixed_point import (
    checked_multiplier,
    multiply_by_quantized_multiplier,
    rounding_divide_by_pot,
    single_ratio,
    wrap_int32,
)
from edgebottle.ops.fixed_point_16 import logistic, tanh
from edgebottle.ops.kernel import AnyKernel, KernelOperator
from edgebottle.ops.lstm_cases import lstm_cases
from edgebottle.ops.lstm_kernels import (
    BIASES,
    CELL,
    CELL_GATE,
    HIDDEN,
    INPUT_WEIGHTS,
    RECURRENT_WEIGHTS,
    CellsF32,
    CellsS8,
    PackedCellsS8,
    VectorCellsS8,
)
from edgebottle.ops.movement import data_input
from edgebottle.ops.table import saturate, value_of
from edgebottle.ops.weighted_sums import RecurrentOperands

_ABSENT = {
    **dict.fromkeys((9, 10, 11), "peephole connections"),
    **dict.fromkeys((16, 17), "a projection"),
    **dict.fromkeys((20, 21, 22, 23), "layer normalization"),
}
"""Inputs that edgebottle does not support."""

MAX_INPUTS = 131_071
"""Products of int8 numbers whose sum 32 bits hold."""

GATE_SCALE = 2.0**-12

Step = Callable[[Array, Array, Array], tuple[Array, Array]]
"""From data, last output and cells to output and cells."""
_TANH = 4


@dataclass(frozen=True, kw_only=True)
class UnidirectionalSequenceLstm(KernelOperator):
    """A layer of LSTM cells over all steps of a sequence; what they remember outlasts the run.

    Inputs: data (batch, time, inputs), or (time, batch, inputs); for the input, forget, cell and
    output gate the weights of the data, those of the recurrence, and biases; the last output
    (batch, cells) and the contents of the cells, which are states. int8: the cells are int16 and
    their scale is a power of two.

    Limits:
        3 axes; weights are constants with zero point 0. No peephole connections, projection,
        layer normalization or coupled gates; the activation is TANH. At most 131,071 inputs.

    Attributes:
        is_time_major: The first axis of the data is time, the second one the batch.
        cell_clip: Cells stay within +- this real number; 0 for no limit.
        hidden: int8: quantization of what a step computes, which LiteRT takes for that of the
            output.
    """

    OP: ClassVar[str] = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    SIGNATURE: ClassVar[Signature] = Signature(
        "UnidirectionalSequenceLSTMOptions",
        20,
        24,
        optional=(1, 5, 9, 10, 11, 12, 16, 17, 20, 21, 22, 23),
        fields=("i8", "f32", "f32", "bool", "bool", "bool"),
        version=1,
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        PackedCellsS8(),
        VectorCellsS8(),
        CellsS8(),
        CellsF32((DType.F32,), "eb_lstm_f32_all"),
    )

    is_time_major: bool = False
    cell_clip: float = 0.0
    hidden: Quant | None = None

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
        for index, what in _ABSENT.items():
            if ins[index] is not None:
                raise UnsupportedOp(f"{label} has {what}, which edgebottle does not support")
        if any(ins[group[0]] is None for group in (INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES)):
            raise UnsupportedOp(f"{label} has no input gate (CIFG), which edgebottle needs")
        if options.fusedActivationFunction != _TANH:
            raise UnsupportedOp(
                f"{label} uses the activation {options.fusedActivationFunction}; supported: TANH"
            )
        if options.diagonalRecurrentTensors:
            raise UnsupportedOp(f"{label} has diagonal recurrent weights")
        for limit in (float(options.cellClip), float(options.projClip)):
            if not (math.isfinite(limit) and limit >= 0.0):
                raise UnsupportedOp(f"{label} limits its values to {limit}")
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            is_time_major=bool(options.timeMajor),
            cell_clip=float(options.cellClip),
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import UnidirectionalSequenceLSTMOptionsT

        options = UnidirectionalSequenceLSTMOptionsT()
        options.fusedActivationFunction = _TANH
        options.timeMajor, options.cellClip = self.is_time_major, self.cell_clip
        options.projClip = 0.0
        return options

    def with_intermediates(self, quants: Sequence[Quant | None]) -> Self:
        """See ``Operator``: the fifth one is what a step computes."""
        return replace(self, hidden=quants[4]) if len(quants) > 4 else self

    def intermediates(self) -> Sequence[tuple[DType, Quant | None]]:
        """See ``Operator``."""
        if self.hidden is None:
            return ()
        return [*[(DType.F32, None)] * 4, (DType.I8, self.hidden)]

    @property
    def state_inputs(self) -> tuple[int, ...]:
        """See ``Node``."""
        return (HIDDEN, CELL)

    def other_operands(self) -> RecurrentOperands:
        """See ``Operator``."""
        weights = dict.fromkeys(INPUT_WEIGHTS, 0) | dict.fromkeys(RECURRENT_WEIGHTS, HIDDEN)
        biases = dict(zip(BIASES, INPUT_WEIGHTS, strict=True))
        return RecurrentOperands(weights, biases, HIDDEN, CELL)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if len(data.shape) != 3:
            raise UnsupportedOp(f"{where(self)} needs an input of 3 axes")
        batch, inputs = data.shape[1 if self.is_time_major else 0], data.shape[2]
        cells = data_input(ins, INPUT_WEIGHTS[0]).shape[0]
        wanted = {
            **dict.fromkeys(INPUT_WEIGHTS, (cells, inputs)),
            **dict.fromkeys(RECURRENT_WEIGHTS, (cells, cells)),
            **dict.fromkeys(BIASES, (cells,)),
            **dict.fromkeys(self.state_inputs, (batch, cells)),
        }
        for index, shape in wanted.items():
            if data_input(ins, index).shape != shape:
                raise UnsupportedOp(
                    f"{where(self)} has inputs of shapes that do not fit together: input {index} "
                    f"is {list(data_input(ins, index).shape)} instead of {list(shape)}"
                )
        return (((*data.shape[:2], cells), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data = data_input(ins)
        require_dtype(self, data, DType.I8, DType.F32)
        is_float = data.dtype is DType.F32
        types = {
            **dict.fromkeys((*INPUT_WEIGHTS, *RECURRENT_WEIGHTS, HIDDEN), data.dtype),
            **dict.fromkeys(BIASES, DType.F32 if is_float else DType.I32),
            CELL: DType.F32 if is_float else DType.I16,
        }
        for index, dtype in types.items():
            require_dtype(self, data_input(ins, index), dtype)
            if index not in self.state_inputs:
                data_input(ins, index).constant()
            elif not data_input(ins, index).state:
                raise UnsupportedOp(f"{where(self)} needs variable tensors for its states")
        if is_float:
            return
        if max(data.shape[2], outs[0].shape[2]) > MAX_INPUTS:
            raise UnsupportedOp(f"{where(self)} has more than {MAX_INPUTS} inputs or cells")
        for index in (*INPUT_WEIGHTS, *RECURRENT_WEIGHTS):
            if data_input(ins, index).zero_point != 0:
                raise UnsupportedOp(f"{where(self)} has weights with a zero point")
        if self.hidden is None or len(self.hidden.scale) != 1:
            raise UnsupportedOp(f"{where(self)} lacks the quantization of its hidden output")
        self.integer_bits(ins)
        self.multipliers(ins)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        inputs, cells = data_input(ins).shape[2], outs[0].shape[2]
        return 4 * outs[0].size * (inputs + cells)

    def integer_bits(self, ins: Tensors) -> int:
        """Integer bits of the int16 cells: 0 .. 6."""
        cell = data_input(ins, CELL)
        mantissa, exponent = math.frexp(cell.scale)
        bits = exponent + 14
        if mantissa != 0.5 or not 0 <= bits <= 6 or cell.zero_point != 0:
            raise UnsupportedOp(
                f"{where(self)} has cells of the scale {cell.scale:.6g}, zero point "
                f"{cell.zero_point}; LiteRT takes powers of two from 2^-15 to 2^-9 and 0"
            )
        return bits

    def limit(self, ins: Tensors) -> int:
        """The largest stored value of int16 cells; 0 for no limit."""
        if self.cell_clip == 0.0:
            return 0
        return int(np.clip(single_ratio(self.cell_clip, by=data_input(ins, CELL).scale), 0, 32767))

    def multipliers(self, ins: Tensors) -> tuple[list[tuple[int, int]], ...]:
        """Multipliers and shifts: of each gate's input and recurrence, and of the hidden output.

        LiteRT multiplies the scales in single precision.
        """
        label, gate = where(self), GATE_SCALE
        data, hidden = data_input(ins).scale, data_input(ins, HIDDEN).scale
        assert self.hidden is not None
        found = [
            [
                checked_multiplier(
                    label, single_ratio(data_input(ins, index).scale, scale, by=gate)
                )
                for index in group
            ]
            for group, scale in ((INPUT_WEIGHTS, data), (RECURRENT_WEIGHTS, hidden))
        ]
        output = float(np.float32(single_ratio(2.0**-15, by=self.hidden.scale[0])) * 2.0**-15)
        return (*found, [checked_multiplier(label, output)])

    def biases(self, ins: Tensors) -> tuple[list[Int], list[Int]]:
        """For each gate the biases of input and recurrence, zero points included; int32."""
        found: tuple[list[Int], list[Int]] = ([], [])
        groups = (INPUT_WEIGHTS, data_input(ins)), (RECURRENT_WEIGHTS, data_input(ins, HIDDEN))
        for number, (group, source) in enumerate(groups):
            for index, bias in zip(group, BIASES, strict=True):
                weights = data_input(ins, index).constant().astype(np.int64)
                start = 0 if number else data_input(ins, bias).constant().astype(np.int64)
                found[number].append(wrap_int32(start - source.zero_point * weights.sum(axis=1)))
        return found

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = value_of(values)
        steps = data if self.is_time_major else data.swapaxes(0, 1)
        is_float = data.dtype == np.float32
        step = self._float_step(values) if is_float else self._integer_step(values, ins)
        hidden, cell = value_of(values, HIDDEN), value_of(values, CELL)
        results = []
        for one in steps:
            hidden, cell = step(one, hidden, cell)
            results.append(hidden)
        output = np.stack(results, axis=0 if self.is_time_major else 1)
        return output, hidden, cell

    def _float_step(self, values: Sequence[Array | None]) -> Step:
        """A step of float cells."""

        def step(x: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
            gates = [
                x @ value_of(values, w).T + hidden @ value_of(values, r).T + value_of(values, b)
                for w, r, b in zip(INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES, strict=True)
            ]
            with np.errstate(over="ignore"):
                i, f, o = (1 / (1 + np.exp(-gates[gate])) for gate in (0, 1, 3))
            cell = f * cell + i * np.tanh(gates[CELL_GATE])
            if self.cell_clip > 0:
                cell = np.clip(cell, -self.cell_clip, self.cell_clip)
            return (o * np.tanh(cell)).astype(np.float32), cell.astype(np.float32)

        return step

    def _integer_step(self, values: Sequence[Array | None], ins: Tensors) -> Step:
        """A step of int8 cells."""
        *scales, ((multiplier, shift),) = self.multipliers(ins)
        biases, bits, limit = self.biases(ins), self.integer_bits(ins), self.limit(ins)
        # Sums of products below 2^53 are exact in float64, in any order.
        weights = [
            [value_of(values, index).T.astype(np.float64) for index in group]
            for group in (INPUT_WEIGHTS, RECURRENT_WEIGHTS)
        ]

        def gate(number: int, sources: Sequence[Array]) -> Int:
            total = np.zeros((), np.int64)
            for group, source in enumerate(sources):
                sums = (source.astype(np.float64) @ weights[group][number]).astype(np.int64)
                acc = wrap_int32(sums + biases[group][number])
                scaled = multiply_by_quantized_multiplier(acc, *scales[group][number])
                total = np.clip(scaled + total, -32768, 32767)
            return tanh(total, 3) if number == CELL_GATE else logistic(total, 3)

        def step(x: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
            gates = [gate(number, (x, hidden)) for number in range(4)]
            kept = rounding_divide_by_pot(gates[1] * cell.astype(np.int64), 15)
            added = rounding_divide_by_pot(gates[0] * gates[CELL_GATE], 15 + bits)
            cells = np.clip(kept + added, -32768, 32767)
            if limit > 0:
                cells = np.clip(cells, -limit, limit)
            product = gates[3] * tanh(cells, bits)
            scaled = multiply_by_quantized_multiplier(product, multiplier, shift)
            assert self.hidden is not None
            result = saturate(scaled + self.hidden.zero_point[0], DType.I8)
            return result, cells.astype(np.int16)

        return step

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in lstm_cases():
            node = cls(
                name="lstm",
                inputs=case.inputs,
                outputs=("y",),
                is_time_major=case.is_time_major,
                cell_clip=case.cell_clip,
                hidden=case.hidden,
            )
            yield one_node_graph(f"lstm_{case.name}", node, case.tensors)
