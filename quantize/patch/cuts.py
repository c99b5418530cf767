"""The ways to cut stages into parts: those of all stages that end alike are found together.

A stage grows upwards, node by node. What the parts of its output need of the tensors inside does
not change when it grows, so that each node is looked at once, for all numbers of parts together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Int, Mask, Node
from edgebottle.ops.base import where
from edgebottle.plan.limits import UNLIMITED
from quantize.patch.grid import PatchStage, check_node
from quantize.patch.grid_nodes import AxisWindow, Span, Windows
from quantize.patch.rows import RowGraph
from quantize.patch.segment import Parts
from quantize.patch.slices import keeps_channels_apart, slices
from quantize.patch.units import CHANNELS, COLUMNS

MAX_PARTS = 8
"""Parts of a stage, at most."""


@dataclass(frozen=True)
class _Spans:
    """Columns of a tensor, for each part of each way to cut.

    Attributes:
        rows: The same of all parts.
        begin: First columns.
        end: Columns after the last.
    """

    rows: Span
    begin: Int
    end: Int

    def read_by(self, rows: AxisWindow | None, columns: AxisWindow | None) -> _Spans:
        """What is needed of the input of a layer to compute these of its output."""
        begin, end = np.zeros_like(self.begin), np.ones_like(self.end)
        if columns is not None:
            begin = np.maximum(self.begin * columns.stride - columns.before, 0)
            last = (self.end - 1) * columns.stride - columns.before
            end = np.minimum(last + columns.reach, columns.size)
        return _Spans((0, 1) if rows is None else rows.needs(self.rows), begin, end)

    def has_any(self) -> Mask:
        """Of which parts there is anything."""
        return np.asarray((self.begin < self.end) & (self.rows[0] < self.rows[1]))

    def equals(self, other: _Spans) -> Mask:
        """For which parts both are the same."""
        same = (self.begin == other.begin) & (self.end == other.end)
        return np.asarray(same & (self.rows == other.rows))

    def has_data(self, rows: AxisWindow, columns: AxisWindow) -> Mask:
        """Which parts of an output read more than padding along both axes."""
        first, last = rows.reads(self.rows)
        if last <= 0 or first >= rows.size:
            return np.zeros(self.begin.shape, dtype=bool)
        begin = self.begin * columns.stride - columns.before
        end = (self.end - 1) * columns.stride - columns.before + columns.reach
        return np.asarray((end > 0) & (begin < columns.size))


@dataclass
class _Grown:
    """What is known of a stage so far.

    Attributes:
        nodes: Its nodes, the first one last.
        shares: Columns of each tensor inside that the parts compute, and all.
        extra_macs: Of each number of parts, from 2 on.
        fits: Which parts can be computed.
        wanted: What the nodes need of each tensor.
        is_apart: All tensors have as many channels as the output.
    """

    nodes: list[Node]
    shares: dict[str, tuple[Int, int]]
    extra_macs: Int
    fits: Mask
    wanted: dict[str, list[_Spans]] = field(default_factory=dict)
    is_apart: bool = True


class StageCuts:
    """The ways to cut the stages of an order that end before one node."""

    def __init__(self, rows: RowGraph, windows: Windows, end: int) -> None:
        """Looks at no node yet.

        Args:
            rows: The graph in its order.
            windows: Of the graph.
            end: Number after the last node.
        """
        self._rows, self._windows, self._first = rows, windows, end
        graph, last = rows.graph, rows.order[end - 1]
        self._end, self._output = end, last.outputs[0]
        # Its rows would be computed in the memory of the output, where parts have gaps.
        self._is_stage = not any(name in rows.shares for name in last.inputs if name is not None)
        shape = graph.tensors[self._output].shape
        if len(shape) != 4:
            self._is_stage = False
            return
        _, height, width, self._channels = shape
        self._counts = range(2, min(MAX_PARTS, width) + 1)
        spans = [
            (part * width // count, (part + 1) * width // count)
            for count in self._counts
            for part in range(count)
        ]
        begin, stop = np.array(spans, np.int64).reshape(-1, 2).T
        self._nothing = _Spans((0, 0), np.zeros_like(begin), np.zeros_like(stop))
        self._grown = _Grown(
            [],
            {},
            np.zeros(len(self._counts), np.int64),
            np.ones(len(spans), dtype=bool),
            {self._output: [_Spans((0, height), begin, stop)]},
        )

    def of(self, first: int) -> tuple[Parts, ...] | None:
        """The ways to cut the stage from node ``first`` on, None where it is none.

        Args:
            first: No more than at the last call.
        """
        while self._first > first and self._is_stage:
            self._first -= 1
            self._is_stage = self._grow(self._rows.order[self._first])
        return tuple(self._parts()) if self._is_stage else None

    def _grow(self, node: Node) -> bool:
        """Adds the node before the first; whether that makes a stage."""
        rows, graph, grown = self._rows, self._rows.graph, self._grown
        name = node.outputs[0]
        readers = rows.readers[name]
        leaves = name in graph.outputs or not readers or readers[-1] >= self._end
        if len(node.outputs) != 1 or leaves != (name == self._output):
            return False
        try:
            check_node(self._windows, node)
        except BadInput:
            return False
        grown.nodes.append(node)
        if name not in grown.wanted:  # read, but not as an image
            grown.fits[:] = False
            grown.wanted[name] = [self._nothing]
        spans, *others = grown.wanted.pop(name)
        grown.fits &= spans.has_any()
        for other in others:
            grown.fits &= spans.equals(other)
        self._note_shares(node, spans)
        self._note_inputs(node, spans)
        return True

    def _note_shares(self, node: Node, spans: _Spans) -> None:
        """Counts what the parts compute of the output of a node."""
        graph, grown = self._rows.graph, self._grown
        output = graph.outs(node)[0]
        _, height, width, channels = output.shape
        grown.is_apart &= channels == self._channels
        columns = spans.end - spans.begin
        grown.shares[output.name] = columns, width
        each, rest = divmod(node.macs(graph.ins(node), [output]), height * width)
        assert rest == 0 or not grown.fits.any(), where(node)
        if each and len(self._counts):
            rows = spans.rows[1] - spans.rows[0]
            starts = np.cumsum([0, *self._counts][:-1])
            computed = np.add.reduceat(columns, starts) * rows
            grown.extra_macs = grown.extra_macs + each * (computed - height * width)

    def _note_inputs(self, node: Node, spans: _Spans) -> None:
        """Adds what the parts need of the inputs of a node."""
        windows, grown, graph = self._windows, self._grown, self._rows.graph
        reads_any = np.zeros_like(grown.fits)
        for number, index in enumerate(windows.inputs(node)):
            along = windows.of(node, index, 0), windows.of(node, index, 1)
            if number == 0 and not windows.is_join(node):
                rows, columns = (one or AxisWindow(UNLIMITED) for one in along)
                grown.fits &= spans.has_data(rows, columns)
            source = node.inputs[index]
            if source is None:
                continue
            needed = spans.read_by(*along)
            if graph.tensors[source].data is None:
                reads_any |= needed.has_any()
            grown.wanted.setdefault(source, []).append(needed)
        grown.fits &= reads_any

    def _parts(self) -> Iterator[Parts]:
        """The ways to cut the stage as it is, into few parts first."""
        grown, channels = self._grown, self._channels
        if grown.is_apart:
            nodes = tuple(reversed(grown.nodes))
            stage = PatchStage(self._rows.graph, nodes, self._output, self._windows)
            if keeps_channels_apart(stage):
                for count in range(2, min(MAX_PARTS, -(-channels // 4)) + 1):
                    share = np.array([b - a for a, b in slices(stage, count)], np.int64)
                    yield Parts(CHANNELS, count, dict.fromkeys(grown.shares, (share, channels)), 0)
        start = 0
        for number, count in enumerate(self._counts):
            part = slice(start, start + count)
            start += count
            if grown.fits[part].all():
                shares = {name: (own[part], width) for name, (own, width) in grown.shares.items()}
                yield Parts(COLUMNS, count, shares, int(grown.extra_macs[number]))
