"""Interval analysis: the stored values that each channel can take, whatever the input is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.channel_range import Range


def channel_ranges(graph: Graph) -> dict[str, Range]:
    """The range of every int8 tensor; inputs and state can hold anything that has no bounds."""
    ranges = {
        name: _of_tensor(tensor)
        for name, tensor in graph.tensors.items()
        if tensor.dtype is DType.I8
    }
    for node in graph.nodes:
        known = {i: ranges[name] for i, name in enumerate(node.inputs) if name in ranges}
        outs = graph.outs(node)
        assert isinstance(node, Operator)
        found = None
        if 0 in known and len(outs) == 1 and outs[0].name in ranges:
            found = node.channel_range(known, graph.ins(node), outs)
        for out in outs:
            if found is not None:
                ranges[out.name] = found
            elif node.MOVES and out.name in ranges:
                ranges[out.name] = _of_any(list(known.values()), out)
    return ranges


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
