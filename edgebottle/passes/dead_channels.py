"""Removes channels that hold a constant, or that nobody reads, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Mask, Node, Quant, Tensor, unused_name
from edgebottle.ops.base import Operator
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fixed_point import wrap_int32
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.weights import operands, weights_zero_point
from edgebottle.passes.channels.needs import (
    Needs,
    constant_part,
    needed_channels,
    summing_rows,
)
from edgebottle.passes.channels.ranges import channel_ranges

Weighted = Convolution | FullyConnected
"""Layers with weights."""


def dead_channels(graph: Graph) -> Graph:
    """Drops dead channels from the layers that compute them and from those that read them.

    A channel is dead where each reader multiplies it by zero, or where interval analysis over the
    exact integer arithmetic proves that it holds one value in every run: zero weights, or sums
    that the activation always clamps. What a constant contributes goes into the bias of the layer
    that reads it, unless that layer pads: then only a channel that equals the padding can go.
    Inputs and outputs of the network keep their shape.
    """
    while (smaller := _without_dead(graph)) is not None:
        graph = smaller  # a depthwise layer left with one input can drop single outputs
    return graph


def _without_dead(graph: Graph) -> Graph | None:
    """The graph without the dead channels found at once; None where there are none."""
    needs = needed_channels(graph, channel_ranges(graph))
    if all(mask.all() for mask in needs.masks.values()):
        return None
    tensors = dict(graph.tensors)
    for name, mask in needs.masks.items():
        tensor = tensors[name]
        if not mask.all():
            tensors[name] = replace(tensor, shape=(*tensor.shape[:-1], int(mask.sum())))
    return graph.with_nodes([_narrowed(node, needs, tensors) for node in graph.nodes], tensors)


def _narrowed(node: Node, needs: Needs, tensors: dict[str, Tensor]) -> Node:
    """``node`` for what is left of its input and output; adds its new constants to ``tensors``."""
    touched = [name for name in (*node.inputs, *node.outputs) if name in needs.masks]
    if all(needs.masks[name].all() for name in touched if name is not None):
        return node
    assert isinstance(node, Operator)
    if node.name in needs.sums:
        return _narrowed_layer(node, needs, tensors)
    if isinstance(node, Reshape):
        return replace(node, inputs=node.inputs[:1], shape=tensors[node.outputs[0]].shape)
    return _narrowed_operands(node, needs, tensors)


def _narrowed_operands(node: Operator, needs: Needs, tensors: dict[str, Tensor]) -> Operator:
    """Drops channels of constants that hold something of each."""
    ins, outs = needs.graph.ins(node), needs.graph.outs(node)
    kept, inputs = needs.kept(node.outputs[0]), list(node.inputs)
    for index, axis in node.channel_operands(ins, outs).items():
        tensor = ins[index]
        assert tensor is not None
        values = np.compress(kept, tensor.constant(), axis)
        inputs[index] = _put(tensors, node, needs, tensor, values)
    return replace(node, inputs=tuple(inputs))


def _narrowed_layer(node: Operator, needs: Needs, tensors: dict[str, Tensor]) -> Operator:
    """Drops rows and columns of the weights; the bias takes what constants contributed."""
    ins, outs = needs.graph.ins(node), needs.graph.outs(node)
    data, weights, bias = operands(ins)
    sums = needs.sums[node.name]
    rows, terms = needs.kept(node.outputs[0]), _kept_terms(node, needs)
    seen = needs.ranges[data.name].regrouped(sums.channels)
    summing = summing_rows(node, needs)
    gone = np.where(terms[sums.reads], 0, constant_part(sums, seen)).sum(axis=1)
    # A row that is clamped to one value whatever it adds up to becomes a bias alone: any
    # accumulator that gives the value will do.
    lowest, _ = sums.bounds(seen.low, seen.high)
    added = np.where(summing, sums.bias + gone, wrap_int32(lowest)).astype(np.int32)
    axis = node.channel_operands(ins, outs)[1]
    shape = [1] * len(weights.shape)
    shape[axis] = summing.size
    zero = np.int8(weights_zero_point(weights))
    values = np.where(summing.reshape(shape), weights.constant(), zero)
    values = np.compress(rows, values, axis=axis)
    if not isinstance(node, DepthwiseConv2D):
        values = np.compress(terms, values, axis=-1)
    names = (
        _put(tensors, node, needs, weights, values, rows),
        _put(tensors, node, needs, bias or _no_bias(node, data, weights), added[rows], rows),
    )
    changed = replace(node, inputs=(node.inputs[0], *names))
    if isinstance(changed, DepthwiseConv2D):
        return replace(changed, depth_multiplier=int(rows.sum()) // int(terms.sum()))
    return changed


def _kept_terms(node: Operator, needs: Needs) -> Mask:
    """Those channels of the input that are left, as the layer sees them."""
    kept, count = needs.kept(node.inputs[0]), needs.sums[node.name].channels
    return np.tile(kept, count // kept.size) if kept.size <= count else np.ones(count, dtype=bool)


def _no_bias(node: Node, data: Tensor, weights: Tensor) -> Tensor:
    """A bias of zeros for a layer without one."""
    assert weights.quant is not None
    scale = tuple(data.scale * scale for scale in weights.quant.scale)
    quant = Quant(scale, (0,) * len(scale), None if len(scale) == 1 else 0)
    return Tensor(f"{node.name}_bias", (0,), DType.I32, quant)


def _put(
    tensors: dict[str, Tensor],
    node: Node,
    needs: Needs,
    old: Tensor,
    data: Array,
    rows: Mask | None = None,
) -> str:
    """Puts ``data`` in the place of a constant, quantized as its ``rows`` were; returns its name.

    A constant that other nodes read too stays as it is.
    """
    quant = old.quant
    if rows is not None and quant is not None and len(quant.scale) == rows.size:
        scales = tuple(value for value, row in zip(quant.scale, rows, strict=True) if row)
        zeros = tuple(value for value, row in zip(quant.zero_point, rows, strict=True) if row)
        quant = replace(quant, scale=scales, zero_point=zeros)
    name = old.name
    if len(needs.graph.consumers(name)) != 1 or node.inputs.count(name) != 1:
        name = unused_name(f"{old.name}/{node.name}", tensors)
    tensors[name] = replace(old, name=name, shape=data.shape, data=data, quant=quant)
    return name


@dataclass(frozen=True)
class DeadChannelReport:
    """What became of a network.

    Attributes:
        macs_before: Multiply-accumulates of one run.
        macs_after: The same, of what is left.
        weights_before: Bytes of weights and biases.
        weights_after: The same, of what is left.
        layers: Name of each layer that lost channels (all of them: it went itself), how many, and
            how many it had.
    """

    macs_before: int
    macs_after: int
    weights_before: int
    weights_after: int
    layers: tuple[tuple[str, int, int], ...]

    @property
    def channels(self) -> int:
        """Channels removed, in all layers with weights."""
        return sum(removed for _, removed, _ in self.layers)


def dead_channel_report(before: Graph, after: Graph) -> DeadChannelReport:
    """Compares a network with what the passes left of it; layers are matched by name."""
    had, left = _channels(before), _channels(after)
    layers = [(name, had[name] - left.get(name, 0), had[name]) for name in had]
    return DeadChannelReport(
        before.macs(),
        after.macs(),
        _weight_bytes(before),
        _weight_bytes(after),
        tuple(layer for layer in layers if layer[1] > 0),
    )


def _channels(graph: Graph) -> dict[str, int]:
    """Output channels of each layer with weights."""
    layers = [node for node in graph.nodes if isinstance(node, Weighted)]
    return {node.name: graph.outs(node)[0].layout.pixel_elements for node in layers}


def _weight_bytes(graph: Graph) -> int:
    layers = [node for node in graph.nodes if isinstance(node, Weighted)]
    constants = [tensor for node in layers for tensor in operands(graph.ins(node))[1:]]
    return sum(tensor.nbytes for tensor in constants if tensor is not None)
