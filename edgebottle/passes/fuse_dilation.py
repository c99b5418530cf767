"""Turns a convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND into a dilated one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TypeVar

from edgebottle.ir.graph import Graph, Node, Shape, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.batch_to_space_nd import BatchToSpaceND
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.space_to_batch_nd import SpaceToBatchND
from edgebottle.passes.drop_dead import drop_dead

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class _Chain:
    """The operators of one dilated convolution, in their order.

    Attributes:
        split: Cuts the image into parts.
        lift: Gives lines of pixels a second spatial axis; None where there are two.
        conv: The convolution of every part.
        lower: Takes the second axis away again.
        join: Puts the parts together.
    """

    split: SpaceToBatchND
    lift: Node | None
    conv: Convolution
    lower: Node | None
    join: BatchToSpaceND


def fuse_dilation(graph: Graph) -> Graph:
    """The convolution reads the image itself, its window dilated by the size of a block.

    Part i of an image has every n-th pixel from i, so that neighbours within a part lie n pixels
    apart in the image; borders and crops become padding. Exact where the parts are quantized like
    the images, the convolution has a stride of 1, and no padding would be negative.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    readers.update(graph.outputs)
    tensors = dict(graph.tensors)
    replaced: dict[str, tuple[Node, ...]] = {}
    for node in graph.nodes:
        chain = _chain(node, makers, readers) if isinstance(node, BatchToSpaceND) else None
        if chain is not None and _keeps_quantization(graph, chain):
            replaced |= _fused(graph, chain, tensors)
    nodes = [new for node in graph.nodes for new in replaced.get(node.name, (node,))]
    return drop_dead(graph.with_nodes(nodes, tensors))


def _chain(
    join: BatchToSpaceND, makers: dict[str, Node], readers: Counter[str | None]
) -> _Chain | None:
    """The operators before ``join``; None where they are others, or read elsewhere as well."""

    def only_for(node: Node) -> Node | None:
        name = node.inputs[0]
        return makers.get(name or "") if readers[name] == 1 else None

    lower = only_for(join) if len(join.block) == 1 else None
    conv = only_for(lower or join)
    if not isinstance(conv, Conv2D | DepthwiseConv2D):
        return None
    lift = only_for(conv) if lower is not None else None
    split = makers.get((lift or conv).inputs[0] or "")
    views = [view for view in (lift, lower) if view is not None]
    if not isinstance(split, SpaceToBatchND) or split.block != join.block:
        return None
    if not all(isinstance(view, Operator) and view.VIEW for view in views):
        return None
    return _Chain(split, lift, conv, lower, join)


def _keeps_quantization(graph: Graph, chain: _Chain) -> bool:
    """Nothing but the convolution changes the meaning of a stored value."""
    before = (*graph.ins(chain.split)[:1], *graph.outs(chain.split), graph.ins(chain.conv)[0])
    after = (*graph.outs(chain.conv), graph.ins(chain.join)[0], *graph.outs(chain.join))
    return all(
        len({tensor.quant for tensor in group if tensor is not None}) == 1
        for group in (before, after)
    )


def _fused(graph: Graph, chain: _Chain, tensors: dict[str, Tensor]) -> dict[str, tuple[Node, ...]]:
    """What stands in the place of some nodes, by their names; nothing where that is impossible.

    Puts tensors whose shapes change into ``tensors``.
    """
    image, target = tensors[chain.split.inputs[0] or ""], tensors[chain.join.outputs[0]]
    parts, results = tensors[chain.conv.inputs[0] or ""], tensors[chain.conv.outputs[0]]
    joined = tensors[chain.join.inputs[0] or ""]
    for across in (1, 2) if chain.lift is not None else (None,):
        if _widened(joined.shape, across, 1) != results.shape:
            continue
        if _widened(graph.outs(chain.split)[0].shape, across, 1) != parts.shape:
            continue
        whole = _widened(image.shape, across, 1), _widened(target.shape, across, 1)
        dilated = _dilated(chain, across, *whole, graph.ins(chain.conv)[1])
        if dilated is None:
            continue
        if chain.lift is None or chain.lower is None:
            dilated = replace(
                dilated, inputs=(image.name, *dilated.inputs[1:]), outputs=(target.name,)
            )
            return {chain.conv.name: (dilated,), chain.join.name: ()}
        tensors[parts.name] = replace(parts, shape=whole[0])
        tensors[results.name] = replace(results, shape=whole[1])
        lift = Reshape(
            name=chain.lift.name, inputs=(image.name,), outputs=(parts.name,), shape=whole[0]
        )
        lower = Reshape(
            name=chain.lower.name,
            inputs=(results.name,),
            outputs=(target.name,),
            shape=target.shape,
        )
        return {
            lift.name: (lift,),
            dilated.name: (dilated,),
            lower.name: (lower,),
            chain.join.name: (),
        }
    return {}


def _widened(values: tuple[_Value, ...], across: int | None, fill: _Value) -> tuple[_Value, ...]:
    """The values of four axes, of as many or of three; ``across`` is the axis that is missing."""
    return values if across is None else (*values[:across], fill, *values[across:])


def _dilated(
    chain: _Chain, across: int | None, image: Shape, target: Shape, weights: Tensor | None
) -> Convolution | None:
    """The convolution from image to image; None where there is none."""
    conv, none = chain.conv, (0, 0)
    assert weights is not None
    blocks = _widened((1, *chain.join.block, 1), across, 1)
    borders = _widened((none, *chain.split.borders, none), across, none)
    crops = _widened((none, *chain.join.borders, none), across, none)
    padding: list[int] = []
    for axis in (1, 2):
        stride, block = conv.stride[axis - 1], blocks[axis]
        if stride > 1 and block > 1:
            return None  # the pixels that a part skips are those of no other part
        before = borders[axis][0] + block * conv.padding[2 * axis - 2] - stride * crops[axis][0]
        reach = (weights.shape[axis] - 1) * block * conv.dilation[axis - 1] + 1
        after = (target[axis] - 1) * stride + reach - image[axis] - before
        padding += [before, after]
    if min(padding) < 0:
        return None
    dilation = (blocks[1] * conv.dilation[0], blocks[2] * conv.dilation[1])
    top, bottom, left, right = padding
    return replace(conv, dilation=dilation, padding=(top, bottom, left, right))
