"""Builds small float networks by hand, for the tests of quantization after training."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.dense import DenseAtRunTime
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.svdf import Svdf
from edgebottle.ops.window_padding import SAME, padding_of


class FloatBuilder:
    """Adds nodes one by one; every method returns the name of the new tensor."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self._counts: Counter[str] = Counter()

    def input(self, *shape: int) -> str:
        self.tensors["x"] = Tensor("x", shape, DType.F32)
        return "x"

    def variable(self, initial: Array) -> str:
        name = self._unused("variable")
        self.tensors[name] = Tensor(name, initial.shape, DType.F32, state=True, initial=initial)
        return name

    def constant(self, values: Array) -> str:
        name = self._unused("constant")
        dtype = DType.I32 if values.dtype == np.int32 else DType.F32
        self.tensors[name] = Tensor(name, values.shape, dtype, data=values)
        return name

    def add(self, node: type[Node], *inputs: str | None, **fields: Any) -> str:
        name = self._unused(node.OP.lower())
        made = node(name=name, inputs=inputs, outputs=(name,), **fields)
        ins = [None if one is None else self.tensors[one] for one in inputs]
        ((shape, dtype),) = made.infer(ins)
        self.tensors[name] = Tensor(name, shape, dtype)
        self.nodes.append(made)
        return name

    def conv(self, x: str, channels: int, size: int = 3, activation: str = "RELU") -> str:
        shape = (channels, size, size, self.tensors[x].shape[3])
        return self._window(Conv2D, x, shape, 0, activation)

    def depthwise(self, x: str, size: int = 3, activation: str = "RELU") -> str:
        shape = (1, size, size, self.tensors[x].shape[3])
        return self._window(DepthwiseConv2D, x, shape, 3, activation, depth_multiplier=1)

    def dense(self, x: str, outputs: int) -> str:
        weights = self._weights((outputs, self.tensors[x].shape[-1]), 0)
        bias = self.constant(self.random.normal(0, 0.1, outputs).astype(np.float32))
        fields = {"keep_num_dims": False, "activation": Activation.NONE}
        return self.add(FullyConnected, x, weights, bias, **fields)

    def filters(
        self, x: str, units: int, rank: int, memory: int, fused: Activation, *, bias: bool = True
    ) -> str:
        count = units * rank
        features = self._weights((count, self.tensors[x].shape[1]), 0)
        time = self.constant(self.random.normal(0, 0.3, (count, memory)).astype(np.float32))
        summand = self.constant(self.random.normal(0, 0.1, units).astype(np.float32))
        state = self._unused("state")
        self.tensors[state] = Tensor(state, (1, count * memory), DType.F32, state=True)
        inputs = (x, features, time, summand if bias else None, state)
        return self.add(Svdf, *inputs, rank=rank, activation=fused)

    def multiplied(self, x: str, weights: str, outputs: int) -> str:
        """A dense layer whose weights are computed."""
        bias = self.constant(self.random.normal(0, 0.1, outputs).astype(np.float32))
        fields = {"keep_num_dims": False, "activation": Activation.NONE}
        return self.add(DenseAtRunTime, x, weights, bias, **fields)

    def graph(self, *outputs: str) -> Graph:
        graph = Graph("net", self.tensors, tuple(self.nodes), ("x",), outputs)
        return replace(graph).with_nodes(graph.nodes)

    def samples(self, count: int) -> tuple[tuple[Array, ...], ...]:
        shape = self.tensors["x"].shape
        return tuple((self.random.normal(size=shape).astype(np.float32),) for _ in range(count))

    def _window(
        self, kind: type[Node], x: str, shape: tuple[int, ...], axis: int, fused: str, **more: Any
    ) -> str:
        bias = self.constant(self.random.normal(0, 0.2, shape[axis]).astype(np.float32))
        image, window = self.tensors[x].shape[1:3], shape[1:3]
        padding = padding_of(SAME, image, window, (1, 1), (1, 1), "window")
        fields = {"stride": (1, 1), "dilation": (1, 1), "padding": padding, **more}
        weights = self._weights(shape, axis)
        return self.add(kind, x, weights, bias, activation=Activation[fused], **fields)

    def _weights(self, shape: tuple[int, ...], axis: int) -> str:
        """Channels differ tenfold in their ranges, as those of trained networks do."""
        products = np.prod(shape) // shape[axis]
        spread = self.random.uniform(0.2, 2.0, shape[axis])
        sizes = [shape[axis] if i == axis else 1 for i in range(len(shape))]
        values = self.random.normal(0, products**-0.5, shape) * spread.reshape(sizes)
        return self.constant(values.astype(np.float32))

    def _unused(self, name: str) -> str:
        self._counts[name] += 1
        return f"{name}_{self._counts[name]}"
