"""Moves factors and summands before layers into their weights and biases."""

from __future__ import annotations

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node
from edgebottle.ops.base import Operator
from edgebottle.passes.fold_affine import affine_of
from edgebottle.passes.rewrite import Rewrite
from quantize.post.equalization import input_channels, with_weights
from quantize.post.layers import WeightedLayer
from quantize.post.patches import patch_map
from quantize.post.rules import QuantRule, Scales


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
        affine = affine_of(graph, node)
        if affine is None:
            continue
        readers = graph.consumers(node.outputs[0])
        if len(readers) != 1 or node.outputs[0] in graph.outputs:
            continue
        layer = _layer(graph, readers[0])
        if layer is None or layer.source != node.outputs[0]:
            continue
        source, factor, summand = affine
        if summand.any() and _pads(graph, layer):
            continue
        return _folded(graph, node, layer, source, factor, summand)
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
