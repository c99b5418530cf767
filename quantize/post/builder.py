"""Builds the integer graph: int8 tensors, stored weights, conversions where they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Tensor, unused_name
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Activation, Operator
from edgebottle.ops.weighted_sums import FilterOperands, RecurrentOperands
from edgebottle.passes import rewrite
from quantize.post.affine import (
    HIGH,
    LOW,
    cell_quant,
    dequantized,
    quant_of,
    quantized,
    results_quant,
    symmetric_quant,
    time_quant,
)
from quantize.post.grouping import ChosenQuant
from quantize.post.layers import WeightedLayer
from quantize.post.rules import QuantRule, Scales, product_quant, retyped
from quantize.post.weights import Weights, stored_bias


@dataclass(frozen=True)
class StoredLayer:
    """What a layer with weights stores.

    Attributes:
        layer: The layer of the float graph.
        weights: Its real weights and their scales.
        stored: int8, (channels, products).
        bias: Its real biases, corrected.
    """

    layer: WeightedLayer
    weights: Weights
    stored: Array
    bias: Array


def build(
    graph: Graph,
    rules: Mapping[str, QuantRule],
    chosen: Mapping[str, ChosenQuant],
    layers: Mapping[str, StoredLayer],
    *,
    float_io: bool = False,
) -> Graph:
    """The integer graph of a float one.

    A tensor that a layer computes keeps its name, be it in int8 or in floating point.

    Args:
        graph: The float graph.
        rules: Of each node, by its name.
        chosen: The quantization of each tensor.
        layers: The layers with weights, by the name of their node.
        float_io: Inputs and outputs stay in floating point, with conversions behind and before.

    Raises:
        UnsupportedOp: an operator cannot work with these scales.
    """
    builder = _Builder(graph, rules, chosen, layers)
    builder.add_variables()
    for name in graph.inputs:
        builder.add_input(name, as_float=float_io)
    for node in graph.nodes:
        builder.add(node)
    result = builder.finish(float_io=float_io)
    verify(result, "quantize")
    return result


class _Builder:
    """Adds nodes one by one, and conversions before the first that needs one."""

    def __init__(
        self,
        graph: Graph,
        rules: Mapping[str, QuantRule],
        chosen: Mapping[str, ChosenQuant],
        layers: Mapping[str, StoredLayer],
    ) -> None:
        self._graph, self._rules, self._chosen, self._layers = graph, rules, chosen, layers
        self._tensors: dict[str, Tensor] = {}
        self._nodes: list[Node] = []
        self._inputs: list[str] = []
        self._int8: dict[tuple[str, Quant], str] = {}
        self._float: dict[str, str] = {}
        self._taken = {*graph.tensors, *(node.name for node in graph.nodes)}

    def add_input(self, name: str, *, as_float: bool) -> None:
        """An input of the network: what it has of floating point becomes int8."""
        tensor = self._graph.tensors[name]
        if tensor.dtype is DType.F32 and not as_float:
            self._put_int8(tensor, name)
        else:
            self._tensors[name] = tensor
            self._float[name] = name
        self._inputs.append(name)

    def add_variables(self) -> None:
        """The variables that are assigned: those of floating point become int8."""
        for node in self._graph.nodes:
            if node.assigned is None:
                continue
            for index in node.state_inputs:
                tensor = self._graph.tensors[str(node.inputs[index])]
                if self._rules[node.name].kind is not Scales.SHARED:
                    self._keep(tensor)
                    continue
                quant = self._chosen[tensor.name].quant
                first = None if tensor.initial is None else quantized(tensor.initial, quant)
                stored = replace(self._put_int8(tensor, tensor.name), state=True, initial=first)
                self._tensors[tensor.name] = stored

    def add(self, node: Node) -> None:
        """A node, quantized as its rule says."""
        rule = self._rules[node.name]
        ins, outs = self._graph.ins(node), self._graph.outs(node)
        if rule.kind in (Scales.FLOAT, Scales.UNTOUCHED):
            inputs = tuple(None if one is None else self._as_float(one) for one in ins)
            for tensor in outs:
                self._keep(tensor)
            self._nodes.append(replace(node, inputs=inputs))
            return
        if rule.kind is Scales.RECURRENT:
            self._add_recurrent(node)
            return
        if rule.kind is Scales.FILTERED:
            self._add_filters(node)
            return
        if node.assigned is not None:
            self._add_assignment(node, node.assigned)
            return
        if rule.kind is Scales.WEIGHTED:
            new_ins = self._weighted_operands(node, rule)
        else:
            common = self._chosen[outs[0].name].quant if rule.kind is Scales.SHARED else None
            biases = ins[rule.bias] if rule.factors else None
            new_ins = [
                None if one is None or one is biases else self._operand(one, common) for one in ins
            ]
            if biases is not None and rule.factors is not None:
                new_ins[rule.bias] = self._product_bias(biases, rule.factors, new_ins)
        new_outs = [
            self._put_int8(tensor, tensor.name) if tensor.dtype is DType.F32 else self._keep(tensor)
            for tensor in outs
        ]
        self._nodes.append(retyped(node, ins, outs, new_ins, new_outs))  # type: ignore[arg-type]

    def finish(self, *, float_io: bool) -> Graph:
        """The graph."""
        outputs = []
        for name in self._graph.outputs:
            tensor = self._graph.tensors[name]
            if tensor.dtype is not DType.F32:
                outputs.append(name)
            elif float_io:
                outputs.append(self._as_float(tensor))
            else:
                outputs.append(self._as_int8(tensor, self._chosen[name].quant).name)
        graph = replace(self._graph, nodes=(), inputs=tuple(self._inputs), outputs=tuple(outputs))
        return graph.with_nodes(self._nodes, self._tensors)

    def _unused(self, name: str) -> str:
        name = unused_name(name, self._taken)
        self._taken.add(name)
        return name

    def _keep(self, tensor: Tensor) -> Tensor:
        self._tensors[tensor.name] = tensor
        self._float[tensor.name] = tensor.name
        return tensor

    def _put_int8(self, tensor: Tensor, name: str) -> Tensor:
        quant = self._chosen[tensor.name].quant
        new = Tensor(name, tensor.shape, DType.I8, quant)
        self._tensors[name] = new
        self._int8[tensor.name, quant] = name
        return new

    def _operand(self, tensor: Tensor, common: Quant | None) -> Tensor:
        """An operand of an int8 operator, in its own scale or in the ``common`` one."""
        if tensor.dtype is not DType.F32:
            return self._keep(tensor)
        if tensor.data is None:
            return self._as_int8(tensor, common or self._chosen[tensor.name].quant)
        quant = common or _constant_quant(tensor, self._chosen)
        name = self._unused(f"{tensor.name}_int8")
        new = Tensor(name, tensor.shape, DType.I8, quant, quantized(tensor.data, quant))
        self._tensors[name] = new
        return new

    def _as_int8(self, tensor: Tensor, quant: Quant) -> Tensor:
        """A computed tensor in int8 of a scale; converted at its first use."""
        if (tensor.name, quant) in self._int8:
            return self._tensors[self._int8[tensor.name, quant]]
        own = self._int8.get((tensor.name, self._chosen[tensor.name].quant))
        source = own or self._float[tensor.name]
        name = self._unused(f"{tensor.name}_{'int8' if own is None else 'rescaled'}")
        new = Tensor(name, tensor.shape, DType.I8, quant)
        self._tensors[name] = new
        self._nodes.append(rewrite.stored(name, source, name))
        self._int8[tensor.name, quant] = name
        return new

    def _as_float(self, tensor: Tensor) -> str:
        """A tensor in floating point (or of integers, as it is); converted at its first use."""
        is_own = tensor.state and tensor.name not in self._tensors  # no variable that is assigned
        if tensor.data is not None or is_own or tensor.dtype is not DType.F32:
            return self._keep(tensor).name
        if tensor.name not in self._float:
            source = self._int8[tensor.name, self._chosen[tensor.name].quant]
            name = self._unused(f"{tensor.name}_float")
            self._tensors[name] = Tensor(name, tensor.shape, DType.F32)
            self._nodes.append(rewrite.real(name, source, name))
            self._float[tensor.name] = name
        return self._float[tensor.name]

    def _add_assignment(self, node: Node, assigned: int) -> None:
        """A variable's new value, in the scale of the variable."""
        (output,) = self._graph.outs(node)
        value = self._graph.ins(node)[assigned]
        (state,) = (str(node.inputs[index]) for index in node.state_inputs)
        assert value is not None, "it is there"
        quant = self._chosen[state].quant
        inputs = list(node.inputs)
        inputs[assigned] = self._operand(value, quant).name
        self._tensors[output.name] = Tensor(output.name, output.shape, DType.I8, quant)
        self._int8[output.name, quant] = output.name
        self._nodes.append(replace(node, inputs=tuple(inputs)))

    def _add_recurrent(self, node: Node) -> None:
        """A layer of cells in int8: weights and biases with one scale each, cells of 16 bits."""
        assert isinstance(node, Operator), "only operators have rules"
        places = node.other_operands()
        assert isinstance(places, RecurrentOperands), "its rule says that it has them"
        (output,) = self._graph.outs(node)
        quant = self._chosen[output.name].quant
        ins: list[Tensor | None] = list(self._graph.ins(node))
        for index in (places.hidden, places.cells):
            tensor = ins[index]
            assert tensor is not None, "both states are there"
            is_cells = index == places.cells
            own = cell_quant(self._chosen[tensor.name].quant) if is_cells else quant
            dtype = DType.I16 if is_cells else DType.I8
            ins[index] = self._tensors[tensor.name] = replace(tensor, dtype=dtype, quant=own)
        data = ins[0]
        assert data is not None, "it reads data"
        ins[0] = self._operand(data, None)
        for index in places.weights:
            weights = ins[index]
            assert weights is not None, "all weights are there"
            ins[index] = self._constant(weights, symmetric_quant(weights.constant()), DType.I8)
        for index, weights_index in places.biases.items():
            biases = ins[index]
            assert biases is not None, "all biases are there"
            factors = (places.weights[weights_index], weights_index)
            ins[index] = self._product_bias(biases, factors, ins)
        self._put_int8(output, output.name)
        inputs = tuple(None if one is None else one.name for one in ins)
        made = replace(node, inputs=inputs)
        self._nodes.append(made.with_intermediates([*[None] * 4, quant]))

    def _add_filters(self, node: Node) -> None:
        """A layer of filters in int8: their results, and weights by age, have 16 bits."""
        assert isinstance(node, Operator), "only operators have rules"
        places = node.other_operands()
        assert isinstance(places, FilterOperands), "its rule says that it has them"
        (output,) = self._graph.outs(node)
        data, features, time, bias, state = (
            self._graph.ins(node)[index]
            for index in (0, places.features, places.time, places.bias, places.state)
        )
        assert data and features and time and state, "only the bias may be absent"
        ins: list[Tensor | None] = list(self._graph.ins(node))
        ins[0] = self._operand(data, None)
        results = results_quant(self._chosen[state.name].quant)
        stored = replace(state, dtype=DType.I16, quant=results)
        ins[places.state] = self._tensors[state.name] = stored
        own = symmetric_quant(features.constant())
        ins[places.features] = self._constant(features, own, DType.I8)
        units = time.shape[0] // places.rank
        summands = np.zeros(units) if bias is None else bias.constant()
        weights = time_quant(time.constant(), summands, results, places.rank)
        ins[places.time] = self._constant(time, weights, DType.I16)
        if bias is not None:
            ins[places.bias] = self._product_bias(bias, (places.state, places.time), ins)
        inputs = tuple(None if one is None else one.name for one in ins)
        made = self._put_int8(output, output.name)
        # LiteRT demands RELU of int8 layers, and ignores it: the output's range is all there is.
        is_relu = getattr(node, "activation", Activation.NONE) is Activation.RELU
        node = replace(node, activation=Activation.RELU)  # type: ignore[call-arg]
        if not is_relu or made.zero_point == LOW:
            self._nodes.append(replace(node, inputs=inputs))
            return
        name = self._unused(f"{output.name}_relu")
        (high,) = dequantized(np.array([HIGH], np.int8), made.quant).tolist()
        self._tensors[name] = Tensor(name, output.shape, DType.I8, quant_of((0.0, high)))
        self._nodes.append(replace(node, inputs=inputs, outputs=(name,)))
        self._nodes.append(rewrite.stored(self._unused(f"{name}_rescaled"), name, output.name))

    def _constant(self, tensor: Tensor, quant: Quant, dtype: DType) -> Tensor:
        name = self._unused(f"{tensor.name}_{dtype.label}")
        values = quantized(tensor.constant(), quant, dtype)
        self._tensors[name] = Tensor(name, tensor.shape, dtype, quant, values)
        return self._tensors[name]

    def _product_bias(
        self, tensor: Tensor, factors: tuple[int, int], ins: Sequence[Tensor | None]
    ) -> Tensor:
        """Biases of a layer whose weights are computed."""
        quant = product_quant(factors, ins)
        values = stored_bias(tensor.constant(), np.array(quant.scale), 1.0)
        name = self._unused(f"{tensor.name}_int32")
        self._tensors[name] = Tensor(name, tensor.shape, DType.I32, quant, values)
        return self._tensors[name]

    def _weighted_operands(self, node: Node, rule: QuantRule) -> list[Tensor | None]:
        stored = self._layers[node.name]
        operands: list[Tensor | None] = []
        for index, tensor in enumerate(self._graph.ins(node)):
            if tensor is None or index not in (rule.weights, rule.bias):
                operands.append(None if tensor is None else self._operand(tensor, None))
            elif index == rule.weights:
                operands.append(self._weights(stored))
            else:
                operands.append(self._bias(stored))
        return operands

    def _weights(self, stored: StoredLayer) -> Tensor:
        layer, scales = stored.layer, stored.weights.scales
        quant = _channel_quant(scales, layer.rule, layer.rule.axis)
        values = layer.tensor_of(stored.stored, self._graph).astype(np.int8)
        name = self._unused(f"{layer.weights}_int8")
        self._tensors[name] = Tensor(name, values.shape, DType.I8, quant, values)
        return self._tensors[name]

    def _bias(self, stored: StoredLayer) -> Tensor:
        layer = stored.layer
        source = self._chosen[layer.source].quant.scale[0]
        values = stored_bias(stored.bias, stored.weights.scales, source)
        scales = stored.weights.scales * np.float32(source)
        quant = _channel_quant(scales, layer.rule, 0)
        name = self._unused(f"{layer.bias}_int32")
        values = values.reshape(self._graph.tensors[layer.bias].shape)
        self._tensors[name] = Tensor(name, values.shape, DType.I32, quant, values)
        return self._tensors[name]


def _constant_quant(tensor: Tensor, chosen: Mapping[str, ChosenQuant]) -> Quant:
    """That of its group, or else the range of a constant that stands alone."""
    if tensor.name in chosen:
        return chosen[tensor.name].quant
    values = tensor.constant()
    return quant_of((float(values.min(initial=0)), float(values.max(initial=0))))


def _channel_quant(scales: Array, rule: QuantRule, axis: int) -> Quant:
    values = tuple(scales.astype(np.float32).tolist())
    if not rule.per_channel or len(values) == 1:
        return Quant(values[:1], (0,))
    return Quant(values, (0,) * len(values), axis)
