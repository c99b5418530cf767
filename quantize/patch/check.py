"""Replays a Plan byte by byte and proves that every read finds what was written for it.

Independent of the planner: it knows the graph, ``input_rows`` and the rules of the generated
code, and nothing of how offsets and rings were chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import AccumulatingOperator, Operator, RowOperator, works_by_rows
from edgebottle.plan.plan import COUNTER_BYTES, Placement, Plan, Stage, Step
from edgebottle.plan.storage import joined_axis_of
from quantize.patch.fold import unfold

GARBAGE, COUNTERS, COPIES = -1, -2, -3

Bytes = NDArray[np.int64]


class UnsafePlan(AssertionError):
    """A plan under which a layer would read something else than what was computed for it."""


def check_plan(graph: Graph, plan: Plan) -> None:
    """Replays ``plan``.

    Raises:
        UnsafePlan: with the first read that goes wrong, or the first byte outside of the arena.
    """
    _check_alignment(plan)
    replay(graph, plan)


def replay(graph: Graph, plan: Plan) -> None:
    """``check_plan`` without the alignment of offsets."""
    _Replay(graph, plan).run()


def _check_alignment(plan: Plan) -> None:
    offsets = {f"tensor {p.tensor}": p.offset for p in plan.placements if p.shares is None}
    for step in plan.steps:
        if step.scratch_bytes:
            offsets[f"scratch of {step.node}"] = step.scratch_offset
        if step.copy_bytes:
            offsets[f"copies of {step.node}"] = step.copy_offset
        if step.stage is not None:
            offsets[f"counters of {step.node}"] = step.stage.counters_offset
            for name, offset in step.stage.accumulators:
                offsets[f"accumulator of {name}"] = offset
    for what, offset in offsets.items():
        if offset % 4:
            raise UnsafePlan(f"{what} begins at {offset}, which is not a multiple of 4")


@dataclass
class _Progress:
    """How far a node of a stage has come."""

    node: Operator
    ins: tuple[Tensor | None, ...]
    outs: tuple[Tensor, ...]
    accumulates: bool
    steps: int
    done: int = 0
    accumulator: slice = field(default_factory=lambda: slice(0, 0))


class _Replay:
    """The arena, byte by byte: which byte of which value each one holds."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph = graph
        self.plan = plan
        self.places: dict[str, Placement] = {p.tensor: p for p in plan.placements}
        self.nodes = {node.name: node for node in graph.nodes}
        self.owner: Bytes = np.full(plan.arena_bytes, GARBAGE, np.int64)
        self.value: dict[str, int] = {}
        self._rows: dict[tuple[str, int], Bytes] = {}
        self._parts: dict[tuple[str, int], Bytes] = {}
        self.arrived = 0

    def run(self) -> None:
        graph = self.graph
        states = [name for name, tensor in graph.tensors.items() if tensor.state]
        inputs = [] if self.plan.row_fed else list(graph.inputs)
        for name in (*inputs, *states):
            self._write_all(name)
        for name in (*inputs, *states):
            self._read_all(name, "the beginning")
        for step in self.plan.steps:
            if step.stage is not None:
                self._stage(step, step.stage)
            elif step.elided:
                self._elided(self.nodes[step.node])
            else:
                self._copies(step)
        for node in (node for node in graph.nodes if node.assigned is not None):
            states[states.index(str(node.inputs[0]))] = node.outputs[0]
        for name in (*graph.outputs, *states):
            self._read_all(name, "the end")
        if self.plan.row_fed and self.arrived != graph.tensors[graph.inputs[0]].rows:
            raise UnsafePlan(f"only {self.arrived} rows of the input were taken")

    # One layer at a time.

    def _copies(self, step: Step) -> None:
        """A layer that copies constants first, and needs them to the end."""
        copies = self._span(step.copy_offset, step.copy_bytes, f"copies of {step.node}")
        self.owner[copies] = COPIES
        self._layer(step)
        if (self.owner[copies] != COPIES).any():
            raise UnsafePlan(f"what {step.node} copied was overwritten")

    def _layer(self, step: Step) -> None:
        node = self.nodes[step.node]
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        scratch = self._span(step.scratch_offset, step.scratch_bytes, f"scratch of {node.name}")
        in_place = self._in_place(node)
        if works_by_rows(node, ins, outs):
            for y, reads in self._row_reads(node):
                self._row_step(node, outs[0].name, y, reads, scratch, in_place)
            return
        names = [tensor.name for tensor in ins if tensor is not None and tensor.data is None]
        for name in names:
            if name in in_place:
                self._read_all(name, node.name)
        self.owner[scratch] = GARBAGE
        for output in outs:
            for row in range(output.rows):
                self.owner[self._row(output.name, row)] = GARBAGE
        for name in names:
            if name not in in_place:
                self._read_all(name, node.name)
        for output in outs:
            self._write_all(output.name)

    def _row_reads(self, node: RowOperator) -> Iterator[tuple[int, list[tuple[str, int]]]]:
        """Each row of the output (over all images), and the rows it reads."""
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        batch, height = outs[0].layout.images, outs[0].layout.image_rows
        for image in range(batch):
            for y in range(height):
                reads = []
                for index, tensor in enumerate(ins):
                    if tensor is None or tensor.data is not None:
                        continue
                    rows = tensor.layout.image_rows
                    base = image * rows if tensor.layout.images == batch else 0
                    reads += [
                        (tensor.name, base + row)
                        for row in node.input_rows(index, y, ins, outs)
                        if 0 <= row < rows
                    ]
                yield image * height + y, reads

    def _row_step(
        self,
        node: Node,
        output: str,
        y: int,
        reads: Sequence[tuple[str, int]],
        scratch: slice,
        in_place: set[str],
    ) -> None:
        """One call of a row kernel, which may write anything before it has read everything."""
        for name, _ in reads:
            self._check_gapless(name, node.name)
        for name, row in reads:
            if name in in_place:
                self._read(name, row, node.name)
        self.owner[scratch] = GARBAGE
        target = self._row(output, y)
        self.owner[target] = GARBAGE
        for name, row in reads:
            if name not in in_place:
                self._read(name, row, node.name)
        self._write(output, y)

    def _in_place(self, node: Node) -> set[str]:
        """Inputs whose memory the output takes, as the kernel allows."""
        out = self.places[node.outputs[0]]
        allowed = node.overwrites(self.graph.ins(node), self.graph.outs(node))
        found = set()
        for name in (node.inputs[index] for index in allowed):
            place = self.places.get(name or "")
            if place is None:
                continue
            shared = out.shares == place.tensor or place.shares == out.tensor
            same = (place.offset, place.ring_rows) == (out.offset, out.ring_rows)
            if shared and same:
                found.add(place.tensor)
        return found

    def _elided(self, node: Node) -> None:
        if node.assigned is not None:
            state, value = str(node.inputs[0]), str(node.inputs[node.assigned])
            self._read_all(value, node.name)
            for held in (value, node.outputs[0]):
                if not np.array_equal(self._all(held), self._all(state)):
                    raise UnsafePlan(f"{node.name} does not find {held} in its state")
            self.value[node.outputs[0]] = self.value[value]
            return
        if joined_axis_of(self.graph, node) is None:
            source = node.inputs[0]
            assert source is not None
            self._read_all(source, node.name)
            if not getattr(node, "VIEW", False):
                self._crop(node, source)
            else:
                self.value[node.outputs[0]] = self.value[source]
            self._read_all(node.outputs[0], node.name)
            return
        for name in node.inputs:
            if name is not None:
                self._read_all(name, node.name)
        # The parts fill the output exactly: as many bytes, all different.
        parts = [self._all(name) for name in node.inputs if name is not None]
        whole = self._all(node.outputs[0])
        if not np.array_equal(np.sort(np.concatenate(parts)), np.sort(whole)):
            raise UnsafePlan(f"the inputs of {node.name} are not the parts of its output")
        self._write_all(node.outputs[0])

    def _crop(self, node: Node, source: str) -> None:
        """A part of a tensor that is read where it is: finds out which by asking the operator."""
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        constants = [None if tensor is None else tensor.data for tensor in ins[1:]]
        tensor, output = self.graph.tensors[source], outs[0]

        def cropped(per_byte: Bytes) -> Bytes:
            layout, in_a_byte = tensor.layout, tensor.layout.in_a_byte
            size = layout.in_bytes.element_bytes
            pixels = per_byte[::size].reshape(-1, layout.in_bytes.pixel_elements)
            elements = pixels.repeat(in_a_byte, 1)[:, : layout.pixel_elements]
            values = [elements.reshape(tensor.shape), *constants]
            part = np.asarray(node.reference(values, ins, outs)[0])
            return np.asarray(part[..., ::in_a_byte].ravel()[:, None] + np.arange(size)).ravel()

        if not np.array_equal(cropped(self._all(source)), self._all(output.name)):
            raise UnsafePlan(f"the output of {node.name} is not where that part of its input is")
        tags = [self._tags(source, row) for row in range(tensor.rows)]
        parts = cropped(np.concatenate(tags)).reshape(output.rows, -1)
        self._parts |= {(output.name, row): part for row, part in enumerate(parts)}

    # Row by row.

    def _stage(self, step: Step, stage: Stage) -> None:
        counters = self._span(
            stage.counters_offset, COUNTER_BYTES * len(stage.nodes), f"counters of {step.node}"
        )
        self.owner[counters] = COUNTERS
        scratch = self._span(step.scratch_offset, step.scratch_bytes, f"scratch of {step.node}")
        offsets = dict(stage.accumulators)
        progress = {name: self._progress(name, offsets) for name in stage.nodes}
        for name in unfold(stage.program):
            if (self.owner[counters] != COUNTERS).any():
                raise UnsafePlan(f"the counters of the stage of {step.node} were overwritten")
            if name in progress:
                self._advance(progress[name], scratch)
            elif self.plan.row_fed and name in self.graph.inputs:
                self._write(name, self.arrived)
                self.arrived += 1
            else:
                raise UnsafePlan(f"{name} is not part of the stage of {step.node}")
        if (self.owner[counters] != COUNTERS).any():
            raise UnsafePlan(f"the counters of the stage of {step.node} were overwritten")

    def _progress(self, name: str, offsets: dict[str, int]) -> _Progress:
        node = self.nodes[name]
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        assert isinstance(node, RowOperator)
        if name not in offsets:
            return _Progress(node, ins, outs, False, outs[0].rows)
        assert isinstance(node, AccumulatingOperator) and node.accumulates(ins, outs)
        source = ins[0]
        assert source is not None
        nbytes = node.accumulator_bytes(ins, outs)
        span = self._span(offsets[name], nbytes, f"accumulator of {name}")
        return _Progress(node, ins, outs, True, source.rows, 0, span)

    def _advance(self, progress: _Progress, scratch: slice) -> None:
        node, step = progress.node, progress.done
        if step >= progress.steps:
            raise UnsafePlan(f"{node.name} has no row {step}")
        progress.done += 1
        output = progress.outs[0].name
        if progress.accumulates:
            self._accumulate(progress, step, scratch)
            return
        assert isinstance(node, RowOperator)
        reads = [
            (tensor.name, row)
            for index, tensor in enumerate(progress.ins)
            if tensor is not None and tensor.data is None
            for row in node.input_rows(index, step, progress.ins, progress.outs)
            if 0 <= row < tensor.rows
        ]
        self._row_step(node, output, step, reads, scratch, self._in_place(node))

    def _accumulate(self, progress: _Progress, step: int, scratch: slice) -> None:
        node, source = progress.node, progress.ins[0]
        assert source is not None
        tag = GARBAGE - 2 - list(self.nodes).index(node.name)
        if step == 0:
            self.owner[progress.accumulator] = tag
        self.owner[scratch] = GARBAGE
        last = step == progress.steps - 1
        if last:
            self.owner[self._row(progress.outs[0].name, 0)] = GARBAGE
        self._read(source.name, step, node.name)
        if (self.owner[progress.accumulator] != tag).any():
            raise UnsafePlan(f"the accumulator of {node.name} was overwritten")
        if last:
            self._write(progress.outs[0].name, 0)

    # Bytes.

    def _span(self, offset: int, nbytes: int, what: str) -> slice:
        if nbytes and not 0 <= offset <= offset + nbytes <= len(self.owner):
            raise UnsafePlan(f"{what} lies outside of the arena")
        return slice(offset, offset + nbytes)

    def _row(self, name: str, row: int) -> Bytes:
        """The addresses of the bytes of a row."""
        if (name, row) not in self._rows:
            self._rows[name, row] = self._addresses(name, row)
        return self._rows[name, row]

    def _addresses(self, name: str, row: int) -> Bytes:
        place, layout = self.places[name], self.graph.tensors[name].layout
        slot = row % place.ring_rows if place.ring_rows else row
        start = place.offset + slot * place.row_stride
        where = np.arange(layout.row_bytes, dtype=np.int64)
        pixel, within = np.divmod(where, layout.pixel_bytes)
        addresses = start + pixel * place.pixel_stride + within
        if len(addresses) and not 0 <= start <= int(addresses[-1]) < len(self.owner):
            raise UnsafePlan(f"row {row} of {name} lies outside of the arena")
        return addresses

    def _all(self, name: str) -> Bytes:
        return np.concatenate(
            [self._row(name, row) for row in range(self.graph.tensors[name].rows)]
        )

    def _tags(self, name: str, row: int) -> Bytes:
        """What the bytes of a row must be: number of the value, number of the byte in it."""
        if (name, row) in self._parts:
            return self._parts[name, row]
        nbytes = len(self._row(name, row))
        number = self.value.setdefault(name, len(self.value))
        return (number << 32) + row * nbytes + np.arange(nbytes, dtype=np.int64)

    def _write(self, name: str, row: int) -> None:
        self.owner[self._row(name, row)] = self._tags(name, row)

    def _read(self, name: str, row: int, reader: str) -> None:
        if not np.array_equal(self.owner[self._row(name, row)], self._tags(name, row)):
            raise UnsafePlan(f"{reader} does not find row {row} of {name}")

    def _check_gapless(self, name: str, reader: str) -> None:
        """Kernels write pixels with gaps, but read none."""
        tensor, place = self.graph.tensors[name], self.places[name]
        if tensor.layout.row_axis is None or tensor.layout.pixels == 1:
            return
        if place.pixel_stride != tensor.layout.pixel_bytes:
            raise UnsafePlan(f"{reader} reads {name}, whose pixels have gaps between them")

    def _write_all(self, name: str) -> None:
        for row in range(self.graph.tensors[name].rows):
            self._write(name, row)

    def _read_all(self, name: str, reader: str) -> None:
        for row in range(self.graph.tensors[name].rows):
            self._read(name, row, reader)
