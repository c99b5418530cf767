"""Stands signals up: as many rows as they have places in time, of one pixel each.

What Keras makes of a Conv1D is an image of one row, and a sequence of tokens has three axes or two.
Streaming by rows has nothing to stream there; of the same network stood up only the few places that
are still needed lie in memory. The bytes of its tensors are the same, the loops over the pixels of
a row are longer than those over rows, and so this is for where memory counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Shape, Tensor, unused_name
from edgebottle.ops.batch_matmul import BatchMatMul
from edgebottle.ops.broadcasting import BroadcastOperator
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.mean import Mean
from edgebottle.ops.pad import Pad
from edgebottle.ops.pooling import Pool2D
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.seen import Seen
from edgebottle.ops.table import UnaryOperator
from edgebottle.passes.drop_reshapes import drop_reshapes
from edgebottle.passes.fold_heads import skip_views
from edgebottle.passes.rewrite import is_view, view

_TURNED = (0, 2, 1, 3)
"""Where each axis of an image goes."""

_BY_PIXELS = (
    Conv2D,
    DepthwiseConv2D,
    Pool2D,
    Pad,
    BroadcastOperator,
    UnaryOperator,
    Quantize,
    Concatenation,
)
"""Operators that treat height and width alike; the rest of them are known one by one."""


def upright(graph: Graph) -> Graph:
    """The network with its signals stood up; ``graph`` itself where there are none.

    Inputs and outputs of the network keep their shapes.
    """
    standing = _can_stand(graph)
    if not standing:
        return graph
    tensors = dict(graph.tensors)
    ends = dict.fromkeys(name for name in (*graph.inputs, *graph.outputs) if name in standing)
    inner = {name: unused_name(f"{name}_upright", tensors) for name in ends}
    for name in [name for name in graph.tensors if name in standing]:
        signal, own = graph.tensors[name], inner.get(name, name)
        tensors[own] = replace(signal, name=own, shape=_turned(signal.shape))
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
    stood = drop_reshapes(graph.with_nodes([*before, *nodes, *after], tensors))
    return skip_views(stood)


def _as_image(shape: Shape) -> Shape:
    """The shape of an image of one row with the same bytes."""
    return (1,) * (4 - len(shape)) + shape


def _turned(shape: Shape) -> Shape:
    image = _as_image(shape)
    return tuple(image[axis] for axis in _TURNED)


def _can_stand(graph: Graph) -> set[str]:
    """The signals that every operator around them can take stood up; none if it would not help."""
    computed = [node for node in graph.nodes if not is_view(node)]
    names = {name for node in computed for name in (*node.inputs, *node.outputs) if name}
    standing = {name for name in names if _is_signal(graph.tensors[name])}
    size = -1
    while size != len(standing):
        size = len(standing)
        for node in graph.nodes:
            standing -= _lying(graph, node, standing)
    helps = any(_turned(graph.tensors[name].shape)[1] > 1 for name in standing)
    return standing if helps else set()


def _is_signal(tensor: Tensor) -> bool:
    """Whether it is an image of one row, or as many tokens as it has places."""
    shape = tensor.shape
    if tensor.data is not None or tensor.state:
        return False
    if len(shape) == 4:
        return shape[1] == 1 < shape[2]
    return (len(shape) == 3 and shape[0] == 1) or (len(shape) == 2 and shape[0] > 1)


def _lying(graph: Graph, node: Node, standing: set[str]) -> set[str]:
    """Those of ``standing`` that cannot stand because ``node`` would not take it."""
    touched = standing.intersection(node.inputs) | standing.intersection(node.outputs)
    if not touched or is_view(node) or _takes_pixels(graph, node, standing):
        return set()
    data, output = graph.tensors[node.inputs[0] or ""], graph.outs(node)[0]
    if isinstance(node, FullyConnected) and not node.keep_num_dims:
        return {output.name} & standing  # what it flattens has the same bytes in any shape
    if isinstance(node, Mean) and _is_mean_of_places(node, data) and data.name in standing:
        is_taken = len(output.shape) == 2 or output.name in standing or _is_pixel(output)
        return set() if is_taken else touched
    return touched


def _takes_pixels(graph: Graph, node: Node, standing: set[str]) -> bool:
    """Whether ``node`` computes pixels from pixels, and all of them stand or are but one.

    A product of matrices goes on seeing the tensors as they lay.
    """
    if isinstance(node, BatchMatMul):
        return True
    if isinstance(node, FullyConnected):
        data, weights = graph.ins(node)[:2]
        assert data is not None and weights is not None
        if data.shape[-1:] != weights.shape[1:]:
            return False
        operands: tuple[Tensor | None, ...] = (data,)
    elif isinstance(node, _BY_PIXELS):
        operands = graph.ins(node)
    elif isinstance(node, Mean) and _is_mean_of_channels(graph, node):
        operands = graph.ins(node)[:1]
    else:
        return False
    return all(
        one.name in standing or _is_pixel(one)
        for one in (*operands, *graph.outs(node))
        if one is not None and one.data is None
    )


def _is_pixel(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and tensor.shape[:3] == (1, 1, 1) and not tensor.state


def _is_mean_of_channels(graph: Graph, node: Mean) -> bool:
    data = graph.ins(node)[0]
    return data is not None and node.keep_dims and node.axes == (len(data.shape) - 1,)


def _is_mean_of_places(node: Mean, data: Tensor) -> bool:
    """Whether it averages all places of one signal, channel by channel."""
    shape = _as_image(data.shape)
    axes = {axis + 4 - len(data.shape) for axis in node.axes}
    stay = [axis for axis in (0, 1, 2) if axis not in axes]
    return 3 not in axes and all(shape[axis] == 1 for axis in stay) and shape[0] == 1


def _stood(graph: Graph, node: Node, standing: set[str], tensors: dict[str, Tensor]) -> Node:
    """``node`` for signals that stand; adds its new constants to ``tensors``."""
    if standing.isdisjoint(node.inputs) and standing.isdisjoint(node.outputs):
        return node
    data, target = graph.ins(node)[0], graph.outs(node)[0]
    if is_view(node):
        if target.name in standing:
            target = replace(target, shape=_turned(target.shape))
        assert node.inputs[0] is not None
        return view(node.name, node.inputs[0], target)
    if isinstance(node, FullyConnected):
        return replace(node, keep_num_dims=node.keep_num_dims or target.name in standing)
    assert data is not None
    missing = 4 - len(data.shape)
    if isinstance(node, BatchMatMul):
        return _as_it_lay(graph, node, standing)
    if isinstance(node, Mean):
        is_of_channels = _is_mean_of_channels(graph, node)
        return node.over(
            _turned(data.shape),
            name=node.name,
            inputs=node.inputs,
            outputs=node.outputs,
            axes=(3,) if is_of_channels else (1, 2),
            keep_dims=is_of_channels or len(target.shape) != 2,
        )
    if isinstance(node, Pad):
        paddings = ((0, 0),) * missing + node.paddings
        node = replace(node, paddings=tuple(paddings[axis] for axis in _TURNED))
        return _with_operands(node, tensors)
    if isinstance(node, BroadcastOperator | Concatenation):
        inputs = tuple(_operand(graph, name, tensors) for name in node.inputs)
        if isinstance(node, Concatenation):
            node = replace(node, axis=_TURNED[node.axis + missing])
        return replace(node, inputs=inputs)
    if isinstance(node, Pool2D | Conv2D | DepthwiseConv2D):
        top, bottom, left, right = node.padding
        node = replace(node, stride=node.stride[::-1], padding=(left, right, top, bottom))
    if isinstance(node, Pool2D):
        return replace(node, filter=node.filter[::-1])
    if isinstance(node, Conv2D | DepthwiseConv2D):
        inputs = (node.inputs[0], _operand(graph, node.inputs[1], tensors), *node.inputs[2:])
        return replace(node, dilation=node.dilation[::-1], inputs=inputs)
    return node


def _as_it_lay(graph: Graph, node: BatchMatMul, standing: set[str]) -> Node:
    """The product of tensors that stand, seen as they lay."""
    ins, output = graph.ins(node), graph.outs(node)[0]
    return replace(
        node,
        seen_a=node.seen(ins, 0),
        seen_b=node.seen(ins, 1),
        seen_y=node.seen_y or Seen.plain(node.product(ins)),
        shape=_turned(output.shape) if output.name in standing else output.shape,
    )


def _with_operands(node: Pad, tensors: dict[str, Tensor]) -> Node:
    """``node`` with constants that repeat its attributes as they now are."""
    inputs = list(node.inputs)
    for index, values in node.attribute_operands().items():
        name = unused_name(f"{node.inputs[index]}_upright", tensors)
        data = np.array(values, np.int32)
        tensors[name] = Tensor(name, data.shape, DType.I32, data=data)
        inputs[index] = name
    return replace(node, inputs=tuple(inputs))


def _operand(graph: Graph, name: str | None, tensors: dict[str, Tensor]) -> str | None:
    """The name of a constant with height and width exchanged; other operands stay as they are."""
    tensor = graph.tensors[name or ""]
    if tensor.data is None or len(tensor.shape) < 2:
        return name
    data = np.ascontiguousarray(tensor.data.reshape(_as_image(tensor.shape)).transpose(_TURNED))
    own = unused_name(f"{name}_upright", graph.tensors)
    turned = replace(tensor, name=own, shape=data.shape, data=data)
    tensors[turned.name] = turned
    return turned.name
