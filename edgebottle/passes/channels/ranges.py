"""Interval analysis: the stored values that each channel can take, whatever the input is."""

from __future__ import annotations

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
        if 0 not in known or len(outs) != 1 or outs[0].name not in ranges:
            continue
        assert isinstance(node, Operator)
        found = node.channel_range(known, graph.ins(node), outs)
        if found is not None:
            ranges[outs[0].name] = found
    return ranges


def _of_tensor(tensor: Tensor) -> Range:
    channels = tensor.layout.pixel_elements
    if tensor.bounds is not None:
        return Range.between(*tensor.bounds, channels)
    if tensor.data is None:
        return Range.anything(channels)
    values = tensor.data.astype(np.int64).reshape(-1, channels)
    return Range(values.min(axis=0), values.max(axis=0))
