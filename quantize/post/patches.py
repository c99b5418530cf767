"""What a layer multiplies its weights by: the inputs that some of its outputs see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.graph import Array, Graph, Int
from edgebottle.ops.base import Activation
from quantize.post.layers import WeightedLayer

MAX_NUMBER = 1 << 24
"""Whole numbers up to this are exact in float32."""


@dataclass(frozen=True)
class PatchMap:
    """Which elements of a layer's input are multiplied by its weights.

    Attributes:
        places: For each output pixel and each tap of the window a pixel of the input; the number
            behind the last stands for padding. (pixels, taps)
        depth: Channels of an input pixel.
        channels: For each output channel those that it reads, (outputs, reads); None where each
            reads all of them.
    """

    places: Int
    depth: int
    channels: Int | None

    def take(self, value: Array, pixels: Int) -> Array:
        """The patches of some output pixels, in the order of the weights.

        Args:
            value: The input of one sample, float32.
            pixels: Numbers of output pixels.

        Returns:
            (pixels, products), or (pixels, outputs, products) where outputs differ in what they
            read.
        """
        flat = np.pad(value.reshape(-1, self.depth), ((0, 1), (0, 0)))
        found = flat[self.places[pixels]]
        if self.channels is None:
            return np.asarray(found.reshape(len(pixels), -1))
        each = found[:, :, self.channels]  # (pixels, taps, outputs, reads)
        moved = each.transpose(0, 2, 1, 3)
        return np.asarray(moved.reshape(len(pixels), len(self.channels), -1))


def patch_map(graph: Graph, layer: WeightedLayer) -> PatchMap | None:
    """How a layer reads its input: seen from what it computes of numbered inputs.

    With a weight of one for a single tap, and none elsewhere, each output is the input that the tap
    sees. None where there are too many inputs to number them.
    """
    source = graph.tensors[layer.source]
    if source.size >= MAX_NUMBER:
        return None
    shape, axis = graph.tensors[layer.weights].shape, layer.rule.axis
    reads = 1 if axis == len(shape) - 1 else shape[-1]
    outputs, products = layer.matrix(graph).shape
    depth = max(source.shape[-1], reads)
    taps = [_seen(graph, layer, tap * reads) for tap in range(products // reads)]
    numbers = np.stack([tap.reshape(-1, outputs) for tap in taps], axis=1)  # (pixels, taps, outs)
    seen = numbers.max(axis=2) > 0
    first = (numbers.max(axis=(0, 1)) - 1) % depth
    places = np.where(seen, (numbers.max(axis=2) - 1) // depth, source.size // depth)
    channels = first[:, None] + np.arange(reads)
    everything = reads == depth and not first.any()
    return PatchMap(places, depth, None if everything else channels)


def _seen(graph: Graph, layer: WeightedLayer, product: int) -> Int:
    """The number of the input, from one on, that each output multiplies by a weight; 0: padding."""
    node = replace(layer.node, activation=Activation.NONE)  # type: ignore[call-arg]
    matrix = np.zeros_like(layer.matrix(graph))
    matrix[:, product] = 1
    tensors = dict(graph.tensors)
    for name, value in (
        (layer.weights, layer.tensor_of(matrix, graph)),
        (layer.bias, np.zeros(tensors[layer.bias].shape)),
    ):
        tensors[name] = replace(tensors[name], data=value.astype(np.float32))
    source = tensors[layer.source]
    numbers = np.arange(1, source.size + 1, dtype=np.float32).reshape(source.shape)
    ins = [None if name is None else tensors[name] for name in node.inputs]
    values = [
        None if one is None else numbers if one.name == layer.source else one.data for one in ins
    ]
    (result,) = node.reference(values, ins, graph.outs(node))
    return np.rint(result).astype(np.int64)
