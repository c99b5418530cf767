"""The kernels of UNIDIRECTIONAL_SEQUENCE_LSTM: all steps, cell by cell, without scratch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensors
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.kernel import Kernel, Layer, TypedKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.packing import pack_lanes

if TYPE_CHECKING:
    from edgebottle.ops.unidirectional_sequence_lstm import UnidirectionalSequenceLstm

INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
"""Inputs of the operator, each for the input, forget, cell and output gate."""
HIDDEN, CELL = 18, 19
CELL_GATE = 2


@dataclass(frozen=True)
class CellWeights:
    """Those of all gates.

    Attributes:
        inputs: Of the data.
        recurrences: Of the last output.
    """

    inputs: Array
    recurrences: Array


@dataclass(frozen=True)
class CellsF32(TypedKernel["UnidirectionalSequenceLstm"]):
    """float32."""

    def emit(self, layer: Layer[UnidirectionalSequenceLstm], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        fields: dict[str, CValue] = {
            **_sizes(layer),
            "clip": layer.node.cell_clip,
            "input_weights": e.constant("input_weights", _by_cell(layer.ins, INPUT_WEIGHTS)),
            "recurrent_weights": e.constant(
                "recurrent_weights", _by_cell(layer.ins, RECURRENT_WEIGHTS)
            ),
            "biases": e.constant("biases", _by_cell(layer.ins, BIASES)),
        }
        return _call(self.function, "eb_lstm_f32", fields, e)


class CellsS8(Kernel["UnidirectionalSequenceLstm", CellWeights]):
    """int8, with cells of int16."""

    FUNCTION: ClassVar[str] = "eb_lstm_s8_all"

    def suits(self, layer: Layer[UnidirectionalSequenceLstm]) -> bool:
        """int8."""
        return layer.output.dtype is DType.I8

    def pack(self, layer: Layer[UnidirectionalSequenceLstm]) -> CellWeights | None:
        """Those of the four gates of a cell lie together."""
        groups = INPUT_WEIGHTS, RECURRENT_WEIGHTS
        return CellWeights(*(_by_cell(layer.ins, group) for group in groups))

    def emit(
        self, layer: Layer[UnidirectionalSequenceLstm], packed: CellWeights, e: Emitter
    ) -> str:
        """See ``Kernel``."""
        node, ins = layer.node, layer.ins
        inputs, recurrences, (output,) = node.multipliers(ins)
        biases = [np.stack(group, axis=1).astype(np.int32) for group in node.biases(ins)]
        assert node.hidden is not None
        fields: dict[str, CValue] = {
            **_sizes(layer),
            "input_multiplier": [multiplier for multiplier, _ in inputs],
            "input_shift": [shift for _, shift in inputs],
            "recurrent_multiplier": [multiplier for multiplier, _ in recurrences],
            "recurrent_shift": [shift for _, shift in recurrences],
            "hidden_multiplier": output[0],
            "hidden_shift": output[1],
            "hidden_zero_point": node.hidden.zero_point[0],
            "integer_bits": node.integer_bits(ins),
            "limit": node.limit(ins),
            "input_weights": e.constant("input_weights", packed.inputs),
            "recurrent_weights": e.constant("recurrent_weights", packed.recurrences),
            "input_biases": e.constant("input_biases", biases[0]),
            "recurrent_biases": e.constant("recurrent_biases", biases[1]),
        }
        return _call(self.FUNCTION, "eb_lstm_s8", fields, e)


class PackedCellsS8(CellsS8):
    """Two gates share a lane: DSP."""

    ISAS = frozenset({Isa.DSP})
    FUNCTION = "eb_lstm_s8_packed_all"

    def pack(self, layer: Layer[UnidirectionalSequenceLstm]) -> CellWeights | None:
        """See ``pack_lanes``: the gates of a cell are its four channels."""
        groups = INPUT_WEIGHTS, RECURRENT_WEIGHTS
        every = [_by_cell(layer.ins, group) for group in groups]
        inputs, recurrences = (pack_lanes(one.reshape(-1, one.shape[2])) for one in every)
        return None if inputs is None or recurrences is None else CellWeights(inputs, recurrences)


class VectorCellsS8(CellsS8):
    """Sixteen values at a time: MVE."""

    ISAS = frozenset({Isa.MVE})
    FUNCTION = "eb_lstm_s8_mve_all"


def _sizes(layer: Layer[UnidirectionalSequenceLstm]) -> dict[str, CValue]:
    first, second, inputs = data_input(layer.ins).shape
    if layer.node.is_time_major:
        steps, batches, strides = first, second, (1, second)
    else:
        batches, steps, strides = first, second, (second, 1)
    return {
        "batches": batches,
        "length": steps,
        "batch_stride": strides[0],
        "time_stride": strides[1],
        "inputs": inputs,
        "cells": layer.output.shape[2],
    }


def _by_cell(ins: Tensors, group: Sequence[int]) -> Array:
    """(cells, 4 gates, ...): what the four gates of a cell read lies together."""
    return np.stack([data_input(ins, index).constant() for index in group], axis=1)


def _call(function: str, struct: str, fields: dict[str, CValue], e: Emitter) -> str:
    e.include("eb_lstm.h")
    pointers = [e.input(0), e.output(), e.input(HIDDEN), e.input(CELL)]
    return f"{function}({e.params(struct, fields)}, {', '.join(pointers)});"
