"""Draws a valid ONNX network of floats, node by node: what ONNX's own shape inference refuses goes.

Channels come first, as exporters write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from edgebottle.ir.graph import Array, Shape

OPSETS = (13, 17, 18, 20)
"""Versions of ONNX that files are drawn for."""

MAX_ELEMENTS = 3000
"""Of a tensor."""


class Refused(Exception):
    """What was drawn is no valid node."""


class OnnxDrawing:
    """A network that grows.

    Attributes:
        random: Draws everything.
        opset: Of the file.
        shapes: Of all tensors that are computed from inputs.
        exact: Tensors that are only moved: no arithmetic stands before them.
        inputs: Names of the inputs.
        nodes: In order.
        constants: By name.
        step: Distance of an output's values, where it is rounded to such.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng([seed, 7])
        self.opset = int(self.random.choice(OPSETS))
        self.shapes: dict[str, Shape] = {}
        self.exact: set[str] = set()
        self.inputs: list[str] = []
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.kinds: dict[str, int] = {}
        self.step = 0.0
        self._count = 0

    def pick(self, *values: Any) -> Any:
        """One of them."""
        return values[int(self.random.integers(len(values)))]

    def chance(self, of: float) -> bool:
        """True in so many of all cases."""
        return bool(self.random.random() < of)

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included; small ones more often."""
        return low + int(max(high - low, 0) * self.random.random() ** 1.6 + 0.5)

    def axis(self, x: str, first: int = 0) -> int:
        """An axis of a tensor, counted from either end."""
        rank = len(self.shapes[x])
        axis = int(self.random.integers(min(first, rank - 1), rank))
        return axis - rank if self.chance(0.4) else axis

    def image(self, x: str, *ranks: int) -> Shape:
        """The shape of a tensor that has a batch, channels and what ``ranks`` allow."""
        shape = self.shapes[x]
        if len(shape) not in (ranks or (3, 4)):
            raise Refused
        return shape

    def input(self, shape: Shape) -> str:
        """A new input."""
        name = self.name("x")
        self.shapes[name], self.kinds[name] = shape, TensorProto.FLOAT
        self.inputs.append(name)
        self.exact.add(name)
        return name

    def constant(self, value: Any) -> str:
        """A new constant."""
        name = self.name("c")
        self.constants[name] = np.asarray(value)
        return name

    def integers(self, *values: int) -> str:
        """A constant vector of int64."""
        return self.constant(np.array(values, np.int64))

    def floats(self, *shape: int, spread: float = 1.0) -> str:
        """A constant of small floats."""
        return self.constant(self.random.normal(0, spread, shape).astype(np.float32))

    def other(self, shape: Shape) -> str:
        """A tensor of this shape: one that is there, a constant, or a new input."""
        found = [n for n, s in self.shapes.items() if s == shape and self.is_float(n)]
        if found and self.chance(0.5):
            return str(self.pick(*found))
        return self.floats(*shape) if self.chance(0.7) else self.input(shape)

    def is_float(self, name: str) -> bool:
        """Whether a tensor has float elements."""
        return self.kinds[name] == TensorProto.FLOAT

    def add(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """Adds a node; returns its outputs.

        Raises:
            Refused: ONNX does not have such a node, or a tensor would be too large.
        """
        names = [self.name(op.lower()) for _ in range(outputs)]
        node = helper.make_node(op, list(inputs), names, **attributes)
        given = [name for name in dict.fromkeys(inputs) if name]
        infos = [
            helper.make_tensor_value_info(name, self.kinds[name], self.shapes[name])
            for name in given
            if name not in self.constants
        ]
        model = self._model(
            [node],
            infos,
            [onnx.ValueInfoProto(name=name) for name in names],
            [name for name in given if name in self.constants],
        )
        try:
            made = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except Exception as error:
            raise Refused(str(error)) from error
        for output in made.graph.output:
            kind = output.type.tensor_type
            if not kind.HasField("shape"):
                raise Refused("no shape")
            shape = tuple(dim.dim_value for dim in kind.shape.dim)
            if not shape or not 0 < np.prod(shape) <= MAX_ELEMENTS:
                raise Refused("too large")
            self.shapes[output.name], self.kinds[output.name] = shape, kind.elem_type
        self.nodes.append(node)
        return names

    def move(self, op: str, inputs: Sequence[str], outputs: int = 1, **more: Any) -> list[str]:
        """Adds a node that computes nothing."""
        names = self.add(op, inputs, outputs, **more)
        if all(name in self.exact or name in self.constants for name in inputs if name):
            self.exact.update(names)
        return names

    def name(self, kind: str) -> str:
        """A new name."""
        self._count += 1
        return f"{kind}_{self._count}"

    def model(self, count: int | None = None) -> bytes:
        """The file: its outputs are what nobody reads.

        Args:
            count: How many of its nodes, all by default.
        """
        nodes = self.nodes[:count]
        read = {name for node in nodes for name in node.input}
        made = [name for node in nodes for name in node.output]
        infos = [
            helper.make_tensor_value_info(name, self.kinds[name], self.shapes[name])
            for name in self.inputs
            if name in read
        ]
        outputs = [
            helper.make_tensor_value_info(name, self.kinds[name], self.shapes[name])
            for name in made
            if name not in read
        ]
        used = [name for name in self.constants if name in read]
        return bytes(self._model(nodes, infos, outputs, used).SerializeToString())

    def _model(
        self, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], used: list[str]
    ) -> Any:
        constants = [numpy_helper.from_array(self.constants[name], name) for name in used]
        graph = helper.make_graph(list(nodes), "fuzz", list(inputs), list(outputs), constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        made.ir_version = 8
        return made
