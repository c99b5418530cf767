"""Which channels must stay, found backwards from the outputs until nothing changes any more.

A channel can go where each of its readers can do without it: what it contributes is nothing, or
the same at every position of every run and thus part of the reader's bias. Where an operator
passes channels through one by one, input and output keep the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgebottle.ir.access import All, AxisMap, Broadcast, Listed, Offset, Same
from edgebottle.ir.graph import Graph, Int, Mask, Node, Tensor, Tensors
from edgebottle.ops.base import Operator
from edgebottle.ops.channel_range import INT32, Range
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
        self._settled: dict[str, list[int]] = {}
        for name in (*graph.inputs, *graph.outputs):
            self.need(name)

    def need(self, name: str | None, mask: Mask | None = None) -> None:
        """Marks the channels of ``mask`` (None: all) as needed."""
        if name in self.masks:
            self.masks[name] |= np.True_ if mask is None else mask

    def link(self, a: str | None, b: str | None, index: Int | slice = slice(None)) -> None:
        """Channel j of ``b`` is channel ``index[j]`` of ``a``: both stay or both go."""
        if a not in self.masks or b not in self.masks:
            if a in self.masks:
                self.masks[a][index] = True
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
                state = self._state(node)
                if state != self._settled.get(node.name):
                    _spread(node, self)  # it may have more to do where it has changed something
                    self._settled[node.name] = state

    def _state(self, node: Node) -> list[int]:
        """Of how many channels a node's tensors are needed: all that ``_spread`` depends on."""
        names = (*node.inputs, *node.outputs)
        return [int(np.count_nonzero(self.masks[name])) for name in names if name in self.masks]

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


def _spread(node: Node, needs: Needs) -> None:
    """Marks what ``node`` needs of its inputs and, where channels are linked, of its output."""
    assert isinstance(node, Operator)
    ins, outs = needs.graph.ins(node), needs.graph.outs(node)
    if node.VIEW:
        _spread_view(ins[0], outs[0], needs)
        return
    accesses = [node.channel_access(index, ins, outs) for index in range(len(ins))]
    if len(outs) > 1 or all(access is None for access in accesses):
        for name in (*node.inputs, *node.outputs):
            needs.need(name)
        return
    narrowed = node.channel_operands(ins, outs)
    for index, (tensor, access) in enumerate(zip(ins, accesses, strict=True)):
        if tensor is not None and index not in narrowed:
            _spread_input(node, tensor, access, needs)
    needs.need(outs[0].name, _border(ins, accesses, outs[0]))


def _spread_view(source: Tensor | None, target: Tensor, needs: Needs) -> None:
    assert source is not None
    inner, outer = source.layout.pixel_elements, target.layout.pixel_elements
    if outer % inner == 0:
        needs.link(source.name, target.name, np.arange(outer) % inner)
    elif inner % outer == 0:
        needs.link(target.name, source.name, np.arange(inner) % outer)
    else:
        needs.need(source.name)
        needs.need(target.name)


def _spread_input(node: Node, data: Tensor, access: AxisMap | None, needs: Needs) -> None:
    """Marks what ``node`` needs of an input whose channels it reads so."""
    out, channels = needs.graph.outs(node)[0], data.layout.pixel_elements
    match access:
        case Same():
            needs.link(data.name, out.name)
        case Listed(places) if all(len(place) == 1 for place in places):
            needs.link(data.name, out.name, np.array(places)[:, 0])
        case Offset(before) if 0 <= before <= out.layout.pixel_elements - channels:
            needs.link(out.name, data.name, np.arange(before, before + channels))
        case All() if node.name in needs.sums:
            _spread_sums(node, data, needs)
        case Broadcast() | None:
            needs.need(data.name)
        case _:
            needs.need(data.name)
            needs.need(out.name)


def _spread_sums(node: Node, data: Tensor, needs: Needs) -> None:
    """Marks the terms that a layer cannot do without; channels of a flattened input have many."""
    sums, channels = needs.sums[node.name], data.layout.pixel_elements
    if sums.channels % channels:
        needs.need(data.name)
        return
    needed = _needed_terms(node, sums, needs, needs.ranges[data.name].regrouped(sums.channels))
    needs.need(data.name, np.asarray(needed.reshape(-1, channels).any(axis=0)))


def _border(ins: Tensors, accesses: Sequence[AxisMap | None], out: Tensor) -> Mask:
    """[channels] of ``out``, those that read none of the inputs."""
    border = np.ones(out.layout.pixel_elements, dtype=bool)
    for tensor, access in zip(ins, accesses, strict=True):
        match access:
            case None:
                continue
            case Offset(before) if tensor is not None:
                border[max(before, 0) : before + tensor.layout.pixel_elements] = False
            case _:
                border[:] = False
    return border


def _needed_terms(node: Node, sums: WeightedSums, needs: Needs, data: Range) -> Mask:
    """[terms] of a layer that sums over all of its input: those it cannot do without."""
    rows = summing_rows(node, needs)
    used = sums.used[rows]
    offset = data.low - sums.zero_point
    varies = ~data.constant
    needed = used[:, sums.inside].any(axis=(0, 1)) & varies
    needed |= used[:, sums.crossing].any(axis=(0, 1)) & (varies | (offset != 0))
    if needed.all():
        return np.asarray(needed)
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
