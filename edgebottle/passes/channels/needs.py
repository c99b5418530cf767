"""Which channels must stay, found backwards from the outputs until nothing changes any more.

A channel can go where each of its readers can do without it: what it contributes is nothing, or
the same at every position of every run and thus part of the reader's bias. Where an operator
passes channels through one by one, input and output keep the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Int, Mask, Node
from edgebottle.ops.base import Operator
from edgebottle.ops.channel_range import INT32, Range
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.mean import Mean
from edgebottle.ops.pad import Pad
from edgebottle.ops.pooling import Pool2D
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.resizing import Resize
from edgebottle.ops.table import ActivationOperator
from edgebottle.ops.transpose import Transpose
from edgebottle.ops.weighted_sums import WeightedSums


class Needs:
    """The channels found to be needed so far.

    Attributes:
        graph: The graph.
        ranges: Of its int8 tensors.
        sums: Of its layers with constant weights, by name.
        masks: [channels] for each int8 tensor that is computed: the needed ones. They only grow.
    """

    def __init__(self, graph: Graph, ranges: Mapping[str, Range]) -> None:
        """Starts with the inputs and outputs of the network, which keep their shape."""
        self.graph, self.ranges = graph, ranges
        found = {
            node.name: node.weighted_sums(graph.ins(node), graph.outs(node))
            for node in graph.nodes
            if isinstance(node, Operator)
        }
        self.sums = {name: sums for name, sums in found.items() if sums is not None}
        self.masks: dict[str, Mask] = {
            name: np.zeros(graph.tensors[name].layout.pixel_elements, dtype=bool)
            for name in ranges
            if graph.tensors[name].data is None and not graph.tensors[name].state
        }
        self._count = 0
        for name in (*graph.inputs, *graph.outputs):
            self.need(name)

    def need(self, name: str | None, mask: Mask | None = None) -> None:
        """Marks the channels of ``mask`` (None: all) as needed."""
        if name in self.masks:
            self.masks[name] |= np.True_ if mask is None else mask

    def link(self, a: str | None, b: str | None, index: Int | slice = slice(None)) -> None:
        """Channel j of ``b`` is channel ``index[j]`` of ``a``: both stay or both go."""
        if a not in self.masks or b not in self.masks:
            self.need(a)
            if b in self.masks:
                self.need(b)
            return
        left, right = self.masks[a], self.masks[b]
        right |= left[index]
        returned = np.zeros_like(left)
        np.logical_or.at(returned, np.arange(left.size)[index], right)
        left |= returned

    def kept(self, name: str | None) -> Mask:
        """[channels] of an int8 tensor; all of one that cannot change."""
        assert name is not None
        whole = np.ones(self.graph.tensors[name].layout.pixel_elements, dtype=bool)
        return self.masks.get(name, whole)

    def settle(self) -> None:
        """Follows the nodes backwards until nothing changes."""
        before = -1
        while before != (before := self._total()):
            for node in reversed(self.graph.nodes):
                _spread(node, self)

    def _total(self) -> int:
        return sum(int(mask.sum()) for mask in self.masks.values())


def needed_channels(graph: Graph, ranges: Mapping[str, Range]) -> Needs:
    """Finds the channels that stay; each tensor keeps at least one.

    Args:
        graph: The graph.
        ranges: From ``channel_ranges``.
    """
    needs = Needs(graph, ranges)
    needs.settle()
    for name, mask in needs.masks.items():
        if not mask.any():
            # A constant channel is the cheapest to compute; argmax finds the first.
            mask[int(np.argmax(ranges[name].constant))] = True
            needs.settle()
    return needs


@singledispatch
def _spread(node: Node, needs: Needs) -> None:
    """Marks what ``node`` needs of its inputs and, where channels are linked, of its output."""
    if getattr(node, "VIEW", False):
        _view(node, needs)
        return
    for name in (*node.inputs, *node.outputs):
        needs.need(name)


def _view(node: Node, needs: Needs) -> None:
    source, target = needs.graph.ins(node)[0], needs.graph.outs(node)[0]
    assert source is not None
    inner, outer = source.layout.pixel_elements, target.layout.pixel_elements
    if outer % inner == 0:
        needs.link(source.name, target.name, np.arange(outer) % inner)
    elif inner % outer == 0:
        needs.link(target.name, source.name, np.arange(inner) % outer)
    else:
        needs.need(source.name)
        needs.need(target.name)


@_spread.register
def _convolution(node: Conv2D, needs: Needs) -> None:
    sums = needs.sums.get(node.name)
    source = needs.graph.ins(node)[0]
    assert source is not None
    if sums is None or sums.reads.shape != (1, source.layout.pixel_elements):
        needs.need(node.inputs[0])  # grouped, or in floating point
        needs.need(node.outputs[0])
        return
    needs.need(node.inputs[0], _needed_terms(node, sums, needs, needs.ranges[source.name]))


@_spread.register
def _fully_connected(node: FullyConnected, needs: Needs) -> None:
    sums = needs.sums.get(node.name)
    source = needs.graph.ins(node)[0]
    assert source is not None
    channels = source.layout.pixel_elements
    if sums is None or sums.channels % channels:
        needs.need(node.inputs[0])
        if sums is None:
            needs.need(node.outputs[0])
        return
    data = needs.ranges[source.name].regrouped(sums.channels)
    needed = _needed_terms(node, sums, needs, data)
    needs.need(node.inputs[0], np.asarray(needed.reshape(-1, channels).any(axis=0)))


def _needed_terms(node: Node, sums: WeightedSums, needs: Needs, data: Range) -> Mask:
    """[terms] of a layer that sums over all of its input: those it cannot do without."""
    rows = summing_rows(node, needs)
    weights = sums.weights[rows]
    used = weights != 0
    offset = data.low - sums.zero_point
    varies = ~data.constant
    needed = used[:, sums.inside].any(axis=(0, 1)) & varies
    needed |= used[:, sums.crossing].any(axis=(0, 1)) & (varies | (offset != 0))
    contribution = np.where(needed, 0, constant_part(sums, data)[rows])
    bias = sums.bias[rows] + contribution.sum(axis=1)
    if not ((bias >= INT32.min) & (bias <= INT32.max)).all():
        needed |= (contribution != 0).any(axis=0)
    return np.asarray(needed)


def summing_rows(node: Node, needs: Needs) -> Mask:
    """[outputs] that stay and whose value depends on the weights; the others are a bias alone."""
    out = node.outputs[0]
    return np.asarray(needs.kept(out) & ~needs.ranges[out].constant)


def constant_part(sums: WeightedSums, data: Range) -> Int:
    """[outputs, terms]: what each term adds to each accumulator if its channel is constant."""
    offset = (data.low - sums.zero_point)[sums.reads]
    return np.asarray(sums.weights[:, sums.inside].sum(axis=1) * offset)


@_spread.register
def _depthwise(node: DepthwiseConv2D, needs: Needs) -> None:
    source, out = node.inputs[0], node.outputs[0]
    assert source is not None
    if needs.kept(source).size == 1:
        needs.need(source)  # its copies in the output come and go alone
        return
    outputs = needs.kept(out).size
    needs.link(source, out, np.arange(outputs) // node.depth_multiplier)


@_spread.register
def _binary(node: BinaryOperator, needs: Needs) -> None:
    out = node.outputs[0]
    for tensor in needs.graph.ins(node):
        assert tensor is not None
        if tensor.layout.pixel_elements != needs.kept(out).size:
            needs.need(tensor.name)  # broadcast along the channels
        elif tensor.data is None or tensor.dtype is not DType.I8:
            needs.link(tensor.name, out)


@_spread.register(ActivationOperator)
@_spread.register(Quantize)
@_spread.register(Pool2D)
@_spread.register(Resize)
def _channelwise(node: Node, needs: Needs) -> None:
    needs.link(node.inputs[0], node.outputs[0])


@_spread.register
def _mean(node: Mean, needs: Needs) -> None:
    source = needs.graph.ins(node)[0]
    assert source is not None
    if len(source.shape) - 1 in node.axes:
        needs.need(source.name)
        needs.need(node.outputs[0])
    else:
        needs.link(source.name, node.outputs[0])


@_spread.register
def _transpose(node: Transpose, needs: Needs) -> None:
    if node.permutation[-1] == len(node.permutation) - 1:
        needs.link(node.inputs[0], node.outputs[0])
    else:
        needs.need(node.inputs[0])
        needs.need(node.outputs[0])


@_spread.register
def _concatenation(node: Concatenation, needs: Needs) -> None:
    out = needs.graph.outs(node)[0]
    begin = 0
    for tensor in needs.graph.ins(node):
        assert tensor is not None
        if node.axis != len(out.shape) - 1:
            needs.link(tensor.name, out.name)
            continue
        end = begin + tensor.layout.pixel_elements
        if tensor.data is not None:
            needs.need(out.name, _span(begin, end, out.layout.pixel_elements))
        else:
            needs.link(out.name, tensor.name, np.arange(begin, end))
        begin = end


@_spread.register
def _pad(node: Pad, needs: Needs) -> None:
    source, out = needs.graph.ins(node)[0], needs.graph.outs(node)[0]
    assert source is not None
    before, _ = node.paddings[-1]
    inner, channels = source.layout.pixel_elements, out.layout.pixel_elements
    needs.need(out.name, ~_span(before, before + inner, channels))
    needs.link(out.name, source.name, np.arange(before, before + inner))


def _span(begin: int, end: int, channels: int) -> Mask:
    index = np.arange(channels)
    return np.asarray((index >= begin) & (index < end))
