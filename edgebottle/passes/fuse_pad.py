"""Moves PAD into the padding of the convolution that reads it."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.graph import Graph
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.pad import Pad
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.rewrite import Rewrite


def fuse_pad(graph: Graph) -> Graph:
    """Convolutions read the unpadded tensor and pad by themselves.

    A convolution pads with the zero point of its input, which is what PAD writes, and PADV2 may;
    so this is exact where it touches height and width only and its input and output are quantized
    alike. PAD itself goes when nothing else reads it.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        while isinstance(node, Conv2D | DepthwiseConv2D):
            pad = rewrite.producer(node.inputs[0])
            if not isinstance(pad, Pad) or not _is_spatial(rewrite, pad):
                break
            top, bottom, left, right = node.padding
            (above, below), (before, after) = pad.paddings[1:3]
            node = replace(
                node,
                inputs=(pad.inputs[0], *node.inputs[1:]),
                padding=(top + above, bottom + below, left + before, right + after),
            )
            rewrite.put(node)
    return drop_dead(rewrite.graph())


def _is_spatial(rewrite: Rewrite, node: Pad) -> bool:
    source, target = rewrite.ins(node)[0], rewrite.outs(node)[0]
    assert source is not None
    if len(source.shape) != 4 or source.quant != target.quant or source.data is not None:
        return False
    batch, _, _, channels = node.paddings
    zero = 0 if target.quant is None else target.zero_point
    return tuple(batch) == tuple(channels) == (0, 0) and node.value(target) == zero
