"""Reshapes, transposes, slices, joins, pads, gathers: what only moves elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import box, joined, mirrored, padded, strided
from edgebottle.importers.onnx_operators.table import (
    Translation,
    attribute_or_input,
    axes_of,
    axis_of,
    constant_of,
    data_of,
    integers_of,
    optional,
    scalar_of,
    value_of,
)
from edgebottle.importers.onnx_operators.windows import MAX_WINDOW
from edgebottle.ir.graph import Array, Shape, Tensor
from edgebottle.ops.base import MANY


def _identity(b: Builder, node: OnnxNode, values: Values) -> Value:
    return value_of(node, values, 0)


def _dropout(b: Builder, node: OnnxNode, values: Values) -> Value:
    """What is dropped in training stays here."""
    training = optional(values, 2)
    if training is not None and bool(np.any(constant_of(node, values, 2, "mode"))):
        raise node.refuse("is in training mode; export the model in inference mode")
    return value_of(node, values, 0)


def _reshape(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, wanted = data_of(b, node, values), list(integers_of(node, values, 1, "shape"))
    if not node.integer("allowzero", 0):
        for axis, dim in enumerate(wanted):
            if dim == 0 and axis < len(x.shape):
                wanted[axis] = x.shape[axis]
    if wanted.count(-1) == 1:
        rest = prod(dim for dim in wanted if dim != -1)
        wanted[wanted.index(-1)] = x.size // rest if rest else 0
    return b.reshape(x, _checked(node, x, wanted))


def _checked(node: OnnxNode, x: Tensor, shape: Sequence[int]) -> Shape:
    if min(shape, default=1) < 1 or prod(shape) != x.size:
        raise node.contradicts(f"gives {list(x.shape)} the shape {list(shape)}")
    return tuple(shape)


def _flatten(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, axis = data_of(b, node, values), node.integer("axis", 1)
    rank = len(x.shape)
    if not -rank <= axis <= rank:
        raise node.contradicts(f"flattens at axis {axis} of {rank}")
    axis += rank if axis < 0 else 0
    return b.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def _squeeze(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    given = attribute_or_input(node, values, "axes", 1)
    ones = [axis for axis, dim in enumerate(x.shape) if dim == 1]
    axes = ones if given is None else axes_of(node, given, len(x.shape))
    if not set(axes) <= set(ones):
        raise node.contradicts(f"squeezes the axes {list(axes)} of {list(x.shape)}")
    return b.reshape(x, [dim for axis, dim in enumerate(x.shape) if axis not in axes])


def _unsqueeze(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, given = data_of(b, node, values), attribute_or_input(node, values, "axes", 1)
    if given is None:
        raise node.contradicts("lacks its axes")
    rank = len(x.shape) + len(given)
    axes = axes_of(node, given, rank)
    dims = iter(x.shape)
    return b.reshape(
        x, _checked(node, x, [1 if axis in axes else next(dims, 0) for axis in range(rank)])
    )


def _transpose(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    order = node.integers("perm", tuple(reversed(range(len(x.shape)))))
    if sorted(order) != list(range(len(x.shape))):
        raise node.contradicts(f"orders {len(x.shape)} axes as {list(order)}")
    return b.transpose(x, order)


def _concat(b: Builder, node: OnnxNode, values: Values) -> Value:
    parts = [value_of(node, values, index) for index in range(len(values))]
    full = [part for part in parts if isinstance(part, Tensor) or part.size]
    axis = axis_of(node, node.integer("axis"), len(full[0].shape))
    return joined(b, full, axis)


def _split(b: Builder, node: OnnxNode, values: Values) -> Sequence[Value]:
    x, count = data_of(b, node, values), len(node.outputs)
    axis = axis_of(node, node.integer("axis", 0), len(x.shape))
    sizes = attribute_or_input(node, values, "split", 1)
    if sizes is None:
        share = -(-x.shape[axis] // node.integer("num_outputs", count))
        sizes = (*(share,) * (count - 1), x.shape[axis] - share * (count - 1))
    if len(sizes) != count or min(sizes) < 0 or sum(sizes) != x.shape[axis]:
        raise node.contradicts(f"cuts {x.shape[axis]} into {list(sizes)}")
    full = tuple(size for size in sizes if size)
    if len(full) == 1:
        parts: Iterator[Value] = iter([x])
    else:
        count = len(full)
        made = b.add_many(
            "SPLIT_V", x, b.ints(*full), b.ints(axis), outputs=count, axis=axis, sizes=full
        )
        parts = iter(made)
    return [next(parts) if size else _nothing(x, axis) for size in sizes]


def _nothing(x: Tensor, axis: int) -> Array:
    """A tensor without elements, which only what joins it again can take."""
    shape = [0 if at == axis else dim for at, dim in enumerate(x.shape)]
    return np.zeros(shape, x.dtype.numpy)


def _slice(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    rank = len(x.shape)
    starts = attribute_or_input(node, values, "starts", 1)
    ends = attribute_or_input(node, values, "ends", 2)
    if starts is None or ends is None:
        raise node.contradicts("lacks starts or ends")
    axes = attribute_or_input(node, values, "axes", 3) or tuple(range(len(starts)))
    given = attribute_or_input(node, values, "steps", 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(given) or 0 in given:
        raise node.contradicts("has starts, ends, axes and steps that do not go together")
    begin, end, steps = [0] * rank, list(x.shape), [1] * rank
    for start, stop, axis, step in zip(starts, ends, axes, given, strict=True):
        at = axis_of(node, axis, rank)
        begin[at], end[at], steps[at] = slice(start, stop, step).indices(x.shape[at])
    spans = [range(*each) for each in zip(begin, end, steps, strict=True)]
    if not all(spans):
        return np.zeros([len(span) for span in spans], x.dtype.numpy)
    if all(step == 1 for step in steps):
        return box(b, x, begin, [len(span) for span in spans])
    return strided(b, x, begin, end, steps)


def _pad(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Amounts are an attribute before opset 11, then an input; negative ones cut off."""
    x, mode = data_of(b, node, values), node.text("mode", "constant")
    amounts, rank = attribute_or_input(node, values, "pads", 1), len(x.shape)
    axes = list(range(rank))
    if optional(values, 3) is not None:
        axes = [axis_of(node, axis, rank) for axis in integers_of(node, values, 3, "axes")]
    if amounts is None or len(amounts) != 2 * len(axes):
        raise node.contradicts(f"has no {2 * len(axes)} pads for {len(axes)} axes")
    if max(map(abs, amounts), default=0) > MAX_WINDOW:
        raise node.refuse(f"pads by more than {MAX_WINDOW:,}")
    pairs = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        pairs[axis] = (amounts[index], amounts[len(axes) + index])
    begin = [max(-before, 0) for before, _ in pairs]
    size = [
        dim + min(before, 0) + min(after, 0)
        for dim, (before, after) in zip(x.shape, pairs, strict=True)
    ]
    if min(size, default=1) < 1:
        raise node.refuse(f"cuts everything off {list(x.shape)}")
    inner = box(b, x, begin, size)
    positive = [(max(before, 0), max(after, 0)) for before, after in pairs]
    if not any(map(any, positive)):
        return inner
    if mode == "constant":
        border = node.number("value", 0.0)
        given = optional(values, 2)
        if given is not None and given.size:
            border = scalar_of(node, values, 2, "value")
        return padded(b, inner, positive, border)
    if mode == "reflect":
        return mirrored(b, inner, positive)
    if mode == "edge":
        return _with_edges(b, inner, positive)
    if mode == "wrap":
        return _around(b, inner, positive)
    raise node.refuse(f"pads by the mode '{mode}', which edgebottle does not support")


def _with_edges(b: Builder, x: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """``x`` with its outermost elements repeated."""
    for axis, (before, after) in enumerate(pairs):
        last = [0] * axis + [x.shape[axis] - 1] + [0] * (len(x.shape) - axis - 1)
        one = [*x.shape[:axis], 1, *x.shape[axis + 1 :]]
        first_edge = box(b, x, [0] * len(one), one) if before else x
        last_edge = box(b, x, last, one) if after else x
        x = joined(b, [*[first_edge] * before, x, *[last_edge] * after], axis)
    return x


def _around(b: Builder, x: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """``x`` with its elements from the other end, as often as it takes."""
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            count = x.shape[axis]
            numbers = np.arange(-before, count + after) % count
            x = b.add("GATHER", x, numbers.astype(np.int32), axis=axis, batch_dims=0)
    return x


def _tile(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, repeats = data_of(b, node, values), integers_of(node, values, 1, "repeats")
    if len(repeats) != len(x.shape) or min(repeats, default=1) < 1:
        raise node.refuse(f"repeats {list(x.shape)} {list(repeats)} times")
    if all(one == 1 for one in repeats):
        return x
    return b.add("TILE", x, b.ints(*repeats), multiples=repeats)


def _expand(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, wanted = data_of(b, node, values), integers_of(node, values, 1, "shape")
    try:
        shape = np.broadcast_shapes(x.shape, wanted)
    except ValueError:
        raise node.contradicts(f"broadcasts {list(x.shape)} to {list(wanted)}") from None
    if shape == x.shape or prod(shape) == x.size:
        return b.reshape(x, shape)
    return b.add("BROADCAST_TO", x, b.ints(*shape), shape=shape)


def _triangle(b: Builder, node: OnnxNode, values: Values) -> Value:
    """What lies above a diagonal, or below; zero elsewhere."""
    x, diagonal = data_of(b, node, values), 0
    if optional(values, 1) is not None:
        diagonal = int(scalar_of(node, values, 1, "diagonal"))
    if len(x.shape) < 2:
        raise node.contradicts(f"takes a triangle of {list(x.shape)}")
    whole = np.ones(x.shape[-2:], np.bool_)
    kept = np.triu(whole, diagonal) if node.integer("upper", 1) else np.tril(whole, diagonal)
    return b.add("SELECT_V2", kept, x, np.zeros((), x.dtype.numpy))


def _depth_to_space(b: Builder, node: OnnxNode, values: Values) -> Value:
    """TFLite has the order DCR; CRD first puts the channels into it."""
    x, block = data_of(b, node, values), node.integer("blocksize")
    mode = node.text("mode", "DCR")
    if len(x.shape) != 4 or block < 1 or x.shape[1] % (block * block):
        raise node.contradicts(f"makes blocks of {block} of the shape {list(x.shape)}")
    if mode == "CRD":
        batch, channels, *image = x.shape
        parts = b.reshape(x, (batch, channels // block**2, block**2, *image))
        x = b.reshape(b.transpose(parts, (0, 2, 1, 3, 4)), x.shape)
    elif mode != "DCR":
        raise node.refuse(f"has the mode '{mode}'")
    return b.from_image(b.add("DEPTH_TO_SPACE", b.image(x), block=block), 4)


def _space_to_depth(b: Builder, node: OnnxNode, values: Values) -> Value:
    x, block = data_of(b, node, values), node.integer("blocksize")
    if len(x.shape) != 4 or block < 1 or any(dim % block for dim in x.shape[2:]):
        raise node.contradicts(f"takes blocks of {block} from the shape {list(x.shape)}")
    made = b.from_image(b.add("SPACE_TO_DEPTH", b.image(x), block=block), 4)
    mode = node.text("mode", "DCR")
    if mode == "CRD":
        parts = b.reshape(made, (made.shape[0], block**2, x.shape[1], *made.shape[2:]))
        return b.reshape(b.transpose(parts, (0, 2, 1, 3, 4)), made.shape)
    if mode != "DCR":
        raise node.refuse(f"has the mode '{mode}'")
    return made


def shape_of(node: OnnxNode, x: Value) -> Array:
    """The constant that Shape computes."""
    start, end = node.integer("start", 0), node.integer("end", len(x.shape))
    return np.array(x.shape[slice(start, end)], np.int64)


TRANSLATIONS: dict[str, Translation] = {
    "Identity": Translation(_identity),
    "Dropout": Translation(_dropout, ("ratio", "seed", "is_test"), 1, 3),
    "Reshape": Translation(_reshape, ("allowzero",), 2, 2),
    "Flatten": Translation(_flatten, ("axis",)),
    "Squeeze": Translation(_squeeze, ("axes",), 1, 2),
    "Unsqueeze": Translation(_unsqueeze, ("axes",), 1, 2),
    "Transpose": Translation(_transpose, ("perm",)),
    "Concat": Translation(_concat, ("axis",), 1, MANY),
    "Split": Translation(_split, ("axis", "split", "num_outputs"), 1, 2, MANY),
    "Slice": Translation(_slice, ("starts", "ends", "axes"), 1, 5),
    "Pad": Translation(_pad, ("mode", "pads", "value"), 1, 4),
    "Tile": Translation(_tile, (), 2, 2),
    "Expand": Translation(_expand, (), 2, 2),
    "Trilu": Translation(_triangle, ("upper",), 1, 2),
    "DepthToSpace": Translation(_depth_to_space, ("blocksize", "mode")),
    "SpaceToDepth": Translation(_space_to_depth, ("blocksize", "mode")),
}
