"""Elements picked by their indices: gathers, OneHot, TopK; running sums."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import box, joined
from edgebottle.importers.onnx_operators.reduction import first_of, reduced
from edgebottle.importers.onnx_operators.table import (
    Translation,
    axis_of,
    constant_of,
    data_of,
    integers_of,
    is_float,
    scalar_of,
    value_of,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Shape, Tensor

MAX_CHOSEN = 64
"""Elements of a TopK, each of which is a search of its own."""

MAX_DEPTH = 1 << 16
"""Of a OneHot: far beyond what a microcontroller tells apart."""


def _wrapped(b: Builder, node: OnnxNode, indices: Value, count: int) -> Value:
    """Indices of which negative ones count from the end, as positive ones.

    Raises:
        BadModel: constants lie beyond the axis.
    """
    if isinstance(indices, Tensor) and indices.data is None:
        return b.add("FLOOR_MOD", indices, np.array(count, np.int32))
    numbers = indices.data if isinstance(indices, Tensor) else indices
    assert numbers is not None
    inside = numbers.size and numbers.dtype.kind in "iu"
    if not inside or not ((numbers >= -count) & (numbers < count)).all():
        raise node.contradicts(f"picks elements beyond an axis of {count}, or none")
    return np.where(numbers < 0, numbers + count, numbers).astype(np.int32)


def _plus(b: Builder, a: Value, c: Value) -> Value:
    if isinstance(a, Tensor) or isinstance(c, Tensor):
        return b.add("ADD", a, c)
    return np.asarray(a + c, np.int32)


def _times(b: Builder, a: Value, factor: int) -> Value:
    if factor == 1:
        return a
    return b.add("MUL", a, np.array(factor, np.int32)) if isinstance(a, Tensor) else a * factor


def _along(numbers: Array, axis: int, rank: int) -> Array:
    """A vector as the only axis of ``rank`` that has more than one element."""
    return numbers.reshape([-1 if at == axis else 1 for at in range(rank)])


def _gather(b: Builder, node: OnnxNode, values: Values) -> Value:
    """By constant indices, slices where these are neighbours; by others, from the first axis on."""
    source, indices = value_of(node, values, 0), value_of(node, values, 1)
    axis = axis_of(node, node.integer("axis", 0), len(source.shape))
    count = source.shape[axis]
    picked = _wrapped(b, node, indices, count)
    if isinstance(picked, Tensor):
        return b.add("GATHER", source, picked, axis=axis, batch_dims=0)
    x = b.tensor(source)
    flat = [int(one) for one in picked.ravel()]
    shape = (*x.shape[:axis], *picked.shape, *x.shape[axis + 1 :])
    if flat == list(range(flat[0], flat[0] + len(flat))):
        begin = [flat[0] if at == axis else 0 for at in range(len(x.shape))]
        size = [*x.shape[:axis], len(flat), *x.shape[axis + 1 :]]
        return b.reshape(box(b, x, begin, size), shape)
    found = b.add("GATHER", x, b.ints(*flat), axis=axis, batch_dims=0)
    return b.reshape(found, shape)


def _from_flat(b: Builder, x: Tensor, at: Value, size: int, shape: Shape) -> Tensor:
    """Pieces of ``size`` elements by their numbers."""
    pieces = b.reshape(x, (x.size // size, size) if size > 1 else (x.size,))
    return b.reshape(b.add("GATHER", pieces, at, axis=0, batch_dims=0), shape)


def _gather_elements(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Each index is one element: that of its own place, but for one axis."""
    x, indices = data_of(b, node, values), value_of(node, values, 1)
    rank, shape = len(x.shape), indices.shape
    axis = axis_of(node, node.integer("axis", 0), rank)
    fits = len(shape) == rank and all(at == axis or shape[at] <= x.shape[at] for at in range(rank))
    if not fits:
        raise node.contradicts(f"picks {list(shape)} elements of {list(x.shape)}")
    places = np.zeros(shape, np.int32)
    for at in range(rank):
        if at != axis:
            numbers = np.arange(shape[at], dtype=np.int32) * prod(x.shape[at + 1 :])
            places = places + _along(numbers, at, rank)
    picked = _wrapped(b, node, indices, x.shape[axis])
    flat = _plus(b, _times(b, picked, prod(x.shape[axis + 1 :])), places)
    return _from_flat(b, x, flat, 1, shape)


def _gather_nd(b: Builder, node: OnnxNode, values: Values) -> Value:
    """The last axis of the indices names a piece; the first ``batch_dims`` axes are shared."""
    x, indices = data_of(b, node, values), value_of(node, values, 1)
    shared = node.integer("batch_dims", 0)
    depth = indices.shape[-1] if indices.shape else 0
    fits = 0 <= shared < min(len(x.shape), len(indices.shape))
    if not fits or not depth or shared + depth > len(x.shape):
        raise node.contradicts(f"picks of {list(x.shape)} by indices of {list(indices.shape)}")
    if x.shape[:shared] != indices.shape[:shared]:
        raise node.contradicts(f"shares {shared} axes that differ")
    kept, piece = indices.shape[:-1], x.shape[shared + depth :]
    flat: Value = np.zeros(kept, np.int32)
    for number in range(depth):
        dim = x.shape[shared + number]
        picked = _wrapped(b, node, _column(b, indices, number), dim)
        flat = _plus(
            b, flat, _times(b, picked, prod(x.shape[shared + number + 1 : shared + depth]))
        )
    for at in range(shared):
        numbers = np.arange(x.shape[at], dtype=np.int32) * prod(x.shape[at + 1 : shared + depth])
        flat = _plus(b, flat, _along(numbers, at, len(kept)))
    return _from_flat(b, x, flat, prod(piece), (*kept, *piece))


def _column(b: Builder, indices: Value, number: int) -> Value:
    """One index of the last axis, which goes away."""
    if not isinstance(indices, Tensor):
        return indices[..., number]
    begin = (*(0,) * (len(indices.shape) - 1), number)
    return b.reshape(box(b, indices, begin, (*indices.shape[:-1], 1)), indices.shape[:-1])


def _one_hot(b: Builder, node: OnnxNode, values: Values) -> Value:
    """An axis of ``depth``, with one value where its index is and another elsewhere."""
    indices = data_of(b, node, values)
    depth, pair = int(scalar_of(node, values, 1, "depth")), constant_of(node, values, 2, "values")
    if not 1 <= depth <= MAX_DEPTH or pair.shape != (2,):
        raise node.contradicts(f"has the depth {depth} and values of the shape {list(pair.shape)}")
    off, on = pair
    rank = len(indices.shape) + 1
    axis = axis_of(node, node.integer("axis", -1), rank)
    if indices.dtype is not DType.I32:
        indices = b.add("CAST", indices, dtype=DType.I32)
    column = b.reshape(indices, (*indices.shape[:axis], 1, *indices.shape[axis:]))
    places = _along(np.arange(depth, dtype=np.int32), axis, rank)
    # Negative ones count from the end; what lies beyond is nowhere.
    here = b.add(
        "LOGICAL_OR", b.add("EQUAL", column, places), b.add("EQUAL", column, places - depth)
    )
    return b.add("SELECT_V2", here, np.asarray(on), np.asarray(off))


def _top_k(b: Builder, node: OnnxNode, values: Values) -> Sequence[Value]:
    """The largest, then the largest of the others, and so on; the first of equals first."""
    x = data_of(b, node, values)
    given = integers_of(node, values, 1, "k") if len(values) > 1 else (node.integer("k"),)
    axis = axis_of(node, node.integer("axis", -1), len(x.shape))
    largest = node.integer("largest", 1)
    count = given[0] if len(given) == 1 else 0
    if not 1 <= count <= x.shape[axis]:
        raise node.contradicts(f"takes {list(given)} of {x.shape[axis]}")
    if count > MAX_CHOSEN:
        raise node.refuse(f"takes the {count} largest: edgebottle takes {MAX_CHOSEN} at most")
    find, pick = ("ARG_MAX", "REDUCE_MAX") if largest else ("ARG_MIN", "REDUCE_MIN")
    never = _extreme(x, lowest=bool(largest))
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    places = _along(np.arange(x.shape[axis], dtype=np.int32), axis, len(x.shape))
    chosen: list[Value] = []
    indices: list[Value] = []
    for number in range(count):
        place = b.reshape(first_of(b, find, x, axis), one)
        chosen.append(reduced(b, pick, x, (axis,)))
        indices.append(place)
        if number + 1 < count:
            x = b.add("SELECT_V2", b.add("EQUAL", place, places), never, x)
    return [joined(b, chosen, axis), joined(b, indices, axis)]


def _extreme(x: Tensor, lowest: bool) -> Array:
    """What no other element exceeds, from below or above."""
    if is_float(x):
        reals = np.finfo(np.float32)
        return np.array(reals.min if lowest else reals.max, np.float32)
    integers = np.iinfo(np.int32)
    return np.array(integers.min if lowest else integers.max, np.int32)


def _running_sum(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    axes = integers_of(node, values, 1, "axis")
    if len(axes) != 1:
        raise node.contradicts(f"has the axes {list(axes)}")
    axis = axis_of(node, axes[0], len(x.shape))
    return b.add(
        "CUMSUM",
        x,
        b.ints(axis),
        axis=axis,
        exclusive=bool(node.integer("exclusive", 0)),
        reverse=bool(node.integer("reverse", 0)),
    )


TRANSLATIONS: dict[str, Translation] = {
    "Gather": Translation(_gather, ("axis",), 2, 2),
    "GatherElements": Translation(_gather_elements, ("axis",), 2, 2),
    "GatherND": Translation(_gather_nd, ("batch_dims",), 2, 2),
    "OneHot": Translation(_one_hot, ("axis",), 3, 3),
    "TopK": Translation(_top_k, ("axis", "k", "largest", "sorted"), 1, 2, 2),
    "CumSum": Translation(_running_sum, ("exclusive", "reverse"), 2, 2),
}
