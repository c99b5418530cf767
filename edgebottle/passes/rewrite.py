"""What passes share: the one way to replace and remove nodes, and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Shape, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.dequantize import Dequantize
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.strided_slice import StridedSlice


def is_view(node: Node | None) -> bool:
    """Whether the output of ``node`` is the very bytes of its input under another shape."""
    return isinstance(node, Operator) and node.VIEW


def view(name: str, source: str, target: Tensor) -> Reshape:
    """The node that makes ``target`` of the bytes of ``source``."""
    return Reshape(name=name, inputs=(source,), outputs=(target.name,), shape=target.shape)


def join(name: str, parts: Sequence[str], whole: str, axis: int) -> Concatenation:
    """The node that joins ``parts`` along ``axis`` to ``whole``."""
    return Concatenation(name=name, inputs=tuple(parts), outputs=(whole,), axis=axis)


def stored(name: str, source: str, target: str) -> Quantize:
    """The node that makes the int8 ``target`` of ``source``, real or of another scale."""
    return Quantize(name=name, inputs=(source,), outputs=(target,), dtype=DType.I8)


def real(name: str, source: str, target: str) -> Dequantize:
    """The node that makes the real ``target`` of ``source``."""
    return Dequantize(name=name, inputs=(source,), outputs=(target,))


def crop(name: str, source: str, part: str, *, begin: Shape, end: Shape) -> StridedSlice:
    """The node that cuts the box from ``begin`` to ``end`` out of ``source``.

    The constants that repeat its ``attribute_operands`` are still to be added to its inputs.
    """
    return StridedSlice(
        name=name,
        inputs=(source,),
        outputs=(part,),
        begin=begin,
        end=end,
        strides=(1,) * len(begin),
    )


class Rewrite:
    """A graph while it changes: whatever is asked is answered for the graph as it then stands.

    A pass that walks over ``Graph.nodes`` and replaces some of them soon holds a node that is
    there no more. ``for node in rewrite`` gives each node as it is when its turn comes, and none
    that has gone. A node is known by its name and keeps its place, so the order stays executable
    as long as a node reads nothing that is computed later than what it read before.

    Attributes:
        tensors: By name; may be added to and replaced.
        outputs: Names of the network's outputs; may be replaced.
        inputs: Names of the network's inputs; may be replaced.
    """

    def __init__(self, graph: Graph) -> None:
        """Starts from ``graph``, which stays as it is."""
        self.tensors = dict(graph.tensors)
        self.inputs = list(graph.inputs)
        self.outputs = list(graph.outputs)
        self._start = graph
        self._nodes: dict[str, Node] = {}
        self._producers: dict[str, str] = {}
        self._readers: dict[str, dict[str, None]] = {}
        for node in graph.nodes:
            self.put(node)

    def __iter__(self) -> Iterator[Node]:
        """Each node of the beginning that is still there, as it now is, in order."""
        for name in list(self._nodes):
            if name in self._nodes:
                yield self._nodes[name]

    def ins(self, node: Node) -> tuple[Tensor | None, ...]:
        """The input tensors of ``node``."""
        return tuple(None if name is None else self.tensors[name] for name in node.inputs)

    def outs(self, node: Node) -> tuple[Tensor, ...]:
        """The output tensors of ``node``."""
        return tuple(self.tensors[name] for name in node.outputs)

    def producer(self, tensor: str | None) -> Node | None:
        """The node that computes ``tensor``; None for inputs, constants and state."""
        name = self._producers.get(tensor or "")
        return None if name is None else self._nodes[name]

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """The nodes that read ``tensor``."""
        return tuple(self._nodes[name] for name in self._readers.get(tensor, ()))

    def is_read_once(self, tensor: str) -> bool:
        """Whether one node reads ``tensor``, and the network does not hand it out."""
        return len(self._readers.get(tensor, ())) == 1 and tensor not in self.outputs

    def put(self, node: Node) -> None:
        """Puts ``node`` in the place of the node of the same name."""
        if node.name in self._nodes:
            self._forget(self._nodes[node.name])
        self._nodes[node.name] = node
        self._producers.update(dict.fromkeys(node.outputs, node.name))
        for name in node.inputs:
            if name is not None:
                self._readers.setdefault(name, {})[node.name] = None

    def remove(self, node: Node) -> None:
        """Removes ``node``; nothing may read its outputs any more when the pass ends."""
        self._forget(self._nodes.pop(node.name))

    def _forget(self, node: Node) -> None:
        for name in node.outputs:
            if self._producers.get(name) == node.name:
                del self._producers[name]
        for read in set(node.inputs):
            if read is not None:
                del self._readers[read][node.name]

    def rename(self, node: Node, old: str, new: str) -> None:
        """Lets ``node`` read ``new`` wherever it reads ``old``."""
        self.put(replace(node, inputs=tuple(new if name == old else name for name in node.inputs)))

    def bypass(self, node: Node) -> bool:
        """Removes ``node``, whose output becomes its first input.

        False, and nothing done, where that is impossible: the output is one of the network's, and
        the input is one as well, or is computed nowhere.
        """
        source, target = node.inputs[0], node.outputs[0]
        assert source is not None
        if target not in self.outputs:
            self.remove(node)
            for reader in self.consumers(target):
                self.rename(reader, target, source)
            return True
        maker = self.producer(source)
        if maker is None or source in self.outputs:
            return False
        self.remove(node)
        # The producer takes over the name of the output, so that the network keeps its interface.
        self.bound_alike(source, target)
        outputs = tuple(target if output == source else output for output in maker.outputs)
        self.put(replace(maker, outputs=outputs))
        for reader in self.consumers(source):
            self.rename(reader, source, target)
        return True

    def bound_alike(self, source: str, target: str) -> None:
        """Clamps ``target`` as ``source`` is: a layer will write it instead."""
        bounds = self.tensors[source].bounds
        self.tensors[target] = replace(self.tensors[target], bounds=bounds)

    def graph(self) -> Graph:
        """The graph as it now stands, without the tensors that nothing refers to."""
        start = replace(self._start, inputs=tuple(self.inputs), outputs=tuple(self.outputs))
        return start.with_nodes(tuple(self._nodes.values()), self.tensors)
