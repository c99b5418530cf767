"""Makes a network that fails smaller, as long as it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from edgebottle.ir.graph import Graph, Tensor


def shrink(graph: Graph, fails: Callable[[Graph], bool], most: int = 80) -> Graph:
    """The smallest network found of which ``fails`` is true.

    Args:
        graph: One that fails.
        fails: Whether another does.
        most: Networks that are tried, at most.
    """
    tried = 0
    while True:
        for smaller in _smaller(graph):
            if not smaller.outputs or _size(smaller) >= _size(graph):
                continue
            tried += 1
            if tried > most:
                return graph
            if fails(smaller):
                graph = smaller
                break
        else:
            return graph


def _size(graph: Graph) -> tuple[int, int]:
    return len(graph.nodes), len(graph.outputs)


def _smaller(graph: Graph) -> Iterator[Graph]:
    """One output alone; everything before a layer cut off; a layer left out at the end."""
    if len(graph.outputs) > 1:
        for output in graph.outputs:
            yield _needed(graph, (output,))
    for node in reversed(graph.nodes):
        if len(graph.nodes) > 1:
            yield _needed(graph, node.outputs)
    for node in graph.nodes:
        yield _cut_before(graph, node.name)


def _needed(graph: Graph, outputs: tuple[str, ...]) -> Graph:
    """What computes ``outputs``, and they alone."""
    wanted, nodes = set(outputs), []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            nodes.append(node)
            wanted.update(name for name in node.inputs if name is not None)
    inputs = tuple(name for name in graph.inputs if name in wanted)
    made = replace(graph, outputs=outputs, inputs=inputs)
    return made.with_nodes(tuple(reversed(nodes)))


def _cut_before(graph: Graph, name: str) -> Graph:
    """What a layer reads becomes inputs of the network."""
    node = next(node for node in graph.nodes if node.name == name)
    cut = [
        tensor.name
        for tensor in graph.ins(node)
        if tensor is not None and graph.producer(tensor.name) is not None
    ]
    nodes = tuple(one for one in graph.nodes if not set(cut) & set(one.outputs))
    if not cut or len(nodes) == len(graph.nodes):
        return replace(graph, outputs=())
    made = {out for one in nodes for out in one.outputs}
    read = {one for n in nodes for one in n.inputs if one is not None}
    tensors: dict[str, Tensor] = graph.tensors
    free = [
        one
        for one in tensors
        if one in read and one not in made and tensors[one].data is None and not tensors[one].state
    ]
    outputs = tuple(one for one in graph.outputs if one in made)
    return _needed(replace(graph, inputs=tuple(free)).with_nodes(nodes), outputs)
