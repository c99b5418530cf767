"""Arithmetic and comparisons, element by element, operands broadcast against each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.activation import function, named
from edgebottle.importers.onnx_operators.integers import narrowed, widened, with_integers
from edgebottle.importers.onnx_operators.table import (
    Translation,
    data_of,
    is_float,
    number,
    value_of,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor
from edgebottle.ops.base import MANY

Step = Callable[[Builder, Tensor], Tensor]

MAX_POWER = 16
"""Larger exponents are refused: so many products lose what float32 has."""


def binary(op: str) -> Translation:
    """An operator of two operands that TFLite has as it is."""
    return Translation(
        lambda b, node, values: b.add(op, value_of(node, values, 0), value_of(node, values, 1)),
        (),
        2,
        2,
    )


def folded(op: str) -> Translation:
    """An operator of any number of operands, two at a time."""
    return Translation(lambda b, node, values: _all_of(b, op, node, values), (), 1, MANY)


def _all_of(b: Builder, op: str, node: OnnxNode, values: Values) -> Value:
    result = value_of(node, values, 0)
    for index in range(1, len(values)):
        result = b.add(op, result, value_of(node, values, index))
    return result


def _divided(b: Builder, node: OnnxNode, values: Values) -> Value:
    """By a constant is times its reciprocal, which needs no division at run time."""
    x, divisor = value_of(node, values, 0), value_of(node, values, 1)
    if not isinstance(divisor, Tensor) and is_float(divisor) and (divisor != 0).all():
        return b.add("MUL", x, (1 / divisor.astype(np.float64)).astype(np.float32))
    return b.add("DIV", x, divisor)


def _mean(b: Builder, node: OnnxNode, values: Values) -> Value:
    return b.add("MUL", _all_of(b, "ADD", node, values), number(1 / len(values)))


def negated(b: Builder, x: Value) -> Tensor:
    """-x."""
    return b.add("MUL", x, number(-1) if is_float(x) else np.array(-1, np.int32))


def _power(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, exponent = data_of(b, node, values, 0), value_of(node, values, 1)
    if isinstance(exponent, Tensor) or np.unique(exponent).size != 1 or not is_float(x):
        raise node.refuse(
            "raises to exponents that differ from element to element, or integers: edgebottle "
            "supports one constant exponent of real numbers"
        )
    result = _to_the(b, node, x, float(exponent.ravel()[0]))
    shape = np.broadcast_shapes(x.shape, exponent.shape)
    return b.reshape(result, shape) if result.size == int(np.prod(shape)) else result


def _to_the(b: Builder, node: OnnxNode, x: Tensor, power: float) -> Tensor:
    if power < 0:
        return b.add("DIV", number(1), _to_the(b, node, x, -power))
    if power == 0.5:
        return b.add("SQRT", x)
    if power != int(power) or power > MAX_POWER:
        raise node.refuse(f"raises to {power:g}: edgebottle supports 0.5 and whole exponents")
    if power == 0:
        return b.add("ADD", b.add("MUL", x, number(0)), number(1))
    result = x
    for _ in range(int(power) - 1):
        result = b.add("MUL", result, x)
    return result


def norm_of(b: Builder, node: OnnxNode, x: Tensor, p: int, summed: Step) -> Tensor:
    """The p-norm of elements that ``summed`` adds up."""
    if not 1 <= p <= MAX_POWER:
        raise node.refuse(f"has the norm {p}; supported: 1 to {MAX_POWER}")
    magnitude = x if p % 2 == 0 else b.add("ABS", x)
    total = summed(b, _to_the(b, node, magnitude, float(p)))
    if p in (1, 2, 4):
        for _ in range(p // 2):
            total = b.add("SQRT", total)
        return total
    tiny = number(float(np.finfo(np.float32).tiny))
    logarithm = b.add("LOG", b.add("MAXIMUM", total, tiny))
    return b.add("EXP", b.add("MUL", logarithm, number(1 / p)))


def _where(b: Builder, node: OnnxNode, values: Values) -> Value:
    condition, x, y = (value_of(node, values, index) for index in range(3))
    return b.add("SELECT_V2", condition, x, y)


def _equal(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Arithmetic here ends at the largest numbers, so nothing ever equals infinity."""
    operands = [value_of(node, values, index) for index in (0, 1)]
    for value in operands:
        constant = value.data if isinstance(value, Tensor) else value
        if constant is not None and is_float(constant) and np.isinf(constant).any():
            raise node.refuse("compares with infinity, which no result of edgebottle's is")
    return b.add("EQUAL", *operands)


def _sign(b: Builder, x: Tensor) -> Value:
    """X over its magnitude, which is not let be zero."""
    tiny = number(float(np.finfo(np.float32).tiny))
    return b.add("DIV", x, b.add("MAXIMUM", b.add("ABS", x), tiny))


def _cast(b: Builder, node: OnnxNode, values: Values) -> Value:
    """To another type; what both types are here is left as it is."""
    from onnx import TensorProto

    x, to = data_of(b, node, values), node.integer("to")
    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    ints = (TensorProto.INT32, TensorProto.INT64)
    kinds = {**dict.fromkeys(floats, DType.F32), **dict.fromkeys(ints, DType.I32)}
    kinds[TensorProto.BOOL] = DType.BOOL
    unsigned = to == TensorProto.UINT8
    if unsigned or to == TensorProto.INT8:
        return _cast_to_8_bits(b, x, unsigned)
    if to not in kinds:
        raise node.refuse(f"casts to the type {to}, which edgebottle does not support")
    if x.dtype is DType.I8:
        x = widened(b, x)
    return x if kinds[to] is x.dtype else b.add("CAST", x, dtype=kinds[to])


def _cast_to_8_bits(b: Builder, x: Tensor, unsigned: bool) -> Tensor:
    if x.dtype is DType.I8 and unsigned == (x.name in b.shifted):
        return x
    if x.dtype is DType.I8:
        wide = widened(b, x)
    else:
        wide = x if x.dtype is DType.I32 else b.add("CAST", x, dtype=DType.I32)
    return narrowed(b, wide, unsigned)


def _cast_like(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, other = data_of(b, node, values), data_of(b, node, values, 1)
    return x if x.dtype is other.dtype else b.add("CAST", x, dtype=other.dtype)


def _remainder(b: Builder, node: OnnxNode, values: Values) -> Value:
    """With the sign of the divisor; with fmod, that of what is divided."""
    x, divisor = value_of(node, values, 0), value_of(node, values, 1)
    if not node.integer("fmod", 0):
        return b.add("FLOOR_MOD", x, divisor)
    left = b.add("FLOOR_MOD", b.add("ABS", x), b.add("ABS", divisor))
    zero = number(0) if is_float(x) else np.array(0, np.int32)
    return b.add("SELECT_V2", b.add("LESS", x, zero), negated(b, left), left)


TRANSLATIONS: dict[str, Translation] = {
    "Add": with_integers(binary("ADD")),
    "Sub": with_integers(binary("SUB")),
    "Mul": with_integers(binary("MUL")),
    "Div": with_integers(Translation(_divided, (), 2, 2)),
    "Mod": with_integers(Translation(_remainder, ("fmod",), 2, 2)),
    "Pow": Translation(_power, (), 2, 2),
    "Sum": folded("ADD"),
    "Mean": Translation(_mean, (), 1, MANY),
    "Max": with_integers(folded("MAXIMUM")),
    "Min": with_integers(folded("MINIMUM")),
    "Abs": named("ABS"),
    "Neg": function(negated),
    "Exp": named("EXP"),
    "Log": named("LOG"),
    "Sqrt": named("SQRT"),
    "Sin": named("SIN"),
    "Cos": named("COS"),
    "Floor": named("FLOOR"),
    "Ceil": named("CEIL"),
    "Round": named("ROUND"),
    "Sign": function(_sign),
    "Reciprocal": function(lambda b, x: b.add("DIV", number(1), x)),
    "Where": Translation(_where, (), 3, 3),
    "Equal": with_integers(Translation(_equal, (), 2, 2)),
    "Greater": with_integers(binary("GREATER")),
    "GreaterOrEqual": with_integers(binary("GREATER_EQUAL")),
    "Less": with_integers(binary("LESS")),
    "LessOrEqual": with_integers(binary("LESS_EQUAL")),
    "And": binary("LOGICAL_AND"),
    "Or": binary("LOGICAL_OR"),
    "Xor": binary("NOT_EQUAL"),
    "Not": named("LOGICAL_NOT"),
    "Cast": Translation(_cast, ("to", "saturate", "round_mode")),
    "CastLike": Translation(_cast_like, ("saturate", "round_mode"), 2, 2),
}
