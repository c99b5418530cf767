"""Moves reshapes behind the element-by-element layers that read them.

A signal is an image of one row where a convolution or a pool takes it, and has an axis less for the
activation between two of them. Computed on the image, the reshapes meet and go.
"""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.access import Broadcast, Same
from edgebottle.ir.graph import Graph, Node, Shape, Tensor, unused_name
from edgebottle.ir.layout import IMAGE_AXES
from edgebottle.ops.base import Operator
from edgebottle.ops.reshape import Reshape
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.drop_reshapes import drop_reshapes
from edgebottle.passes.rewrite import is_view, view


def sink_reshapes(graph: Graph) -> Graph:
    """Element-by-element layers read what the reshape before them reads, and are reshaped.

    Where the last axis stays, and what else they read is a constant along it, or another tensor
    that is reshaped alike.
    """
    tensors = dict(graph.tensors)
    sources: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        shape = _common_shape(graph, node, tensors, sources)
        if shape is None:
            nodes.append(node)
            if is_view(node) and node.inputs[0] is not None:
                sources[node.outputs[0]] = node.inputs[0]
            continue
        (output,) = graph.outs(node)
        inner = unused_name(f"{output.name}/Inner", tensors)
        tensors[inner] = replace(output, name=inner, shape=shape)
        inputs = tuple(sources.get(name or "", name) for name in node.inputs)
        nodes.append(replace(node, name=inner, inputs=inputs, outputs=(inner,)))
        nodes.append(view(node.name, inner, output))
        sources[output.name] = inner
    return drop_reshapes(drop_dead(graph.with_nodes(nodes, tensors)))


def _common_shape(
    graph: Graph, node: Node, tensors: dict[str, Tensor], sources: dict[str, str]
) -> Shape | None:
    """The shape in which a layer could be computed; None for where it stands as it is."""
    outs = graph.outs(node)
    if not isinstance(node, Operator) or isinstance(node, Reshape) or len(outs) != 1:
        return None
    output = outs[0]
    shapes: set[Shape] = set()
    accesses = node.accesses(graph.ins(node), outs)
    for access, tensor in zip(accesses, graph.ins(node), strict=True):
        if tensor is None:
            continue
        if access is None or not all(isinstance(one, Same | Broadcast) for one in access):
            return None
        if tensor.data is not None:
            if tensor.size > 1 and not tensor.size == tensor.shape[-1] == output.shape[-1]:
                return None
            if len(tensor.shape) > IMAGE_AXES:  # it would give the result more axes
                return None
        elif tensor.name in sources and tensor.shape == output.shape:
            shapes.add(tensors[sources[tensor.name]].shape)
        else:
            return None
    if len(shapes) != 1:
        return None
    (shape,) = shapes
    return shape if shape[-1:] == output.shape[-1:] and len(shape) == IMAGE_AXES else None
