"""Convolutions dilated by SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, as Keras writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.batch_to_space_nd import BatchToSpaceND
from edgebottle.ops.batching import Borders
from edgebottle.ops.expand_dims import ExpandDims
from edgebottle.ops.space_to_batch_nd import SpaceToBatchND
from edgebottle.ops.squeeze import Squeeze
from tests.graphs import Builder


class BatchedBuilder(Builder):
    """Adds the operators around such a convolution."""

    def split(self, x: str, block: tuple[int, ...], borders: Borders) -> str:
        inputs = (x, *self._amounts(block, borders))
        node = SpaceToBatchND(name="split", inputs=inputs, outputs=(), block=block, borders=borders)
        return self._derived(node)

    def join(self, x: str, block: tuple[int, ...], crops: Borders) -> str:
        inputs = (x, *self._amounts(block, crops))
        node = BatchToSpaceND(name="join", inputs=inputs, outputs=(), block=block, borders=crops)
        return self._derived(node)

    def expand(self, x: str, axis: int) -> str:
        inputs = (x, self._constant("axis", np.array(axis, np.int32)))
        return self._derived(ExpandDims(name="expand", inputs=inputs, outputs=(), axis=axis))

    def squeeze(self, x: str, axis: int) -> str:
        return self._derived(Squeeze(name="squeeze", inputs=(x,), outputs=(), axes=(axis,)))

    def _amounts(self, block: tuple[int, ...], borders: Borders) -> tuple[str, str]:
        values = np.array(block, np.int32), np.array(borders, np.int32)
        return self._constant("block", values[0]), self._constant("borders", values[1])

    def _derived(self, node: Node) -> str:
        """Adds a node whose output is quantized like its input."""
        source = self.tensors[str(node.inputs[0])]
        ((shape, _),) = node.infer([source])
        out = self._tensor(node.name, shape, source.quant)
        return self._add(replace(node, name=out, outputs=(out,)))


def dilated_image() -> Graph:
    b = BatchedBuilder("dilated_image")
    parts = b.split(b.input(1, 7, 9, 2), (2, 3), ((2, 3), (3, 3)))
    both = [b.conv(parts, 3, valid=1), b.depthwise(parts)]
    return b.graph(
        b.join(both[0], (2, 3), ((0, 1), (0, 0))), b.join(both[1], (2, 3), ((2, 3), (1, 1)))
    )


def dilated_line() -> Graph:
    b = BatchedBuilder("dilated_line")
    x = b.input(1, 11, 2)
    for dilation, axis in ((2, 1), (4, 2)):
        parts = b.expand(b.split(x, (dilation,), ((2 * dilation, -11 % dilation),)), axis)
        y = b.conv(parts, 3, (3, 1) if axis == 2 else (1, 3), valid=1)
        x = b.join(b.squeeze(y, axis), (dilation,), ((0, -11 % dilation),))
    return b.graph(x)


def batches_that_stay() -> Graph:
    b = BatchedBuilder("batches_that_stay")
    parts = b.split(b.input(1, 8, 8, 2), (2, 2), ((0, 0), (0, 0)))
    strided = b.conv(parts, 3, stride=2)
    read_twice = b.conv(parts, 3, (1, 1))
    other_block = b.conv(parts, 3, (1, 1))
    return b.graph(
        b.join(strided, (2, 2), ((0, 0), (0, 0))),
        b.join(read_twice, (2, 2), ((0, 0), (0, 0))),
        b.join(other_block, (4, 1), ((0, 0), (0, 0))),
        b.join(b.conv(parts, 2, (1, 1)), (2, 2), ((1, 0), (0, 0))),
        read_twice,
    )


def random_batched(seed: int) -> Graph:
    """An image or line, its parts convolved in some way, and joined with some crops."""
    b = BatchedBuilder(f"random_batched_{seed}", seed)
    random = b.random
    axes, batch = int(random.integers(1, 3)), int(random.integers(1, 3))
    sizes = [int(size) for size in random.integers(3, 9, axes)]
    block = tuple(int(size) for size in random.integers(1, 4, axes))
    borders = []
    for size, step in zip(sizes, block, strict=True):
        before = int(random.integers(0, 4))
        borders.append((before, -(size + before) % step + step * int(random.integers(0, 3))))
    parts = b.split(b.input(batch, *sizes, 2), block, tuple(borders))
    lifted = int(random.integers(1, 3)) if axes == 1 else 0
    x = b.expand(parts, lifted) if lifted else parts
    kernel = tuple(min(int(random.integers(1, 4)), size) for size in b.shape(x)[1:3])
    options = {"valid": int(random.integers(2)), "stride": 1 + int(random.integers(8) == 0)}
    x = b.depthwise(x, kernel, **options) if random.integers(2) else b.conv(x, 3, kernel, **options)
    x = b.squeeze(x, lifted) if lifted else x
    crops = []
    for size, step in zip(b.shape(x)[1:-1], block, strict=True):
        room = size * step - 1
        before = min(int(random.integers(0, 3)), room)
        crops.append((before, min(int(random.integers(0, 3)), room - before)))
    return b.graph(b.join(x, block, tuple(crops)))
