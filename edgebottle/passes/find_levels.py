"""Finds weights whose values are few, and in arithmetic progression: kernels may pack them."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ir.levels import levels_of
from edgebottle.ops.base import Operator

LEAST_SAVED = 32
"""Bytes: fewer are not worth a kernel of their own."""


def find_levels(graph: Graph) -> Graph:
    """Says of all int8 weights what progression their values lie in, where that saves bytes."""
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        weighted = node.weighted_operands() if isinstance(node, Operator) else None
        name = node.inputs[weighted.weights] if weighted else None
        if name is not None:
            tensors[name] = _with_levels(tensors[name])
    return replace(graph, tensors=tensors)


def without_levels(graph: Graph) -> Graph:
    """The graph whose weights are all stored as int8."""
    if all(tensor.levels is None for tensor in graph.tensors.values()):
        return graph
    plain = {name: replace(tensor, levels=None) for name, tensor in graph.tensors.items()}
    return replace(graph, tensors=plain)


def _with_levels(tensor: Tensor) -> Tensor:
    if tensor.dtype is not DType.I8 or tensor.data is None:
        return tensor
    levels = levels_of(tensor.data)
    if levels is None or tensor.size * (8 - levels.bits) // 8 < LEAST_SAVED:
        return tensor
    return replace(tensor, levels=levels)
