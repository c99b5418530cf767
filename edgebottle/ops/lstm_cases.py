"""Test cases of UNIDIRECTIONAL_SEQUENCE_LSTM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Quant, Tensor
from edgebottle.ops.case_tensors import constant, plain, quantized

_GATES = ("input", "forget", "cell", "output")


@dataclass(frozen=True)
class LstmCase:
    """A layer.

    Attributes:
        name: What it tries.
        tensors: All of it.
        inputs: Names of the node's inputs.
        is_time_major: See the operator.
        cell_clip: See the operator.
        hidden: See the operator.
    """

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[str | None, ...]
    is_time_major: bool
    cell_clip: float
    hidden: Quant | None


def lstm_cases() -> Iterator[LstmCase]:
    """The cases of the operator."""
    for seed, row in enumerate(_ROWS):
        yield _case(seed, *row)


def _case(
    seed: int,
    name: str,
    sizes: tuple[int, int, int, int],
    dtype: DType,
    zero_points: tuple[int, int],
    cell_bits: int,
    is_time_major: bool,
    cell_clip: float,
    spread: float,
) -> LstmCase:
    batch, steps, inputs, cells = sizes
    rng = np.random.default_rng(seed)
    shape = (steps, batch) if is_time_major else (batch, steps)
    is_float = dtype is DType.F32
    input_scale, hidden_scale, weight_scale = 0.02, 2.0**-7, 0.01 * spread
    tensors: list[Tensor] = []
    for kind, size in (("w", inputs), ("r", cells)):
        for number, gate in enumerate(_GATES):
            if is_float:
                weights = rng.normal(scale=spread, size=(cells, size)).astype(np.float32)
                tensors.append(constant(f"{kind}_{gate}", weights))
            else:
                weights = rng.integers(-127, 128, (cells, size)).astype(np.int8)
                scale = float(np.float32(weight_scale * (1 + 0.3 * number)))
                tensors.append(constant(f"{kind}_{gate}", weights, Quant((scale,), (0,))))
    for gate in _GATES:
        if is_float:
            tensors.append(constant(f"b_{gate}", rng.normal(size=cells).astype(np.float32)))
        else:
            biases = rng.integers(-6000, 6000, cells).astype(np.int32)
            scale = float(np.float32(weight_scale * input_scale))
            tensors.append(constant(f"b_{gate}", biases, Quant((scale,), (0,))))
    hidden = None
    if is_float:
        ends = [plain("x", (*shape, inputs)), plain("y", (*shape, cells))]
        states = [Tensor(name, (batch, cells), dtype, state=True) for name in ("hidden", "cell")]
    else:
        hidden = Quant((hidden_scale,), (zero_points[1],))
        ends = [
            quantized("x", (*shape, inputs), input_scale, zero_points[0]),
            Tensor("y", (*shape, cells), dtype, hidden),
        ]
        cell = Quant((2.0 ** (cell_bits - 15),), (0,))
        states = [
            Tensor("hidden", (batch, cells), dtype, hidden, state=True),
            Tensor("cell", (batch, cells), DType.I16, cell, state=True),
        ]
    names = [tensor.name for tensor in tensors]
    absent = (None,) * 3
    node_inputs = ("x", *names[:8], *absent, *names[8:], None, None, "hidden", "cell", *(None,) * 4)
    every = (ends[0], *tensors, *states, ends[1])
    return LstmCase(name, every, node_inputs, is_time_major, cell_clip, hidden)


_ROWS: tuple[
    tuple[str, tuple[int, int, int, int], DType, tuple[int, int], int, bool, float, float], ...
] = (
    # name, (batch, steps, inputs, cells), type, zero points, integer bits, time-major, clip, spread
    ("batch_major", (2, 5, 7, 6), DType.I8, (-3, 0), 3, False, 0.0, 0.3),
    ("time_major", (2, 5, 7, 6), DType.I8, (-128, 5), 4, True, 10.0, 0.3),
    ("clipped", (1, 9, 4, 3), DType.I8, (127, -11), 3, False, 0.75, 1.0),
    ("saturated", (1, 6, 9, 5), DType.I8, (4, 0), 0, False, 0.0, 4.0),
    ("one", (1, 1, 1, 1), DType.I8, (0, 0), 6, True, 10.0, 1.0),
    ("many_inputs", (1, 1, 1201, 1), DType.I8, (3, 0), 3, False, 0.0, 0.01),
    ("f32", (2, 5, 7, 6), DType.F32, (0, 0), 0, False, 10.0, 0.3),
    ("f32_time_major", (3, 2, 3, 5), DType.F32, (0, 0), 0, True, 0.5, 1.0),
)
