"""Activations that exporters write as several operators, found again: Gelu and HardSwish.

Taken apart they would be a dozen layers each, which integers compute badly. What the replaced node
read is still translated, and dropped as dead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgebottle.importers.onnx_file import OnnxGraph
from edgebottle.importers.onnx_node import OnnxNode
from edgebottle.ir.graph import Array

CLOSE = 1e-3
"""Relative difference of constants, which some exporters write with few digits."""

Match = Callable[["_Nodes", OnnxNode], tuple[str, OnnxNode] | None]
"""From one node of a pattern to its input, and to the node that computes its result."""


def with_patterns(graph: OnnxGraph) -> OnnxGraph:
    """The graph with one node in the place of each pattern."""
    nodes = _Nodes(graph)
    made: dict[int, OnnxNode] = {}
    for node in graph.nodes:
        for op, match in _PATTERNS.get(node.op, ()):
            found = match(nodes, node)
            if found is not None:
                source, last = found
                made[id(last)] = replace(last, op=op, inputs=(source,), attributes={})
    if not made:
        return graph
    return replace(graph, nodes=tuple(made.get(id(node), node) for node in graph.nodes))


class _Nodes:
    """Who computes and who reads each name of a graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.makers = {name: node for node in graph.nodes for name in node.outputs}
        self.outputs = set(graph.outputs)
        self.constants: dict[str, Array] = dict(graph.constants)
        self.readers: dict[str, list[OnnxNode]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
            value = node.attributes.get("value")
            if node.op == "Constant" and isinstance(value, np.ndarray) and node.outputs:
                self.constants[node.outputs[0]] = value

    def is_number(self, name: str, wanted: float) -> bool:
        """Whether a name is a constant of one number."""
        value = self.constants.get(name)
        return (
            value is not None
            and value.size == 1
            and math.isclose(float(value.ravel()[0]), wanted, rel_tol=CLOSE)
        )

    def sole_reader(self, name: str) -> OnnxNode | None:
        """The only node that reads a name; None where the network hands it out as well."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def other(self, node: OnnxNode | None, op: str, number: float) -> str | None:
        """What ``node``, a commutative operator, combines with a number; None for another node."""
        if node is None or node.op != op or len(node.inputs) != 2:
            return None
        a, b = node.inputs
        if self.is_number(b, number):
            return a
        return b if self.is_number(a, number) else None

    def divided(self, node: OnnxNode | None, by: float) -> str | None:
        """What a node divides by a number, or multiplies by one over it."""
        if node is not None and node.op == "Div" and len(node.inputs) == 2:
            return node.inputs[0] if self.is_number(node.inputs[1], by) else None
        return self.other(node, "Mul", 1 / by)


def _gelu(nodes: _Nodes, erf: OnnxNode) -> tuple[str, OnnxNode] | None:
    """X / 2 * (1 + erf(x / sqrt(2))), in any order of the products."""
    if not (erf.inputs and erf.outputs):
        return None
    source = nodes.divided(nodes.makers.get(erf.inputs[0]), math.sqrt(2))
    plus = nodes.sole_reader(erf.outputs[0])
    if source is None or nodes.other(plus, "Add", 1.0) != erf.outputs[0]:
        return None
    assert plus is not None
    last, missing = plus, {"x", "half"}
    while missing:
        product = nodes.sole_reader(last.outputs[0])
        if product is None or product.op != "Mul" or len(product.inputs) != 2:
            return None
        a, b = product.inputs
        factor = b if a == last.outputs[0] else a
        if factor == source:
            gone = {"x"}
        elif nodes.is_number(factor, 0.5):
            gone = {"half"}
        elif nodes.divided(nodes.makers.get(factor), 2.0) == source:
            gone = {"x", "half"}
        else:
            return None
        if not gone <= missing:
            return None
        last, missing = product, missing - gone
    return source, last


def _gate(nodes: _Nodes, name: str) -> str | None:
    """The x of clip(x + 3, 0, 6); None for another name."""
    clip = nodes.makers.get(name)
    if clip is None or clip.op != "Clip" or not clip.inputs:
        return None
    bounds = [clip.attributes.get("min"), clip.attributes.get("max")]
    for index, bound in enumerate(clip.inputs[1:3]):
        if bound in nodes.constants and nodes.constants[bound].size == 1:
            bounds[index] = float(nodes.constants[bound].ravel()[0])
    if bounds != [0.0, 6.0]:
        return None
    return nodes.other(nodes.makers.get(clip.inputs[0]), "Add", 3.0)


def _hard_swish_of_product(nodes: _Nodes, last: OnnxNode) -> tuple[str, OnnxNode] | None:
    """X * (clip(x + 3, 0, 6) / 6), or x times a HardSigmoid."""
    if len(last.inputs) != 2:
        return None
    for source, factor in (last.inputs, last.inputs[::-1]):
        maker = nodes.makers.get(factor)
        clipped = nodes.divided(maker, 6.0)
        if clipped is not None and _gate(nodes, clipped) == source:
            return source, last
        if maker is not None and maker.op == "HardSigmoid" and maker.inputs == (source,):
            alpha, beta = maker.number("alpha", 0.2), maker.number("beta", 0.5)
            if math.isclose(alpha, 1 / 6, rel_tol=CLOSE) and math.isclose(beta, 0.5):
                return source, last
    return _hard_swish_of_quotient(nodes, last)


def _hard_swish_of_quotient(nodes: _Nodes, last: OnnxNode) -> tuple[str, OnnxNode] | None:
    """X * clip(x + 3, 0, 6) / 6."""
    product = nodes.makers.get(nodes.divided(last, 6.0) or "")
    if product is None or product.op != "Mul" or len(product.inputs) != 2:
        return None
    for source, factor in (product.inputs, product.inputs[::-1]):
        if _gate(nodes, factor) == source:
            return source, last
    return None


_PATTERNS: dict[str, tuple[tuple[str, Match], ...]] = {
    "Erf": (("Gelu", _gelu),),
    "Mul": (("HardSwish", _hard_swish_of_product),),
    "Div": (("HardSwish", _hard_swish_of_quotient),),
}
"""By the operator at which a pattern is looked for: what it is, and how it is found."""
