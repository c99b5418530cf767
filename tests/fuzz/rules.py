"""What the fuzzer knows of each operator: how to draw attributes and constants that fit a tensor.

A rule takes a drawing and the name of a tensor in it, and adds a layer that reads it; it returns
the outputs. What it draws need not be legal in every case: the operator's own rules decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Quant, Shape
from edgebottle.ops import OPERATORS
from tests.fuzz.drawing import Drawing
from tests.fuzz.window_rules import (
    Outputs,
    conv,
    dense,
    depthwise,
    image,
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


def same(d: Drawing, x: str, kind: type[Node], **attributes: Any) -> Outputs:
    """An output quantized as its input."""
    return d.add(kind, (x,), d.tensors[x].quant, **attributes)


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


def concat(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axis = len(tensor.shape) - 1 if d.chance(0.6) else d.number(0, len(tensor.shape) - 1)
    parts = [x]
    for _ in range(d.number(1, 3)):
        shape = list(tensor.shape)
        shape[axis] = shape[axis] if d.chance(0.5) else d.number(1, 6)
        parts.append(d.operand(tuple(shape), x, same_quant=True))
    d.random.shuffle(parts)
    return d.add(kind, parts, tensor.quant, axis=axis)


def pack(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    parts = [x, *(d.operand(tensor.shape, x, same_quant=True) for _ in range(d.number(0, 2)))]
    return d.add(kind, parts, tensor.quant, axis=d.number(0, len(tensor.shape)))


def unpack(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axis = d.number(0, len(tensor.shape) - 1)
    count = tensor.shape[axis]
    if count > 6 or len(tensor.shape) == 1:
        raise UnsupportedOp("too many parts")
    return d.add(kind, (x,), tensor.quant, outputs=count, axis=axis)


def split(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axis = d.number(0, len(tensor.shape) - 1)
    size = tensor.shape[axis]
    count = int(d.pick(*[n for n in range(1, 7) if size % n == 0]))
    index = d.constant(np.array(axis, np.int32))
    return d.add(kind, (index, x), tensor.quant, outputs=count, axis=axis)


def split_v(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axis = d.number(0, len(tensor.shape) - 1)
    cuts = sorted({d.number(1, tensor.shape[axis]) for _ in range(2)} - {tensor.shape[axis]})
    ends = [0, *cuts, tensor.shape[axis]]
    sizes = tuple(b - a for a, b in pairwise(ends))
    operands = (x, d.indices(*sizes), d.constant(np.array(axis, np.int32)))
    return d.add(kind, operands, tensor.quant, outputs=len(sizes), axis=axis, sizes=sizes)


def amounts(d: Drawing, shape: Shape, most: int) -> tuple[tuple[int, int], ...]:
    pairs = tuple((d.number(0, most), d.number(0, most)) for _ in shape)
    if len(shape) == 4 and d.chance(0.7):
        pairs = ((0, 0), *pairs[1:3], (0, 0))
    return pairs


def pad(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    paddings = amounts(d, tensor.shape, 3)
    operands = [x, d.constant(np.array(paddings, np.int32))]
    fields: dict[str, Any] = {"paddings": paddings}
    if kind.OP == "PADV2":
        value: Any = float(np.float32(d.random.normal()))
        if tensor.dtype is not DType.F32:
            value = int(d.random.integers(-128, 128))
        operands.append(d.constant(np.array(value, tensor.dtype.numpy), tensor.quant))
        fields["border"] = value
    return d.add(kind, operands, tensor.quant, **fields)


def mirror(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    reflects = d.chance(0.5)
    paddings = tuple(
        tuple(min(amount, size - reflects) for amount in pair)
        for pair, size in zip(amounts(d, tensor.shape, 3), tensor.shape, strict=True)
    )
    operands = (x, d.constant(np.array(paddings, np.int32)))
    return d.add(kind, operands, tensor.quant, paddings=paddings, reflects=reflects)


def slice_(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    begin = tuple(d.number(0, size - 1) for size in tensor.shape)
    size = tuple(d.number(1, n - b) for n, b in zip(tensor.shape, begin, strict=True))
    operands = (x, d.indices(*begin), d.indices(*size))
    return d.add(kind, operands, tensor.quant, begin=begin, size=size)


def strided_slice(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    rank = len(tensor.shape)
    begin, end, strides = [], [], []
    for size in tensor.shape:
        a, b = sorted((d.number(0, size), d.number(0, size)))
        down = d.chance(0.2)
        begin.append(min(b, size - 1) if down else a)
        end.append(a - 1 - size if down and a == 0 else a - 1 if down else b)
        strides.append(-d.number(1, 2) if down else d.number(1, 3))
    masks = {
        f"{mask}_mask": sum(d.chance(0.3) << axis for axis in range(rank))
        for mask in ("begin", "end")
    }
    shrink = (1 << d.number(0, rank - 1)) if d.chance(0.2) and rank > 1 else 0
    operands = (x, d.indices(*begin), d.indices(*end), d.indices(*strides))
    fields = {"begin": tuple(begin), "end": tuple(end), "strides": tuple(strides)}
    more = {"ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": shrink}
    return d.add(kind, operands, tensor.quant, **fields, **masks, **more)


def transpose(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axes = tuple(int(axis) for axis in d.random.permutation(len(tensor.shape)))
    return d.add(kind, (x, d.indices(*axes)), tensor.quant, permutation=axes)


def reverse(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    first = d.number(0, len(tensor.shape) - 1)
    axes = tuple(range(first, d.number(first, len(tensor.shape) - 1) + 1))
    return d.add(kind, (x, d.indices(*axes)), tensor.quant, axes=axes)


def update_slice(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    part = d.operand(tuple(d.number(1, size) for size in tensor.shape), x, same_quant=True)
    start = d.indices(*(d.number(-1, size) for size in tensor.shape))
    return d.add(kind, (x, part, start), tensor.quant)


def reshape(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    shape = _factors(d, tensor.size, d.number(1, 4))
    return d.add(kind, (x, d.indices(*shape)), tensor.quant, shape=shape)


def _factors(d: Drawing, size: int, rank: int) -> Shape:
    """``size`` as a product of ``rank`` factors."""
    factors: list[int] = []
    for _ in range(rank - 1):
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        factors.append(int(d.pick(*divisors)))
        size //= factors[-1]
    return (*factors, size)


def expand(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    axis = d.number(0, len(d.tensors[x].shape))
    index = d.constant(np.array(axis, np.int32))
    return d.add(kind, (x, index), d.tensors[x].quant, axis=axis)


def squeeze(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = d.tensors[x].shape
    axes = tuple(a for a, size in enumerate(shape) if size == 1 and d.chance(0.7))
    if not axes or len(axes) == len(shape):
        raise UnsupportedOp("nothing to take away")
    return same(d, x, kind, axes=axes)


def tile(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    multiples = tuple(d.number(1, 3) for _ in tensor.shape)
    return d.add(kind, (x, d.indices(*multiples)), tensor.quant, multiples=multiples)


def broadcast_to(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    inner = tuple(d.number(1, 4) if size == 1 else size for size in tensor.shape)
    shape = (*(d.number(1, 3) for _ in range(d.number(0, 1))), *inner)
    return d.add(kind, (x, d.indices(*shape)), tensor.quant, shape=shape)


def to_batch(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = image(d, x)
    block = (d.number(1, 3), d.number(1, 3))
    borders = []
    for size, step in zip(tensor.shape[1:3], block, strict=True):
        before = d.number(0, 2)
        borders.append((before, -(size + before) % step))
    operands = (x, d.indices(*block), d.constant(np.array(borders, np.int32)))
    return d.add(kind, operands, tensor.quant, block=block, borders=tuple(borders))


def from_batch(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = image(d, x)
    pairs = [(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if tensor.shape[0] % (a * b) == 0]
    block = d.pick(*pairs)
    borders = tuple((d.number(0, step - 1), d.number(0, 1)) for step in block)
    operands = (x, d.indices(*block), d.constant(np.array(borders, np.int32)))
    return d.add(kind, operands, tensor.quant, block=block, borders=borders)


def blocks(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    image(d, x)
    return same(d, x, kind, block=d.number(2, 3))


def resize(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = image(d, x)
    size = tuple(d.number(1, 2 * n + 1) for n in tensor.shape[1:3])
    aligned = d.chance(0.3)
    fields = {"align_corners": aligned, "half_pixel_centers": not aligned and d.chance(0.5)}
    return d.add(kind, (x, d.indices(*size)), tensor.quant, size=size, **fields)


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


def places(d: Drawing, shape: Shape, below: int) -> str:
    return d.constant(d.random.integers(0, below, shape).astype(np.int32))


def gather(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axis = d.number(0, len(tensor.shape) - 1)
    shape = tuple(d.number(1, 5) for _ in range(d.number(1, 2)))
    operands = (x, places(d, shape, tensor.shape[axis]))
    return d.add(kind, operands, tensor.quant, axis=axis, batch_dims=0)


def gather_nd(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    axes = d.number(1, len(tensor.shape))
    columns = [d.random.integers(0, size, d.number(1, 1) + 3) for size in tensor.shape[:axes]]
    indices = d.constant(np.stack(columns, axis=-1).astype(np.int32))
    return d.add(kind, (x, indices), tensor.quant)


def lookup(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    return d.add(kind, (places(d, (d.number(1, 5),), tensor.shape[0]), x), tensor.quant)


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
