"""WHILE, unrolled: loops whose number of repeats the file says, as Keras writes LSTM and GRU."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.tflite_constants import CONSTANT_OPERATORS
from edgebottle.importers.tflite_file import FileOperator, FileTensor, TFLiteFile
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Shape, Tensor, unused_name
from edgebottle.ops.base import Signature
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.movement import constant_ints, data_input, normal_axis
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.slice import Slice

MAX_REPEATS = 1_000
MAX_NODES = 10_000
"""Of a network, once its loops are unrolled."""


class GraphWalk(Protocol):
    """The importer, as it goes through a graph."""

    file: TFLiteFile
    tensors: dict[str, Tensor]
    nodes: list[Node]

    def tensor(self, layer: str, record: FileOperator, index: int) -> Tensor:
        """An input tensor of an operator."""

    def operands(
        self, layer: str, record: FileOperator, signature: Signature
    ) -> tuple[list[Tensor | None], Any]:
        """The input tensors of an operator, and its options."""

    def computed(
        self, node: Node, ins: Sequence[Tensor | None], records: Sequence[FileTensor]
    ) -> list[Tensor]:
        """The outputs of a node."""

    def called(self, number: int, ins: Sequence[Tensor], ending: str, lists: Lists) -> list[Tensor]:
        """What a graph of the file makes of tensors."""


def copy_of_graph(file: TFLiteFile, number: int, repeat: str, taken: Container[str]) -> TFLiteFile:
    """A graph whose tensors have names of their own; constants are the same in all repeats.

    Args:
        file: The graph.
        number: Its number in the model.
        repeat: What tells this copy from others.
        taken: Names of tensors there are.
    """
    produced = {index for record in file.operators for index in record.outputs}

    def renamed(index: int, tensor: FileTensor) -> FileTensor:
        if tensor.variable:
            raise UnsupportedOp(f"'{tensor.name}' is a variable within a loop")
        if tensor.data is not None and index not in (*produced, *file.inputs):
            return replace(tensor, name=f"{tensor.name}_{number}")
        return replace(tensor, name=unused_name(f"{tensor.name}_{repeat}", taken))

    tensors = tuple(renamed(index, tensor) for index, tensor in enumerate(file.tensors))
    return replace(file, tensors=tensors)


class Lists:
    """Tensors that loops put together along their first axis, part by part.

    A loop replaces an item of such a list by cutting off what is before and behind it, and joining
    these with the new one. Of that only the parts are kept: a slice of whole parts is these.
    """

    def __init__(self) -> None:
        """No lists yet."""
        self._parts: dict[str, tuple[Tensor, ...]] = {}

    def note(self, name: str, parts: Sequence[Tensor]) -> None:
        """Remembers what a tensor is joined from, along the first axis."""
        self._parts[name] = tuple(parts)

    def parts(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """What tensors that are joined along the first axis are made of, without the empty ones."""
        found = []
        for tensor in tensors:
            parts = self._parts.get(tensor.name, (tensor,))
            alike = all(part.quant == tensor.quant for part in parts)
            found += [part for part in (parts if alike else (tensor,)) if part.size]
        return found

    def cut(self, ins: Sequence[Tensor | None], label: str) -> tuple[Tensor, ...] | None:
        """The parts that a SLICE takes, none if it is empty; None if it cuts a computed one."""
        data = data_input(ins)
        begin, size = (constant_ints(one, label) for one in ins[1:3])
        if not data.shape or not len(begin) == len(size) == len(data.shape):
            return None
        counts = [
            dim - first if count == -1 else count
            for dim, first, count in zip(data.shape, begin, size, strict=True)
        ]
        if any(begin[1:]) or tuple(counts[1:]) != data.shape[1:]:
            return None
        if not 0 <= begin[0] <= begin[0] + counts[0] <= data.shape[0]:
            return None
        if counts[0] == 0:
            return ()
        return self._between(data, begin[0], begin[0] + counts[0])

    def _between(self, data: Tensor, first: int, last: int) -> tuple[Tensor, ...] | None:
        """The parts of a tensor from index ``first`` on; None where a computed one is cut."""
        found = []
        start = 0
        for part in self._parts.get(data.name, (data,)):
            end = start + part.shape[0]
            low, high = max(first, start) - start, min(last, end) - start
            if low < high and (low, high) == (0, part.shape[0]):
                found.append(part)
            elif low < high and part.data is not None:
                values = part.data[low:high]
                name = f"{part.name}_{low}_{high}"
                found.append(replace(part, name=name, shape=values.shape, data=values))
            elif low < high:
                return None
            start = end
        return tuple(found)


class Loops:
    """Unrolls the loops of a graph, and follows the lists that they put together."""

    def __init__(self, walk: GraphWalk) -> None:
        """For one graph.

        Attributes:
            lists: Of the loop that repeats this graph; None where none does.
        """
        self._walk = walk
        self.lists: Lists | None = None

    def operator(self, layer: str, record: FileOperator) -> bool:
        """Follows a WHILE or, in a loop, what is done with lists; False for anything else."""
        if record.op == "WHILE":
            self._while(layer, record)
            return True
        if self.lists is None or record.op not in ("CONCATENATION", "GATHER", "SLICE"):
            return False
        ins, options = self._walk.operands(layer, record, _LISTS[record.op])
        is_constant = all(one is not None and one.data is not None and one.size for one in ins)
        if record.op == "SLICE":
            return self._part(layer, record, ins, is_constant)
        if is_constant:
            return False
        if record.op == "CONCATENATION":
            return self._joined(layer, record, [one for one in ins if one is not None], options)
        return self._item(layer, record, ins, options)

    def _while(self, layer: str, record: FileOperator) -> None:
        label, options = f"{layer} (WHILE)", record.options
        if options is None or not record.inputs or -1 in record.inputs:
            raise BadModel(f"{label} lacks its options or an input")
        if len(record.inputs) != len(record.outputs):
            raise BadModel(
                f"{label} has {len(record.inputs)} inputs, but {len(record.outputs)} outputs"
            )
        values = [self._walk.tensor(layer, record, index) for index in record.inputs]
        graphs = int(options.condSubgraphIndex), int(options.bodySubgraphIndex)
        for number, value in enumerate(self._unrolled(layer, graphs, values)):
            self._give(record, value, number)

    def _unrolled(self, layer: str, graphs: tuple[int, int], values: list[Tensor]) -> list[Tensor]:
        """What a loop with these graphs of condition and body leaves."""
        lists, nodes, label = Lists(), self._walk.nodes, f"{layer} (WHILE)"
        for repeat in range(MAX_REPEATS + 1):
            before, ending = len(nodes), f"_{layer}_{repeat}"
            answer = self._walk.called(graphs[0], values, f"{ending}_condition", lists)
            del nodes[before:]
            if len(answer) != 1 or answer[0].data is None or answer[0].size != 1:
                raise UnsupportedOp(
                    f"{label} runs as often as its data say; edgebottle takes only loops whose "
                    "number of repeats the model says"
                )
            if not answer[0].data.item():
                return values
            left = self._walk.called(graphs[1], values, ending, lists)
            if len(left) != len(values):
                raise BadModel(f"{label} has {len(values)} values, its body leaves {len(left)}")
            values = left
            if len(nodes) > MAX_NODES:
                break
        raise UnsupportedOp(
            f"{label} becomes more than {MAX_REPEATS} repeats or {MAX_NODES} layers; shorten the "
            "sequence"
        )

    def _part(
        self, layer: str, record: FileOperator, ins: Sequence[Tensor | None], is_constant: bool
    ) -> bool:
        """SLICE of whole parts, of none, or of constants."""
        assert self.lists is not None
        parts = self.lists.cut(ins, f"{layer} (SLICE)")
        if parts is None or (parts and is_constant):
            return False
        if parts:
            return self._join(layer, record, parts, 0)
        data = data_input(ins)
        empty = np.zeros((0, *data.shape[1:]), data.dtype.numpy)
        name = self._walk.file.tensors[record.outputs[0]].name
        self._give(record, replace(data, name=name, shape=empty.shape, data=empty))
        return True

    def _joined(
        self, layer: str, record: FileOperator, ins: Sequence[Tensor], options: Any
    ) -> bool:
        """CONCATENATION; along the first axis of what these were joined from."""
        label = f"{layer} (CONCATENATION)"
        if options.fusedActivationFunction:
            return False
        axis = normal_axis(int(options.axis), len(ins[0].shape), label)
        assert self.lists is not None
        parts = self.lists.parts(ins) if axis == 0 else [one for one in ins if one.size]
        return bool(parts) and self._join(layer, record, parts, axis)

    def _join(self, layer: str, record: FileOperator, parts: Sequence[Tensor], axis: int) -> bool:
        """Gives an operator's output as the parts joined."""
        for part in parts:
            self._walk.tensors.setdefault(part.name, part)
        if len(parts) == 1:
            self._give(record, parts[0])
            return True
        names = tuple(part.name for part in parts)
        name = self._walk.file.tensors[record.outputs[0]].name
        self._add(Concatenation(name=layer, inputs=names, outputs=(name,), axis=axis), record)
        if axis == 0 and self.lists is not None:
            self.lists.note(name, parts)
        return True

    def _item(
        self, layer: str, record: FileOperator, ins: Sequence[Tensor | None], options: Any
    ) -> bool:
        """GATHER of one item along the first axis, whose number is known."""
        data, at = data_input(ins, 0), data_input(ins, 1)
        if options.axis or options.batchDims or at.data is None or at.size != 1 or not data.shape:
            return False
        number, rank = int(at.data.item()), len(data.shape)
        if not 0 <= number < data.shape[0]:
            raise BadModel(f"{layer} (GATHER) takes item {number} of {data.shape[0]}")
        begin, size = (number, *(0,) * (rank - 1)), (1, *data.shape[1:])
        item = self._slice(layer, data, begin, size)
        name = self._walk.file.tensors[record.outputs[0]].name
        shape = (*at.shape, *data.shape[1:])
        self._add(Reshape(name=layer, inputs=(item.name,), outputs=(name,), shape=shape), record)
        return True

    def _slice(self, layer: str, data: Tensor, begin: Shape, size: Shape) -> Tensor:
        """A box of a tensor, as a node."""
        tensors = self._walk.tensors
        operands = []
        for what, values in (("begin", begin), ("size", size)):
            name = f"{data.name}_{what}_{'_'.join(map(str, values))}"
            value = np.array(values, np.int32)
            tensors.setdefault(name, Tensor(name, value.shape, DType.I32, None, value))
            operands.append(name)
        item = replace(data, name=unused_name(f"{layer}_item", tensors), shape=size)
        tensors[item.name] = item
        inputs = (data.name, *operands)
        self._walk.nodes.append(
            Slice(name=f"{layer}_item", inputs=inputs, outputs=(item.name,), begin=begin, size=size)
        )
        return item

    def _add(self, node: Node, record: FileOperator) -> None:
        """Adds a node, and its outputs as the file names them."""
        ins = [self._walk.tensors[str(name)] for name in node.inputs]
        records = [self._walk.file.tensors[index] for index in record.outputs]
        outs = self._walk.computed(node, ins, records)
        self._walk.tensors.update({tensor.name: tensor for tensor in outs})
        self._walk.nodes.append(node)

    def _give(self, record: FileOperator, tensor: Tensor, number: int = 0) -> None:
        """Makes a tensor that is there output ``number`` of an operator."""
        name = self._walk.file.tensors[record.outputs[number]].name
        if name in self._walk.tensors:
            raise BadModel(f"{record.op} computes '{name}', which is there already")
        self._walk.tensors[name] = tensor


_LISTS = {
    "CONCATENATION": Concatenation.SIGNATURE,
    "GATHER": CONSTANT_OPERATORS["GATHER"].signature,
    "SLICE": Slice.SIGNATURE,
}
