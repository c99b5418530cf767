"""Layers with weights, seen as matrices: output channels by products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array, Graph, Node
from quantize.post.rules import QuantRule, Scales


@dataclass(frozen=True)
class WeightedLayer:
    """A layer whose weights are quantized.

    Attributes:
        node: The operator.
        rule: Where its weights and biases are.
        source: Name of the tensor that it reads.
        weights: Name of its weights.
        bias: Name of its biases.
        output: Name of the tensor that it computes.
    """

    node: Node
    rule: QuantRule
    source: str
    weights: str
    bias: str
    output: str

    def matrix(self, graph: Graph) -> Array:
        """The weights, float64, (channels, products)."""
        values = graph.tensors[self.weights].constant().astype(np.float64)
        channels = values.shape[self.rule.axis]
        return np.moveaxis(values, self.rule.axis, 0).reshape(channels, -1)

    def biases(self, graph: Graph) -> Array:
        """The biases, float64, (channels,)."""
        return graph.tensors[self.bias].constant().astype(np.float64).ravel()

    def tensor_of(self, matrix: Array, graph: Graph) -> Array:
        """The inverse of ``matrix``: the values in the shape that the operator takes."""
        shape = list(graph.tensors[self.weights].shape)
        channels = shape.pop(self.rule.axis)
        return np.ascontiguousarray(
            np.moveaxis(matrix.reshape(channels, *shape), 0, self.rule.axis)
        )


def weighted_layers(graph: Graph, rules: Mapping[str, QuantRule]) -> tuple[WeightedLayer, ...]:
    """The layers with weights, in order; each has biases (``prepare`` sees to it)."""
    layers = []
    for node in graph.nodes:
        rule = rules[node.name]
        if rule.kind is not Scales.WEIGHTED:
            continue
        operands = (rule.weights, rule.bias)
        source = next(
            name
            for index, name in enumerate(node.inputs)
            if name is not None and index not in operands and graph.tensors[name].data is None
        )
        weights, bias = (node.inputs[index] for index in operands)
        assert weights is not None and bias is not None
        layers.append(WeightedLayer(node, rule, source, weights, bias, node.outputs[0]))
    return tuple(layers)
