"""Draws a valid network, operator by operator: what an operator's own rules refuse is left out.

Shapes are solved, not guessed: a rule (``tests/fuzz/rules.py``) draws attributes and constants that
fit the tensors that are there, the operator itself says what shape and type come of them, and
whether the scales are legal. (NNSmith, Liu et al. 2023; NeuRI, Liu et al. 2023: operators' rules
as the generator of graphs.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Shape, Tensor
from edgebottle.ops import HYBRID
from edgebottle.ops.base import Activation

MAX_ELEMENTS = 3000
"""Of a tensor: most mistakes show in small ones."""

LOW_BITS_EVERY = 8
"""One in so many networks is one of low bits."""

PROGRESSIONS = (
    (-1, 2, 2),
    (-1, 1, 3),
    (-3, 2, 4),
    (-2, 1, 4),
    (-7, 1, 15),
    (-8, 1, 16),
    (-15, 2, 16),
)
"""First value, step and count of values of 1, 2 and 4 bits."""


class Drawing:
    """A network that grows.

    Attributes:
        random: Draws everything.
        tensors: By name.
        nodes: In order.
        inputs: Names of the inputs.
        exact: Tensors that come out the same wherever they are computed: no float arithmetic
            stands before them.
        low_bits: Most layers have clamps and weights of few values.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self.exact: set[str] = set()
        self.low_bits = seed % LOW_BITS_EVERY == LOW_BITS_EVERY - 1
        self._counts: Counter[str] = Counter()

    def pick(self, *values: Any) -> Any:
        """One of them."""
        return values[int(self.random.integers(len(values)))]

    def chance(self, of: float) -> bool:
        """True in so many of all cases."""
        return bool(self.random.random() < of)

    def is_narrow(self, of: float) -> bool:
        """``chance`` of few values: most of the time in a network of low bits."""
        return self.chance(max(of, 0.6) if self.low_bits else of)

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included; small ones more often."""
        span = max(high - low, 0)
        return low + int(span * self.random.random() ** 1.6 + 0.5)

    def quant(self, dtype: DType) -> Quant | None:
        """Scale and zero point of an activation: mostly ordinary, sometimes extreme."""
        if not dtype.is_quantized:
            return None
        if dtype is DType.I16:
            return Quant((float(np.float32(10.0 ** self.random.uniform(-6, -1))),), (0,))
        exponent = self.random.uniform(-4, 1)
        if self.chance(0.08):
            exponent = self.random.uniform(-12, 6)
        zero = int(self.random.integers(-128, 128)) if self.chance(0.5) else self.pick(0, -128, 127)
        return Quant((float(np.float32(10.0**exponent)),), (zero,))

    def input(self, shape: Shape, dtype: DType, quant: Quant | None = None) -> str:
        """A new input."""
        name = self._name("in")
        found = quant if quant is not None else self.quant(dtype)
        self.tensors[name] = Tensor(name, shape, dtype, found)
        self.inputs.append(name)
        self.exact.add(name)
        return name

    def constant(self, values: Array, quant: Quant | None = None) -> str:
        """A new constant."""
        name = self._name("c")
        dtype = next(dtype for dtype in DType if np.dtype(dtype.numpy) == values.dtype)
        self.tensors[name] = Tensor(name, values.shape, dtype, quant, values)
        self.exact.add(name)
        return name

    def indices(self, *values: int) -> str:
        """A constant vector of int32."""
        return self.constant(np.array(values, np.int32))

    def state(self, shape: Shape, dtype: DType, quant: Quant | None) -> str:
        """A new variable."""
        name = self._name("state")
        self.tensors[name] = Tensor(name, shape, dtype, quant, state=True)
        return name

    def values(self, shape: Shape, like: str) -> str:
        """A constant operand for the tensor ``like``, quantized in a way of its own."""
        tensor = self.tensors[like]
        if tensor.dtype is DType.F32:
            return self.constant(self.random.normal(0, 1, shape).astype(np.float32))
        if tensor.dtype is DType.I16:
            made = self.random.integers(-32768, 32768, shape, np.int16)
        else:
            made = self.random.integers(-128, 128, shape, np.int8)
            made = self.few(shape) if self.chance(0.1) else made
        return self.constant(made, self.quant(tensor.dtype))

    def few(self, shape: Shape) -> Array:
        """Values that need fewer bits than int8 has, in arithmetic progression."""
        first, step, count = self.pick(*PROGRESSIONS)
        return np.asarray(first + step * self.random.integers(0, count, shape), np.int8)

    def limit(self, like: str, value: int) -> str:
        """A constant of one element, quantized as the tensor ``like``."""
        return self.constant(np.array([value], np.int8), self.tensors[like].quant)

    def operand(self, shape: Shape, like: str, *, same_quant: bool = False) -> str:
        """Another tensor of ``shape`` and the type of ``like``: one that is there, or a new one."""
        tensor = self.tensors[like]
        found = [
            name
            for name, other in self.tensors.items()
            if (other.shape, other.dtype) == (shape, tensor.dtype)
            and not other.state
            and (other.quant == tensor.quant or not same_quant)
            and (other.quant is None or len(other.quant.scale) == 1)
        ]
        if found and self.chance(0.7):
            return str(self.pick(*found))
        if same_quant:
            if self.chance(0.5):
                return self.input(shape, tensor.dtype, tensor.quant)
            values = self.values(shape, like)
            self.tensors[values] = replace(self.tensors[values], quant=tensor.quant)
            return values
        return self.values(shape, like) if self.chance(0.5) else self.input(shape, tensor.dtype)

    def activation(self) -> Activation:
        """None, mostly."""
        return Activation.NONE if self.chance(0.6) else Activation(self.number(1, 3))

    def clamped(self, quant: Quant | None) -> tuple[Quant | None, Activation]:
        """An output's quantization and activation: now and then with 16, 4 or 2 values."""
        if quant is None or quant.zero_point == (0,) or not self.is_narrow(0.12):
            return quant, self.activation()
        return replace(quant, zero_point=(self.pick(112, 124, 126),)), Activation.RELU

    def add(
        self,
        kind: type[Node],
        inputs: Sequence[str | None],
        quant: Quant | Sequence[Quant | None] | None,
        *,
        outputs: int = 1,
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Adds a layer; returns its outputs.

        Args:
            kind: Its operator.
            inputs: Its inputs.
            quant: Quantization of the outputs, one for all or one for each.
            outputs: How many they are.
            attributes: Of the operator.

        Raises:
            UnsupportedOp: the operator's rules refuse it, or a tensor would be too large; the
                network is as it was.
        """
        names = tuple(self._name(kind.OP.lower()) for _ in range(outputs))
        node = kind(name=names[0], inputs=tuple(inputs), outputs=names, **attributes)
        ins = tuple(None if name is None else self.tensors[name] for name in inputs)
        quants = [quant] * outputs if quant is None or isinstance(quant, Quant) else quant
        outs = tuple(
            Tensor(name, shape, dtype, one if dtype.is_quantized else None)
            for name, (shape, dtype), one in zip(names, node.infer(ins), quants, strict=True)
        )
        if any(not 0 < tensor.size <= MAX_ELEMENTS for tensor in outs):
            raise UnsupportedOp("a tensor of this fuzzer is small")
        node.check(ins, outs)
        self.tensors.update({tensor.name: tensor for tensor in outs})
        self.nodes.append(node)
        is_exact = kind in HYBRID.values() or _keeps_exact(ins, outs)  # hybrid sums are of integers
        if is_exact and all(name is None or name in self.exact for name in inputs):
            self.exact.update(names)
        return names

    def graph(self) -> Graph:
        """The network: its outputs are what nobody reads, and now and then what somebody does."""
        read = {name for node in self.nodes for name in node.inputs}
        made = [name for node in self.nodes for name in node.outputs]
        outputs = [name for name in made if name not in read or self.chance(0.05)]
        used = {*outputs, *self.inputs, *read, *made}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in used}
        inputs = tuple(name for name in self.inputs if name in read)
        return Graph(self.name, tensors, tuple(self.nodes), inputs, tuple(outputs)).with_nodes(
            self.nodes
        )

    def _name(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}_{self._counts[kind]}"


def _keeps_exact(ins: Sequence[Tensor | None], outs: Sequence[Tensor]) -> bool:
    """Whether a layer computes nothing in floating point, or converts between the two."""
    from_floats = any(tensor is not None and tensor.dtype is DType.F32 for tensor in ins)
    to_floats = any(tensor.dtype is DType.F32 for tensor in outs)
    return not (from_floats and to_floats)
