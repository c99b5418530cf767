"""What LOGISTIC and TANH of int16 share: LiteRT's table of the logistic function.

Both are looked up between the entries of one table, since tanh(x) = 2 * logistic(2 * x) - 1.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Int, Tensor, Tensors
from edgebottle.ops.base import Emitter, require_dtype, where
from edgebottle.ops.kernel import Layer
from edgebottle.ops.table import (
    EVERY_VALUE,
    ActivationOperator,
    UnaryRows,
    per_tensor,
    tensor_of,
    value_of,
)

ENTRIES = 256
"""Of the table: the logistic function at 0, 1/24, 2/24 ..., in units of 2^-16."""

_ONE_HIGHER = 0x800000000000000000000000000000800011009020440005C0467BAEFA7BD110
"""A bit for each entry that is one more in LiteRT than the function rounded to the nearest."""

OUTPUT_SCALE = 2.0**-15
"""The only one that LiteRT takes."""

MAX_MULTIPLIER = (1 << 16) - 1
"""A larger one takes 16-bit inputs beyond int32."""

MAX_DOUBLINGS = 31
"""Times that LiteRT doubles a scale, to make an integer of it."""

_LOG_TOLERANCE = 1e-3


@cache
def sigmoid_table() -> Array:
    """[ENTRIES] uint16."""
    entries = np.arange(ENTRIES)
    real = 65536.0 / (1.0 + np.exp(-entries / 24.0))
    higher = np.array([_ONE_HIGHER >> int(entry) & 1 for entry in entries])
    return np.asarray(np.minimum(np.rint(real), 65535) + higher).astype(np.uint16)


def rounded_log2(scale: float) -> int | None:
    """The power of two that LiteRT takes a scale for; None where it is none."""
    exact = math.log2(scale)
    return round(exact) if abs(exact - round(exact)) < _LOG_TOLERANCE else None


class SigmoidRows(UnaryRows):
    """A row of int16."""

    def rest(self, layer: Layer[SigmoidOperator], e: Emitter) -> tuple[str, ...]:
        """The table, and what takes inputs to its scale."""
        multiplier, shift = layer.node.scaling(tensor_of(layer.ins))
        return e.constant("table", sigmoid_table()), str(multiplier), str(shift)


@dataclass(frozen=True, kw_only=True)
class SigmoidOperator(ActivationOperator):
    """An activation that int16 looks up in the table as well."""

    POWERS_OF_TWO: ClassVar[tuple[int, ...]]
    """Scales, as powers of two, that LiteRT takes by a shift."""

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Accepts int16 around 0 as well, with the output's scale that LiteRT takes."""
        tensor, output = tensor_of(ins), outs[0]
        if tensor.dtype is not DType.I16:
            super().check(ins, outs)
            return
        require_dtype(self, output, DType.I16)
        if tensor.zero_point or output.zero_point or output.scale != OUTPUT_SCALE:
            raise UnsupportedOp(
                f"{where(self)} has 16-bit activations with a zero point, or another scale of the "
                "output than 2^-15"
            )
        if self.scaling(tensor)[0] > MAX_MULTIPLIER:
            raise UnsupportedOp(f"{where(self)} has 16-bit inputs of the scale {tensor.scale:g}")

    def scaling(self, tensor: Tensor) -> tuple[int, int]:
        """Multiplier and right shift that take inputs to 1/3 of 2^-12."""
        power = rounded_log2(tensor.scale)
        if power is not None and power in self.POWERS_OF_TWO:
            return 3 << (power + 12), 0
        multiplier, shift = float(np.float32(tensor.scale)) * 4096.0 * 3.0, 0
        while multiplier <= 32767.0 / 2.0 and shift < MAX_DOUBLINGS:
            multiplier, shift = 2.0 * multiplier, shift + 1
        return int(multiplier), shift

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """The function, or what the table gives."""
        tensor = tensor_of(ins)
        if tensor.dtype is not DType.I16:
            return super().reference(values, ins, outs)
        multiplier, shift = self.scaling(tensor)
        half = 1 << (shift - 1) if shift else 0
        scaled = (value_of(values).astype(np.int64) * multiplier + half) >> shift
        return (self.from_table(scaled).astype(np.int16),)

    @abstractmethod
    def from_table(self, scaled: Int) -> Int:
        """The stored results of inputs at the table's scale."""

    @classmethod
    def int16_cases(cls) -> Iterator[Graph]:
        """Scales that are powers of two, and others."""
        out = per_tensor(OUTPUT_SCALE, 0)
        for scale in (2.0**-12, 2.0**-11, 0.0001, 0.0007, 1.3):
            case = f"{cls.OP.lower()}_i16_{scale:.5f}"
            yield cls.graph(case, EVERY_VALUE, per_tensor(scale, 0), out, DType.I16)


def between_entries(magnitude: Int, bits: int, last: int) -> Int:
    """The table at ``magnitude / 2^bits``, times 2^bits; ``last`` beyond its end."""
    table, index = sigmoid_table().astype(np.int64), magnitude >> bits
    below = np.minimum(index, ENTRIES - 2)
    part = magnitude & ((1 << bits) - 1)
    found = (table[below] << bits) + part * (table[below + 1] - table[below])
    return np.where(index >= ENTRIES - 1, last, found)
