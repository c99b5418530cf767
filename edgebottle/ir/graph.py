"""The Graph: tensors in SSA form and typed nodes, with static shapes, NHWC, batch included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.layout import Layout
from edgebottle.ir.layout import Shape as Shape
from edgebottle.ir.levels import Levels

Array = NDArray[Any]
Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Quant:
    """Affine quantization: real = scale * (stored - zero_point).

    Attributes:
        scale: float32 scales, one or one per index of ``axis``; positive, but that those of
            constants may be zero (a channel that equals its bias) or negative.
        zero_point: As many zero points.
        axis: The axis of per-channel scales; None for per-tensor.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None


@dataclass(frozen=True)
class Tensor:
    """A value of the graph.

    Attributes:
        name: Unique in its graph.
        shape: All dimensions, static and positive.
        dtype: Element type.
        quant: Quantization, None for float and index tensors.
        data: The value of a constant, of ``shape`` and ``dtype.numpy``; None otherwise.
        state: A variable that survives from one run to the next.
        initial: What a state holds before the first run, of ``shape`` and ``dtype.numpy``; None
            for its zero point everywhere.
        levels: The progression that the values of int8 weights lie in, where kernels may pack
            them by it.
        bounds: The lowest and the highest value, as stored. The operator that computes the tensor
            clamps to them, in the place of those of its activation, which lie around them. None
            where nothing but the type and the activation bounds it.
    """

    name: str
    shape: Shape
    dtype: DType
    quant: Quant | None = None
    data: Array | None = field(default=None, compare=False, repr=False)
    state: bool = False
    initial: Array | None = field(default=None, compare=False, repr=False)
    levels: Levels | None = None
    bounds: tuple[int, int] | None = None

    @cached_property
    def layout(self) -> Layout:
        """Where its elements lie when nothing lies between them."""
        return Layout.contiguous(self.shape, self.dtype.bits)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.layout.size

    @property
    def nbytes(self) -> int:
        """Bytes when stored contiguously."""
        return self.layout.nbytes

    @property
    def scale(self) -> float:
        """The per-tensor scale; raises ``UnsupportedOp`` where there is none."""
        return self._per_tensor().scale[0]

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point; raises ``UnsupportedOp`` where there is none."""
        return self._per_tensor().zero_point[0]

    def _per_tensor(self) -> Quant:
        if self.quant is None or len(self.quant.scale) != 1:
            raise UnsupportedOp(f"tensor '{self.name}' has no per-tensor quantization")
        return self.quant

    def constant(self) -> Array:
        """The value of a constant; raises ``UnsupportedOp`` for a tensor computed at run time."""
        if self.data is None:
            raise UnsupportedOp(
                f"tensor '{self.name}' must be a constant of the model, but is computed at run time"
            )
        return self.data

    def stored(self, values: Array) -> bytes:
        """The bytes that ``values``, of its shape and type, take where nothing lies between."""
        if self.dtype.bits >= 8:
            return values.tobytes()
        bits, per_byte = self.dtype.bits, 8 // self.dtype.bits
        pixels = values.reshape(-1, self.layout.pixel_elements)
        padded = np.pad(pixels, ((0, 0), (0, -pixels.shape[1] % per_byte)))
        shifted = padded.reshape(len(pixels), -1, per_byte) << (bits * np.arange(per_byte))
        return bytes(shifted.sum(axis=2).astype(np.uint8))

    @property
    def rows(self) -> int:
        """Its rows: batch x height of images."""
        return self.layout.rows


Tensors = Sequence[Tensor | None]


def unused_name(name: str, taken: Container[str]) -> str:
    """``name``, lengthened until nothing has it yet."""
    while name in taken:
        name += "_"
    return name


@dataclass(frozen=True, kw_only=True)
class Node(ABC):
    """An operator in the graph. Each operator subclasses this in its own file of ``ops/``.

    The methods take the tensors, not the graph, so that a node can be tested alone. ``ins`` holds
    one entry per input (None for an absent optional one), ``outs`` one per output.

    Attributes:
        name: Unique in the graph; from the model where it has names.
        inputs: Names of the input tensors, None for an absent optional input.
        outputs: Names of the output tensors.
    """

    OP: ClassVar[str]
    """The name of the operator in TFLite's schema, such as ``CONV_2D``."""

    name: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]

    @abstractmethod
    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """Shape rule: shape and type of each output; raises ``UnsupportedOp``."""

    @abstractmethod
    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """Value of each output, bit-exact with LiteRT's reference kernels for int8.

        A node with state returns the new values of its state inputs after its outputs, in the
        order of ``state_inputs``.
        """

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """Raises ``UnsupportedOp`` for a type, quantization or attribute that is not supported."""
        return

    def index_limits(self, index: int, ins: Tensors) -> Array | None:
        """What the values of an input that holds indices are below; None for other inputs.

        One number, or one for each index along the last axis.
        """
        return None

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """Multiply-accumulates; 0 for operators that have none."""
        return 0

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """Indices of inputs whose memory output 0 may take, at the same start, byte for byte.

        True only where the kernel reads every element no later than it writes it.
        """
        return ()

    @property
    def state_inputs(self) -> tuple[int, ...]:
        """Indices of inputs that are state, read and written in place."""
        return ()

    @property
    def assigned(self) -> int | None:
        """Index of the input whose bytes become those of the state that is input 0.

        Output 0 is the state after that, in its memory. Other nodes may read the state, but only
        before. None for an operator that keeps its state to itself, or has none.
        """
        return None


@dataclass(frozen=True)
class Graph:
    """A network.

    Attributes:
        name: C identifier of the model.
        tensors: By name.
        nodes: In an order that can be executed.
        inputs: Names of the inputs.
        outputs: Names of the outputs.
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def ins(self, node: Node) -> tuple[Tensor | None, ...]:
        """The input tensors of ``node``."""
        return tuple(None if name is None else self.tensors[name] for name in node.inputs)

    def outs(self, node: Node) -> tuple[Tensor, ...]:
        """The output tensors of ``node``."""
        return tuple(self.tensors[name] for name in node.outputs)

    def producer(self, tensor: str) -> Node | None:
        """The node that computes ``tensor``; None for inputs, constants and state."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """The nodes that read ``tensor``."""
        return self._consumers.get(tensor, ())

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The place of each node in ``nodes``, by its name."""
        return {node.name: number for number, node in enumerate(self.nodes)}

    @cached_property
    def _producers(self) -> dict[str, Node]:
        return {name: node for node in reversed(self.nodes) for name in node.outputs}

    @cached_property
    def _consumers(self) -> dict[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name is not None:
                    found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @property
    def has_state(self) -> bool:
        """Whether a run depends on those before it."""
        return any(tensor.state for tensor in self.tensors.values())

    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(node.macs(self.ins(node), self.outs(node)) for node in self.nodes)

    def with_nodes(self, nodes: Sequence[Node], tensors: dict[str, Tensor] | None = None) -> Graph:
        """A copy with other nodes (and tensors), without the tensors nothing refers to."""
        pool = self.tensors if tensors is None else tensors
        used = {*self.inputs, *self.outputs}
        for node in nodes:
            used.update(name for name in node.inputs if name is not None)
            used.update(node.outputs)
        kept = {name: tensor for name, tensor in pool.items() if name in used}
        return replace(self, nodes=tuple(nodes), tensors=kept)
