"""Nodes that move elements, with the constants that repeat their attributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import Value
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensor

MAX_BORDER = 1 << 24
"""Far beyond what a microcontroller holds."""

Pairs = Sequence[tuple[int, int]]
"""Elements before and after, for each axis."""


def box(b: Builder, x: Value, begin: Sequence[int], size: Sequence[int]) -> Tensor:
    """``size`` elements along each axis, from ``begin`` on."""
    tensor, first, count = b.tensor(x), tuple(begin), tuple(size)
    if count == tensor.shape:
        return tensor
    return b.add("SLICE", tensor, b.ints(*first), b.ints(*count), begin=first, size=count)


def strided(
    b: Builder, x: Value, begin: Sequence[int], end: Sequence[int], strides: Sequence[int]
) -> Tensor:
    """Elements ``strides`` apart, all indices counted from the front.

    The end of an axis that is walked backwards to its first element is -1.
    """
    ends = tuple(max(one, 0) for one in end)
    mask = sum(1 << axis for axis, one in enumerate(end) if one < 0)
    return b.add(
        "STRIDED_SLICE",
        x,
        b.ints(*begin),
        b.ints(*ends),
        b.ints(*strides),
        begin=tuple(begin),
        end=ends,
        strides=tuple(strides),
        end_mask=mask,
    )


def padded(b: Builder, x: Tensor, paddings: Pairs, border: float = 0) -> Tensor:
    """``x`` with a border of a constant."""
    pairs = tuple((int(before), int(after)) for before, after in paddings)
    if not any(map(any, pairs)):
        return x
    if len(pairs) == 4 and any(pairs[0]):  # PAD takes images, and leaves their batch alone
        inner = padded(b, b.reshape(x, (1, *x.shape)), ((0, 0), *pairs), border)
        return b.reshape(inner, inner.shape[1:])
    amounts = _amounts(b, pairs)
    if border == 0:
        return b.add("PAD", x, amounts, paddings=pairs)
    if x.dtype.numpy is not np.float32:
        limits = np.iinfo(np.int32 if x.dtype is DType.I32 else np.int8)
        if not limits.min <= border <= limits.max:
            raise UnsupportedOp(f"a border of {border:g} around integers")
    value = np.array([border], x.dtype.numpy)
    return b.add("PADV2", x, amounts, value, paddings=pairs, border=value[0].item())


def mirrored(b: Builder, x: Tensor, paddings: Pairs) -> Tensor:
    """``x`` between mirror images, the outermost elements there once."""
    pairs = tuple((int(before), int(after)) for before, after in paddings)
    return b.add("MIRROR_PAD", x, _amounts(b, pairs), paddings=pairs, reflects=True)


def _amounts(b: Builder, pairs: Pairs) -> Array:
    if max(map(max, pairs)) > MAX_BORDER:
        raise UnsupportedOp(f"a border of more than {MAX_BORDER:,} elements")
    return np.array(pairs, np.int32).reshape(-1, 2)


def joined(b: Builder, parts: Sequence[Value], axis: int) -> Tensor:
    """``parts`` one after the other."""
    if len(parts) == 1:
        return b.tensor(parts[0])
    shapes = [part.shape for part in parts]
    if axis == 0 and len(shapes[0]) == 4:  # images are not joined along the batch
        flat = [b.reshape(one, (one.shape[0], b.tensor(one).size // one.shape[0])) for one in parts]
        whole = b.add("CONCATENATION", *flat, axis=0)
        return b.reshape(whole, (whole.shape[0], *shapes[0][1:]))
    return b.add("CONCATENATION", *parts, axis=axis)


def equal_parts(b: Builder, x: Tensor, axis: int, count: int) -> tuple[Tensor, ...]:
    """``count`` parts of one size along ``axis``."""
    if count == 1:
        return (x,)
    return b.add_many("SPLIT", b.ints(axis), x, outputs=count, axis=axis)
