"""Slices of channels: a stage computed some of its channels at a time, nothing twice.

A convolution reads all channels of its input but computes each of its own from its own weights,
and depthwise convolutions, pooling and tables keep channels apart. So a stage that begins with
convolutions and goes on with those can be computed slice by slice, each with its part of the
weights, while the rings hold only a slice of each row.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from edgebottle.ir.access import All, Same
from edgebottle.ir.graph import Tensor
from edgebottle.ops.base import Operator
from quantize.patch.grid import PatchStage, Writer
from quantize.patch.grid_nodes import Span

TOGETHER = 4
"""Channels that the kernels compute at once: slices are multiples of it."""


def slices(stage: PatchStage, parts: int) -> list[Span]:
    """First channel of each slice, and the one after its last; none where there are too few."""
    channels = stage.graph.tensors[stage.output].shape[3]
    fours = -(-channels // TOGETHER)
    if parts > fours:
        return []
    ends = [min(TOGETHER * (i * fours // parts), channels) for i in range(parts + 1)]
    return list(pairwise(ends))


def keeps_channels_apart(stage: PatchStage) -> bool:
    """Whether the stage can be computed in slices of channels."""
    inside = {node.outputs[0] for node in stage.nodes}
    channels = stage.graph.tensors[stage.output].shape[3]
    for node in stage.nodes:
        if stage.graph.tensors[node.outputs[0]].shape[3] != channels:
            return False
        accesses = stage.windows.inputs(node)
        if len(accesses) != 1 or not isinstance(node, Operator):
            return False
        ((index, access),) = accesses.items()
        is_inside = node.inputs[index] in inside
        tensors = stage.graph.ins(node), stage.graph.outs(node)
        if node.channel_access(index, *tensors) is None:
            return False  # they cannot be taken from each other, such as those of few bits
        match access[3]:
            case Same() if is_inside:
                continue
            case All() if not is_inside and node.channel_operands(*tensors):
                continue
        return False
    return True


def write_slice(writer: Writer, span: Span, label: str) -> str:
    """Adds the layers of one slice; returns the tensor that they compute."""
    made: dict[str | None, str] = {}
    for node in writer.stage.nodes:
        inputs = [made.get(name, name) for name in node.inputs]
        assert isinstance(node, Operator)
        ins, outs = writer.graph.ins(node), writer.graph.outs(node)
        for index, axis in node.channel_operands(ins, outs).items():
            tensor = ins[index] if index < len(inputs) else None
            if tensor is not None:
                inputs[index] = writer.add(_slice(tensor, span, axis), label)
        part = replace(outs[0], shape=(*outs[0].shape[:3], span[1] - span[0]))
        made[outs[0].name] = writer.copy(node, inputs, part, label)
    return made[writer.stage.output]


def _slice(tensor: Tensor, span: Span, axis: int) -> Tensor:
    """Part of the weights or of the bias."""
    data, quant = tensor.constant().take(range(*span), axis), tensor.quant
    if quant is not None and quant.axis == axis and len(quant.scale) > 1:
        quant = replace(
            quant, scale=quant.scale[slice(*span)], zero_point=quant.zero_point[slice(*span)]
        )
    return replace(tensor, shape=data.shape, data=data, quant=quant)
