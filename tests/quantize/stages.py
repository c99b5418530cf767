"""Random stages of row-local layers, for the tests of patch grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph, Quant, Shape
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.mul import Mul
from quantize.patch.grid import PatchStage
from tests.graphs import Builder


class StageBuilder(Builder):
    """Adds windows with any kernel, stride, dilation and padding."""

    def weighted(self, kind: type[Conv2D] | type[DepthwiseConv2D], x: str) -> str:
        random, channels = self.random, self.shape(x)[3]
        outputs = channels if kind is DepthwiseConv2D else int(random.integers(1, 7))
        extents = [self._extent(size, dilated=True) for size in self.shape(x)[1:3]]
        kernel = (extents[0][0], extents[1][0])
        name = (
            self.depthwise(x, kernel) if kind is DepthwiseConv2D else self.conv(x, outputs, kernel)
        )
        stride, dilation, padding = _windows(extents)
        return self.reshaped(stride=stride, dilation=dilation, padding=padding, name=name)

    def pooled(self, kind: type[AveragePool2D] | type[MaxPool2D], x: str) -> str:
        extents = [self._extent(size, dilated=False) for size in self.shape(x)[1:3]]
        stride, _, padding = _windows(extents)
        name = self.pool(x, kind, 1, 1)
        size = (extents[0][0], extents[1][0])
        # Every window sees some of the image: a mean over nothing has no value.
        padding = tuple(min(p, size[i // 2] - 1) for i, p in enumerate(padding))
        return self.reshaped(filter=size, stride=stride, padding=padding, name=name)

    def reshaped(self, *, name: str, **fields: object) -> str:
        """Gives the last node other attributes, and its output the shape that follows."""
        node = replace(self.nodes.pop(), **fields)
        ((shape, _),) = node.infer([self.tensors[n] for n in node.inputs])
        self.tensors[name] = replace(self.tensors[name], shape=shape)
        return self._add(node)

    def times_constant(self, x: str, shape: Shape | None = None) -> str:
        shape = self._broadcast(x) if shape is None else shape
        values = self.random.integers(-128, 128, shape, np.int8)
        factor = self._constant("factor", values, Quant((0.01,), (3,)))
        out = self._tensor("mul", self.shape(x))
        return self._add(
            Mul(name=out, inputs=(x, factor), outputs=(out,), activation=Activation.NONE)
        )

    def _broadcast(self, x: str) -> Shape:
        """The shape of a random constant that goes with ``x``."""
        kept = self.random.integers(0, 3, 3)
        shape = (
            1,
            *(dim if keep else 1 for dim, keep in zip(self.shape(x)[1:], kept, strict=True)),
        )
        # Broadcast along the rows: also with fewer axes.
        return shape[int(self.random.integers(3)) :] if shape[1] == 1 else shape

    def alike(self, *parts: str) -> None:
        """Gives all parts of a concatenation one quantization."""
        for part in parts:
            self.tensors[part] = replace(self.tensors[part], quant=self.tensors[parts[0]].quant)

    def _extent(self, size: int, *, dilated: bool) -> tuple[int, int, int, int, int]:
        """Kernel, stride, dilation, padding before and after along one axis."""
        random = self.random
        while True:
            kernel, stride = int(random.integers(1, 6)), int(random.integers(1, 4))
            dilation = int(random.integers(1, 3)) if dilated else 1
            reach = (kernel - 1) * dilation + 1
            before, after = (int(p) for p in random.integers(0, reach + 1, 2))
            outputs = (size + before + after - reach) // stride + 1
            last = (outputs - 1) * stride - before
            if reach <= size and outputs >= 2 and last < size:
                return kernel, stride, dilation, before, after
            if size < 4:
                return 1, 1, 1, 0, 0


def _windows(
    extents: list[tuple[int, int, int, int, int]],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    (_, *rows), (_, *columns) = extents
    return (rows[0], columns[0]), (rows[1], columns[1]), (*rows[2:], *columns[2:])


def random_stage(seed: int, largest: int = 18) -> tuple[Graph, tuple[str, ...]]:
    """A random network and the names of those of its layers that one tensor leaves."""
    b = StageBuilder(f"stage_{seed}", seed)
    random = b.random
    height, width = (int(size) for size in random.integers(6, largest, 2))
    alive = [b.input(1, height, width, int(random.integers(1, 5)))]
    for _ in range(int(random.integers(2, 8))):
        # The latest tensors more often: deep stages have large halos.
        x = alive[-1 - int(random.integers(min(len(alive), 3)))]
        alive.append(_random_layer(b, x, alive))
    last = alive[-1]
    graph = b.graph(last)
    needed = _ancestors(graph, last)
    nodes = [node for node in graph.nodes if node.name in needed]
    first = int(random.integers(0, min(len(nodes), 3)))
    names = tuple(node.name for node in nodes[first:])
    if random.integers(2):
        b.nodes = list(nodes)
        tail = b.relu(last, same_quant=False)
        return b.graph(tail).with_nodes(b.nodes), names
    return graph.with_nodes(nodes), names


def random_grid(graph: Graph, names: tuple[str, ...], seed: int) -> tuple[int, int]:
    """Into how many rows and columns of patches the stage ``names`` is cut."""
    stage = PatchStage.of(graph, names)
    random = np.random.default_rng(1000 + seed)
    _, height, width, _ = graph.tensors[stage.output].shape
    m, n = (int(random.integers(1, min(size, 5) + 1)) for size in (height, width))
    return m, n


def _random_layer(b: StageBuilder, x: str, alive: list[str]) -> str:
    random = b.random
    kind = random.choice(
        ["conv", "conv", "depthwise", "max", "average", "add", "concat", "pad", "relu", "mul"]
    )
    if kind == "conv":
        return b.weighted(Conv2D, x)
    if kind == "depthwise":
        return b.weighted(DepthwiseConv2D, x)
    if kind in ("max", "average"):
        return b.pooled(MaxPool2D if kind == "max" else AveragePool2D, x)
    if kind == "pad":
        amounts = [(int(p), int(q)) for p, q in random.integers(0, 4, (2, 2))]
        return b.pad(x, (0, 0), *amounts, (0, int(random.integers(2))))
    if kind == "add":
        twins = [name for name in alive if b.shape(name) == b.shape(x)]
        # A residual: around a convolution with a border, or between two old tensors.
        other = b.depthwise(x, (3, 3)) if len(twins) == 1 else str(random.choice(twins))
        return b.add(x, other)
    if kind == "concat":
        axis = int(random.integers(1, 4))
        peers = [name for name in alive if _joinable(b, name, x, axis)]
        parts = [b.conv(str(p), 3, (3, 1)) for p in (x, random.choice(peers))]
        b.alike(*parts)
        return b.concat(*parts, axis=axis)
    if kind == "mul":
        return b.times_constant(x)
    return b.relu(x, same_quant=bool(random.integers(2)))


def _joinable(b: Builder, name: str, x: str, axis: int) -> bool:
    return all(b.shape(name)[i] == b.shape(x)[i] for i in (1, 2) if i != axis)


def _ancestors(graph: Graph, tensor: str) -> set[str]:
    names: set[str] = set()
    waiting: list[str] = [tensor]
    while waiting:
        node = graph.producer(waiting.pop())
        if node is not None and node.name not in names:
            names.add(node.name)
            waiting += [name for name in node.inputs if name is not None]
    return names
