"""A small split network with random weights, and what its bottleneck takes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Array
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile, SplitPoint, part, split_data
from edgebottle.split.payload import PayloadCode
from edgebottle.split.range_coder import TABLE_BITS
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution
from quantize.search.untrained import untrained_graph

SIZE, CHANNELS, GROUPS = 24, 6, (1, 2, 3)


@cache
def untrained_split(bits: int = 2) -> SplitFile:
    """A network of three convolutions; the second is the bottleneck."""
    blocks = (FullConvolution(CHANNELS, stride=2), FullConvolution(12, stride=2))
    network = Architecture((SIZE, SIZE, 3), Stem(8), blocks, ClassHead(5)).network()
    place = next(step.name for step in network.steps if step.shape[-1] == CHANNELS)
    plan = Bits(LayerBits(), {place: LayerBits(8, bits)})
    graph = untrained_graph(network, plan)
    levels = 1 << bits
    lowest = 127 - (levels - 1)
    seen = run(LiteRTModel(write_tflite(graph)), samples(64), place)
    code = PayloadCode.counted((seen - lowest).astype(np.uint8), levels, GROUPS)
    data = split_data(graph, SplitPoint(place, lowest, 1, 0, code))
    return SplitFile.of_bytes(data, "small_split")


@cache
def untrained_exit(threshold: float = 0.335) -> SplitFile:
    """The same with an early exit, which computes what the tail does: five probabilities.

    The tables of its first channel expect nothing, so that payloads of rate 1 are packed.
    """
    file = untrained_split()
    graph, split = file.graph, file.split
    first, *others = split.code.tables
    share = (1 << TABLE_BITS) // split.code.levels
    tables = (tuple(tuple(share for _ in table) for table in first), *others)
    tail = part(graph, (split.tensor,), graph.outputs)
    copies = {name: f"{name}_exit" for node in tail.nodes for name in node.outputs}
    nodes = [
        replace(
            node,
            name=f"{node.name}_exit",
            inputs=tuple(None if name is None else copies.get(name, name) for name in node.inputs),
            outputs=tuple(copies[name] for name in node.outputs),
        )
        for node in tail.nodes
    ]
    tensors = {new: replace(graph.tensors[name], name=new) for name, new in copies.items()}
    both = replace(
        graph,
        tensors={**graph.tensors, **tensors},
        nodes=(*graph.nodes, *nodes),
        outputs=(*graph.outputs, copies[graph.outputs[0]]),
    )
    code = replace(split.code, tables=tables)
    known = replace(split, exit=both.outputs[1], threshold=threshold, code=code)
    return SplitFile.of_bytes(split_data(both, known), "small_exit")


def samples(count: int, seed: int = 0) -> Array:
    """Smooth random images, int8."""
    random = np.random.default_rng(seed)
    small = random.integers(-128, 128, (count, SIZE // 4, SIZE // 4, 3))
    return small.repeat(4, axis=1).repeat(4, axis=2).astype(np.int8)


def run(model: LiteRTModel, values: Array, tensor: str) -> Array:
    """One tensor of each sample, batch first."""
    return np.concatenate([model.trace([one[None]], [tensor])[0] for one in values])
