"""Which tensors share memory: views, concatenations written in place, elementwise in place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import Operator, RowOperator

ALIGNMENT = 4


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
    """A tensor's place in its block: start, strides in bytes, and whose memory it shares."""

    block: Block
    offset: int
    row_stride: int
    pixel_stride: int
    shares: str | None = None


class Storage:
    """Assigns every tensor that lives in the arena to a block, for one order of the nodes.

    Nodes that run as a stage, row by row, take one step together: what crosses its border is held
    whole and shares no memory, what is in rings is not assigned here.
    """

    def __init__(
        self,
        graph: Graph,
        order: Sequence[Node],
        *,
        preserve_inputs: bool,
        stages: Sequence[Sequence[Node]] = (),
        rings: Collection[str] = (),
    ) -> None:
        """Builds blocks and slots.

        Args:
            graph: The graph.
            order: Its nodes in execution order.
            preserve_inputs: Inputs keep their bytes until the end of the run.
            stages: Consecutive nodes of ``order`` that take one step together.
            rings: Tensors that are not held whole.
        """
        self.graph = graph
        self.order = tuple(order)
        self.slots: dict[str, Slot] = {}
        self.elided: set[str] = set()
        self._rings = frozenset(rings)
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
        for node in reversed(order):
            if node.OP == "CONCATENATION" and node.name not in self._staged:
                self._concatenate_in_place(node)
        for name in self._arena_tensors():
            if name not in self.slots:
                self._place(self.graph.tensors[name])
        for slot in self.slots.values():
            slot.block.nbytes = -(-slot.block.nbytes // ALIGNMENT) * ALIGNMENT

    @property
    def blocks(self) -> list[Block]:
        """The blocks, each once."""
        return list({id(slot.block): slot.block for slot in self.slots.values()}.values())

    def _arena_tensors(self) -> list[str]:
        states = [name for name, tensor in self.graph.tensors.items() if tensor.state]
        computed = [name for node in self.order for name in node.outputs]
        names = [*self.graph.inputs, *states, *computed]
        return [name for name in names if name not in self._rings]

    def life(self, name: str) -> tuple[int, int]:
        """First and last step that needs tensor ``name`` itself."""
        tensor = self.graph.tensors[name]
        end = self.steps
        if tensor.state:
            return -1, end
        first = -1 if tensor.name in self.graph.inputs else self._step[self._made[tensor.name].name]
        last = max((self._step[node.name] for node in self._readers[tensor.name]), default=first)
        if tensor.name in self.graph.outputs or tensor.name in self._preserved:
            last = end
        return first, last

    def _place(self, tensor: Tensor) -> None:
        first, last = self.life(tensor.name)
        host = self._host(tensor)
        if host is not None:
            slot = self.slots[host]
            block = slot.block
            row, pixel = _contiguous_strides(tensor)
            self.slots[tensor.name] = Slot(block, slot.offset, row, pixel, host)
        else:
            block = Block(tensor.nbytes, first, last, max(ALIGNMENT, tensor.dtype.bytes))
            self.slots[tensor.name] = Slot(block, 0, *_contiguous_strides(tensor))
        _extend(block, tensor, first, last)

    def _host(self, tensor: Tensor) -> str | None:
        """The tensor whose memory ``tensor`` may take, or None."""
        node = self._made.get(tensor.name)
        if not isinstance(node, Operator) or tensor.name != node.outputs[0]:
            return None
        if node.name in self._staged:
            return None
        if node.VIEW and self._is_plain(node.inputs[0]):
            # The bytes are the same, so both may go on being read.
            self.elided.add(node.name)
            return node.inputs[0]
        for index in node.overwrites(self.graph.ins(node), self.graph.outs(node)):
            name = node.inputs[index]
            if self._is_plain(name) and name is not None and self._dies_at(name, node):
                slot = self.slots[name]
                aligned = slot.offset % max(ALIGNMENT, tensor.dtype.bytes) == 0
                if aligned and tensor.nbytes <= self.graph.tensors[name].nbytes:
                    return name
        return None

    def _is_plain(self, name: str | None) -> bool:
        """The tensor lives in the arena, contiguously, and is not state."""
        if name is None or name not in self.slots or self.graph.tensors[name].state:
            return False
        slot = self.slots[name]
        tensor = self.graph.tensors[name]
        return (slot.row_stride, slot.pixel_stride) == _contiguous_strides(tensor)

    def _dies_at(self, name: str, node: Node) -> bool:
        """Nothing in the memory of ``name`` is needed after ``node``."""
        return self.slots[name].block.last <= self._step[node.name]

    def _concatenate_in_place(self, node: Node) -> None:
        """Lets the producers write straight into the output, where all of them can."""
        output = self.graph.outs(node)[0]
        if output.name in self.slots:
            return  # itself a part of another concatenation, placed with strides
        axis = getattr(node, "axis", 0) % len(output.shape)
        parts = [name for name in node.inputs if name is not None]
        outer = 1
        for dim in output.shape[:axis]:
            outer *= dim
        if len(set(parts)) != len(parts) or not all(
            self._can_write_slice(name, node, output, outer, axis) for name in parts
        ):
            return
        first, last = self.life(output.name)
        block = Block(output.nbytes, first, last, max(ALIGNMENT, output.dtype.bytes))
        row, pixel = _contiguous_strides(output)
        self.slots[output.name] = Slot(block, 0, row, pixel)
        _extend(block, output, first, last)
        offset = 0
        for name in parts:
            part = self.graph.tensors[name]
            part_row, part_pixel = (row, pixel) if outer > 1 else _contiguous_strides(part)
            self.slots[name] = Slot(block, offset, part_row, part_pixel, output.name)
            _extend(block, part, *self.life(part.name))
            offset += part.nbytes // outer
        self.elided.add(node.name)

    def _can_write_slice(
        self, name: str, node: Node, output: Tensor, outer: int, axis: int
    ) -> bool:
        producer = self._made.get(name)
        part = self.graph.tensors[name]
        if producer is None or self._readers[name] != [node] or name in self.graph.outputs:
            return False
        if producer.name in self._staged:
            return False
        if part.quant != output.quant or name in self.slots:
            return False
        if outer == 1:
            return True
        along_channels = axis == len(output.shape) - 1 and len(output.shape) == 4
        return along_channels and isinstance(producer, RowOperator) and producer.STRIDED_OUTPUT


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


def _contiguous_strides(tensor: Tensor) -> tuple[int, int]:
    """Row and pixel stride in bytes of a tensor stored without gaps."""
    row = tensor.row_elements * tensor.dtype.bytes
    return row, (tensor.shape[-1] if tensor.shape else 1) * tensor.dtype.bytes


def _extend(block: Block, tensor: Tensor, first: int, last: int) -> None:
    block.first = min(block.first, first)
    block.last = max(block.last, last)
    block.members.append(tensor.name)
