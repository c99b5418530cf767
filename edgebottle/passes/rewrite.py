"""What the passes share: replacing tensors and nodes in a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgebottle.ir.graph import Graph, Node


def rename_inputs(node: Node, names: Mapping[str, str]) -> Node:
    """``node`` reading ``names[x]`` wherever it read ``x``; chains are followed."""

    def resolve(name: str | None) -> str | None:
        while name is not None and name in names:
            name = names[name]
        return name

    inputs = tuple(resolve(name) for name in node.inputs)
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def bypass(graph: Graph, node: Node) -> Graph | None:
    """The graph without ``node``, whose output becomes its first input.

    None where that is impossible: the output is one of the network's and the input is computed
    nowhere, or is read elsewhere under its own name as an output as well.
    """
    source, target = node.inputs[0], node.outputs[0]
    assert source is not None
    rest = [other for other in graph.nodes if other is not node]
    if target not in graph.outputs:
        return graph.with_nodes([rename_inputs(other, {target: source}) for other in rest])
    maker = graph.producer(source)
    if maker is None or source in graph.outputs:
        return None
    # The producer takes over the name of the output, so that the network keeps its interface.
    renamed = replace(
        maker, outputs=tuple(target if name == source else name for name in maker.outputs)
    )
    nodes = [
        renamed if other is maker else rename_inputs(other, {source: target}) for other in rest
    ]
    return graph.with_nodes(nodes)
