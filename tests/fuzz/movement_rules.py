"""Rules of operators that move values: they join, cut, pad, pick and reorder."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Shape
from tests.fuzz.drawing import Drawing
from tests.fuzz.window_rules import Outputs, image


def same(d: Drawing, x: str, kind: type[Node], **attributes: Any) -> Outputs:
    """An output quantized as its input."""
    return d.add(kind, (x,), d.tensors[x].quant, **attributes)


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
