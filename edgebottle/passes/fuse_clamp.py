"""Moves clamps of stored values, such as MINIMUM and MAXIMUM with a constant, into their producer.

So it costs no layer to give a tensor few values, as networks of low bits do.
"""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import Operator
from edgebottle.ops.maximum import Extreme
from edgebottle.ops.relu import Relu
from edgebottle.ops.table import integer_range
from edgebottle.passes.rewrite import Rewrite, is_view

Bounds = tuple[int, int]


def fuse_clamp(graph: Graph) -> Graph:
    """The producer clamps its own output to ``Tensor.bounds``, through views that lie between.

    Exact where the clamp does not rescale (input and output quantized alike) and nothing else
    reads what is not clamped. LiteRT compares values as they are stored, whatever the constant's
    quantization says.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        clamp = _clamp(rewrite, node)
        if clamp is None:
            continue
        source, bounds = clamp
        chain = _chain(rewrite, source)
        made = rewrite.tensors[chain[0]]
        maker = rewrite.producer(made.name)
        before = maker.clamp(made) if isinstance(maker, Operator) else None
        if before is None or not all(map(rewrite.is_read_once, chain)):
            continue
        (target,) = node.outputs
        for name in (*chain[:-1], target):
            rewrite.tensors[name] = replace(rewrite.tensors[name], bounds=_clipped(before, bounds))
        rewrite.remove(node)
        last = rewrite.producer(source)
        assert last is not None
        rewrite.put(replace(last, outputs=(target,)))
    return rewrite.graph()


def _clamp(rewrite: Rewrite, node: Node) -> tuple[str, Bounds] | None:
    """What a layer clamps, and to what; None for a layer that does not only clamp."""
    if not isinstance(node, Relu | Extreme):
        return None
    (output,) = rewrite.outs(node)
    operands = [
        tensor for tensor in rewrite.ins(node) if tensor is not None and tensor.data is None
    ]
    if len(operands) != 1 or not _is_same(operands[0], output):
        return None
    bounds = node.clamp(output)
    assert bounds is not None
    if isinstance(node, Extreme):
        (limit,) = (
            one.data for one in rewrite.ins(node) if one is not None and one.data is not None
        )
        if limit.min() != limit.max():
            return None
        lowest, highest = integer_range(output.dtype)
        value = int(limit.min())
        bounds = _clipped((value, highest) if node.LARGER else (lowest, value), bounds)
    return operands[0].name, bounds


def _is_same(source: Tensor, output: Tensor) -> bool:
    """Whether a clamp neither broadcasts nor rescales."""
    same = (source.shape, source.dtype, source.quant) == (output.shape, output.dtype, output.quant)
    return same and output.dtype in (DType.I8, DType.I16)


def _clipped(bounds: Bounds, to: Bounds) -> Bounds:
    """The bounds of what is clamped to ``bounds``, then ``to``."""
    low, high = (min(max(bound, to[0]), to[1]) for bound in bounds)
    return low, high


def _chain(rewrite: Rewrite, name: str) -> list[str]:
    """The tensors of the same bytes up to ``name``, the one that a layer computes first."""
    maker = rewrite.producer(name)
    if maker is None or not is_view(maker) or maker.inputs[0] is None:
        return [name]
    return [*_chain(rewrite, maker.inputs[0]), name]
