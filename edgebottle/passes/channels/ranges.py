"""Interval analysis: the stored values that each channel can take, whatever the input is.

Everything goes through the reference arithmetic of the operators, so a channel whose interval is
one value holds just that value in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce, singledispatch
from itertools import product

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Int, Mask, Node, Tensor, Tensors
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.fixed_point import (
    activation_range,
    effective_scales,
    quantize_multipliers,
    wrap_int32,
)
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.mean import Mean
from edgebottle.ops.pad import Pad
from edgebottle.ops.pooling import Pool2D
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgebottle.ops.table import ActivationOperator, all_values, integer_range
from edgebottle.ops.transpose import Transpose

LOWEST, HIGHEST = integer_range(DType.I8)
INT32 = integer_range(DType.I32)


@dataclass(frozen=True)
class Range:
    """The values of a tensor's channels.

    Attributes:
        low: [channels], int64, the lowest stored value anywhere in the channel.
        high: [channels], the highest.
    """

    low: Int
    high: Int

    @property
    def constant(self) -> Mask:
        """[channels], those that hold one value everywhere."""
        return np.asarray(self.low == self.high)

    def regrouped(self, channels: int) -> Range:
        """The range when the same bytes are read with another number of channels."""
        if channels % self.low.size == 0:
            repeats = channels // self.low.size
            return Range(np.tile(self.low, repeats), np.tile(self.high, repeats))
        width = channels if self.low.size % channels == 0 else 1
        low, high = (
            self.low.reshape(-1, width).min(axis=0),
            self.high.reshape(-1, width).max(axis=0),
        )
        return Range(*(np.broadcast_to(bound, channels) for bound in (low, high)))

    def hull(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def clipped(self, low: int, high: int) -> Range:
        """The range after a clamp."""
        return Range(np.clip(self.low, low, high), np.clip(self.high, low, high))


def channels_of(tensor: Tensor) -> int:
    """Length of the last axis; 1 for a scalar."""
    return tensor.shape[-1] if tensor.shape else 1


def channel_ranges(graph: Graph) -> dict[str, Range]:
    """The range of every int8 tensor; inputs and state can hold anything."""
    ranges: dict[str, Range] = {}
    for name, tensor in graph.tensors.items():
        if tensor.dtype is DType.I8:
            ranges[name] = _anything(tensor) if tensor.data is None else _of_constant(tensor)
    for node in graph.nodes:
        ins, outs = graph.ins(node), graph.outs(node)
        known = [ranges.get(name) for name in node.inputs if name is not None]
        if len(outs) != 1 or outs[0].name not in ranges or not known or known[0] is None:
            continue
        found = _range(node, ins, outs[0], [ranges.get(name or "") for name in node.inputs])
        if found is not None:
            ranges[outs[0].name] = found
    return ranges


def _anything(tensor: Tensor) -> Range:
    return _between(tensor, LOWEST, HIGHEST)


def _between(tensor: Tensor, low: int, high: int) -> Range:
    channels = channels_of(tensor)
    return Range(np.full(channels, low, np.int64), np.full(channels, high, np.int64))


def _of_constant(tensor: Tensor) -> Range:
    values = tensor.constant().astype(np.int64).reshape(-1, channels_of(tensor))
    return Range(values.min(axis=0), values.max(axis=0))


Operands = Sequence[Range | None]


@singledispatch
def _range(node: Node, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    """The range of output 0, given those of the inputs; None where nothing is known."""
    first = operands[0]
    assert first is not None
    if getattr(node, "VIEW", False):
        return first.regrouped(channels_of(out))
    return None


@_range.register(Convolution)
@_range.register(FullyConnected)
def _weighted(
    node: Convolution | FullyConnected, ins: Tensors, out: Tensor, operands: Operands
) -> Range | None:
    sums, data = node.weighted_sums(ins, (out,)), operands[0]
    assert sums is not None and data is not None
    seen = data.regrouped(sums.channels)
    low, high = sums.bounds(seen.low, seen.high)
    shift: Int | int = 0
    if isinstance(node, Convolution):
        _, shift = quantize_multipliers(effective_scales(*_two(ins), out))
    known = (low == high) | _fits_int32(low, high, shift)
    stored = Range(*(node.requantize(wrap_int32(end), ins, out) for end in (low, high)))
    return _where(known, stored, _between(out, *activation_range(node.activation, out)))


def _two(ins: Tensors) -> tuple[Tensor, Tensor]:
    first, second = ins[:2]
    assert first is not None and second is not None
    return first, second


def _fits_int32(low: Int, high: Int, shift: Int | int) -> Mask:
    """Where requantization grows with its argument: nothing from low to high leaves int32.

    Args:
        low: Lowest accumulators.
        high: Highest.
        shift: Places they are shifted to the left before anything else, if positive.
    """
    places = np.maximum(np.asarray(shift, dtype=np.int64), 0)
    least, most = INT32
    fits = (low >= least) & (high <= most)
    return np.asarray(fits & (low >= -(-least >> places)) & (high <= most >> places))


def _where(mask: Mask, yes: Range, no: Range) -> Range:
    low, high = np.where(mask, yes.low, no.low), np.where(mask, yes.high, no.high)
    return Range(low.astype(np.int64), high.astype(np.int64))


@_range.register
def _binary(node: BinaryOperator, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    """Sums, differences and products take their extremes where both operands take theirs."""
    a, b = operands
    if a is None or b is None:
        return None
    corners = [
        node.reference((left.astype(np.int8), right.astype(np.int8)), ins, (out,))[0]
        for left, right in product((a.low, a.high), (b.low, b.high))
    ]
    stacked = np.stack(corners).astype(np.int64)
    return Range(stacked.min(axis=0), stacked.max(axis=0))


@_range.register(ActivationOperator)
@_range.register(Quantize)
def _table(node: Node, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    """Any function of single values: what it makes of those in the interval."""
    data = operands[0]
    assert data is not None
    every = all_values(DType.I8).astype(np.int8)
    results = node.reference((every,), ins, (out,))[0].astype(np.int64)
    pieces = [
        results[low - LOWEST : high - LOWEST + 1]
        for low, high in zip(data.low, data.high, strict=True)
    ]
    bounds = ([fold(piece) for piece in pieces] for fold in (np.min, np.max))
    return Range(*(np.array(bound, dtype=np.int64) for bound in bounds))


@_range.register
def _pool(node: Pool2D, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    """Padding is not counted, and a rounded mean of integers stays between them."""
    data = operands[0]
    assert data is not None
    return data.clipped(*activation_range(node.activation, out))


@_range.register
def _mean(node: Mean, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    data, source = operands[0], ins[0]
    assert data is not None and source is not None
    if len(source.shape) - 1 in node.axes:
        return None
    count = int(np.prod([source.shape[axis] for axis in node.axes], dtype=np.int64))
    low, high = (count * (bound - source.zero_point) for bound in (data.low, data.high))
    known = data.constant | _fits_int32(low, high, node.rescale(ins, (out,))[1])
    ends = []
    for bound in (data.low, data.high):
        value = np.broadcast_to(bound.astype(np.int8), source.shape)
        ends.append(node.reference((value,), ins, (out,))[0].reshape(-1, bound.size)[0])
    return _where(known, Range(*ends), _anything(out))


@_range.register
def _concatenation(
    node: Concatenation, ins: Tensors, out: Tensor, operands: Operands
) -> Range | None:
    parts = [part for part in operands if part is not None]
    if len(parts) < len(operands):
        return None
    if node.axis == len(out.shape) - 1:
        lows, highs = [part.low for part in parts], [part.high for part in parts]
        return Range(np.concatenate(lows), np.concatenate(highs))
    return reduce(Range.hull, parts)


@_range.register
def _pad(node: Pad, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    data = operands[0]
    assert data is not None
    value = int(node.value(out))
    border = Range(*(np.full(data.low.size, value, np.int64),) * 2)
    if any(amount for pair in node.paddings[:-1] for amount in pair):
        data = data.hull(border)
    ends = [
        np.pad(bound, node.paddings[-1], constant_values=value) for bound in (data.low, data.high)
    ]
    return Range(*ends)


@_range.register
def _resize(
    node: ResizeNearestNeighbor, ins: Tensors, out: Tensor, operands: Operands
) -> Range | None:
    return operands[0]


@_range.register
def _transpose(node: Transpose, ins: Tensors, out: Tensor, operands: Operands) -> Range | None:
    axes = node.permutation
    return operands[0] if axes[-1] == len(axes) - 1 else None
