"""Moves RELU and RELU6 into the operator before them."""

from __future__ import annotations

from dataclasses import fields, replace

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import Activation

_FUSED = {
    "RELU": Activation.RELU,
    "RELU6": Activation.RELU6,
    "RELU_N1_TO_1": Activation.RELU_N1_TO_1,
}


def fuse_activation(graph: Graph) -> Graph:
    """The producer clamps its own output.

    Exact where the activation does not rescale (input and output quantized alike) and nothing
    else reads the unclamped tensor.
    """
    for node in graph.nodes:
        source = node.inputs[0] if node.inputs else None
        if node.OP not in _FUSED or source is None or source in graph.outputs:
            continue
        maker = graph.producer(source)
        if maker is None or len(graph.consumers(source)) != 1 or not _is_plain(maker):
            continue
        if graph.tensors[source].quant != graph.tensors[node.outputs[0]].quant:
            continue
        fused = replace(maker, outputs=node.outputs, activation=_FUSED[node.OP])  # type: ignore[call-arg]
        nodes = [fused if other is maker else other for other in graph.nodes if other is not node]
        graph = graph.with_nodes(nodes)
    return graph


def _is_plain(node: Node) -> bool:
    """The node can clamp, but does not yet."""
    names = {field.name for field in fields(node)}
    return "activation" in names and getattr(node, "activation", None) is Activation.NONE
