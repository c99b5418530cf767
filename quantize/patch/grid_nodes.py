"""What a rectangle of a layer's output needs of its inputs, and the layer that computes just it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgebottle.errors import BadInput
from edgebottle.ir import access as access_types
from edgebottle.ir.access import Access, All, Broadcast, Listed, Offset
from edgebottle.ir.graph import Graph, Node, Shape, Tensor
from edgebottle.ops.base import Operator, RowOperator, where
from edgebottle.plan.storage import joined_axis_of

AXES = (0, 1)
"""Rows and columns: axes 1 and 2 of an image."""

Span = tuple[int, int]
"""First index, and the one after the last."""


@dataclass(frozen=True)
class Rect:
    """A rectangle of an image."""

    rows: Span
    columns: Span

    @classmethod
    def whole(cls, shape: Shape) -> Rect:
        """All of an image."""
        return cls((0, shape[1]), (0, shape[2]))

    def __getitem__(self, axis: int) -> Span:
        """Its rows (axis 0) or columns (axis 1)."""
        return self.columns if axis else self.rows

    def union(self, other: Rect | None) -> Rect:
        """The smallest rectangle around both."""
        if other is None:
            return self
        rows, columns = (
            (min(self[axis][0], other[axis][0]), max(self[axis][1], other[axis][1]))
            for axis in AXES
        )
        return Rect(rows, columns)

    @property
    def pixels(self) -> int:
        """How many it has."""
        return math.prod(end - begin for begin, end in (self.rows, self.columns))

    def shape(self, image: Shape) -> Shape:
        """The shape of the rectangle cut out of an image."""
        height, width = (end - begin for begin, end in (self.rows, self.columns))
        return (image[0], height, width, image[3])


@dataclass(frozen=True)
class AxisWindow:
    """How indices of an output along one axis read those of an input.

    Attributes:
        reach: Indices from the first to the last that one output index reads, both included.
        stride: Indices from one window to the next.
        before: Indices of padding before the input.
        size: Of the input.
    """

    size: int
    before: int = 0
    reach: int = 1
    stride: int = 1

    def reads(self, span: Span) -> Span:
        """Indices that the outputs ``span`` read, those of the padding included."""
        return (
            span[0] * self.stride - self.before,
            (span[1] - 1) * self.stride - self.before + self.reach,
        )

    def needs(self, span: Span) -> Span:
        """Indices inside of the input that ``span`` reads; may be empty."""
        begin, end = self.reads(span)
        return max(begin, 0), min(end, self.size)

    def borders(self, span: Span) -> tuple[int, int]:
        """Padding that ``span`` reads, before and after the input."""
        begin, end = self.reads(span)
        return max(-begin, 0), max(end - self.size, 0)

    def grown(self, span: Span) -> Span:
        """``span``, or the smallest around it that reads more than padding."""
        begin, end = span
        while self.reads((begin, end))[1] <= 0:
            end += 1
        while self.reads((begin, end))[0] >= self.size:
            begin -= 1
        return begin, end


class Windows:
    """How the layers of a graph read their inputs along rows and columns; each is found once."""

    def __init__(self, graph: Graph) -> None:
        """Starts with none."""
        self.graph = graph
        self._accesses: dict[str, dict[int, Access]] = {}
        self._found: dict[tuple[str, int, int], AxisWindow | None] = {}
        self._spans: dict[tuple[str, int, Span], tuple[Span, tuple[Span, ...]]] = {}
        self._replaced: dict[str, tuple[str | None, ...]] = {}
        self._joins: dict[str, bool] = {}

    def inputs(self, node: Node) -> Mapping[int, Access]:
        """How the layer reads those of its inputs that are images, or are broadcast to one.

        Raises:
            BadInput: the layer cannot be computed in rectangles.
        """
        if node.name not in self._accesses:
            self._accesses[node.name] = self._inputs(node)
        return self._accesses[node.name]

    def _inputs(self, node: Node) -> dict[int, Access]:
        found: dict[int, Access] = {}
        if isinstance(node, RowOperator):
            ins, outs = self.graph.ins(node), self.graph.outs(node)
            every = enumerate(node.accesses(ins, outs))
            found = {index: access for index, access in every if access is not None}
        along = [axis for access in found.values() for axis in access[1:3]]
        if not found or any(isinstance(axis, All | Listed) for axis in along):
            raise BadInput(f"{where(node)} cannot be part of a patch grid")
        return found

    def of(self, node: Node, index: int, axis: int) -> AxisWindow | None:
        """How ``node`` reads input ``index`` along rows or columns; None where it is broadcast."""
        key = (node.name, index, axis)
        if key not in self._found:
            self._found[key] = self._window(node, index, axis)
        return self._found[key]

    def spans(self, node: Node, axis: int, span: Span) -> tuple[Span, tuple[Span, ...]]:
        """See ``reading``, along one axis; what is needed may be empty."""
        key = (node.name, axis, span)
        if key not in self._spans:
            found = [self.of(node, index, axis) for index in self.inputs(node)]
            # Of tensors that are joined a part may read none of one.
            first = None if self.is_join(node) else found[0]
            wide = span if first is None else first.grown(span)
            needs = tuple((0, 1) if along is None else along.needs(wide) for along in found)
            self._spans[key] = wide, needs
        return self._spans[key]

    def replaced(self, node: Node) -> tuple[str | None, ...]:
        """The inputs whose memory the output may take, or be joined in."""
        if node.name not in self._replaced:
            sources = node.inputs
            if isinstance(node, Operator) and not self.is_join(node):
                graph = self.graph
                taken = node.overwrites(graph.ins(node), graph.outs(node))
                sources = tuple(node.inputs[index] for index in taken)
            self._replaced[node.name] = sources
        return self._replaced[node.name]

    def is_join(self, node: Node) -> bool:
        """Whether the layer does nothing but join its inputs."""
        if node.name not in self._joins:
            self._joins[node.name] = joined_axis_of(self.graph, node) is not None
        return self._joins[node.name]

    def _window(self, node: Node, index: int, axis: int) -> AxisWindow | None:
        access, tensor = self.inputs(node)[index][1 + axis], self.graph.ins(node)[index]
        assert tensor is not None, f"{where(node)} lacks input {index}"
        place = 1 + axis - 4 + len(tensor.shape)
        size = tensor.shape[place] if place >= 0 else 1
        match access:
            case Broadcast():
                return None
            case access_types.Window():
                reach = (access.taps - 1) * access.dilation + 1
                return AxisWindow(size, access.before, reach, access.stride)
            case Offset():
                return AxisWindow(size, access.before)
        return AxisWindow(size)


def input_rect(windows: Windows, node: Node, index: int, rect: Rect) -> Rect | None:
    """What the rectangle ``rect`` of the output needs of input ``index``.

    Returns:
        None for nothing: a part of a join that ``rect`` does not reach.
    """
    spans = []
    for axis in AXES:
        along = windows.of(node, index, axis)
        span = (0, 1) if along is None else along.needs(rect[axis])
        if span[0] >= span[1]:
            return None
        spans.append(span)
    return Rect(*spans)


def reading(windows: Windows, node: Node, rect: Rect) -> tuple[Rect, list[tuple[str, Rect]]]:
    """What ``node`` reads to compute a rectangle of its output.

    Returns:
        ``rect``, or the smallest around it that reads more than padding; and what that needs of
        each input of which it needs any.
    """
    (rows, row_needs), (columns, column_needs) = (
        windows.spans(node, axis, rect[axis]) for axis in AXES
    )
    sources = [node.inputs[index] for index in windows.inputs(node)]
    needs = [
        (source, Rect(row, column))
        for source, row, column in zip(sources, row_needs, column_needs, strict=True)
        if source is not None and row[0] < row[1] and column[0] < column[1]
    ]
    return Rect(rows, columns), needs


def for_rect(windows: Windows, node: RowOperator, rect: Rect) -> RowOperator:
    """The layer that computes the rectangle ``rect`` of the output of ``node``.

    Its inputs are the rectangles of ``input_rect``: padding is left only where they touch the
    border of the image.
    """
    if windows.is_join(node):
        return node
    rows, columns = (
        (0, 0) if (along := windows.of(node, 0, axis)) is None else along.borders(rect[axis])
        for axis in AXES
    )
    return node.bordered(rows, columns)


def part_of_constant(tensor: Tensor, rect: Rect) -> Tensor:
    """A constant operand without what lies outside of ``rect`` (axes of one element stay)."""
    data = tensor.constant()
    for axis in AXES:
        place = 1 + axis - 4 + data.ndim
        if place >= 0 and data.shape[place] > 1:
            data = data.take(range(*rect[axis]), place)
    return replace(tensor, shape=data.shape, data=data)
