"""Interval analysis: the stored values that each channel can take, whatever the input is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ir.remembered import Remembered
from edgebottle.ops.base import Operator
from edgebottle.ops.channel_range import Range

REMEMBERED = 512
"""Layers and tensors whose ranges are remembered: passes and planner ask for the same ones."""


_layers = Remembered[Range | None](REMEMBERED)
_tensors = Remembered[Range](REMEMBERED)


def channel_ranges(graph: Graph) -> dict[str, Range]:
    """The range of every int8 tensor; inputs and state can hold anything that has no bounds."""
    ranges = {
        name: _range_of_tensor(tensor)
        for name, tensor in graph.tensors.items()
        if tensor.dtype is DType.I8
    }
    for node in graph.nodes:
        known = {i: ranges[name] for i, name in enumerate(node.inputs) if name in ranges}
        outs = graph.outs(node)
        assert isinstance(node, Operator)
        found = None
        if 0 in known and len(outs) == 1 and outs[0].name in ranges:
            found = _range_of_layer(node, known, graph, outs)
        for out in outs:
            if found is not None:
                ranges[out.name] = found
            elif node.MOVES and out.name in ranges:
                ranges[out.name] = _of_any(list(known.values()), out)
    return ranges


def _range_of_layer(
    node: Operator, known: Mapping[int, Range], graph: Graph, outs: Sequence[Tensor]
) -> Range | None:
    """``Operator.channel_range``, remembered."""
    ins = graph.ins(node)
    objects = (node, *known.values(), *(tensor.data for tensor in ins if tensor is not None))
    kinds = tuple(one and (one.shape, one.dtype, one.quant, one.bounds) for one in (*ins, *outs))
    return _layers.of(objects, (*known, *kinds), lambda: node.channel_range(known, ins, outs))


def _range_of_tensor(tensor: Tensor) -> Range:
    """``_of_tensor``, remembered."""
    about = tensor.bounds, tensor.layout.pixel_elements
    return _tensors.of((tensor.data,), about, lambda: _of_tensor(tensor))


def _of_any(parts: Sequence[Range], out: Tensor) -> Range:
    """The values of what is moved from anywhere to anywhere."""
    low, high = min(int(one.low.min()) for one in parts), max(int(one.high.max()) for one in parts)
    return Range.between(low, high, out.layout.pixel_elements)


def _of_tensor(tensor: Tensor) -> Range:
    channels = tensor.layout.pixel_elements
    if tensor.bounds is not None:
        return Range.between(*tensor.bounds, channels)
    if tensor.data is None:
        return Range.anything(channels)
    values = tensor.data.astype(np.int64).reshape(-1, channels)
    return Range(values.min(axis=0), values.max(axis=0))
