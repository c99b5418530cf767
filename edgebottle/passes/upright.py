"""Stands images of one row up: as many rows as they have pixels, of one pixel each.

What Keras makes of a Conv1D is an image of one row. Streaming by rows has nothing to stream there;
of the same network stood up only the few pixels that are still needed lie in memory. The bytes of
its tensors are the same, the loops over the pixels of a row are longer than those over rows, and
so this is for where memory counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph, Node, Shape, Tensor, unused_name
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.mean import Mean
from edgebottle.ops.pad import Pad
from edgebottle.ops.pooling import Pool2D
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.table import UnaryOperator
from edgebottle.passes.rewrite import is_view, view

_TURNED = (0, 2, 1, 3)
"""Where each axis of an image goes."""

_BY_PIXELS = (Conv2D, DepthwiseConv2D, Pool2D, Pad, BinaryOperator, UnaryOperator, Quantize)
"""Operators that treat height and width alike; the rest of them are known one by one."""


def upright(graph: Graph) -> Graph:
    """The network with its images of one row stood up; ``graph`` itself where there are none.

    Inputs and outputs of the network keep their shapes.
    """
    standing = _can_stand(graph)
    if not standing:
        return graph
    tensors = dict(graph.tensors)
    ends = dict.fromkeys(name for name in (*graph.inputs, *graph.outputs) if name in standing)
    inner = {name: unused_name(f"{name}_upright", tensors) for name in ends}
    for name in [name for name in graph.tensors if name in standing]:
        image, own = graph.tensors[name], inner.get(name, name)
        tensors[own] = replace(image, name=own, shape=_turned(image.shape))
    layers = {node.name for node in graph.nodes}
    views: dict[str, Node] = {}
    for name in ends:
        source, target = (name, inner[name]) if name in graph.inputs else (inner[name], name)
        layer = unused_name(f"upright_{len(views)}", layers)
        views[name] = view(layer, source, tensors[target])
    nodes = [_stood(graph, node, standing, tensors) for node in graph.nodes]
    nodes = [
        replace(
            node,
            inputs=tuple(inner.get(name or "", name) for name in node.inputs),
            outputs=tuple(inner.get(name, name) for name in node.outputs),
        )
        for node in nodes
    ]
    before = [views[name] for name in graph.inputs if name in views]
    after = [view for name, view in views.items() if name not in graph.inputs]
    return graph.with_nodes([*before, *nodes, *after], tensors)


def _turned(shape: Shape) -> Shape:
    return tuple(shape[axis] for axis in _TURNED)


def _can_stand(graph: Graph) -> set[str]:
    """The images of one row that every operator around them can take stood up."""
    computed = [node for node in graph.nodes if not is_view(node)]
    names = {name for node in computed for name in (*node.inputs, *node.outputs) if name}
    images = [tensor for name in names if _is_image(tensor := graph.tensors[name])]
    standing = {image.name for image in images if image.shape[1] == 1 < image.shape[2]}
    size = -1
    while size != len(standing):
        size = len(standing)
        for node in graph.nodes:
            touched = standing.intersection(node.inputs) | standing.intersection(node.outputs)
            if touched and not _takes(graph, node, standing):
                standing -= touched
    return standing


def _is_image(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and tensor.data is None and not tensor.state


def _takes(graph: Graph, node: Node, standing: set[str]) -> bool:
    """Whether ``node`` computes the same bytes from images that stand, all of them."""
    if is_view(node):
        return True
    if isinstance(node, FullyConnected):
        return not node.keep_num_dims
    if isinstance(node, Mean):
        return not node.keep_dims and {0, 3}.isdisjoint(node.axes)
    if not isinstance(node, _BY_PIXELS):
        return False
    ins = [tensor for tensor in graph.ins(node) if tensor is not None and tensor.data is None]
    return all(
        _is_image(one) and (one.name in standing or _turned(one.shape) == one.shape)
        for one in (*ins, *graph.outs(node))
    )


def _stood(graph: Graph, node: Node, standing: set[str], tensors: dict[str, Tensor]) -> Node:
    """``node`` for images that stand; adds its new constants to ``tensors``."""
    if standing.isdisjoint(node.inputs) and standing.isdisjoint(node.outputs):
        return node
    if is_view(node):
        target = graph.outs(node)[0]
        if target.name in standing:
            target = replace(target, shape=_turned(target.shape))
        assert node.inputs[0] is not None
        return view(node.name, node.inputs[0], target)
    if isinstance(node, Mean):
        return replace(node, axes=tuple(sorted(_TURNED[axis] for axis in node.axes)))
    if isinstance(node, Pad):
        return replace(node, paddings=tuple(node.paddings[axis] for axis in _TURNED))
    if isinstance(node, BinaryOperator):
        return replace(node, inputs=tuple(_operand(graph, name, tensors) for name in node.inputs))
    if isinstance(node, Pool2D | Conv2D | DepthwiseConv2D):
        top, bottom, left, right = node.padding
        node = replace(node, stride=node.stride[::-1], padding=(left, right, top, bottom))
    if isinstance(node, Pool2D):
        return replace(node, filter=node.filter[::-1])
    if isinstance(node, Conv2D | DepthwiseConv2D):
        inputs = (node.inputs[0], _operand(graph, node.inputs[1], tensors), *node.inputs[2:])
        return replace(node, dilation=node.dilation[::-1], inputs=inputs)
    return node


def _operand(graph: Graph, name: str | None, tensors: dict[str, Tensor]) -> str | None:
    """The name of a constant with height and width exchanged; other operands stay as they are."""
    tensor = graph.tensors[name or ""]
    if tensor.data is None or len(tensor.shape) < 2:
        return name
    image = tensor.data.reshape((1,) * (4 - len(tensor.shape)) + tensor.shape)
    data = np.ascontiguousarray(image.transpose(_TURNED))
    own = unused_name(f"{name}_upright", graph.tensors)
    turned = replace(tensor, name=own, shape=data.shape, data=data)
    tensors[turned.name] = turned
    return turned.name
