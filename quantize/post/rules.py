"""How the int8 arithmetic of an operator takes its tensors: asked of the operator, not of a list.

A rule is tried: the operator's own check has to accept int8 tensors of certain scales, and its own
int8 reference has to agree with its float reference to a few steps. MAXIMUM compares what is
stored, so it fails with a scale for each tensor and passes with one for all; PAD and pools do too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Tensor, Tensors
from edgebottle.ops.base import Operator, one_node_graph
from edgebottle.ops.weighted_sums import FilterOperands, ProductOperands, RecurrentOperands
from quantize.post.affine import Bounds, dequantized, quant_of, quantized
from quantize.post.weights import stored_bias

MAX_MEAN_STEPS = 1.5
"""Mean difference of the two references, in steps of the output, that is rounding."""

LEAST_EQUAL = 0.9
"""Of the answers of operators that give no real numbers (ARG_MAX, comparisons), up to rounding."""

ZEROS = 0.25
"""Of the values that are tried: zero is stored as something else."""

SPREAD = 0.3
"""Each further tensor is tried with a range so much wider, so that no two scales are equal."""


class Scales(Enum):
    """What int8 arithmetic asks of the scales of an operator's tensors."""

    UNTOUCHED = "has no floating-point tensors"
    FREE = "each tensor has a scale of its own"
    SHARED = "all tensors have the same scale"
    WEIGHTED = "weights have scales of their own, biases those of the sums"
    RECURRENT = "weights have one scale each, the last output that of the output, cells 16 bits"
    FILTERED = "weights have one scale each; those by age, and the results they weigh, 16 bits"
    FLOAT = "has no int8 form"


@dataclass(frozen=True)
class QuantRule:
    """How an operator is quantized.

    Attributes:
        kind: See ``Scales``.
        output: The quantization that the output must have, None where it is free.
        weights: Index of the input that holds weights; only of ``WEIGHTED``.
        bias: Index of the input that holds, or could hold, biases.
        axis: The axis of the weights' output channels.
        per_channel: Whether each output channel may have a scale of its own.
        factors: Inputs whose scales make, multiplied, that of the biases; only where weights are
            computed at run time.
    """

    kind: Scales
    output: Quant | None = None
    weights: int = -1
    bias: int = -1
    axis: int = 0
    per_channel: bool = True
    factors: tuple[int, int] | None = None


def rule_of(
    node: Node, ins: Tensors, outs: Sequence[Tensor], bounds: Mapping[str, Bounds]
) -> QuantRule:
    """The first rule that an operator's arithmetic follows.

    Args:
        node: An operator of a float graph.
        ins: Its input tensors.
        outs: Its output tensors.
        bounds: Real ranges of the tensors that are computed at run time.
    """
    tensors = [tensor for tensor in (*ins, *outs) if tensor is not None]
    if not any(tensor.dtype is DType.F32 for tensor in tensors):
        return QuantRule(Scales.UNTOUCHED)
    if isinstance(node, Operator) and isinstance(node.other_operands(), RecurrentOperands):
        return QuantRule(Scales.RECURRENT)
    if isinstance(node, Operator) and isinstance(node.other_operands(), FilterOperands):
        return QuantRule(Scales.FILTERED)
    if node.assigned is not None:
        return QuantRule(Scales.SHARED)
    if not isinstance(node, Operator) or node.state_inputs:
        return QuantRule(Scales.FLOAT)
    for rule in (
        *_weighted_rules(node, ins),
        *_product_rules(node, ins),
        QuantRule(Scales.FREE, node.INT8_OUTPUT),
        QuantRule(Scales.SHARED),
    ):
        try:
            if _Trial(node, ins, outs, bounds).passes(rule):
                return rule
        except UnsupportedOp:
            continue
    return QuantRule(Scales.FLOAT)


def int8_layer(
    node: Node,
    ins: Tensors,
    outs: Sequence[Tensor],
    bounds: Mapping[str, Bounds],
    rule: QuantRule,
) -> Graph:
    """The layer alone in int8, as its rule says; of weights only zeros.

    Args:
        node: An operator of a float graph.
        ins: Its input tensors.
        outs: Its output tensors.
        bounds: Real ranges of the tensors that are computed at run time.
        rule: Its rule, by which it has an int8 form.
    """
    assert isinstance(node, Operator), "only operators have rules"
    trial = _Trial(node, ins, outs, bounds)
    new_ins, new_outs = trial.tensors(rule)
    made = retyped(node, ins, outs, new_ins, new_outs)
    tensors = [tensor for tensor in (*new_ins, *new_outs) if tensor is not None]
    return one_node_graph("layer", made, tensors)


def _weighted_rules(node: Operator, ins: Tensors) -> list[QuantRule]:
    """A scale for each output channel, or else one for all weights."""
    places = node.weighted_operands()
    tensor = None if places is None else ins[places.weights]
    if places is None or tensor is None or tensor.data is None:
        return []
    where = (places.weights, places.bias, places.axis)
    return [QuantRule(Scales.WEIGHTED, None, *where, per_channel) for per_channel in (True, False)]


def _product_rules(node: Operator, ins: Tensors) -> list[QuantRule]:
    """Computed weights have a scale like other values; the biases have that of the sums."""
    places = node.other_operands()
    if (
        not isinstance(places, ProductOperands)
        or places.bias >= len(ins)
        or ins[places.bias] is None
    ):
        return []
    return [QuantRule(Scales.FREE, bias=places.bias, factors=places.factors)]


@dataclass(frozen=True)
class _Trial:
    """Tries rules on one operator."""

    node: Operator
    ins: Tensors
    outs: Sequence[Tensor]
    bounds: Mapping[str, Bounds]

    def passes(self, rule: QuantRule) -> bool:
        """Whether the operator follows ``rule``; raises ``UnsupportedOp`` where it refuses to."""
        ins, outs = self.tensors(rule)
        node = retyped(self.node, self.ins, self.outs, ins, outs)
        node.check(ins, outs)
        return rule.kind is Scales.WEIGHTED or self._agrees(node, ins, outs)

    def tensors(self, rule: QuantRule) -> tuple[list[Tensor | None], list[Tensor]]:
        """The int8 tensors of a rule; weights and biases are zeros."""
        ranges = self._ranges(rule)
        ins = [
            self._zeros(tensor, index, rule)
            if tensor is not None and index in (rule.weights, rule.bias)
            else None
            if tensor is None
            else self._int8(tensor, ranges)
            for index, tensor in enumerate(self.ins)
        ]
        if rule.factors is not None:
            ins[rule.bias] = self._product_bias(rule, ins)
        return ins, [self._int8(tensor, ranges, rule.output) for tensor in self.outs]

    def _product_bias(self, rule: QuantRule, ins: Tensors) -> Tensor:
        """The biases in the scale of the sums."""
        bias = self.ins[rule.bias]
        assert bias is not None and rule.factors is not None
        quant = product_quant(rule.factors, ins)
        data = stored_bias(bias.constant(), np.array(quant.scale), 1.0)
        return replace(bias, dtype=DType.I32, quant=quant, data=data)

    def _ranges(self, rule: QuantRule) -> dict[str, Bounds]:
        tensors = [t for t in (*self.ins, *self.outs) if t is not None and t.dtype is DType.F32]
        own = {tensor.name: self._range(tensor) for tensor in tensors}
        if rule.kind is Scales.SHARED:
            low = min(bounds[0] for bounds in own.values())
            high = max(bounds[1] for bounds in own.values())
            return dict.fromkeys(own, (low, high))
        wider = {name: 1 + SPREAD * number for number, name in enumerate(own, start=1)}
        return {name: (low * wider[name], high * wider[name]) for name, (low, high) in own.items()}

    def _range(self, tensor: Tensor) -> Bounds:
        if tensor.data is not None:
            low, high = float(tensor.data.min(initial=0)), float(tensor.data.max(initial=0))
        else:
            low, high = self.bounds[tensor.name]
        return (low, high) if high > low else (0.0, 1.0)

    def _int8(
        self, tensor: Tensor, ranges: Mapping[str, Bounds], fixed: Quant | None = None
    ) -> Tensor:
        if tensor.dtype is not DType.F32:
            return tensor
        quant = fixed or quant_of(ranges[tensor.name])
        data = None if tensor.data is None else quantized(tensor.data, quant)
        return replace(tensor, dtype=DType.I8, quant=quant, data=data)

    def _zeros(self, tensor: Tensor, index: int, rule: QuantRule) -> Tensor:
        """Weights or biases: the checks of real ones are made when those are known."""
        dtype = DType.I8 if index == rule.weights else DType.I32
        count = self.outs[0].shape[-1] if rule.per_channel else 1
        axis = (rule.axis if index == rule.weights else 0) if rule.per_channel else None
        quant = Quant((1e-3,) * count, (0,) * count, axis)
        return replace(tensor, dtype=dtype, quant=quant, data=np.zeros(tensor.shape, dtype.numpy))

    def _agrees(self, node: Operator, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        generator = np.random.default_rng(0)
        stored: list[Array | None] = []
        real: list[Array | None] = []
        for tensor, own in zip(ins, self.ins, strict=True):
            if tensor is None or own is None or own.dtype is not DType.F32:
                value = None if tensor is None else _some_value(tensor, generator)
                stored.append(value)
                real.append(value)
                continue
            assert tensor.quant is not None
            value = tensor.data
            if value is None:
                low, high = self._range(own)
                reals = generator.uniform(low, high, tensor.shape)
                reals *= generator.uniform(size=tensor.shape) > ZEROS
                value = quantized(reals, tensor.quant)
            stored.append(value)
            real.append(dequantized(value, tensor.quant))
        expected = self.node.reference(real, self.ins, self.outs)
        results = node.reference(stored, ins, outs)
        return all(
            float(np.mean(result == wanted)) > LEAST_EQUAL
            if out.quant is None
            else _mean_steps(dequantized(result, out.quant), wanted, out) < MAX_MEAN_STEPS
            for result, wanted, out in zip(results, expected, outs, strict=True)
        )


def product_quant(factors: tuple[int, int], ins: Tensors) -> Quant:
    """The quantization of the sums of products of two operands."""
    scales = [np.float32(each.scale) for index in factors if (each := ins[index]) is not None]
    return Quant((float(scales[0] * scales[1]),), (0,))


def _some_value(tensor: Tensor, generator: np.random.Generator) -> Array:
    """A constant's value, any truths, or indices of which every axis has some."""
    if tensor.data is not None:
        return tensor.data
    values = 2 if tensor.dtype is DType.BOOL else 1
    return generator.integers(0, values, tensor.shape).astype(tensor.dtype.numpy)


def _mean_steps(result: Array, wanted: Array, out: Tensor) -> float:
    """Mean difference in steps of the values that are not zero, of those the output can hold."""
    low, high = dequantized(np.array([-128, 127], np.int8), out.quant)
    finite = np.isfinite(wanted)
    if finite.mean() < 0.5:  # too little is known
        return float("inf")
    some = finite & ((result != 0) | (wanted != 0))
    difference = np.abs(result - np.clip(wanted, low, high))[some] / np.float32(out.scale)
    return float(np.mean(difference)) if difference.size else 0.0


def retyped(
    node: Operator,
    ins: Tensors,
    outs: Sequence[Tensor],
    new_ins: Tensors,
    new_outs: Sequence[Tensor],
) -> Operator:
    """The same operator on other tensors, read anew: attributes may repeat constants.

    Args:
        node: The operator.
        ins: Its inputs so far.
        outs: Its outputs so far.
        new_ins: The inputs that it gets, as many.
        new_outs: The outputs that it gets.
    """
    options = node.to_tflite(ins, outs)
    inputs = tuple(None if tensor is None else tensor.name for tensor in new_ins)
    outputs = tuple(tensor.name for tensor in new_outs)
    return type(node).from_tflite(node.name, inputs, outputs, new_ins, new_outs, options)
