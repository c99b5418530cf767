"""Which tensors share memory: views, crops, joins written in place, elementwise in place."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgebottle.ir.access import All, joined_axis, origin
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ir.layout import ALIGNMENT, Layout, aligned, packed_bytes
from edgebottle.ops.base import Operator, RowOperator, works_by_rows
from edgebottle.plan.limits import NEVER
from edgebottle.plan.plan import Placement


@dataclass
class Block:
    """A piece of the arena that one or more tensors live in, one after the other or side by side.

    Attributes:
        nbytes: Size, a multiple of the alignment.
        first: First step that needs it (-1: before the first).
        last: Last step that needs it (number of steps: after the last).
        alignment: In bytes.
        members: Names of the tensors in it.
    """

    nbytes: int
    first: int
    last: int
    alignment: int = ALIGNMENT
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Slot:
    """A tensor's place in its block, and whose memory it shares."""

    block: Block
    layout: Layout
    shares: str | None = None


class Storage:
    """Assigns every tensor that lives in the arena to a block, for one order of the nodes.

    Nodes that run as a stage, row by row, take one step together: what crosses its border is held
    whole, what is in rings is not assigned here.
    """

    def __init__(
        self,
        graph: Graph,
        order: Sequence[Node],
        *,
        preserve_inputs: bool,
        stages: Sequence[Sequence[Node]] = (),
        rings: Collection[str] = (),
        gapless: Collection[str] = (),
    ) -> None:
        """Builds blocks and slots.

        Args:
            graph: The graph.
            order: Its nodes in execution order.
            preserve_inputs: Inputs keep their bytes until the end of the run.
            stages: Consecutive nodes of ``order`` that take one step together.
            rings: Tensors that are not held whole.
            gapless: Tensors that must have no gaps between their pixels, as one has that is written
                straight into a concatenation of channels.
        """
        self.graph = graph
        self.order = tuple(order)
        self.slots: dict[str, Slot] = {}
        self.elided: set[str] = set()
        self._lives: dict[str, tuple[int, int]] = {}
        self._rings = frozenset(rings)
        self._gapless = frozenset(gapless)
        self._staged = {node.name: index for index, stage in enumerate(stages) for node in stage}
        self._step = _steps(self.order, self._staged)
        self.steps = max(self._step.values(), default=-1) + 1
        self._made = {name: node for node in order for name in node.outputs}
        self._readers: dict[str, list[Node]] = {name: [] for name in graph.tensors}
        for node in order:
            for name in dict.fromkeys(node.inputs):
                if name is not None:
                    self._readers[name].append(node)
        self._preserved = set(graph.inputs) if preserve_inputs else set()
        self._overwritten: dict[str, int] = {}
        self._renewed: set[str] = set()
        self._place_states()
        for node in reversed(order):
            axis = joined_axis_of(graph, node)
            if axis is not None and node.name not in self._staged:
                self._join_in_place(node, axis)
        for name in self._arena_tensors():
            if name not in self.slots:
                self._place(self.graph.tensors[name])
        for slot in self.slots.values():
            slot.block.nbytes = aligned(slot.block.nbytes)

    @property
    def blocks(self) -> list[Block]:
        """The blocks, each once."""
        return list({id(slot.block): slot.block for slot in self.slots.values()}.values())

    def _arena_tensors(self) -> list[str]:
        states = [name for name, tensor in self.graph.tensors.items() if tensor.state]
        computed = [name for node in self.order for name in node.outputs]
        names = [*self.graph.inputs, *states, *computed]
        return [name for name in names if name not in self._rings]

    def placements(self, starts: Sequence[int]) -> list[Placement]:
        """Where every tensor lives, given the offset of each of ``blocks`` in the arena."""
        start = {id(block): first for block, first in zip(self.blocks, starts, strict=True)}
        return [
            Placement.of(
                name, slot.layout, start[id(slot.block)], self.life(name), shares=slot.shares
            )
            for name, slot in self.slots.items()
        ]

    def life(self, name: str) -> tuple[int, int]:
        """First and last step that needs tensor ``name`` itself."""
        if name not in self._lives:
            self._lives[name] = self._find_life(name)
        return self._lives[name]

    def _find_life(self, name: str) -> tuple[int, int]:
        tensor = self.graph.tensors[name]
        end = self.steps
        if tensor.state:
            return -1, end
        first = -1 if tensor.name in self.graph.inputs else self._step[self._made[tensor.name].name]
        last = max((self._step[node.name] for node in self._readers[tensor.name]), default=first)
        if tensor.name in self.graph.outputs or tensor.name in self._preserved:
            last = end
        return first, last

    def _place_states(self) -> None:
        """Lets new values of states be computed in their memory, where nobody misses the old ones.

        What is computed in several pieces, by the makers of what is joined or row by row, is not:
        the first piece may come before the last reader.
        """
        for node in (node for node in self.order if node.assigned is not None):
            state, value = str(node.inputs[0]), str(node.inputs[node.assigned or 0])
            self._keep(self.graph.tensors[state], _new_slot(self.graph.tensors[state]))
            self._overwritten[state] = self._step[node.name]
            slot = replace(self.slots[state], shares=state)
            self._renew(node.outputs[0], slot)
            maker = self._made.get(value)
            if maker is None or value in self.slots or maker.name in self._staged:
                continue
            in_place = value == maker.outputs[0] and self._may_overwrite(maker, state)
            is_free = all(
                reader in (node, maker if in_place else node)
                or self._step[reader.name] < self._step[maker.name]
                for reader in self._readers[state]
            )
            if is_free and joined_axis_of(self.graph, maker) is None:
                self._renew(value, slot)
                self.elided.add(node.name)
                self._overwritten[state] = self._step[maker.name]

    def _renew(self, name: str, slot: Slot) -> None:
        self._keep(self.graph.tensors[name], slot)
        self._renewed.add(name)

    def _may_overwrite(self, node: Node, name: str) -> bool:
        allowed = node.overwrites(self.graph.ins(node), self.graph.outs(node))
        return name in [node.inputs[index] for index in allowed]

    def _is_lasting(self, host: str, tensor: Tensor) -> bool:
        """Whether ``tensor``, a view of ``host``, is read no more when that is written over.

        Only states are written over while something of their block is alive.
        """
        root: str | None = host
        while root is not None and root not in self._renewed:
            if self.graph.tensors[root].state:
                return self.life(tensor.name)[1] < self._overwritten.get(root, self.steps + 1)
            root = self.slots[root].shares
        return True

    def _place(self, tensor: Tensor) -> None:
        slot = self._crop(tensor)
        host = None if slot is not None else self._host(tensor)
        if host is not None:
            shared = self.slots[host]
            slot = Slot(shared.block, replace(tensor.layout, offset=shared.layout.offset), host)
        self._keep(tensor, slot or _new_slot(tensor))

    def _keep(self, tensor: Tensor, slot: Slot) -> None:
        first, last = self.life(tensor.name)
        self.slots[tensor.name] = slot
        block = slot.block
        block.first, block.last = min(block.first, first), max(block.last, last)
        block.members.append(tensor.name)

    def _crop(self, tensor: Tensor) -> Slot | None:
        """The place within its source of a rectangle that is read where it is."""
        node = self._made.get(tensor.name)
        first = None if node is None else cropped_from(self.graph, node)
        if node is None or first is None or not self._is_view(node, first):
            return None
        source = node.inputs[0]
        if source is None or source not in self.slots:
            return None
        slot, data = self.slots[source], self.graph.tensors[source]
        if slot.layout.pixel_stride != data.layout.pixel_stride:
            return None
        if not self._is_lasting(source, tensor):
            return None
        self.elided.add(node.name)
        return Slot(slot.block, slot.layout.box(first, tensor.shape), source)

    def _is_view(self, node: Node, first: tuple[int, ...] | None) -> bool:
        """Whether ``node`` crops an image, and all that read the crop can read it by rows."""
        if first is None or node.outputs[0] in self.graph.outputs:
            return False
        data, output = self.graph.ins(node)[0], self.graph.outs(node)[0]
        if data is None or data.layout.row_axis is None:
            return False
        if data.shape[0] != 1 or output.shape[3] != data.shape[3]:
            return False
        return all(
            self._reads_by_rows(reader, output.name)
            or self._is_view(reader, cropped_from(self.graph, reader))
            for reader in self._readers[output.name]
        )

    def _reads_by_rows(self, node: Node, name: str) -> bool:
        """Whether ``node`` finds a tensor row by row; the mean over a whole image does not."""
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        if not works_by_rows(node, ins, outs):
            return False
        return not any(
            isinstance(node.row_access(index, ins, outs), All)
            for index, source in enumerate(node.inputs)
            if source == name
        )

    def _host(self, tensor: Tensor) -> str | None:
        """The tensor whose memory ``tensor`` may take, or None."""
        node = self._made.get(tensor.name)
        if not isinstance(node, Operator) or tensor.name != node.outputs[0]:
            return None
        if node.name in self._staged:
            return None
        source = node.inputs[0]
        if node.VIEW and self._is_plain(source) and self._is_lasting(str(source), tensor):
            # The bytes are the same, so both may go on being read.
            self.elided.add(node.name)
            return source
        for index in node.overwrites(self.graph.ins(node), self.graph.outs(node)):
            name = node.inputs[index]
            if self._is_plain(name) and name is not None and self._dies_at(name, node):
                slot = self.slots[name]
                is_aligned = slot.layout.offset % _alignment(tensor) == 0
                if is_aligned and tensor.nbytes <= self.graph.tensors[name].nbytes:
                    return name
        return None

    def _is_plain(self, name: str | None) -> bool:
        """The tensor lives in the arena, contiguously."""
        return name is not None and name in self.slots and self.slots[name].layout.is_contiguous

    def _dies_at(self, name: str, node: Node) -> bool:
        """Nothing in the memory of ``name`` is needed after ``node``."""
        return self.slots[name].block.last <= self._step[node.name]

    def _join_in_place(self, node: Node, axis: int) -> None:
        """Lets the producers write straight into the output, where all of them can.

        The output may itself be a part of another concatenation.
        """
        output = self.graph.outs(node)[0]
        whole = self.slots.get(output.name) or _new_slot(output)
        names = [name for name in node.inputs if name is not None]
        places: dict[str, Slot] = {}
        before = 0
        for name in names:
            part = self.graph.tensors[name]
            after = before + part.shape[axis]
            try:
                slot = Slot(whole.block, whole.layout.slice(axis, before, after), output.name)
            except ValueError:
                return  # it begins or ends inside a byte
            if not self._can_write(part, node, output, axis, slot):
                return
            places[name] = slot
            before = after
        if len(places) != len(names):
            return  # the same tensor twice
        if output.name not in self.slots:
            self._keep(output, whole)
        for name, slot in places.items():
            self._keep(self.graph.tensors[name], slot)
        self.elided.add(node.name)

    def _can_write(self, part: Tensor, node: Node, output: Tensor, axis: int, slot: Slot) -> bool:
        """Whether the producer of ``part`` can write it into ``slot``, within ``output``."""
        producer = self._made.get(part.name)
        if producer is None or self._readers[part.name] != [node]:
            return False
        if part.name in self.graph.outputs or part.name in self.slots:
            return False
        if part.quant != output.quant:
            return False
        outer = math.prod(output.shape[:axis])
        if len(part.shape) != 4 or (axis < 2 and outer > 1):
            return outer == 1
        if slot.layout.is_contiguous:
            return True
        if not isinstance(producer, RowOperator) or part.name in self._gapless:
            return False
        return producer.STRIDED_OUTPUT or slot.layout.pixel_stride == part.layout.pixel_stride


def joined_axis_of(graph: Graph, node: Node) -> int | None:
    """The axis along which ``node`` does nothing but join its inputs; None where it does more."""
    if not isinstance(node, Operator) or not node.MOVES or len(node.outputs) != 1:
        return None
    ins, outs = graph.ins(node), graph.outs(node)
    axis = joined_axis(node.accesses(ins, outs))
    parts = [] if axis is None else [part.shape[axis] for part in ins if part is not None]
    return axis if axis is not None and sum(parts) == outs[0].shape[axis] else None


def cropped_from(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """The first element of the box that ``node`` cuts out of input 0; None where it does not."""
    if not isinstance(node, Operator) or not node.MOVES or joined_axis_of(graph, node) is not None:
        return None
    access = node.access(0, graph.ins(node), graph.outs(node))
    return None if access is None else origin(access)


def _new_slot(tensor: Tensor) -> Slot:
    """Memory of its own; when it is needed is still to be said."""
    return Slot(Block(tensor.nbytes, NEVER, -1, _alignment(tensor)), tensor.layout)


def _alignment(tensor: Tensor) -> int:
    """That of memory which the elements of ``tensor`` may begin at."""
    return max(ALIGNMENT, packed_bytes(1, tensor.dtype.bits))


def _steps(order: Sequence[Node], staged: Mapping[str, int]) -> dict[str, int]:
    """The step of each node: the nodes of a stage have one together."""
    steps: dict[str, int] = {}
    count, before = -1, None
    for node in order:
        stage = staged.get(node.name)
        if stage is None or stage != before:
            count += 1
        steps[node.name] = count
        before = stage
    return steps
