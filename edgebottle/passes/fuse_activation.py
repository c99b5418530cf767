"""Moves RELU and RELU6 into the operator before them."""

from __future__ import annotations

from dataclasses import fields, replace

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import Activation
from edgebottle.passes.rewrite import Rewrite

_FUSED = {
    "RELU": Activation.RELU,
    "RELU6": Activation.RELU6,
    "RELU_N1_TO_1": Activation.RELU_N1_TO_1,
}


def fuse_activation(graph: Graph) -> Graph:
    """The producer clamps its own output.

    Exact where the activation does not rescale (input and output quantized alike) and nothing
    else reads the unclamped tensor, which has no bounds of its own.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        source = node.inputs[0] if node.inputs else None
        maker = rewrite.producer(source)
        if node.OP not in _FUSED or source is None or maker is None or not _is_plain(maker):
            continue
        made = rewrite.tensors[source]
        alike = made.quant == rewrite.tensors[node.outputs[0]].quant and made.bounds is None
        if alike and rewrite.is_read_once(source):
            rewrite.remove(node)
            fused = replace(maker, outputs=node.outputs, activation=_FUSED[node.OP])  # type: ignore[call-arg]
            rewrite.put(fused)
    return rewrite.graph()


def _is_plain(node: Node) -> bool:
    """The node can clamp, but does not yet."""
    names = {field.name for field in fields(node)}
    clamps = getattr(type(node), "CLAMPS", True)
    return clamps and "activation" in names and getattr(node, "activation", None) is Activation.NONE
