"""Random row-local networks: branches, residuals, concatenations, resizes, dilations, pools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.mean import Mean
from edgebottle.ops.resize_bilinear import ResizeBilinear
from edgebottle.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from tests.graphs import Builder

MOST_BYTES = 4096
"""Of a tensor: the replay goes through every byte."""


class RowBuilder(Builder):
    """A builder with the operators that only stages make interesting."""

    def window(self, x: str, kernel: int, stride: int, dilation: int, *, depthwise: bool) -> str:
        """A convolution of any kernel, stride and dilation along the height."""
        channels = self.shape(x)[3] if depthwise else int(self.random.integers(1, 6))
        size = (kernel, int(self.random.integers(1, 4)))
        if depthwise:
            return self.depthwise(x, size, stride, dilation=dilation)
        return self.conv(x, channels, size, stride, dilation=dilation)

    def shifted(self, x: str, kernel: int, stride: int) -> str:
        """A convolution whose padding is neither SAME nor VALID."""
        out = self.conv(x, int(self.random.integers(1, 6)), (kernel, 1), stride)
        node = self.nodes[-1]
        assert isinstance(node, Conv2D)
        top, bottom = (int(self.random.integers(0, kernel)) for _ in range(2))
        changed = replace(node, padding=(top, bottom, *node.padding[2:]))
        tensors = [None if name is None else self.tensors[name] for name in node.inputs]
        if self.shape(x)[1] + top + bottom < kernel:
            return out
        ((shape, _),) = changed.infer(tensors)
        self.nodes[-1] = changed
        self.tensors[out] = replace(self.tensors[out], shape=shape)
        return out

    def resize(self, x: str, height: int, width: int, *, bilinear: bool, centers: bool) -> str:
        """An image of another size."""
        size = self._constant("size", np.array([height, width], np.int32))
        batch, _, _, channels = self.shape(x)
        out = self._tensor("resize", (batch, height, width, channels), self.tensors[x].quant)
        kind = ResizeBilinear if bilinear else ResizeNearestNeighbor
        return self._add(
            kind(
                name=out,
                inputs=(x, size),
                outputs=(out,),
                size=(height, width),
                align_corners=False,
                half_pixel_centers=centers,
            )
        )

    def global_pool(self, x: str, kind: type[AveragePool2D] | type[MaxPool2D]) -> str:
        """One window over the whole image."""
        batch, height, width, channels = self.shape(x)
        out = self._tensor("global", (batch, 1, 1, channels), self.tensors[x].quant)
        return self._add(
            kind(
                name=out,
                inputs=(x,),
                outputs=(out,),
                filter=(height, width),
                stride=(height, width),
                padding=(0, 0, 0, 0),
                activation=Activation.NONE,
            )
        )

    def mean(self, x: str) -> str:
        """The mean over height and width."""
        axes = self._constant("axes", np.array([1, 2], np.int32))
        batch, _, _, channels = self.shape(x)
        out = self._tensor("mean", (batch, 1, 1, channels))
        shape = self.shape(x)
        options = {"axes": (1, 2), "keep_dims": True}
        return self._add(Mean.over(shape, name=out, inputs=(x, axes), outputs=(out,), **options))

    def joined(self, *parts: str, axis: int) -> str:
        """A concatenation; its parts take the quantization of the first, as LiteRT wants."""
        quant = self.tensors[parts[0]].quant
        own = [self.relu(part) if i else part for i, part in enumerate(parts)]
        for part in own:
            self.tensors[part] = replace(self.tensors[part], quant=quant)
        return self.concat(*own, axis=axis)


def random_row_network(seed: int) -> Graph:
    """A random network that is mostly row-local; a third of them are deep chains of blocks."""
    b = RowBuilder(f"rows_{seed}", seed)
    random = b.random
    height, width, channels = (int(random.integers(*span)) for span in ((4, 24), (1, 7), (1, 5)))
    x = b.input(1, height, width, channels)
    alive = [x]
    deep = random.random() < 0.35
    for _ in range(int(random.integers(6, 16) if deep else random.integers(2, 10))):
        if not deep and random.random() < 0.4:
            x = str(random.choice(alive))
        x = _block(b, x, alive) if deep and random.random() < 0.3 else _layer(b, x, alive)
        alive.append(x)
    if random.random() < 0.4:
        kind = random.choice(["average", "max", "mean"])
        pools = {"average": AveragePool2D, "max": MaxPool2D}
        alive.append(b.mean(x) if kind == "mean" else b.global_pool(x, pools[kind]))
        if random.random() < 0.5:
            alive.append(b.conv(alive[-1], 3, (1, 1)))
    used = {name for node in b.nodes for name in node.inputs}
    outputs = [name for name in alive[1:] if name not in used]
    spare = [name for name in alive[1:] if name in used]
    if spare and random.random() < 0.2:
        outputs.append(str(random.choice(spare)))  # an output that other layers read as well
    return b.graph(*dict.fromkeys(outputs))


def _block(b: RowBuilder, x: str, alive: list[str]) -> str:
    """A residual block; the shortcut is the input itself or a convolution of it."""
    random = b.random
    channels = b.shape(x)[3]
    stride = int(random.integers(1, 3)) if b.shape(x)[1] > 3 and b.shape(x)[2] > 3 else 1
    wide = b.conv(x, channels + int(random.integers(0, 4)), (1, 1))
    middle = b.window(wide, int(random.integers(1, 6)), stride, 1, depthwise=True)
    out = b.conv(middle, channels, (1, 1))
    if stride == 1:
        return b.add(out, x) if random.random() < 0.5 else b.add(x, out)
    return b.add(out, b.conv(x, channels, (1, 1), stride))


def _layer(b: RowBuilder, x: str, alive: list[str]) -> str:
    random = b.random
    height, width = b.shape(x)[1:3]
    stride = int(random.integers(1, 4)) if min(height, width) > 3 else 1
    kernel = int(random.integers(1, 6))
    peers = [name for name in alive if b.shape(name)[:3] == b.shape(x)[:3]]
    twins = [name for name in peers if b.shape(name) == b.shape(x)]
    columns = [name for name in alive if b.shape(name)[2:] == b.shape(x)[2:]]
    kinds = ["conv", "conv", "depthwise", "shifted", "max", "average", "add", "concat"]
    kind = random.choice([*kinds, "rows", "pad", "relu", "resize"])
    if kind in ("conv", "depthwise"):
        dilation = int(random.integers(1, 4)) if stride == 1 or random.random() < 0.3 else 1
        return b.window(x, kernel, stride, dilation, depthwise=kind == "depthwise")
    if kind == "shifted":
        return b.shifted(x, kernel, min(stride, 2))
    if kind in ("max", "average"):
        pool = MaxPool2D if kind == "max" else AveragePool2D
        return b.pool(x, pool, int(random.integers(1, 4)), stride)
    if kind == "add" and len(twins) > 1:
        return b.add(x, str(random.choice(twins)))
    if kind == "concat":
        return b.joined(x, str(random.choice(peers)), axis=3)
    if kind == "rows" and height < 24:
        return b.joined(x, str(random.choice(columns)), axis=1)
    if kind == "pad":
        amounts = tuple((int(p), int(q)) for p, q in random.integers(0, 3, (2, 2)))
        return b.pad(x, (0, 0), *amounts, (0, 0))
    if kind == "resize" and b.tensors[x].nbytes < MOST_BYTES // 4:
        bilinear, centers = (bool(random.integers(2)) for _ in range(2))
        if bilinear:  # the 10-bit positions of LiteRT do not express every size
            return b.resize(x, height * 2, width * 2, bilinear=True, centers=centers)
        tall, wide = (max(int(n * random.uniform(0.4, 2.2)), 1) for n in (height, width))
        return b.resize(x, tall, wide, bilinear=False, centers=centers)
    return b.relu(x, same_quant=bool(random.integers(2)))
