"""Slices of channels: a stage computed some of its channels at a time, nothing twice.

A convolution reads all channels of its input but computes each of its own from its own weights,
and depthwise convolutions, pooling and tables keep channels apart. So a stage that begins with
convolutions and goes on with those can be computed slice by slice, each with its part of the
weights, while the rings hold only a slice of each row.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from edgebottle.ir.graph import Node, Tensor
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.pooling import Pool2D
from edgebottle.ops.softmax import Softmax
from edgebottle.ops.table import UnaryOperator
from quantize.patch.grid import Stage, Writer
from quantize.patch.grid_nodes import Span

TOGETHER = 4
"""Channels that the kernels compute at once: slices are multiples of it."""


def slices(stage: Stage, parts: int) -> list[Span]:
    """First channel of each slice, and the one after its last; none where there are too few."""
    channels = stage.graph.tensors[stage.output].shape[3]
    fours = -(-channels // TOGETHER)
    if parts > fours:
        return []
    ends = [min(TOGETHER * (i * fours // parts), channels) for i in range(parts + 1)]
    return list(pairwise(ends))


def keeps_channels_apart(stage: Stage) -> bool:
    """Whether the stage can be computed in slices of channels."""
    inside = {node.outputs[0] for node in stage.nodes}
    channels = stage.graph.tensors[stage.output].shape[3]
    for node in stage.nodes:
        if stage.graph.tensors[node.outputs[0]].shape[3] != channels:
            return False
        if isinstance(node, Conv2D):
            data, weights = stage.graph.ins(node)[:2]
            assert data is not None and weights is not None
            if node.inputs[0] in inside or weights.shape[3] != data.shape[3]:
                return False
        elif not (_is_channelwise(node) and node.inputs[0] in inside):
            return False
    return True


def _is_channelwise(node: Node) -> bool:
    """Channel c of the output comes from channel c of the one input."""
    if isinstance(node, DepthwiseConv2D):
        return node.depth_multiplier == 1
    return isinstance(node, Pool2D | UnaryOperator) and not isinstance(node, Softmax)


def write_slice(writer: Writer, span: Span, label: str) -> str:
    """Adds the layers of one slice; returns the tensor that they compute."""
    made: dict[str | None, str] = {}
    for node in writer.stage.nodes:
        inputs = [made.get(name, name) for name in node.inputs]
        if isinstance(node, Convolution):
            for index, axis in ((1, node.CHANNEL_AXIS), (2, 0)):
                tensor = writer.graph.ins(node)[index] if index < len(inputs) else None
                if tensor is not None:
                    inputs[index] = writer.add(_slice(tensor, span, axis), label)
        output = writer.graph.outs(node)[0]
        part = replace(output, shape=(*output.shape[:3], span[1] - span[0]))
        made[output.name] = writer.copy(node, inputs, part, label)
    return made[writer.stage.output]


def _slice(tensor: Tensor, span: Span, axis: int) -> Tensor:
    """Part of the weights or of the bias."""
    data, quant = tensor.constant().take(range(*span), axis), tensor.quant
    if quant is not None and quant.axis == axis and len(quant.scale) > 1:
        quant = replace(
            quant, scale=quant.scale[slice(*span)], zero_point=quant.zero_point[slice(*span)]
        )
    return replace(tensor, shape=data.shape, data=data, quant=quant)
