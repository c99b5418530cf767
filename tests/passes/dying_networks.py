"""Random networks in which some channels are made constant, or read by nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph, Node, Quant, Shape
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.hard_swish import HardSwish
from edgebottle.ops.logistic import Logistic
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.mean import Mean
from edgebottle.ops.mul import Mul
from edgebottle.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgebottle.ops.sub import Sub
from edgebottle.ops.table import ActivationOperator
from tests.graphs import Builder

HUGE_BIASES = (2**30, -(2**30), 2**30 + 128, -(2**31), 2**31 - 1, 1 << 20, -(1 << 20), 40_000)


class DyingBuilder(Builder):
    """A builder of more operators, which can kill channels of what it has built."""

    def edit(self, x: str, **fields: object) -> str:
        """Changes the node that computes ``x``."""
        self.nodes = [
            replace(node, **fields) if x in node.outputs else node  # type: ignore[arg-type]
            for node in self.nodes
        ]
        return x

    def requantize(self, x: str, zero_point: int) -> str:
        """Gives ``x`` another zero point."""
        old = self.tensors[x]
        self.tensors[x] = replace(old, quant=Quant((old.scale,), (zero_point,)))
        return x

    def weights(self, x: str) -> np.ndarray:
        """The weights of the layer that computes ``x``, to be changed in place."""
        return self._constant_of(x, 1)

    def bias(self, x: str) -> np.ndarray:
        return self._constant_of(x, 2)

    def _constant_of(self, x: str, index: int) -> np.ndarray:
        (node,) = (node for node in self.nodes if x in node.outputs)
        data = self.tensors[str(node.inputs[index])].data
        assert data is not None
        return data

    def kill(self, x: str, *channels: int, bias: int = 0) -> str:
        """Makes channels of a layer constant: zero weights, the bias alone."""
        axis = 3 if self.weights(x).shape[0] == 1 and self.weights(x).ndim == 4 else 0
        np.moveaxis(self.weights(x), axis, 0)[list(channels)] = 0
        self.bias(x)[list(channels)] = bias
        return x

    def relu_to_zero(self, x: str) -> str:
        """RELU whose zero is the lowest value, as quantizers make it."""
        return self.requantize(self.edit(x, activation=Activation.RELU), -128)

    def dense(self, x: str, outputs: int, *, zero_point: int | None = None) -> str:
        """A fully connected layer; with a zero point its weights have one scale for all."""
        inputs = int(np.prod(self.shape(x)[1:]))
        constants = (self._weights((outputs, inputs), 0), self._bias(outputs))
        if zero_point is not None:
            old = self.tensors[constants[0]]
            quant = Quant((0.2 / inputs,), (zero_point,))
            self.tensors[constants[0]] = replace(old, quant=quant)
        out = self._tensor("dense", (self.shape(x)[0], outputs))
        node = FullyConnected(
            name=out,
            inputs=(x, *constants),
            outputs=(out,),
            keep_num_dims=False,
            activation=Activation.NONE,
        )
        return self._add(node)

    def grouped(self, x: str, groups: int, outputs: int) -> str:
        """A convolution whose groups of outputs see different inputs."""
        depth = self.shape(x)[3] // groups
        names = (self._weights((outputs, 3, 3, depth), 0), self._bias(outputs))
        return self._window(Conv2D, x, (3, 3), 1, outputs, names, {})

    def multiplied(self, x: str, multiplier: int, kernel: tuple[int, int] = (3, 3)) -> str:
        """A depthwise convolution with a depth multiplier."""
        channels = self.shape(x)[3] * multiplier
        names = (self._weights((1, *kernel, channels), 3), self._bias(channels))
        out = self._window(DepthwiseConv2D, x, kernel, 1, channels, names, {})
        return self.edit(out, depth_multiplier=multiplier)

    def binary(self, kind: type[BinaryOperator], a: str, b: str) -> str:
        out = self._tensor(kind.OP.lower(), np.broadcast_shapes(self.shape(a), self.shape(b)))
        return self._add(kind(name=out, inputs=(a, b), outputs=(out,)))

    def operand(self, *shape: int) -> str:
        """A constant for ``binary``."""
        values = self.random.integers(-128, 128, shape).astype(np.int8)
        return self._constant("operand", values, Quant((0.05,), (3,)))

    def table(self, kind: type[ActivationOperator], x: str) -> str:
        out = self._tensor(kind.OP.lower(), self.shape(x))
        return self._add(kind(name=out, inputs=(x,), outputs=(out,)))

    def mean(self, x: str, *, keep_dims: bool = False) -> str:
        shape = self.shape(x)
        axes = self._constant("axes", np.array((1, 2), np.int32))
        out = self._tensor("mean", (shape[0], 1, 1, shape[3]) if keep_dims else shape[::3])
        fields = {"name": out, "inputs": (x, axes), "outputs": (out,), "keep_dims": keep_dims}
        return self._add(Mean.over(shape, axes=(1, 2), **fields))

    def resize(self, x: str) -> str:
        batch, height, width, channels = self.shape(x)
        size = self._constant("size", np.array((2 * height, 2 * width), np.int32))
        shape = (batch, 2 * height, 2 * width, channels)
        out = self._tensor("resize", shape, self.tensors[x].quant)
        node = ResizeNearestNeighbor(
            name=out,
            inputs=(x, size),
            outputs=(out,),
            size=(2 * height, 2 * width),
            align_corners=False,
            half_pixel_centers=False,
        )
        return self._add(node)

    def _tensor(self, kind: str, shape: Shape, quant: Quant | None = None) -> str:
        name = super()._tensor(kind, shape, quant)
        if quant is None and self.random.random() < 0.4:
            self.requantize(name, int(self.random.choice([-128, -128, 127])))
        return name


def dying_network(seed: int) -> Graph:
    """A random network; each layer with weights loses some channels, in one way or another."""
    b = DyingBuilder(f"dying_{seed}", seed)
    random = b.random
    height, width, channels = (int(random.integers(*span)) for span in ((1, 8), (1, 8), (1, 4)))
    alive = [b.conv(b.input(1, height, width, channels), int(random.integers(2, 8)), (1, 1))]
    for _ in range(int(random.integers(3, 9))):
        alive.append(_random_node(b, alive[int(random.integers(len(alive)))], alive))
    ends = [x for x in alive if not any(x in node.inputs for node in b.nodes)]
    outputs = [_random_end(b, x) for x in ends]
    b.nodes = [_planted(b, node) for node in b.nodes]
    return b.graph(*outputs)


def _random_node(b: DyingBuilder, x: str, alive: list[str]) -> str:
    random = b.random
    size = int(random.integers(1, 4))
    room = min(b.shape(x)[1:3])
    stride = int(random.integers(1, 3)) if room > 4 else 1
    valid = int(size <= room and bool(random.integers(2)))
    twins = [name for name in alive if b.shape(name) == b.shape(x)]
    twin = str(random.choice(twins))
    match int(random.integers(16)):
        case 0 | 1:
            return b.conv(x, int(random.integers(1, 9)), (size, size), stride, valid=valid)
        case 3 | 4:
            return b.depthwise(x, (size, size), stride, valid=valid)
        case 5:
            return b.multiplied(x, int(random.integers(2, 4)))
        case 6:
            return b.pool(x, (AveragePool2D, MaxPool2D)[size % 2], size, stride)
        case 7:
            return b.add(b.conv(x, b.shape(x)[3], (1, 1)), twin)
        case 8:
            return b.binary((Mul, Sub)[size % 2], x, twin)
        case 9:
            shape = ((b.shape(x)[3],), (1, 1, 1, 1), (1, 1, 1, b.shape(x)[3]))[size - 1]
            return b.binary((Mul, Sub)[stride % 2], x, b.operand(*shape))
        case 10:
            return b.concat(x, x, axis=int(random.choice([1, 3])))
        case 11:
            return b.pad(x, (0, 0), (1, 0), (0, 2), (0, size - 1))
        case 12:
            return b.table((HardSwish, Logistic)[size % 2], x)
        case 13:
            dilation = {"dilation": int(random.integers(1, 4))}
            return b.conv(x, int(random.integers(1, 9)), (3, 3), 1, **dilation)
        case 14:
            groups = 2 - b.shape(x)[3] % 2
            return b.grouped(x, groups, groups * int(random.integers(1, 4)))
        case _:
            return b.resize(x) if room < 5 else b.relu(x, same_quant=bool(valid))


def _random_end(b: DyingBuilder, x: str) -> str:
    match int(b.random.integers(4)):
        case 0:
            return b.dense(b.reshape(x, 1, int(np.prod(b.shape(x)))), 3)
        case 1:
            return b.dense(b.mean(x), 4, zero_point=int(b.random.integers(-128, 128)))
        case 2:
            return b.conv(b.mean(x, keep_dims=True), 3, (1, 1))
        case _:
            return x


def _planted(b: DyingBuilder, node: Node) -> Node:
    """``node`` with an activation; channels of its weights and biases are killed in place."""
    if not isinstance(node, Convolution | FullyConnected):
        return node
    random = b.random
    weights, bias = (b.tensors[str(name)].data for name in node.inputs[1:])
    assert weights is not None and bias is not None
    axis = 3 if isinstance(node, DepthwiseConv2D) else 0
    rows = np.moveaxis(weights, axis, 0)
    zero = random.random(bias.size) < random.choice([0, 0.3, 0.8])
    rows[zero] = 0
    bias[random.random(bias.size) < 0.3 * zero.any()] = 0
    huge = random.random(bias.size) < random.choice([0, 0.2])
    bias[huge] = random.choice(HUGE_BIASES, bias.size)[huge]
    if isinstance(node, Conv2D):
        weights[..., random.random(weights.shape[3]) < random.choice([0, 0.3])] = 0
        weights[:, 0] *= np.int8(random.random() < 0.8)
    if isinstance(node, FullyConnected):
        quant = b.tensors[str(node.inputs[1])].quant
        assert quant is not None
        unread = random.random(weights.shape[1]) < random.choice([0, 0.5])
        weights[:, unread] = quant.zero_point[0]
    inputs = (*node.inputs[:2], None) if random.random() < 0.1 else node.inputs
    return replace(node, inputs=inputs, activation=Activation(int(random.integers(4))))
