"""Networks whose tensors are held with their axes in another order: see ``channels_last``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgebottle.ir.access import Broadcast, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Int, Node, Shape, Tensor, unused_name
from edgebottle.ops.base import Operator
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.rewrite import view

Order = tuple[int, ...]
"""The order of axes: axis i is axis ``order[i]`` of the other tensor."""

FIRST_TO_LAST: dict[int, Order] = {3: (0, 2, 1), 4: (0, 2, 3, 1)}
"""By the number of axes."""

LAST_TO_FIRST: dict[int, Order] = {3: (0, 2, 1), 4: (0, 3, 1, 2)}


def identity(rank: int) -> Order:
    """The order that changes nothing."""
    return tuple(range(rank))


def inverse(order: Order) -> Order:
    """The order that brings back."""
    back = [0] * len(order)
    for index, axis in enumerate(order):
        back[axis] = index
    return tuple(back)


def permuted(values: Sequence[int], order: Order) -> tuple[int, ...]:
    """``values``, one for each axis, in another order."""
    return tuple(values[axis] for axis in order)


def moves_nothing(shape: Shape, order: Order) -> bool:
    """Whether a transpose of ``shape`` moves axes of length 1 only."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)


@dataclass(frozen=True)
class View:
    """How a tensor of the old network is seen in the new one.

    Attributes:
        source: A tensor of the new network.
        order: Axis i of the old tensor is axis ``order[i]`` of ``source``.
    """

    source: str
    order: Order


Handler = tuple[type[Node], Callable[["Permuted", Any], bool]]
"""A kind of operator, and what adds one of it to the new network: see ``permuted_nodes``."""


class Permuted:
    """The new network while it grows.

    Attributes:
        graph: The old network.
        handlers: Of operators, the preferred ones first.
        views: Of its tensors, as far as they are computed.
        tensors: Of the new network.
        nodes: Of the new network.
        moved: Bytes that its transposes move.
    """

    def __init__(self, graph: Graph, handlers: Sequence[Handler]) -> None:
        self.graph = graph
        self.handlers = handlers
        self.views: dict[str, View] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.moved = 0
        self.scrambled: dict[str, tuple[str, Int]] = {}
        """Flattened tensors held in another order: element j is number ``order[j]`` there."""
        self._turned: dict[tuple[str, Order], str] = {}
        for tensor in graph.tensors.values():
            if tensor.data is not None or tensor.state:
                self._whole(tensor)

    def _whole(self, tensor: Tensor) -> None:
        self.tensors[tensor.name] = tensor
        self.views[tensor.name] = View(tensor.name, identity(len(tensor.shape)))

    def take_input(self, name: str, order: Order) -> None:
        """An input that is handed in with its axes in ``order``."""
        tensor = self.graph.tensors[name]
        self.tensors[name] = replace(tensor, shape=permuted(tensor.shape, order))
        self.views[name] = View(name, inverse(order))

    def node(self, node: Node) -> None:
        """Adds what computes the outputs of a node of the old network."""
        for kind, handler in self.handlers:
            if isinstance(node, kind) and handler(self, node):
                return
        if isinstance(node, Operator) and self._is_elementwise(node):
            self._elementwise(node)
        else:
            self.as_it_is(node)

    def as_it_is(self, node: Node) -> None:
        """Adds the node itself, its operands in their old order."""
        inputs = tuple(None if name is None else self.ordered(name) for name in node.inputs)
        self.put(replace(node, inputs=inputs))

    def put(self, node: Node, order: Order | None = None) -> None:
        """Adds a node that computes the old outputs.

        Args:
            node: The node, of new inputs.
            order: How each old output is seen in the new one; None for as it is.
        """
        ins = [None if name is None else self.tensors[name] for name in node.inputs]
        self.nodes.append(node)
        for name, (shape, _) in zip(node.outputs, node.infer(ins), strict=True):
            self.tensors[name] = replace(self.graph.tensors[name], shape=shape)
            self.views[name] = View(name, identity(len(shape)) if order is None else order)

    def ordered(self, name: str, order: Order | None = None) -> str:
        """A tensor of the new network in which the old one is seen in ``order``.

        Args:
            name: Of the old tensor.
            order: None for the old order of axes.
        """
        found = self.views[name]
        wanted = identity(len(found.order)) if order is None else order
        if found.order == wanted:
            return found.source
        # Axis i of what is wanted is the old axis back[i], which is that axis of the source.
        back = inverse(wanted)
        turn = tuple(found.order[axis] for axis in back)
        key = (found.source, turn)
        if key not in self._turned:
            self._turned[key] = self._turn(name, found.source, turn)
        return self._turned[key]

    def _turn(self, name: str, source: str, turn: Order) -> str:
        """Adds a transpose, or the constant that it computes; returns its name."""
        tensor = self.tensors[source]
        own = self.fresh(f"{name}/Transpose")
        shape = permuted(tensor.shape, turn)
        turned = replace(tensor, name=own, shape=shape)
        if tensor.data is not None:
            data = np.ascontiguousarray(tensor.data.transpose(turn))
            quant = tensor.quant
            if quant is not None and quant.axis is not None and len(quant.scale) > 1:
                quant = replace(quant, axis=turn.index(quant.axis))
            self.tensors[own] = replace(turned, data=data, quant=quant)
            return own
        self.tensors[own] = turned
        if moves_nothing(tensor.shape, turn):
            self.nodes.append(view(own, source, turned))
            return own
        self.moved += tensor.nbytes
        axes = self.ints(name, *turn)
        node = Transpose(name=own, inputs=(source, axes), outputs=(own,), permutation=turn)
        self.nodes.append(node)
        return own

    def fresh(self, name: str) -> str:
        """``name``, lengthened until no tensor of either network has it."""
        while name in self.tensors or name in self.graph.tensors:
            name = unused_name(f"{name}_", self.tensors)
        return name

    def ints(self, name: str, *values: int, columns: int = 0) -> str:
        """A constant operand; ``columns`` of a matrix, or 0 for a row of numbers."""
        own = self.fresh(f"{name}/Operand")
        data = np.array(values, np.int32)
        data = data.reshape(-1, columns) if columns else data
        self.tensors[own] = Tensor(own, data.shape, DType.I32, data=data)
        return own

    def cost(self, name: str, order: Order) -> int:
        """Bytes to be moved to see an old tensor in ``order``."""
        found = self.views[name]
        tensor = self.tensors[found.source]
        turn = tuple(found.order[axis] for axis in inverse(order))
        free = tensor.data is not None or moves_nothing(tensor.shape, turn)
        return 0 if free or (found.source, turn) in self._turned else tensor.nbytes

    def best_order(self, names: Sequence[str], rank: int) -> Order:
        """The order of ``rank`` axes, of those of the operands, that moves the fewest bytes."""
        full = [name for name in names if len(self.views[name].order) == rank]
        computed = [name for name in full if self.tensors[self.views[name].source].data is None]
        choices = dict.fromkeys([*(self.views[name].order for name in computed), identity(rank)])
        return min(choices, key=lambda order: sum(self.cost(name, order) for name in full))

    def _is_elementwise(self, node: Operator) -> bool:
        """Whether each element of the output is made of those at the same place."""
        ins, outs = self.graph.ins(node), self.graph.outs(node)
        if len(outs) != 1:
            return False
        accesses = node.accesses(ins, outs)
        return all(
            access is not None and all(isinstance(one, Same | Broadcast) for one in access)
            for access, tensor in zip(accesses, ins, strict=True)
            if tensor is not None
        )

    def _elementwise(self, node: Operator) -> None:
        rank = len(self.graph.outs(node)[0].shape)
        names = [name for name in node.inputs if name is not None]
        aligned = {name: self.aligned(name, rank) for name in names}
        order = self.best_order([*aligned.values()], rank)
        scalars = {name for name in names if not self.graph.tensors[name].shape}
        inputs = tuple(
            name if name is None or name in scalars else self.ordered(aligned[name], order)
            for name in node.inputs
        )
        self.put(replace(node, inputs=inputs), order)

    def aligned(self, name: str, rank: int) -> str:
        """An old tensor, or one made of it, with as many axes as it is broadcast to."""
        tensor = self.graph.tensors[name]
        if len(tensor.shape) == rank or not tensor.shape:
            return name
        shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
        own = f"{name}/Aligned{rank}"
        if own not in self.views:
            source = self.ordered(name)
            found = self.tensors[source]
            self.tensors[own] = replace(
                found,
                name=own,
                shape=shape,
                data=None if found.data is None else found.data.reshape(shape),
            )
            self.views[own] = View(own, identity(rank))
            if found.data is None:
                self.nodes.append(view(own, source, self.tensors[own]))
        return own

    def hand_out(self, name: str) -> bool:
        """Gives what an old output is seen in its name; False where it has to keep its own."""
        source = self.views[name].source
        if source == name:
            return True
        taken = {*self.graph.inputs, *self.graph.outputs}
        if source in taken or name in self.tensors or self.tensors[source].data is not None:
            return False
        self._rename(source, name)
        return True

    def put_out(self, name: str) -> None:
        """Puts an old output out in its old order, under its name."""
        source = self.ordered(name)
        if source == name:
            return
        if name in self.tensors:  # computed in another order, and read so
            self._rename(name, self.fresh(f"{name}/Turned"))
            source = self.ordered(name)
        taken = {*self.graph.inputs, *self.graph.outputs}
        if source in taken or self.tensors[source].data is not None:
            target = replace(self.tensors[source], name=name, data=None)
            self.tensors[name] = target
            self.nodes.append(view(name, source, target))
        else:
            self._rename(source, name)

    def _rename(self, old: str, new: str) -> None:
        """Gives a new tensor another name, wherever it is read and computed."""
        self.tensors[new] = replace(self.tensors.pop(old), name=new)
        for index, node in enumerate(self.nodes):
            if old in node.inputs or old in node.outputs:
                self.nodes[index] = replace(
                    node,
                    inputs=tuple(new if name == old else name for name in node.inputs),
                    outputs=tuple(new if name == old else name for name in node.outputs),
                )
        for name, found in self.views.items():
            if found.source == old:
                self.views[name] = replace(found, source=new)
        self._turned = {
            (new if source == old else source, turn): new if made == old else made
            for (source, turn), made in self._turned.items()
        }
