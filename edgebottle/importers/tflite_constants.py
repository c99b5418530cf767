"""Operators that are computed at import: those of shapes, and those whose inputs are constants.

Converters write the shape of a free batch as a little program (SHAPE, STRIDED_SLICE, PACK ...).
All shapes are known here, so it gives constants. What the compiler has as an operator computes
itself (``Node.reference``); this table holds what it meets in such programs only.

The results are those of LiteRT's kernels: integers wrap, divisions of integers truncate, ROUND
rounds halves to even. Quantized operands are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.ir.graph import Array, Shape
from edgebottle.ops.base import Signature
from edgebottle.ops.movement import MAX_OPERANDS

MAX_ELEMENTS = 1 << 22
"""Elements of a computed constant: many times what a microcontroller holds."""

Compute = Callable[[Sequence[Array], Any], Array]


@dataclass(frozen=True)
class ConstantOperator:
    """An operator on constants.

    Attributes:
        signature: What the file must say of it.
        compute: From the values of the inputs and the options to the value of the output, whose
            type is then made that of the file. Raises ``ValueError`` for operands that it cannot
            take.
    """

    signature: Signature
    compute: Compute


def compute_constant(
    label: str, operator: ConstantOperator, values: Sequence[Array], options: Any, dtype: Any
) -> Array:
    """The value of an operator whose inputs are constants.

    Args:
        label: The layer and its operator, for messages.
        operator: From ``CONSTANT_OPERATORS``.
        values: Of the inputs.
        options: The schema's options object, None where the operator has none.
        dtype: NumPy type of the output.

    Raises:
        BadModel: the operands contradict each other.
        UnsupportedOp: the result is larger than any constant, or the options are not supported.
    """
    try:
        result = operator.compute(values, options)
        if result.dtype.kind == "f" and not np.isfinite(result).all():
            raise ValueError("a number that is not finite")
        return result.astype(dtype)
    except (ValueError, IndexError) as error:
        raise BadModel(f"{label} cannot be computed from its constants: {error}") from None


def _bounded(shape: Shape) -> Shape:
    if prod(shape) > MAX_ELEMENTS:
        raise UnsupportedOp(f"a computed constant would have the shape {list(shape)}")
    return shape


def _ints(values: Array) -> tuple[int, ...]:
    if values.dtype.kind != "i":
        raise ValueError(f"{values.dtype} where integers are needed")
    if values.size > MAX_OPERANDS:
        raise ValueError(f"an operand of {values.size} numbers")
    return tuple(int(value) for value in values.ravel())


def _unary(function: Callable[[Array], Array], options: str = "") -> ConstantOperator:
    return ConstantOperator(Signature(options, 1, 1), lambda values, _: function(values[0]))


def _binary(function: Callable[[Array, Array], Array], options: str) -> ConstantOperator:
    def compute(values: Sequence[Array], options: Any) -> Array:
        if getattr(options, "fusedActivationFunction", 0):
            raise ValueError("a fused activation")
        _bounded(np.broadcast_shapes(values[0].shape, values[1].shape))
        with np.errstate(over="ignore"):
            return np.asarray(function(values[0], values[1]))

    return ConstantOperator(Signature(options, 2, 2), compute)


def _reduced(function: Callable[..., Array]) -> ConstantOperator:
    def compute(values: Sequence[Array], options: Any) -> Array:
        data, axes = values[0], _ints(values[1])
        axes = tuple({range(data.ndim)[axis] for axis in axes})
        keep = bool(getattr(options, "keepDims", False))
        return np.asarray(function(data, axis=axes, keepdims=keep))

    return ConstantOperator(Signature("ReducerOptions", 2, 2), compute)


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / _divisor(b))
    quotient = np.abs(a) // np.abs(_divisor(b))
    return np.where((a < 0) != (b < 0), -quotient, quotient)


def _divisor(values: Array) -> Array:
    if (values == 0).any():
        raise ValueError("a division by zero")
    return values


def _slice(values: Sequence[Array], _: Any) -> Array:
    data, begin, size = values[0], _ints(values[1]), _ints(values[2])
    if not data.ndim == len(begin) == len(size):
        raise ValueError(f"begin {begin} and size {size} of {list(data.shape)}")
    picked = []
    for dim, first, count in zip(data.shape, begin, size, strict=True):
        last = dim if count == -1 else first + count
        if not 0 <= first <= last <= dim:
            raise ValueError(f"begin {begin} and size {size} of {list(data.shape)}")
        picked.append(slice(first, last))
    return np.asarray(data[tuple(picked)])


def _gather(values: Sequence[Array], options: Any) -> Array:
    data, indices = values
    axis = range(data.ndim)[int(options.axis)]
    if options.batchDims:
        raise UnsupportedOp("GATHER with batch dimensions")
    if indices.dtype.kind != "i" or (
        indices.size and not (indices.min() >= 0 and indices.max() < data.shape[axis])
    ):
        raise ValueError(f"indices outside of axis {axis} of {list(data.shape)}")
    _bounded((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))
    return np.take(data, indices, axis)


def _range(values: Sequence[Array], _: Any) -> Array:
    start, limit, delta = (value.reshape(()) for value in values)
    count = int(np.ceil(float(limit - start) / float(_divisor(delta))))
    _bounded((count,))
    return np.asarray(start + delta * np.arange(max(0, count), dtype=start.dtype))


def _tile(values: Sequence[Array], _: Any) -> Array:
    data, times = values[0], _ints(values[1])
    if len(times) != data.ndim or min(times, default=1) < 0:
        raise ValueError(f"multiples {times} of {list(data.shape)}")
    _bounded(tuple(dim * count for dim, count in zip(data.shape, times, strict=True)))
    return np.tile(data, times)


def _filled(values: Sequence[Array], _: Any) -> Array:
    return np.full(_bounded(_ints(values[0])), values[1].reshape(()))


def _broadcast(values: Sequence[Array], _: Any) -> Array:
    return np.broadcast_to(values[0], _bounded(_ints(values[1])))


def _broadcast_shape(values: Sequence[Array], _: Any) -> Array:
    return np.array(np.broadcast_shapes(_ints(values[0]), _ints(values[1])), values[0].dtype)


def _selected(values: Sequence[Array], _: Any) -> Array:
    _bounded(np.broadcast_shapes(*(value.shape for value in values)))
    return np.where(values[0], values[1], values[2])


SHAPES: dict[str, tuple[Signature, Callable[[Shape], Array]]] = {
    "RANK": (Signature("RankOptions", 1, 1), lambda shape: np.array(len(shape))),
    "SHAPE": (Signature("ShapeOptions", 1, 1), lambda shape: np.array(shape, np.int64)),
    "ZEROS_LIKE": (Signature("ZerosLikeOptions", 1, 1), lambda shape: np.zeros(_bounded(shape))),
}
"""Operators that read the shape of their input, which is known, and not its value."""

CONSTANT_OPERATORS: dict[str, ConstantOperator] = {
    "ABS": _unary(np.abs, "AbsOptions"),
    "ADD": _binary(np.add, "AddOptions"),
    "BROADCAST_ARGS": ConstantOperator(Signature("", 2, 2), _broadcast_shape),
    "BROADCAST_TO": ConstantOperator(Signature("BroadcastToOptions", 2, 2), _broadcast),
    "CAST": _unary(np.asarray, "CastOptions"),
    "CEIL": _unary(np.ceil),
    "DIV": _binary(_divide, "DivOptions"),
    "EQUAL": _binary(np.equal, "EqualOptions"),
    "FILL": ConstantOperator(Signature("FillOptions", 2, 2), _filled),
    "FLOOR": _unary(np.floor),
    "FLOOR_DIV": _binary(lambda a, b: a // _divisor(b), "FloorDivOptions"),
    "FLOOR_MOD": _binary(lambda a, b: a % _divisor(b), "FloorModOptions"),
    "GATHER": ConstantOperator(Signature("GatherOptions", 2, 2), _gather),
    "GREATER": _binary(np.greater, "GreaterOptions"),
    "GREATER_EQUAL": _binary(np.greater_equal, "GreaterEqualOptions"),
    "LESS": _binary(np.less, "LessOptions"),
    "LESS_EQUAL": _binary(np.less_equal, "LessEqualOptions"),
    "LOGICAL_AND": _binary(np.logical_and, "LogicalAndOptions"),
    "LOGICAL_NOT": _unary(np.logical_not, "LogicalNotOptions"),
    "LOGICAL_OR": _binary(np.logical_or, "LogicalOrOptions"),
    "MAXIMUM": _binary(np.maximum, "MaximumMinimumOptions"),
    "MINIMUM": _binary(np.minimum, "MaximumMinimumOptions"),
    "MUL": _binary(np.multiply, "MulOptions"),
    "NEG": _unary(np.negative, "NegOptions"),
    "NOT_EQUAL": _binary(np.not_equal, "NotEqualOptions"),
    "RANGE": ConstantOperator(Signature("RangeOptions", 3, 3), _range),
    "REDUCE_MAX": _reduced(np.max),
    "REDUCE_MIN": _reduced(np.min),
    "REDUCE_PROD": _reduced(np.prod),
    "ROUND": _unary(np.rint),
    "SELECT": ConstantOperator(Signature("SelectOptions", 3, 3), _selected),
    "SELECT_V2": ConstantOperator(Signature("SelectV2Options", 3, 3), _selected),
    "SLICE": ConstantOperator(Signature("SliceOptions", 3, 3), _slice),
    "SUB": _binary(np.subtract, "SubOptions"),
    "SUM": _reduced(np.sum),
    "TILE": ConstantOperator(Signature("TileOptions", 2, 2), _tile),
}
