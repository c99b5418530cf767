"""Turns the maximum over all pixels of an image into a pool, which takes rows as they come."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Tensor, unused_name
from edgebottle.ops.base import Activation
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.reduce_max import ReduceMax
from edgebottle.passes.rewrite import view


def pool_maxima(graph: Graph) -> Graph:
    """What Keras's GlobalMaxPooling2D makes is one window over the image.

    The image need not be held then: one maximum for each channel is.
    """
    tensors, nodes = dict(graph.tensors), list[Node]()
    names = {node.name for node in graph.nodes}
    for node in graph.nodes:
        data = graph.ins(node)[0] if node.inputs else None
        if not isinstance(node, ReduceMax) or data is None or not _is_of_pixels(node, data):
            nodes.append(node)
            continue
        output = graph.outs(node)[0]
        batch, height, width, channels = data.shape
        pooled = replace(output, shape=(batch, 1, 1, channels))
        if pooled.shape != output.shape:
            pooled = replace(pooled, name=unused_name(f"{output.name}_pooled", tensors))
            tensors[pooled.name] = pooled
        nodes.append(
            MaxPool2D(
                name=node.name,
                inputs=(data.name,),
                outputs=(pooled.name,),
                filter=(height, width),
                stride=(height, width),
                padding=(0, 0, 0, 0),
                activation=Activation.NONE,
            )
        )
        if pooled.name != output.name:
            name = unused_name(f"{node.name}_flat", names)
            names.add(name)
            nodes.append(view(name, pooled.name, output))
    return graph.with_nodes(nodes, tensors)


def _is_of_pixels(node: ReduceMax, data: Tensor) -> bool:
    """Whether it is over height and width of what a pool takes."""
    is_image = len(data.shape) == 4 and node.axes == (1, 2)
    return is_image and data.dtype in (DType.I8, DType.F32)
