"""Runs an exported network in ``keras.ops``: LiteRT's very integers, of many samples at once.

Sums of products are those of Keras in floating point, where all of them are whole numbers below
2^24, and so exact. Requantization works on integers of 32 bits, as not every back end has longer
ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from keras import ops

from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Activation
from edgebottle.ops.fixed_point import activation_range, quantize_multipliers
from edgebottle.ops.weights import bias_values, operands
from quantize.lowbit.network import (
    INPUT,
    UNCLAMPED,
    Addition,
    AxesMoved,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    MovingWindow,
    NewShape,
    Pool,
    Product,
    SoftmaxOfRows,
    Weighted,
    ZeroBorder,
)
from quantize.lowbit.simulation import Simulation, product_of
from quantize.post.affine import quantized

EXACT = 1 << 24
"""Whole numbers below this are exact in single precision."""

LIMB = 15
"""Bits of the low half of what is multiplied: four such products find room in 32 bits."""

DIGITS = (8, 4, 2)
"""Bits of the digits that weights are cut into where sums would be too large otherwise."""


def integer_values(simulation: Simulation, graph: Graph, values: Array) -> dict[str, Any]:
    """The stored values of everything that a network computes up to its logits, int32.

    Args:
        simulation: Of few bits.
        graph: ``export.integer_network`` of it.
        values: Real inputs, (samples, ...).

    Returns:
        Tensors of Keras, (samples, ...), by the names of steps.
    """
    quant = graph.tensors[INPUT].quant
    assert quant is not None, "everything is int8"
    begun = {INPUT: ops.cast(quantized(values, quant), "int32")}
    return _followed(simulation, graph, begun, simulation.network.steps)


def at_rate(
    simulation: Simulation, graph: Graph, whole: Mapping[str, Any], rate: int
) -> dict[str, Any]:
    """The same where only some groups of channels of a bottleneck are there.

    Args:
        simulation: With a bottleneck on which alone all that follows depends.
        graph: ``export.integer_network`` of it.
        whole: ``integer_values`` with all groups; what lies in front of the bottleneck is the same.
        rate: How many groups are there.
    """
    bottleneck, steps = simulation.bottleneck, simulation.network.steps
    assert bottleneck is not None, "only a bottleneck has rates"
    names = [step.name for step in steps]
    place = names.index(bottleneck.step) + 1
    is_there = np.arange(steps[place - 1].shape[-1]) < bottleneck.channels_at(rate)
    absent = simulation.grids[bottleneck.step].stored()[1]
    known = {name: whole[name] for name in (INPUT, *names[:place])}
    known[bottleneck.step] = ops.where(is_there, whole[bottleneck.step], absent)
    return _followed(simulation, graph, known, steps[place:])


def _followed(
    simulation: Simulation, graph: Graph, known: Mapping[str, Any], steps: Sequence[LayerStep]
) -> dict[str, Any]:
    """What is known, and what the steps behind it compute."""
    found = dict(known)
    for step in steps:
        is_open = f"{step.name}{UNCLAMPED}" in graph.tensors
        made = f"{step.name}{UNCLAMPED}" if is_open else step.name
        result = _computed(step, graph, made, [found[source] for source in step.sources])
        if is_open:
            result = ops.maximum(result, simulation.grids[step.name].levels.lowest)
        found[step.name] = result
    return found


def requantized(sums: Any, multipliers: Array | int, shifts: Array | int) -> Any:
    """``fixed_point.multiply_by_quantized_multiplier`` of sums below 2^30.

    Args:
        sums: int32, (..., channels).
        multipliers: One, or one for each channel.
        shifts: As many.
    """
    places, factor = np.asarray(shifts, np.int32), np.asarray(multipliers, np.int32)
    value = sums * _integers(1 << np.maximum(places, 0))
    # The high half of 2 * value * factor, rounded: what carries from the lower pieces is enough.
    high, low = _halves(value)
    above, below = _integers(factor >> LIMB), _integers(factor & ((1 << LIMB) - 1))
    middle, more = _halves(high * below), _halves(low * above)
    carried = _halves(middle[1] + more[1] + _halves(low * below)[0])[0]
    wide = high * above + middle[0] + more[0] + carried
    value = ops.floor_divide(wide + 1, 2)
    # A shift to the right, halves away from zero.
    divisor = _integers(1 << np.maximum(-places, 0))
    whole = ops.floor_divide(value, divisor)
    threshold = ops.floor_divide(divisor - 1, 2) + ops.cast(value < 0, "int32")
    return whole + ops.cast(value - whole * divisor > threshold, "int32")


def _integers(values: Array | int) -> Any:
    return ops.convert_to_tensor(np.asarray(values, np.int32))


def _halves(value: Any) -> tuple[Any, Any]:
    """What is above the lowest ``LIMB`` bits, and those."""
    high = ops.floor_divide(value, 1 << LIMB)
    return high, value - high * (1 << LIMB)


def _computed(step: LayerStep, graph: Graph, made: str, read: list[Any]) -> Any:
    """What a layer stores in the tensor ``made``; its operator is asked for all numbers."""
    node: Any = graph.producer(made)
    ins, output = graph.ins(node), graph.tensors[made]
    value, data = read[0], graph.tensors[node.inputs[0]]
    if isinstance(step, Weighted):
        return _weighted(step, node, ins, output, value)
    if isinstance(step, Pool):
        return _pooled(step, node, output, value)
    if isinstance(step, Addition):
        return _added(node, ins, output, read)
    if isinstance(step, MeanOfPixels):
        total = ops.sum(value - data.zero_point, axis=(1, 2), keepdims=step.keeps_axes)
        return _stored(requantized(total, *node.rescale(ins, [output])), Activation.NONE, output)
    if isinstance(step, ZeroBorder):
        return _bordered(value, step.border, data.zero_point)
    if isinstance(step, MatrixProduct | SoftmaxOfRows):
        return _referenced(node, ins, output, read)
    if isinstance(step, AxesMoved):
        return ops.transpose(value, node.permutation)
    assert isinstance(step, NewShape), "there are no other steps"
    return ops.reshape(value, (-1, *step.shape))


def _referenced(node: Any, ins: Tensors, output: Tensor, read: list[Any]) -> Any:
    """By the operator's own reference, of all samples as one batch."""
    values = [np.asarray(ops.convert_to_numpy(one)).astype(np.int8) for one in read]
    operands = [_batched(tensor, len(values[0])) for tensor in ins if tensor is not None]
    (result,) = node.reference(values, operands, [_batched(output, len(values[0]))])
    return _integers(result)


def _batched(tensor: Tensor, samples: int) -> Tensor:
    return replace(tensor, shape=(samples, *tensor.shape[1:]))


def _stored(scaled: Any, activation: Activation, output: Tensor) -> Any:
    return ops.clip(scaled + output.zero_point, *activation_range(activation, output))


def _weighted(step: Weighted, node: Any, ins: Tensors, output: Tensor, value: Any) -> Any:
    data, weights, bias = operands(ins)
    added = bias_values(bias, output.shape[-1], data.dtype)
    centred, stored = value - data.zero_point, weights.constant()
    if step.product is Product.DENSE:
        sums = exact_sums(centred, stored.T, step.product, step.window)
        acc = np.asarray(ops.convert_to_numpy(sums), np.int64) + added
        return _integers(node.requantize(acc, ins, output))  # it rounds in double precision
    is_depthwise = step.product is Product.DEPTHWISE
    kernel = stored.reshape(step.kernel.shape) if is_depthwise else np.moveaxis(stored, 0, 3)
    window = MovingWindow(strides=step.window.strides, dilation=step.window.dilation)
    sums = exact_sums(_bordered(centred, node.padding), kernel, step.product, window)
    multipliers = quantize_multipliers(node.scales(ins, output))
    scaled = requantized(sums + _integers(added), *multipliers)
    return _stored(scaled, node.activation, output)


def exact_sums(centred: Any, kernel: Array, product: Product, window: MovingWindow) -> Any:
    """Sums of products, int32: of all digits of the weights, where their sums are too large."""
    axes = tuple(range(kernel.ndim - (2 if product is Product.DEPTHWISE else 1)))
    values, rest = ops.cast(centred, "float32"), kernel.astype(np.int32)
    for bits in DIGITS:
        digits = []
        left = rest
        for _ in range(8 // bits - 1):
            above = (left + (1 << bits - 1)) >> bits
            digits.append(left - (above << bits))
            left = above
        digits.append(left)  # one more than the others may be: 127 is 8 * 16 - 1
        if max(np.abs(one).sum(axis=axes).max() for one in digits) * 255 < EXACT:
            break
    total: Any = 0
    for place, digit in enumerate(digits):
        sums = product_of(values, ops.cast(digit, "float32"), product, window)
        total = total + ops.cast(ops.round(sums), "int32") * (1 << place * bits)
    return total


def _bordered(value: Any, border: tuple[int, int, int, int], outside: int = 0) -> Any:
    top, bottom, left, right = border
    amounts = ((0, 0), (top, bottom), (left, right), (0, 0))
    return ops.pad(value, amounts, constant_values=outside)


def _pooled(step: Pool, node: Any, output: Tensor, value: Any) -> Any:
    low, high = activation_range(node.activation, output)
    if step.is_maximum:
        padded = ops.cast(_bordered(value, node.padding, low), "float32")
        largest = ops.max_pool(padded, step.size, step.window.strides)
        return ops.clip(ops.cast(largest, "int32"), low, high)

    def total(values: Any) -> Any:
        padded = ops.cast(_bordered(values, node.padding), "float32")
        means = ops.average_pool(padded, step.size, step.window.strides)
        return ops.cast(ops.round(means * (step.size[0] * step.size[1])), "int32")

    sums, counts = total(value), total(ops.ones_like(value[:1]))
    rounded = ops.floor_divide(ops.abs(sums) + ops.floor_divide(counts, 2), counts)
    return ops.clip(ops.sign(sums) * rounded, low, high)


def _added(node: Any, ins: Tensors, output: Tensor, read: list[Any]) -> Any:
    sums = node.quantization(ins, [output])
    zeros = [tensor.zero_point for tensor in ins if tensor is not None]
    a, b = (
        requantized((value - zero) * (1 << sums.places), *scaling)
        for value, zero, scaling in zip(read, zeros, (sums.a, sums.b), strict=True)
    )
    return _stored(requantized(a + b, *sums.out), node.activation, output)
