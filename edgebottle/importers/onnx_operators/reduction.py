"""Reductions, softmax, normalization: what looks along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import box, joined, strided
from edgebottle.importers.onnx_operators.table import (
    Translation,
    attribute_or_input,
    axes_of,
    axis_of,
    data_of,
    number,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor

Step = Callable[[Builder, Tensor], Tensor]


def reduced(b: Builder, op: str, x: Value, axes: Sequence[int], keep: bool = True) -> Tensor:
    """One element of all those along ``axes``."""
    return b.add(op, x, b.ints(*axes), axes=tuple(axes), keep_dims=keep)


def _square(b: Builder, x: Tensor) -> Tensor:
    return b.add("MUL", x, x)


def _multiplied(b: Builder, op: str, x: Value, axes: Sequence[int], keep: bool) -> Tensor:
    """The product of all along ``axes``: of one half with the other, until one is left."""
    made = b.tensor(x)
    for axis in axes:
        while made.shape[axis] > 1:
            half, rest = divmod(made.shape[axis], 2)
            size = (*made.shape[:axis], half, *made.shape[axis + 1 :])
            at = [[start if one == axis else 0 for one in range(len(size))] for start in (0, half)]
            last = [2 * half if one == axis else 0 for one in range(len(size))]
            odd = box(b, made, last, (*size[:axis], 1, *size[axis + 1 :])) if rest else None
            made = b.add("MUL", box(b, made, at[0], size), box(b, made, at[1], size))
            made = made if odd is None else joined(b, [made, odd], axis)
    kept = [dim for at_axis, dim in enumerate(made.shape) if keep or at_axis not in axes]
    return b.reshape(made, kept)


def _reduction(
    op: str,
    before: Step | None = None,
    after: Step | None = None,
    combine: Callable[[Builder, str, Value, Sequence[int], bool], Tensor] = reduced,
) -> Translation:
    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        x = data_of(b, node, values)
        given = attribute_or_input(node, values, "axes", 1)
        if not given and node.integer("noop_with_empty_axes", 0):
            axes: tuple[int, ...] = ()
        else:
            axes = axes_of(node, given or range(len(x.shape)), len(x.shape))
        x = x if before is None else before(b, x)
        keep = node.integer("keepdims", 1) == 1
        logical = x.dtype is DType.BOOL
        x = b.add("CAST", x, dtype=DType.I32) if logical else x
        found = combine(b, op, x, axes, keep) if axes else x
        found = b.add("CAST", found, dtype=DType.BOOL) if logical else found
        return found if after is None else after(b, found)

    return Translation(translate, ("axes", "keepdims", "noop_with_empty_axes"), 1, 2)


def log_sum_exp(b: Builder, x: Tensor, axes: Sequence[int], keep: bool) -> Tensor:
    """log(sum(e^x)), without leaving the range of float32."""
    highest = reduced(b, "REDUCE_MAX", x, axes)
    total = reduced(b, "SUM", b.add("EXP", b.add("SUB", x, highest)), axes)
    found = b.add("ADD", b.add("LOG", total), highest)
    kept = [dim for axis, dim in enumerate(found.shape) if keep or axis not in axes]
    return b.reshape(found, kept)


def _log_sum_exp(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    given = attribute_or_input(node, values, "axes", 1)
    if not given and node.integer("noop_with_empty_axes", 0):
        return x
    axes = axes_of(node, given or range(len(x.shape)), len(x.shape))
    return log_sum_exp(b, x, axes, node.integer("keepdims", 1) == 1)


def first_of(b: Builder, op: str, x: Tensor, axis: int) -> Tensor:
    """Where the first maximum along an axis is, or minimum; of integers where it is found again."""
    if x.dtype is DType.I32:
        highest = reduced(b, "REDUCE_MAX" if op == "ARG_MAX" else "REDUCE_MIN", x, (axis,))
        op, x = "ARG_MAX", b.add("CAST", b.add("EQUAL", x, highest), dtype=DType.F32)
    return b.add(op, x, b.ints(axis), dtype=DType.I32)


def _extreme(op: str) -> Callable[[Builder, OnnxNode, Values], Value]:
    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        x = data_of(b, node, values)
        axis = axis_of(node, node.integer("axis", 0), len(x.shape))
        if node.integer("select_last_index", 0) and x.shape[axis] > 1:
            # The first of equals from the end, counted from the front again.
            found = first_of(b, op, _backwards(b, x, axis), axis)
            found = b.add("SUB", np.array(x.shape[axis] - 1, np.int32), found)
        else:
            found = first_of(b, op, x, axis)
        if not node.integer("keepdims", 1):
            return found
        return b.reshape(found, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))

    return translate


def _backwards(b: Builder, x: Tensor, axis: int) -> Tensor:
    """``x`` with an axis from its end to its beginning."""
    begin = [x.shape[axis] - 1 if at == axis else 0 for at in range(len(x.shape))]
    end = [-1 if at == axis else dim for at, dim in enumerate(x.shape)]
    return strided(b, x, begin, end, [-1 if at == axis else 1 for at in range(len(x.shape))])


def along_last(b: Builder, x: Tensor, axis: int, compute: Step) -> Tensor:
    """``compute``, which works along the last axis, along another."""
    order = [at for at in range(len(x.shape)) if at != axis] + [axis]
    back = [order.index(at) for at in range(len(order))]
    return b.transpose(compute(b, b.transpose(x, order)), back)


def softmax(b: Builder, x: Tensor) -> Tensor:
    """Along the last axis."""
    return b.add("SOFTMAX", x, beta=1.0, dtype=DType.F32)


def log_softmax(b: Builder, x: Tensor) -> Tensor:
    """Along the last axis."""
    return b.add("LOG_SOFTMAX", x)


def _along(compute: Step) -> Callable[[Builder, OnnxNode, Values], Value]:
    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        x = data_of(b, node, values)
        if node.version >= 13:
            axis = axis_of(node, node.integer("axis", -1), len(x.shape))
            return along_last(b, x, axis, compute)
        # Before opset 13 all axes from this one on are one.
        axis = axis_of(node, node.integer("axis", 1), len(x.shape))
        flat = b.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))
        return b.reshape(compute(b, flat), x.shape)

    return translate


def _hardmax(b: Builder, x: Tensor) -> Tensor:
    highest = b.add("ARG_MAX", x, b.ints(len(x.shape) - 1), dtype=DType.I32)
    places = np.arange(x.shape[-1], dtype=np.int32)
    found = b.add("EQUAL", b.reshape(highest, (*highest.shape, 1)), places)
    return b.add("CAST", found, dtype=DType.F32)


def _norm(b: Builder, node: OnnxNode, values: Values) -> Value:
    """LpNormalization: over the sum of magnitudes, or the root of the sum of squares."""
    x = data_of(b, node, values)
    axis, p = axis_of(node, node.integer("axis", -1), len(x.shape)), node.integer("p", 2)
    if p not in (1, 2):
        raise node.refuse(f"has the norm {p}")
    parts = b.add("ABS", x) if p == 1 else _square(b, x)
    total = reduced(b, "SUM", parts, (axis,))
    root = total if p == 1 else b.add("SQRT", total)
    tiny = number(float(np.finfo(np.float32).tiny))
    return b.add("DIV", x, b.add("MAXIMUM", root, tiny))


def _log(b: Builder, x: Tensor) -> Tensor:
    return b.add("LOG", x)


def _root(b: Builder, x: Tensor) -> Tensor:
    return b.add("SQRT", x)


def _magnitude(b: Builder, x: Tensor) -> Tensor:
    return b.add("ABS", x)


_ARG = ("axis", "keepdims", "select_last_index")

TRANSLATIONS: dict[str, Translation] = {
    "ReduceMean": _reduction("MEAN"),
    "ReduceSum": _reduction("SUM"),
    "ReduceMax": _reduction("REDUCE_MAX"),
    "ReduceMin": _reduction("REDUCE_MIN"),
    "ReduceProd": _reduction("MUL", combine=_multiplied),
    "ReduceL1": _reduction("SUM", before=_magnitude),
    "ReduceL2": _reduction("SUM", before=_square, after=_root),
    "ReduceSumSquare": _reduction("SUM", before=_square),
    "ReduceLogSum": _reduction("SUM", after=_log),
    "ReduceLogSumExp": Translation(
        _log_sum_exp, ("axes", "keepdims", "noop_with_empty_axes"), 1, 2
    ),
    "ArgMax": Translation(_extreme("ARG_MAX"), _ARG),
    "ArgMin": Translation(_extreme("ARG_MIN"), _ARG),
    "Softmax": Translation(_along(softmax), ("axis",)),
    "LogSoftmax": Translation(_along(log_softmax), ("axis",)),
    "Hardmax": Translation(_along(_hardmax), ("axis",)),
    "LpNormalization": Translation(_norm, ("axis", "p")),
}
