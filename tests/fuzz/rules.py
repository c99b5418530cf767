"""What the fuzzer knows of each operator: how to draw attributes and constants that fit a tensor.

A rule takes a drawing and the name of a tensor in it, and adds a layer that reads it; it returns
the outputs. What it draws need not be legal in every case: the operator's own rules decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Quant, Shape
from edgebottle.ops import OPERATORS
from tests.fuzz.drawing import Drawing
from tests.fuzz.movement_rules import (
    blocks,
    broadcast_to,
    concat,
    expand,
    from_batch,
    gather,
    gather_nd,
    lookup,
    mirror,
    pack,
    pad,
    reshape,
    resize,
    reverse,
    same,
    slice_,
    split,
    split_v,
    squeeze,
    strided_slice,
    tile,
    to_batch,
    transpose,
    unpack,
    update_slice,
)
from tests.fuzz.window_rules import (
    Outputs,
    conv,
    dense,
    depthwise,
    matmul,
    pool,
    svdf,
    transpose_conv,
)

Rule = Callable[[Drawing, str, type[Node]], Outputs]


def unary(d: Drawing, x: str, kind: type[Node], **attributes: Any) -> Outputs:
    tensor = d.tensors[x]
    return d.add(kind, (x,), d.quant(tensor.dtype), **attributes)


def fixed(scale: float, zero_point: int, int16: float | None = None) -> Rule:
    """An output in the scale that LiteRT demands; ``int16`` is that of 16-bit activations."""

    def rule(d: Drawing, x: str, kind: type[Node]) -> Outputs:
        more: dict[str, Any] = {}
        dtype = d.tensors[x].dtype
        if kind.OP == "SOFTMAX":
            more = {"beta": d.pick(1.0, 1.0, 0.5, 3.0), "dtype": dtype}
        if dtype is DType.I16:
            return d.add(kind, (x,), Quant((int16 or 1.0,), (0,)), **more)
        return d.add(kind, (x,), Quant((scale,), (zero_point,)), **more)

    return rule


def root(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    """Mostly of what is not negative: LiteRT computes no other root of integers."""
    tensor = d.tensors[x]
    if tensor.dtype is not DType.I8 or d.chance(0.1):
        return unary(d, x, kind)
    if tensor.zero_point != -128:
        quant = Quant((tensor.scale,), (-128,))
        (x,) = d.add(operator("QUANTIZE"), (x,), quant, dtype=DType.I8)
    if kind.OP == "RSQRT":
        (x,) = d.add(operator("MAXIMUM"), (x, d.limit(x, d.number(-127, 0))), d.tensors[x].quant)
    return unary(d, x, kind)


def narrow(d: Drawing, x: str) -> Outputs:
    """Clamps to as many values as fewer bits have."""
    count = d.pick(2, 4, 16)
    low = int(d.random.integers(-128, 129 - count))
    quant = d.tensors[x].quant
    (x,) = d.add(operator("MAXIMUM"), (x, d.limit(x, low)), quant)
    return d.add(operator("MINIMUM"), (x, d.limit(x, low + count - 1)), quant)


def operator(name: str) -> type[Node]:
    return next(one for one in OPERATORS if name == one.OP)


def clamp(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    return same(d, x, kind) if d.chance(0.5) else unary(d, x, kind)


def leaky(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    return unary(d, x, kind, alpha=float(np.float32(d.random.uniform(-0.5, 1.5))))


def gelu(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    return unary(d, x, kind, approximate=d.chance(0.5))


def to_float(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    if d.tensors[x].dtype is DType.F32:
        raise UnsupportedOp("floating point already")
    return d.add(kind, (x,), None)


def to_integer(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    """Quantizes, or changes the scale; never what float arithmetic has computed."""
    if x not in d.exact:
        raise UnsupportedOp("half a step more or less decides")
    dtype = d.pick(DType.I8, DType.I8, DType.I16)
    return d.add(kind, (x,), d.quant(dtype), dtype=dtype)


def broadcast(d: Drawing, shape: Shape) -> Shape:
    """A shape that broadcasts to ``shape``, mostly the same."""
    if d.chance(0.5):
        return shape
    kept = shape[d.number(0, len(shape) - 1) :] if d.chance(0.4) else shape
    return tuple(1 if d.chance(0.4) else size for size in kept)


def binary(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    other = d.operand(broadcast(d, tensor.shape), x)
    pair = (other, x) if d.chance(0.3) else (x, other)
    quant, activation = d.clamped(d.quant(tensor.dtype))
    return d.add(kind, pair, quant, activation=activation)


def quotient(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    """Of floats: LiteRT shifts small int8 quotients by more places than int32 has."""
    if d.tensors[x].quant is not None:
        raise UnsupportedOp("undefined in LiteRT where the quotient is small")
    return binary(d, x, kind)


def extreme(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    other = d.operand(broadcast(d, tensor.shape), x, same_quant=True)
    pair = (other, x) if d.chance(0.3) else (x, other)
    return d.add(kind, pair, tensor.quant)


def prelu(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    shape = tensor.shape[1:] if d.chance(0.3) else (1,) * (len(tensor.shape) - 2)
    shape = shape if len(shape) == len(tensor.shape) - 1 else (*shape, tensor.shape[-1])
    if tensor.dtype is DType.I16:
        slopes = d.constant(d.random.integers(-128, 128, shape, np.int8), d.quant(DType.I8))
    else:
        slopes = d.values(shape, x)
    return d.add(kind, (x, slopes), d.quant(tensor.dtype))


def reduce(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    rank = len(tensor.shape)
    axes = tuple(axis for axis in range(rank) if d.chance(0.5)) or (rank - 1,)
    if rank == 4 and d.chance(0.5):
        axes = (1, 2)
    keeps = kind.OP in ("REDUCE_MAX", "REDUCE_MIN") or d.chance(0.3)
    quant = tensor.quant if keeps else d.quant(tensor.dtype)
    fields = {"axes": axes, "keep_dims": d.chance(0.5)}
    indices = d.indices(*axes)
    return d.add(kind, (x, indices), quant, **fields)


def arg(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    if x not in d.exact:
        raise UnsupportedOp("two that are nearly equal decide")
    axis = d.number(0, len(d.tensors[x].shape) - 1)
    index = d.constant(np.array(axis, np.int32))
    return d.add(kind, (x, index), None, dtype=d.pick(DType.I32, DType.I64))


def on_exact(rule: Rule) -> Rule:
    """For operators where the least difference decides: of integers, or of floats as they came."""

    def checked(d: Drawing, x: str, kind: type[Node]) -> Outputs:
        if x not in d.exact:
            raise UnsupportedOp("what is nearly equal decides")
        return rule(d, x, kind)

    return checked


def compare(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    other = d.operand(broadcast(d, d.tensors[x].shape), x)
    if other not in d.exact:
        raise UnsupportedOp("what is nearly equal decides")
    return d.add(kind, (other, x) if d.chance(0.3) else (x, other), None)


def condition(d: Drawing, shape: Shape) -> str:
    """A tensor of truth values: one that is there, or a new input."""
    found = [n for n, t in d.tensors.items() if (t.shape, t.dtype) == (shape, DType.BOOL)]
    return str(d.pick(*found)) if found and d.chance(0.7) else d.input(shape, DType.BOOL)


def logical(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = d.tensors[x].shape
    if kind.OP == "LOGICAL_NOT":
        return d.add(kind, (condition(d, shape),), None)
    return d.add(kind, (condition(d, shape), condition(d, broadcast(d, shape))), None)


def select(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    shape = tensor.shape if kind.OP == "SELECT" else broadcast(d, tensor.shape)
    if kind.OP == "SELECT" and d.chance(0.3):
        shape = tensor.shape[:1]
    pair = [x, d.operand(tensor.shape, x, same_quant=True)]
    d.random.shuffle(pair)
    return d.add(kind, (condition(d, shape), *pair), tensor.quant)


def sum_of_many(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    return d.add(kind, [x, *(d.operand(tensor.shape, x) for _ in range(d.number(1, 3)))], None)


def cast(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    return d.add(kind, (x,), None, dtype=d.pick(DType.F32, DType.I32, DType.BOOL))


def cumsum(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    axis = d.number(0, len(d.tensors[x].shape) - 1)
    operands = (x, d.constant(np.array(axis, np.int32)))
    return d.add(kind, operands, None, axis=axis, exclusive=d.chance(0.5), reverse=d.chance(0.5))


def all_or_any(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = d.tensors[x].shape
    axes = tuple(axis for axis in range(len(shape)) if d.chance(0.5)) or (0,)
    operands = (condition(d, shape), d.indices(*axes))
    return d.add(kind, operands, None, axes=axes, keep_dims=d.chance(0.5))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("ABS", "COS", "ELU", "EXP", "HARD_SWISH", "LOG", "NEG"), unary),
    **dict.fromkeys(("SIN", "SQUARE"), unary),
    **dict.fromkeys(("RSQRT", "SQRT"), root),
    **dict.fromkeys(("CEIL", "FLOOR", "ROUND"), on_exact(unary)),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL"), on_exact(compare)),
    **dict.fromkeys(("LESS", "LESS_EQUAL"), on_exact(compare)),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR"), logical),
    **dict.fromkeys(("SELECT", "SELECT_V2"), select),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1"), clamp),
    **dict.fromkeys(("ADD", "MUL", "SQUARED_DIFFERENCE", "SUB"), binary),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), extreme),
    **dict.fromkeys(("AVERAGE_POOL_2D", "L2_POOL_2D", "MAX_POOL_2D"), pool),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"), reduce),
    **dict.fromkeys(("PAD", "PADV2"), pad),
    **dict.fromkeys(("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"), blocks),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), resize),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), arg),
    **dict.fromkeys(("REDUCE_ALL", "REDUCE_ANY"), all_or_any),
    "ADD_N": sum_of_many,
    "BATCH_MATMUL": matmul,
    "BATCH_TO_SPACE_ND": from_batch,
    "BROADCAST_TO": broadcast_to,
    "CAST": on_exact(cast),
    "CONCATENATION": concat,
    "CONV_2D": conv,
    "CUMSUM": cumsum,
    "DEPTHWISE_CONV_2D": depthwise,
    "DEQUANTIZE": to_float,
    "DIV": quotient,
    "DYNAMIC_UPDATE_SLICE": update_slice,
    "EXPAND_DIMS": expand,
    "FULLY_CONNECTED": dense,
    "EMBEDDING_LOOKUP": lookup,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "GELU": gelu,
    "L2_NORMALIZATION": fixed(1 / 128, 0),
    "LEAKY_RELU": leaky,
    "LOGISTIC": fixed(1 / 256, -128, 2.0**-15),
    "LOG_SOFTMAX": fixed(16 / 256, 127),
    "MIRROR_PAD": mirror,
    "PACK": pack,
    "PRELU": prelu,
    "QUANTIZE": to_integer,
    "RESHAPE": reshape,
    "REVERSE_V2": reverse,
    "SLICE": slice_,
    "SOFTMAX": fixed(1 / 256, -128, 2.0**-15),
    "SPACE_TO_BATCH_ND": to_batch,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": squeeze,
    "STRIDED_SLICE": strided_slice,
    "SVDF": svdf,
    "TANH": fixed(1 / 128, 0, 2.0**-15),
    "TILE": tile,
    "TRANSPOSE": transpose,
    "TRANSPOSE_CONV": transpose_conv,
    "UNPACK": unpack,
}

NOT_DRAWN = {
    "ASSIGN_VARIABLE": "a stream of several runs has tests of its own",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "its dozen of weights have ranges of their own",
    "TFLite_Detection_PostProcess": "its boxes and anchors belong together",
    "FILL": "it reads a shape and one element",
    "FLOOR_DIV": "LiteRT ends a run that divides by zero",
    "FLOOR_MOD": "LiteRT ends a run that divides by zero",
}
"""Operators without a rule, and why."""

OFTEN = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "CONCATENATION", "PAD")
"""Drawn as often as eight others: what networks are made of."""


def operators() -> Iterator[tuple[type[Node], Rule]]:
    """Every operator that has a rule, the usual ones several times."""
    for operator in OPERATORS:
        if operator.OP in RULES:
            for _ in range(8 if operator.OP in OFTEN else 1):
                yield operator, RULES[operator.OP]
