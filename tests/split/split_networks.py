"""Small split networks with random weights, and what their bottlenecks take."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Array, Graph
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile, SplitPoint, part, split_data
from edgebottle.split.payload import PayloadCode
from edgebottle.split.range_coder import TABLE_BITS
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution, Residual
from quantize.search.untrained import untrained_graph
from quantize.split.student import SplitPlan, student_of, usual_place

SIZE, CHANNELS, GROUPS = 24, 6, (1, 2, 3)


@cache
def untrained_split(bits: int = 2) -> SplitFile:
    """A network of three convolutions; the second is the bottleneck."""
    blocks = (FullConvolution(CHANNELS, stride=2), FullConvolution(12, stride=2))
    network = Architecture((SIZE, SIZE, 3), Stem(8), blocks, ClassHead(5)).network()
    place = next(step.name for step in network.steps if step.shape[-1] == CHANNELS)
    graph = untrained_graph(network, Bits(LayerBits(), {place: LayerBits(8, bits)}))
    return _counted(graph, place, 1 << bits, GROUPS, samples(64), "small_split")


@cache
def untrained_photo_split() -> SplitFile:
    """Photographs of 96 x 96 pixels, as ``edgebottle split train`` splits a network for them.

    The bottleneck is 6 x 6 x 24 of 2 bits, the teacher that of ``tests.bench.split`` for signs.
    """
    blocks = (Residual(24, stride=2), Residual(32, stride=2), Residual(64, stride=2))
    teacher = Architecture((96, 96, 3), Stem(16, stride=2), blocks, ClassHead(10)).network()
    plan = SplitPlan(usual_place(teacher), (4, 4, 8, 8), 2, 16)
    student = student_of(teacher, plan, 0)
    graph = untrained_graph(student.network, student.bits(LayerBits()))
    images = samples(16, size=96)
    return _counted(graph, student.bottleneck, 4, plan.groups, images, "photo_split")


def _counted(
    graph: Graph, place: str, levels: int, groups: tuple[int, ...], images: Array, name: str
) -> SplitFile:
    """Split at a tensor, whose tables are those of some images."""
    lowest = 127 - (levels - 1)
    seen = run(LiteRTModel(write_tflite(graph)), images, place)
    code = PayloadCode.counted((seen - lowest).astype(np.uint8), levels, groups)
    data = split_data(graph, SplitPoint(place, lowest, 1, 0, code))
    return SplitFile.of_bytes(data, name)


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


def samples(count: int, seed: int = 0, size: int = SIZE) -> Array:
    """Smooth random images, int8."""
    random = np.random.default_rng(seed)
    small = random.integers(-128, 128, (count, size // 4, size // 4, 3))
    return small.repeat(4, axis=1).repeat(4, axis=2).astype(np.int8)


def run(model: LiteRTModel, values: Array, tensor: str) -> Array:
    """One tensor of each sample, batch first."""
    return np.concatenate([model.trace([one[None]], [tensor])[0] for one in values])
