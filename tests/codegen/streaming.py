"""A plain maker of plans with stages, for tests of the code generator alone.

Its stages are any run of row-local nodes; rings are as small as the order allows or larger by
chance, and nothing shares memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import AccumulatingOperator, Isa, Operator, RowOperator, works_by_rows
from edgebottle.plan.plan import Loop, Placement, Plan, Stage, Step
from edgebottle.plan.schedules import Schedule

Program = tuple[str | Loop, ...]


def streamable(graph: Graph, node: Node) -> bool:
    """Whether a stage may hold ``node``."""
    tensors = [*graph.outs(node), *(t for t in graph.ins(node) if t is not None)]
    batch = any(len(t.shape) == 4 and t.shape[0] != 1 for t in tensors if t.data is None)
    works = works_by_rows(node, graph.ins(node), graph.outs(node))
    return works and len(node.outputs) == 1 and not batch


def plain_plan(
    graph: Graph, isa: Isa, random: np.random.Generator, *, row_fed: bool = False
) -> Plan | None:
    """A plan with stages cut at random; None where the input cannot be fed row by row."""
    groups = _groups(graph, random, row_fed=row_fed)
    if row_fed and (groups is None or len(graph.inputs) != 1):
        return None
    assert groups is not None
    return _Maker(graph, isa, random, groups, row_fed=row_fed).plan()


def _groups(graph: Graph, random: np.random.Generator, *, row_fed: bool) -> list[list[Node]] | None:
    """Consecutive nodes that form a stage, or single nodes."""
    groups: list[list[Node]] = [[]]
    for node in graph.nodes:
        fits = streamable(graph, node)
        if not fits or (random.random() < 0.15 and not row_fed):
            groups.append([])
        groups[-1].append(node)
        if not fits:
            groups.append([])
    groups = [group for group in groups if group]
    if row_fed:
        readers = {node.name for node in graph.consumers(graph.inputs[0])}
        held = [group for group in groups if readers & {node.name for node in group}]
        if len(held) != 1 or not streamable(graph, held[0][0]):
            return None
    return groups


class _Maker:
    def __init__(
        self,
        graph: Graph,
        isa: Isa,
        random: np.random.Generator,
        groups: Sequence[list[Node]],
        *,
        row_fed: bool,
    ) -> None:
        self.graph, self.isa, self.random, self.groups = graph, isa, random, groups
        self.fed = graph.inputs[0] if row_fed else None
        self.top = 0
        self.rings: dict[str, int] = {}

    def _take(self, nbytes: int, alignment: int = 4) -> int:
        offset = self.top = -(-self.top // alignment) * alignment
        self.top += -(-nbytes // 4) * 4
        return offset

    def plan(self) -> Plan:
        steps = [self._step(group) for group in self.groups]
        tensors = [
            *self.graph.inputs,
            *(name for name, tensor in self.graph.tensors.items() if tensor.state),
            *(name for node in self.graph.nodes for name in node.outputs),
        ]
        places = []
        for name in tensors:
            tensor, rows = self.graph.tensors[name], self.rings.get(name, 0)
            row = tensor.layout.row_bytes
            pixel = tensor.layout.pixel_bytes
            offset = self._take(
                row * rows if rows else tensor.nbytes, max(4, tensor.dtype.bits // 8)
            )
            nbytes = tensor.nbytes
            places.append(
                Placement(name, offset, nbytes, row, pixel, -1, len(steps), ring_rows=rows)
            )
        return Plan(
            self.graph.name,
            self.isa.value,
            Schedule.MIN_RAM,
            self.top,
            self.top,
            "plain",
            tuple(steps),
            tuple(places),
            row_fed=self.fed is not None,
        )

    def _step(self, group: list[Node]) -> Step:
        last = group[-1]
        sizes = [
            node.scratch_bytes(self.graph.ins(node), self.graph.outs(node), self.isa)
            for node in group
            if isinstance(node, Operator)
        ]
        scratch = -(-max(sizes) // 4) * 4
        offset = self._take(scratch)
        fed = self.fed in group[0].inputs
        if not streamable(self.graph, last) or (
            len(group) == 1 and not fed and self.random.random() < 0.3
        ):
            return Step(last.name, offset, scratch, 0)
        return Step(last.name, offset, scratch, 0, stage=self._stage(group))

    def _stage(self, group: list[Node]) -> Stage:
        names = tuple(node.name for node in group)
        accumulators = [
            (node.name, self._take(node.accumulator_bytes(ins, outs)))
            for node in group
            if isinstance(node, AccumulatingOperator)
            for ins, outs in [(self.graph.ins(node), self.graph.outs(node))]
            if node.accumulates(ins, outs) and self.random.random() < 0.8
        ]
        demand = _Demand(self.graph, group, dict(accumulators), self.fed)
        inside = {node.outputs[0] for node in group}
        for node in group:
            tensor = node.outputs[0]
            readers = self.graph.consumers(tensor)
            escapes = tensor in self.graph.outputs or any(r not in group for r in readers)
            if readers and not escapes:
                self._ring(self.graph.tensors[tensor], demand.spans[tensor])
        if self.fed in demand.spans and self.fed not in inside:
            self._ring(self.graph.tensors[self.fed], demand.spans[self.fed])
        program = fold(demand.order)
        return Stage(names, program, self._take(2 * len(names)), tuple(accumulators))

    def _ring(self, tensor: Tensor, span: int) -> None:
        more = int(self.random.integers(0, 3)) if self.random.random() < 0.3 else 0
        self.rings[tensor.name] = span + more


class _Demand:
    """Simulates a stage: computes rows as later rows ask for them.

    Attributes:
        order: Names of the nodes, and of the input that is fed, one for each row.
        spans: For each tensor the most rows between one that is still read and the newest.
    """

    def __init__(
        self, graph: Graph, group: list[Node], accumulators: dict[str, int], fed: str | None
    ) -> None:
        self.graph, self.accumulators, self.fed = graph, accumulators, fed
        self.makers = {node.outputs[0]: node for node in group}
        self.done = dict.fromkeys([*self.makers, *([fed] if fed else [])], 0)
        self.taken = dict.fromkeys(accumulators, 0)
        self.order: list[str] = []
        self.spans: dict[str, int] = dict.fromkeys(self.done, 1)
        self._reads: list[tuple[str, int, int]] = []  # tensor, row, when
        self._writes: dict[str, list[int]] = {name: [] for name in self.done}
        for node in reversed(group):
            while self.done[node.outputs[0]] < graph.tensors[node.outputs[0]].rows:
                self._next(node.outputs[0])
        self._measure()

    def _next(self, tensor: str) -> None:
        """Computes the next row of ``tensor``, and first all it needs."""
        if tensor == self.fed:
            self._write(tensor, tensor)
            return
        node = self.makers[tensor]
        assert isinstance(node, RowOperator)
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        if node.name in self.accumulators:
            source = ins[0]
            assert source is not None
            for row in range(source.rows):
                self._need(source.name, row)
                self._reads.append((source.name, row, len(self.order)))
                self.order.append(node.name)
            self.done[tensor] += 1
            self._writes[tensor].append(len(self.order) - 1)
            return
        y = self.done[tensor]
        reads = [
            (source.name, row)
            for index, source in enumerate(ins)
            if source is not None and source.data is None
            for row in node.input_rows(index, y, ins, outs)
            if 0 <= row < source.rows
        ]
        for name, row in reads:
            self._need(name, row)
        self._reads += [(name, row, len(self.order)) for name, row in reads]
        self._write(tensor, node.name)

    def _need(self, source: str, row: int) -> None:
        while source in self.done and self.done[source] <= row:
            self._next(source)

    def _write(self, tensor: str, name: str) -> None:
        self._writes[tensor].append(len(self.order))
        self.done[tensor] += 1
        self.order.append(name)

    def _measure(self) -> None:
        """A read of row r at time t needs that no row written before t took its place."""
        for tensor, row, time in self._reads:
            if tensor in self._writes:
                newest = sum(1 for when in self._writes[tensor] if when <= time) - 1
                self.spans[tensor] = max(self.spans[tensor], newest - row + 1)


def fold(order: Sequence[str | Loop]) -> Program:
    """Folds repetitions into loops, the shortest first."""
    items = list(order)
    for width in range(1, 25):
        folded: list[str | Loop] = []
        at = 0
        while at < len(items):
            body = items[at : at + width]
            count = 1
            while items[at + count * width : at + (count + 1) * width] == body:
                count += 1
            if count > 1 and len(body) == width:
                folded.append(Loop(count, tuple(body)))
                at += count * width
            else:
                folded.append(items[at])
                at += 1
        items = folded
    return tuple(items)
