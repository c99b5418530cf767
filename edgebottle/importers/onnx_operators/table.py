"""The table of translations: which ONNX operator each is for, and what attributes it knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.ir.graph import Array, Quant, Tensor

Translate = Callable[[Builder, OnnxNode, Values], Value | Sequence[Value]]
"""From the values of a node's inputs, absent ones None, to those of its outputs."""

MAX_NUMBERS = 64
"""Of an operand such as a shape or axes."""


@dataclass(frozen=True)
class Translation:
    """How an ONNX operator becomes nodes of the graph.

    Attributes:
        translate: Adds them.
        attributes: Names of those that it reads; any other is refused.
        least: Fewest inputs.
        most: Most inputs.
        wanted: How many of the outputs it can give.
    """

    translate: Translate
    attributes: tuple[str, ...] = ()
    least: int = 1
    most: int = 1
    wanted: int = 1


def data_of(b: Builder, node: OnnxNode, values: Values, index: int = 0) -> Tensor:
    """An input as a tensor; raises ``BadModel`` where it is absent."""
    return b.tensor(value_of(node, values, index))


def value_of(node: OnnxNode, values: Values, index: int) -> Value:
    """An input; raises ``BadModel`` where it is absent."""
    value = values[index] if index < len(values) else None
    if value is None:
        raise node.contradicts(f"lacks its input {index}")
    return value


def optional(values: Values, index: int) -> Value | None:
    """An input, None where it is absent."""
    return values[index] if index < len(values) else None


def constant_of(node: OnnxNode, values: Values, index: int, what: str) -> Array:
    """An input that must be a constant; raises ``UnsupportedOp`` where it is none."""
    value = value_of(node, values, index)
    if isinstance(value, Tensor):
        if value.data is not None:
            return value.data
        raise node.refuse(
            f"computes its {what} at run time, which edgebottle does not support: they must be "
            "constants of the model"
        )
    return value


def numbers_of(node: OnnxNode, values: Values, index: int, what: str) -> tuple[float, ...]:
    """The numbers of a constant operand; raises ``BadModel`` for too many."""
    found = constant_of(node, values, index, what)
    if found.size > MAX_NUMBERS:
        raise node.contradicts(f"has {found.size} numbers as its {what}")
    return tuple(float(value) for value in found.ravel())


def integers_of(node: OnnxNode, values: Values, index: int, what: str) -> tuple[int, ...]:
    """The integers of a constant operand; raises ``BadModel`` where it has none, or too many."""
    found = constant_of(node, values, index, what)
    if found.dtype.kind not in "iu" or found.size > MAX_NUMBERS:
        raise node.contradicts(f"has no few integers as its {what}")
    return tuple(int(value) for value in found.ravel())


def scalar_of(node: OnnxNode, values: Values, index: int, what: str) -> float:
    """The number that a constant operand is; raises ``BadModel`` where it is none, or several."""
    found = constant_of(node, values, index, what)
    if found.size != 1:
        raise node.contradicts(f"has {found.size} numbers as its {what}")
    return float(found.ravel()[0])


def attribute_or_input(
    node: OnnxNode, values: Values, name: str, index: int
) -> tuple[int, ...] | None:
    """Integers that older opsets have as an attribute and newer ones as an input; None for neither.

    Raises:
        UnsupportedOp: they are computed at run time.
    """
    if node.has(name):
        return node.integers(name)
    return None if optional(values, index) is None else integers_of(node, values, index, name)


def axis_of(node: OnnxNode, axis: int, rank: int) -> int:
    """An axis counted from the front; raises ``BadModel`` where there is no such axis."""
    if not -rank <= axis < max(rank, 1):
        raise node.contradicts(f"uses axis {axis} of a tensor with {rank} axes")
    return axis % rank if rank else 0


def axes_of(node: OnnxNode, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, ascending, each once; raises ``BadModel``."""
    return tuple(sorted({axis_of(node, axis, rank) for axis in axes}))


def grid_of(value: Value) -> Quant | None:
    """The grid on which a constant lies, with one scale for each index of its axis."""
    return value.quant if isinstance(value, Tensor) and value.data is not None else None


def gridded(b: Builder, data: Array, grid: Quant | None, axis: int) -> Value:
    """A constant made of one on a grid, whose scales are now along ``axis``."""
    if grid is None:
        return data
    quant = grid if len(grid.scale) == 1 else replace(grid, axis=axis)
    return b.on_grid(np.ascontiguousarray(data, np.float32), quant)


def is_float(value: Value) -> bool:
    """Whether it holds real numbers."""
    if isinstance(value, Tensor):
        return value.dtype.numpy is np.float32
    return value.dtype.kind == "f"


def number(value: float) -> Array:
    """A real constant without axes, for arithmetic with tensors."""
    return np.array(value, np.float32)
