"""Gives what has no int8 arithmetic another form that has: operators made of others, and factors.

Nothing changes but the order of roundings in floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Tensor, unused_name
from edgebottle.ops.add import Add
from edgebottle.ops.base import Activation, Operator
from edgebottle.ops.mul import Mul
from edgebottle.passes.fold_affine import per_channel
from edgebottle.passes.rewrite import Rewrite
from quantize.post.equalization import input_channels, with_weights
from quantize.post.layers import WeightedLayer
from quantize.post.patches import patch_map
from quantize.post.rules import QuantRule, Scales


def composed(graph: Graph) -> Graph:
    """ADD_N as additions, SQUARE as a product: LiteRT has no int8 kernels of the two."""
    nodes: list[Node] = []
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        make = _FORMS.get(node.OP)
        is_real = tensors[node.outputs[0]].dtype is DType.F32
        nodes += make(node, tensors) if make is not None and is_real else [node]
    return graph.with_nodes(nodes, tensors)


def _additions(node: Node, tensors: dict[str, Tensor]) -> list[Node]:
    """A sum of two after the other."""
    first, *others = (name for name in node.inputs if name is not None)
    result: list[Node] = []
    for number, other in enumerate(others, start=1):
        target = node.outputs[0]
        name = node.name if number == len(others) else f"{node.name}_{number}"
        if number < len(others):
            target = unused_name(f"{target}_{number}", tensors)
            tensors[target] = replace(tensors[node.outputs[0]], name=target)
        made = Add(name=name, inputs=(first, other), outputs=(target,), activation=Activation.NONE)
        result.append(made)
        first = target
    return result


def _product(node: Node, tensors: dict[str, Tensor]) -> list[Node]:
    """The input times itself."""
    inputs = (node.inputs[0], node.inputs[0])
    return [Mul(name=node.name, inputs=inputs, outputs=node.outputs, activation=Activation.NONE)]


_FORMS: Mapping[str, Callable[[Node, dict[str, Tensor]], list[Node]]] = {
    "ADD_N": _additions,
    "SQUARE": _product,
}


def fold_into_next(graph: Graph) -> Graph:
    """Layers with weights take over factors and summands of the channels that they read.

    That is BatchNormalization, or the scaling of the data, before a layer. A summand only where the
    layer pads nothing: what is padded is zero behind the summand.

    Args:
        graph: A float graph whose layers with weights all have biases.
    """
    while (found := _first_fold(graph)) is not None:
        graph = found
    return graph


def _first_fold(graph: Graph) -> Graph | None:
    for node in graph.nodes:
        if node.OP not in ("MUL", "ADD", "SUB"):
            continue
        readers = graph.consumers(node.outputs[0])
        if len(readers) != 1 or node.outputs[0] in graph.outputs:
            continue
        layer = _layer(graph, readers[0])
        affine = _affine(graph, node)
        if layer is None or affine is None or layer.source != node.outputs[0]:
            continue
        source, factor, summand = affine
        if summand.any() and _pads(graph, layer):
            continue
        return _folded(graph, node, layer, source, factor, summand)
    return None


def _affine(graph: Graph, node: Node) -> tuple[str, Array, Array] | None:
    """What an operator reads, and the factor and summand of each channel; None for others."""
    if getattr(node, "activation", None) is not Activation.NONE:
        return None
    for data, other in ((0, 1), (1, 0)):
        source, constant = (graph.ins(node)[index] for index in (data, other))
        assert source is not None and constant is not None, "binary operators have two inputs"
        if constant.data is None or source.data is not None or source.dtype is not DType.F32:
            continue
        channels = source.shape[-1] if source.shape else 1
        values = per_channel(constant, channels)
        if values is None or source.shape != graph.outs(node)[0].shape:
            continue
        ones, zeros = np.ones(channels), np.zeros(channels)
        if node.OP == "MUL":
            return source.name, values, zeros
        if node.OP == "ADD":
            return source.name, ones, values
        return (source.name, ones, -values) if data == 0 else (source.name, -ones, values)
    return None


def _layer(graph: Graph, node: Node) -> WeightedLayer | None:
    """The node as a layer with constant float weights and biases; None for others."""
    places = node.weighted_operands() if isinstance(node, Operator) else None
    if places is None or places.bias >= len(node.inputs):
        return None
    weights, bias = (node.inputs[index] for index in (places.weights, places.bias))
    sources = [
        name
        for index, name in enumerate(node.inputs)
        if index not in (places.weights, places.bias)
        and name is not None
        and graph.tensors[name].data is None
    ]
    if weights is None or bias is None or len(sources) != 1:
        return None
    constants = [graph.tensors[name] for name in (weights, bias)]
    if any(each.data is None or each.dtype is not DType.F32 for each in constants):
        return None
    rule = QuantRule(Scales.WEIGHTED, None, places.weights, places.bias, places.axis)
    return WeightedLayer(node, rule, sources[0], weights, bias, node.outputs[0])


def _pads(graph: Graph, layer: WeightedLayer) -> bool:
    """Whether some output of a layer sees padding, or nobody knows."""
    seen = patch_map(graph, layer)
    source = graph.tensors[layer.source]
    return seen is None or bool((seen.places >= source.size // source.shape[-1]).any())


def _folded(
    graph: Graph, node: Node, layer: WeightedLayer, source: str, factor: Array, summand: Array
) -> Graph:
    """The graph without ``node``, whose work the weights and biases of ``layer`` do."""
    matrix = layer.matrix(graph)
    channels = input_channels(graph, layer, len(factor))
    name = layer.node.name
    biases = layer.biases(graph) + (matrix * summand[channels]).sum(axis=1)
    folded = with_weights(
        graph, {name: layer}, {name: matrix * factor[channels]}, {name: biases}, "folded"
    )
    rewrite = Rewrite(folded)
    reader = next(each for each in folded.nodes if each.name == name)
    rewrite.rename(reader, node.outputs[0], source)
    rewrite.remove(node)
    return rewrite.graph()
