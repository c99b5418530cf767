"""What each row step of a layer reads: the tables that the whole planner of stages works on.

A *step* of a node computes its next output row, or, for a node that accumulates, takes its next
input row. Steps of one node run in ascending order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgebottle.ir.access import AxisMap, Same
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import AccumulatingOperator, Isa, RowOperator, works_by_rows
from edgebottle.plan.limits import NEVER
from edgebottle.plan.plan import MAX_STEPS
from edgebottle.plan.scratch import scratch_of
from edgebottle.plan.storage import Storage, joined_axis_of
from edgebottle.plan.work import Work

Ints = NDArray[np.int32]

MAX_ROW_READS = 2_000_000
"""Rows that the steps of all layers read, at most: beyond that, the layers of the most rows run
whole. A signal of 50,000 rows may still pass ten layers."""

PLAN_WORK = 6_000_000
"""What is spent on plans of one network with one schedule, with stages cut into parts or without:
the largest real ones take 4.7 million."""

STEP_READS = 4
"""A step costs as much as so many rows that it reads."""

MAX_TABLES = 64
"""Tables of rows that are remembered; each has some bytes for each row that a step reads."""

FED = -1
"""The number of the network's input in a segment that is fed row by row."""


@dataclass(frozen=True)
class Edge:
    """What a node reads of one tensor.

    Attributes:
        tensor: Its name.
        needed: [steps + 1] rows of the tensor that must be there for the first d steps.
        first: [steps + 1] lowest row that the steps from d on read, ``NEVER`` for none.
        last: [rows] the last step that reads each row, -1 for none.
        reads: The rows that each step reads.
    """

    tensor: str
    reads: tuple[tuple[int, ...], ...]
    needed: Ints
    first: Ints
    last: Ints


@dataclass(frozen=True)
class RowNode:
    """A node as a sequence of row steps.

    Attributes:
        name: Of the node; the input's name for an input fed row by row.
        output: The tensor it writes.
        steps: Number of steps.
        rows: Rows of its output.
        row_bytes: Bytes of a row of its output.
        edges: What it reads, in the order in which missing rows are computed.
        accumulator_bytes: Of a node that accumulates, else 0.
        accumulates: Whether it takes its input row by row.
        scratch_bytes: Of its kernel.
    """

    name: str
    output: str
    steps: int
    rows: int
    row_bytes: int
    edges: tuple[Edge, ...]
    accumulator_bytes: int = 0
    accumulates: bool = False
    scratch_bytes: int = 0


def fed_input(graph: Graph) -> RowNode:
    """The input as a node without inputs, each step of which is the arrival of a row."""
    tensor = graph.tensors[graph.inputs[0]]
    return RowNode(tensor.name, tensor.name, tensor.rows, tensor.rows, tensor.layout.row_bytes, ())


def row_nodes(
    graph: Graph, isa: Isa, others: Mapping[str, RowNode | None] | None = None
) -> dict[str, RowNode | None]:
    """The row steps of every node by its name, in any order of the nodes the same.

    Args:
        graph: The graph.
        isa: The kernel variant.
        others: Those of another variant, where they are known: only the scratch differs.
    """
    if others is not None:
        nodes = {node.name: node for node in graph.nodes}
        return {
            name: row and replace(row, scratch_bytes=scratch_of(graph, nodes[name], isa))
            for name, row in others.items()
        }
    depth = _depths(graph.nodes)
    reads = {node.name: _row_reads(graph, node) for node in graph.nodes}
    found: dict[str, RowNode | None] = dict.fromkeys(reads)
    left = MAX_ROW_READS
    for node in sorted(graph.nodes, key=lambda node: reads[node.name]):
        left -= reads[node.name]
        if left < 0:
            break
        found[node.name] = row_node(graph, node, isa, depth)
    return found


def _row_reads(graph: Graph, node: Node) -> int:
    """About as many rows as the steps of a node read, the price of the steps included."""
    ins, outs = graph.ins(node), graph.outs(node)
    if not works_by_rows(node, ins, outs) or len(outs) != 1:
        return 0
    used = [i for i, tensor in enumerate(ins) if tensor is not None and tensor.data is None]
    if not all(_has_rows(tensor) for tensor in (ins[i] for i in used) if tensor is not None):
        return 0
    middle = outs[0].rows // 2
    accesses = [node.row_access(i, ins, outs) for i in used]
    reads = sum(len(access.reads(middle)) for access in accesses if access is not None)
    return outs[0].rows * (STEP_READS + reads)


def row_node(graph: Graph, node: Node, isa: Isa, depth: dict[str, int]) -> RowNode | None:
    """The row steps of ``node``, None for a node that cannot be part of a stage.

    Args:
        graph: The graph.
        node: The node.
        isa: The kernel variant.
        depth: Layers before each tensor: of several inputs the least deep is computed first, so
            that a short branch does not hold up the rows that both branches read.
    """
    ins, outs = graph.ins(node), graph.outs(node)
    if not works_by_rows(node, ins, outs) or len(outs) != 1 or node.state_inputs:
        return None
    used = [
        (index, tensor)
        for index, tensor in enumerate(ins)
        if tensor is not None and tensor.data is None
    ]
    if not used or not all(_has_rows(tensor) and not tensor.state for _, tensor in used):
        return None
    output = outs[0]
    collects = _accumulates(node, graph)
    if not (collects and output.rows == 1) and not _has_rows(output):
        return None
    steps = used[0][1].rows if collects else output.rows
    if steps > MAX_STEPS:
        return None
    accesses: dict[str, tuple[AxisMap, ...]] = {}
    for index, tensor in used:
        access = Same() if collects else node.row_access(index, ins, outs)
        before = accesses.get(tensor.name, ())
        accesses[tensor.name] = before if access is None else (*before, access)
    names = sorted(accesses, key=lambda name: depth.get(name, 0))
    return RowNode(
        name=node.name,
        output=output.name,
        steps=steps,
        rows=output.rows,
        row_bytes=output.layout.row_bytes,
        edges=tuple(
            Edge(name, *_row_tables(accesses[name], steps, graph.tensors[name].rows))
            for name in names
        ),
        accumulator_bytes=_accumulator_bytes(node, graph) if collects else 0,
        accumulates=collects,
        scratch_bytes=scratch_of(graph, node, isa),
    )


def _has_rows(tensor: Tensor) -> bool:
    layout = tensor.layout
    return layout.row_axis is not None and layout.images == 1


def _accumulates(node: RowOperator, graph: Graph) -> bool:
    return isinstance(node, AccumulatingOperator) and node.accumulates(
        graph.ins(node), graph.outs(node)
    )


def _accumulator_bytes(node: RowOperator, graph: Graph) -> int:
    assert isinstance(node, AccumulatingOperator)
    return node.accumulator_bytes(graph.ins(node), graph.outs(node))


RowTables = tuple[tuple[tuple[int, ...], ...], Ints, Ints, Ints]
"""What an ``Edge`` has: reads, needed, first, last."""


@lru_cache(maxsize=MAX_TABLES)
def _row_tables(accesses: tuple[AxisMap, ...], steps: int, rows: int) -> RowTables:
    """What so many steps read of a tensor; layers of one network have it in common."""
    reads = tuple(
        tuple(row for access in accesses for row in access.reads(step) if 0 <= row < rows)
        for step in range(steps)
    )
    highest = np.array([max(step, default=-1) + 1 for step in reads], np.int32)
    lowest = np.array([min(step, default=NEVER) for step in reads], np.int32)
    needed = np.zeros(steps + 1, np.int32)
    needed[1:] = np.maximum.accumulate(highest)
    first = np.full(steps + 1, NEVER, np.int32)
    first[:-1] = np.minimum.accumulate(lowest[::-1])[::-1]
    return reads, needed, first, last_reads(reads, rows)


def last_reads(reads: Sequence[Sequence[int]], rows: int) -> Ints:
    """The last of the steps that reads each row, -1 for none."""
    last = np.full(rows, -1, np.int32)
    for step, wanted in enumerate(reads):
        for row in wanted:
            last[row] = step
    return last


class RowGraph:
    """A graph in one order of its nodes, with the row steps of each.

    Attributes:
        graph: The graph.
        order: Its nodes in execution order.
        row: The row steps of each node, None where it has none.
        nodes: By number, those that have some, and the input fed row by row.
        maker: Number of the node that writes a tensor; -1 for what is there before the run.
        readers: Numbers of the nodes that read a tensor, ascending.
        reading: Of a tensor the nodes that read it row by row, ascending, and what they read.
        last: Number of the last node that needs a tensor's memory; the number of nodes for what
            must outlast the run.
        source: For a view, the tensor whose memory it is.
        shares: For a tensor, the output of its only reader, which may take its memory row by row
            within a stage.
        row_fed: The input is handed over row by row.
        work: What may still be spent on plans of this graph.
    """

    def __init__(
        self,
        graph: Graph,
        order: Sequence[Node],
        isa: Isa,
        *,
        row_fed: bool,
        nodes: Mapping[str, RowNode | None] | None = None,
        work: Work | None = None,
    ) -> None:
        """Prepares the tables.

        Args:
            graph: The graph.
            order: Its nodes in execution order.
            isa: The kernel variant.
            row_fed: The input is handed over row by row.
            nodes: ``row_nodes`` of the graph, where they are known.
            work: What may be spent on plans; ``PLAN_WORK`` by default.
        """
        self.work = work or Work(PLAN_WORK)
        self.graph = graph
        self.order = tuple(order)
        self.row_fed = row_fed
        self.isa = isa
        self._sizes = {
            name: aligned(tensor.nbytes)
            for name, tensor in graph.tensors.items()
            if tensor.data is None
        }
        nodes = row_nodes(graph, isa) if nodes is None else nodes
        self.row = [nodes[node.name] for node in order]
        self.fed = fed_input(graph) if row_fed else None
        self.nodes = {number: row for number, row in enumerate(self.row) if row is not None}
        if self.fed is not None:
            self.nodes[FED] = self.fed
        self.maker = {name: -1 for name, tensor in graph.tensors.items() if tensor.data is None}
        self.readers: dict[str, list[int]] = {name: [] for name in self.maker}
        self.source: dict[str, str] = {}
        for number, node in enumerate(order):
            for name in node.outputs:
                self.maker[name] = number
            for source in dict.fromkeys(node.inputs):
                if source is not None and source in self.readers:
                    self.readers[source].append(number)
        self._note_views()
        self.last = {name: self._last(name) for name in self.maker}
        for view, host in reversed(self.source.items()):
            self.last[host] = max(self.last[host], self.last[view])
        self.shares = dict(filter(None, map(self._shared, range(len(self.order)))))
        self.reading: dict[str, list[tuple[int, Edge]]] = {name: [] for name in self.maker}
        for number, row in enumerate(self.row):
            for edge in () if row is None else row.edges:
                self.reading[edge.tensor].append((number, edge))

    def node(self, number: int) -> RowNode:
        """The row steps of node ``number``, or of the input fed row by row."""
        return self.nodes[number]

    def size(self, name: str) -> int:
        """Bytes in the arena of a tensor held whole."""
        return self._sizes[name]

    def row_bytes(self, name: str) -> int:
        """Bytes of a row of a tensor held whole."""
        return self.graph.tensors[name].layout.row_bytes

    def scratch(self, number: int) -> int:
        """Bytes of scratch of a node as a layer."""
        node = self.order[number]
        is_view = bool(node.outputs) and node.outputs[0] in self.source
        return 0 if is_view else aligned(scratch_of(self.graph, node, self.isa))

    def _note_views(self) -> None:
        """Notes the tensors that layers on their own would not compute, but find in another."""
        storage = Storage(self.graph, self.order, preserve_inputs=False)
        for node in self.order:
            source = node.inputs[0] if node.inputs else None
            is_join = joined_axis_of(self.graph, node) is not None
            if node.name in storage.elided and not is_join and source in self.maker:
                assert source is not None
                self.source[node.outputs[0]] = source

    def _shared(self, number: int) -> tuple[str, str] | None:
        """The input whose rows the node may overwrite with its own, and its output.

        It must be the input that is computed last, so that nothing else happens in between.
        """
        row, node = self.row[number], self.order[number]
        if row is None or not row.edges or row.accumulates:
            return None
        edge = row.edges[-1]
        maker = self.maker[edge.tensor]
        before = self.row[maker] if maker >= 0 else None
        if before is None or before.accumulates or self.readers[edge.tensor] != [number]:
            return None
        if self.last[edge.tensor] != number or before.row_bytes != row.row_bytes:
            return None
        allowed = node.overwrites(self.graph.ins(node), self.graph.outs(node))
        if edge.tensor not in [node.inputs[index] for index in allowed]:
            return None
        same = edge.reads == tuple((y,) for y in range(before.rows))
        return (edge.tensor, row.output) if same else None

    def _last(self, name: str) -> int:
        if name in self.graph.outputs or self.graph.tensors[name].state:
            return len(self.order)
        return max(self.readers[name], default=self.maker[name])


def _depths(order: Sequence[Node]) -> dict[str, int]:
    depth: dict[str, int] = {}
    for node in order:
        deepest = max((depth.get(name, 0) for name in node.inputs if name is not None), default=0)
        for name in node.outputs:
            depth[name] = deepest + 1
    return depth
