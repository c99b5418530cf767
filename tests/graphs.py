"""Builds small quantized networks, by hand or at random, for the tests of whole graphs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Shape, Tensor
from edgebottle.ops.add import Add
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.mean import Mean
from edgebottle.ops.pad import Pad
from edgebottle.ops.reduce_max import ReduceMax
from edgebottle.ops.relu import Relu
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.transpose import Transpose
from edgebottle.ops.window_padding import SAME, padding_of


class Builder:
    """Adds nodes one by one; every method returns the name of the new tensor."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.random = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self._counts: Counter[str] = Counter()

    def input(self, *shape: int) -> str:
        name = self._tensor("input", shape)
        self.inputs.append(name)
        return name

    def shape(self, name: str) -> Shape:
        return self.tensors[name].shape

    def conv(
        self,
        x: str,
        channels: int,
        kernel: tuple[int, int] = (3, 3),
        stride: int = 1,
        **options: int,
    ) -> str:
        weights = self._weights((channels, *kernel, self.shape(x)[3]), 0)
        bias = self._bias(channels)
        return self._window(Conv2D, x, kernel, stride, channels, (weights, bias), options)

    def depthwise(
        self, x: str, kernel: tuple[int, int] = (3, 3), stride: int = 1, **options: int
    ) -> str:
        channels = self.shape(x)[3]
        weights = self._weights((1, *kernel, channels), 3)
        bias = self._bias(channels)
        return self._window(DepthwiseConv2D, x, kernel, stride, channels, (weights, bias), options)

    def dense(self, x: str, outputs: int, *, keep_num_dims: bool) -> str:
        *outer, inputs = self.shape(x)
        shape = (*outer, outputs) if keep_num_dims else (int(np.prod(outer)), outputs)
        constants = (self._weights((outputs, inputs), 0), self._bias(outputs))
        out = self._tensor("dense", shape)
        node = FullyConnected(
            name=out,
            inputs=(x, *constants),
            outputs=(out,),
            keep_num_dims=keep_num_dims,
            activation=Activation.NONE,
        )
        self._scale_bias(x, *constants)
        return self._add(node)

    def mean(self, x: str, *axes: int, keep_dims: bool) -> str:
        indices = self._constant("axes", np.array(axes, np.int32))
        fields = {"axes": axes, "keep_dims": keep_dims}
        old = self.tensors[x]
        node = Mean.over(old.shape, name="mean", inputs=(x, indices), outputs=("",), **fields)
        ((shape, _),) = node.infer((old, self.tensors[indices]))
        out = self._tensor("mean", shape)
        return self._add(replace(node, name=out, outputs=(out,)))

    def largest(self, x: str, *axes: int, keep_dims: bool) -> str:
        indices = self._constant("axes", np.array(axes, np.int32))
        old = self.tensors[x]
        node = ReduceMax(
            name="max", inputs=(x, indices), outputs=("",), axes=axes, keep_dims=keep_dims
        )
        ((shape, _),) = node.infer((old, self.tensors[indices]))
        out = self._tensor("max", shape, old.quant)
        return self._add(replace(node, name=out, outputs=(out,)))

    def constant(self, *shape: int) -> str:
        quant = Quant((0.03125,), (3,))
        return self._constant("constant", self.random.integers(-127, 128, shape, np.int8), quant)

    def pool(
        self, x: str, kind: type[AveragePool2D] | type[MaxPool2D], size: int, stride: int
    ) -> str:
        padding, shape = self._same(x, (size, size), stride, 1, self.shape(x)[3])
        out = self._tensor("pool", shape, self.tensors[x].quant)
        node = kind(
            name=out,
            inputs=(x,),
            outputs=(out,),
            filter=(size, size),
            stride=(stride, stride),
            padding=padding,
            activation=Activation.NONE,
        )
        return self._add(node)

    def add(self, left: str, right: str) -> str:
        out = self._tensor("add", self.shape(left))
        return self._add(
            Add(name=out, inputs=(left, right), outputs=(out,), activation=Activation.NONE)
        )

    def concat(self, *parts: str, axis: int = 3) -> str:
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        out = self._tensor("concat", tuple(shape), self.tensors[parts[0]].quant)
        return self._add(Concatenation(name=out, inputs=parts, outputs=(out,), axis=axis))

    def pad(self, x: str, *paddings: tuple[int, int]) -> str:
        amounts = self._constant("paddings", np.array(paddings, np.int32))
        shape = tuple(
            dim + before + after
            for dim, (before, after) in zip(self.shape(x), paddings, strict=True)
        )
        out = self._tensor("pad", shape, self.tensors[x].quant)
        return self._add(Pad(name=out, inputs=(x, amounts), outputs=(out,), paddings=paddings))

    def relu(self, x: str, *, same_quant: bool = True) -> str:
        quant = self.tensors[x].quant if same_quant else None
        out = self._tensor("relu", self.shape(x), quant)
        return self._add(Relu(name=out, inputs=(x,), outputs=(out,)))

    def reshape(self, x: str, *shape: int) -> str:
        out = self._tensor("reshape", shape, self.tensors[x].quant)
        return self._add(Reshape(name=out, inputs=(x,), outputs=(out,), shape=shape))

    def transpose(self, x: str, *axes: int) -> str:
        permutation = self._constant("axes", np.array(axes, np.int32))
        shape = tuple(self.shape(x)[axis] for axis in axes)
        out = self._tensor("transpose", shape, self.tensors[x].quant)
        return self._add(
            Transpose(name=out, inputs=(x, permutation), outputs=(out,), permutation=axes)
        )

    def graph(self, *outputs: str) -> Graph:
        return Graph(self.name, self.tensors, tuple(self.nodes), tuple(self.inputs), outputs)

    def _add(self, node: Node) -> str:
        self.nodes.append(node)
        return node.outputs[0]

    def _window(
        self,
        kind: type[Conv2D] | type[DepthwiseConv2D],
        x: str,
        kernel: tuple[int, int],
        stride: int,
        channels: int,
        constants: tuple[str, str],
        options: dict[str, int],
    ) -> str:
        dilation = options.get("dilation", 1)
        if options.get("valid"):
            height, width = (
                (size - (k - 1) * dilation - 1) // stride + 1
                for size, k in zip(self.shape(x)[1:3], kernel, strict=True)
            )
            padding, shape = (0, 0, 0, 0), (self.shape(x)[0], height, width, channels)
        else:
            padding, shape = self._same(x, kernel, stride, dilation, channels)
        more = {"depth_multiplier": 1} if kind is DepthwiseConv2D else {}
        out = self._tensor("conv" if kind is Conv2D else "depthwise", shape)
        node = kind(
            name=out,
            inputs=(x, *constants),
            outputs=(out,),
            stride=(stride, stride),
            dilation=(dilation, dilation),
            padding=padding,
            activation=Activation.NONE,
            **more,
        )
        self._scale_bias(x, *constants)
        return self._add(node)

    def _scale_bias(self, x: str, weights: str, bias: str) -> None:
        """Bias in the scale of the accumulator, as every quantizer makes it."""
        quant = self.tensors[weights].quant
        assert quant is not None
        scales = tuple(float(np.float32(self.tensors[x].scale * s)) for s in quant.scale)
        old = self.tensors[bias]
        self.tensors[bias] = replace(old, quant=Quant(scales, (0,) * len(scales), 0))

    def _same(
        self, x: str, kernel: tuple[int, int], stride: int, dilation: int, channels: int
    ) -> tuple[tuple[int, int, int, int], Shape]:
        batch, height, width, _ = self.shape(x)
        strides, dilations = (stride, stride), (dilation, dilation)
        padding = padding_of(SAME, (height, width), kernel, strides, dilations, x)
        return padding, (
            batch,
            -(-height // stride),
            -(-width // stride),
            channels,
        )

    def _weights(self, shape: Shape, axis: int) -> str:
        count = shape[axis]
        taps = int(np.prod(shape)) // count
        scales = self.random.uniform(0.5, 1.5, count) / (64 * np.sqrt(taps))
        quant = Quant(tuple(float(np.float32(s)) for s in scales), (0,) * count, axis)
        values = self.random.integers(-127, 128, shape, np.int8)
        return self._constant("weights", values, quant)

    def _bias(self, channels: int) -> str:
        return self._constant("bias", self.random.integers(-3000, 3000, channels).astype(np.int32))

    def _constant(self, kind: str, values: Array, quant: Quant | None = None) -> str:
        dtype = DType.I8 if values.dtype == np.int8 else DType.I32
        name = self._name(kind)
        self.tensors[name] = Tensor(name, values.shape, dtype, quant, values)
        return name

    def _tensor(self, kind: str, shape: Shape, quant: Quant | None = None) -> str:
        if quant is None:
            scale = float(np.float32(self.random.uniform(0.02, 0.06)))
            quant = Quant((scale,), (int(self.random.integers(-20, 20)),))
        name = self._name(kind)
        self.tensors[name] = Tensor(name, tuple(shape), DType.I8, quant)
        return name

    def _name(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}_{self._counts[kind] - 1}"


def random_network(seed: int) -> Graph:
    """A random network of convolutions, pools, residual adds, concatenations and pads."""
    b = Builder(f"random_{seed}", seed)
    random = b.random
    height, width, channels = (int(random.integers(*span)) for span in ((5, 14), (5, 14), (1, 6)))
    alive = [b.input(1, height, width, channels)]
    for _ in range(int(random.integers(3, 9))):
        x = alive[int(random.integers(len(alive)))]
        alive.append(_random_node(b, x, alive))
    outputs = [name for name in alive[1:] if not any(name in node.inputs for node in b.nodes)]
    return b.graph(*outputs)


def _random_node(b: Builder, x: str, alive: list[str]) -> str:
    random = b.random
    kernel = (int(random.integers(1, 5)), int(random.integers(1, 5)))
    stride = int(random.integers(1, 3)) if min(b.shape(x)[1:3]) > 4 else 1
    peers = [name for name in alive if b.shape(name)[:3] == b.shape(x)[:3]]
    twins = [name for name in peers if b.shape(name) == b.shape(x)]
    kind = random.choice(["conv", "depthwise", "max", "average", "add", "concat", "pad", "relu"])
    if kind == "conv":
        dilation = int(random.integers(1, 3)) if stride == 1 else 1
        return b.conv(x, int(random.integers(1, 9)), kernel, stride, dilation=dilation)
    if kind == "depthwise":
        return b.depthwise(x, kernel, stride)
    if kind in ("max", "average"):
        pool = MaxPool2D if kind == "max" else AveragePool2D
        return b.pool(x, pool, int(random.integers(1, 4)), stride)
    if kind == "add" and len(twins) > 1:
        return b.add(x, str(random.choice(twins)))
    if kind == "concat":
        parts = [b.conv(peer, int(random.integers(1, 5)), (1, 1)) for peer in (x, peers[0])]
        quant = b.tensors[parts[0]].quant
        for part in parts:  # LiteRT wants all parts quantized alike
            old = b.tensors[part]
            b.tensors[part] = Tensor(part, old.shape, old.dtype, quant)
        return b.concat(*parts)
    if kind == "pad":
        amounts = tuple((int(p), int(q)) for p, q in random.integers(0, 3, (2, 2)))
        return (
            b.conv(b.pad(x, (0, 0), *amounts, (0, 0)), 3, kernel, valid=1)
            if _room(b, x, kernel)
            else b.relu(x)
        )
    return b.relu(x, same_quant=bool(random.integers(2)))


def _room(b: Builder, x: str, kernel: tuple[int, int]) -> bool:
    return all(size >= k for size, k in zip(b.shape(x)[1:3], kernel, strict=True))
