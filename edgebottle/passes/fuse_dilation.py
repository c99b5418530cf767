"""Turns a convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND into a dilated one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from edgebottle.ir.graph import Graph, Node, Shape, Tensor
from edgebottle.ops.batch_to_space_nd import BatchToSpaceND
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.space_to_batch_nd import SpaceToBatchND
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.rewrite import Rewrite, is_view, view

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
    rewrite = Rewrite(graph)
    for node in rewrite:
        chain = _chain(rewrite, node) if isinstance(node, BatchToSpaceND) else None
        if chain is not None and _keeps_quantization(rewrite, chain):
            _fuse(rewrite, chain)
    return drop_dead(rewrite.graph())


def _chain(rewrite: Rewrite, join: BatchToSpaceND) -> _Chain | None:
    """The operators before ``join``; None where they are others, or read elsewhere as well."""

    def only_for(node: Node) -> Node | None:
        name = node.inputs[0]
        return rewrite.producer(name) if name and rewrite.is_read_once(name) else None

    lower = only_for(join) if len(join.block) == 1 else None
    conv = only_for(lower or join)
    if not isinstance(conv, Conv2D | DepthwiseConv2D):
        return None
    if conv.access(0, rewrite.ins(conv), rewrite.outs(conv)) is None:
        return None  # it does not look at windows alone
    lift = only_for(conv) if lower is not None else None
    split = rewrite.producer((lift or conv).inputs[0])
    if not isinstance(split, SpaceToBatchND) or split.block != join.block:
        return None
    if not all(is_view(node) for node in (lift, lower) if node is not None):
        return None
    return _Chain(split, lift, conv, lower, join)


def _keeps_quantization(rewrite: Rewrite, chain: _Chain) -> bool:
    """Nothing but the convolution changes the meaning of a stored value."""
    before = (*rewrite.ins(chain.split)[:1], *rewrite.outs(chain.split), rewrite.ins(chain.conv)[0])
    after = (*rewrite.outs(chain.conv), rewrite.ins(chain.join)[0], *rewrite.outs(chain.join))
    return all(
        len({tensor.quant for tensor in group if tensor is not None}) == 1
        for group in (before, after)
    )


def _fuse(rewrite: Rewrite, chain: _Chain) -> None:
    """Puts the dilated convolution in the place of the chain, where there is one."""
    tensors = rewrite.tensors
    image, target = tensors[chain.split.inputs[0] or ""], tensors[chain.join.outputs[0]]
    parts, results = tensors[chain.conv.inputs[0] or ""], tensors[chain.conv.outputs[0]]
    joined = tensors[chain.join.inputs[0] or ""]
    for across in (1, 2) if chain.lift is not None else (None,):
        if _widened(joined.shape, across, 1) != results.shape:
            continue
        if _widened(rewrite.outs(chain.split)[0].shape, across, 1) != parts.shape:
            continue
        whole = _widened(image.shape, across, 1), _widened(target.shape, across, 1)
        dilated = _dilated(chain, across, *whole, rewrite.ins(chain.conv)[1])
        if dilated is None:
            continue
        rewrite.remove(chain.join)
        if chain.lift is None or chain.lower is None:
            inputs = (image.name, *dilated.inputs[1:])
            rewrite.put(replace(dilated, inputs=inputs, outputs=(target.name,)))
            return
        tensors[parts.name] = replace(parts, shape=whole[0])
        tensors[results.name] = replace(results, shape=whole[1])
        rewrite.put(view(chain.lift.name, image.name, tensors[parts.name]))
        rewrite.put(dilated)
        rewrite.put(view(chain.lower.name, results.name, target))
        return


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
