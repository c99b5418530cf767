"""Kernels as objects: a variant of an operator's C says what it suits and needs, and its call.

An operator lists its kernels, the preferred ones first. A new instruction set or bit width is a new
kernel in that list, not a new branch in the operator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar

from edgebottle.ir.graph import Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Inlining, Isa, Operator

Op = TypeVar("Op", bound=Operator)
P = TypeVar("P")


@dataclass(frozen=True)
class Layer(Generic[Op]):
    """A node with its tensors: what a kernel looks at.

    Attributes:
        node: The node.
        ins: Its inputs.
        outs: Its outputs.
    """

    node: Op
    ins: Tensors
    outs: Sequence[Tensor]

    @property
    def output(self) -> Tensor:
        """Output 0."""
        return self.outs[0]


class Kernel(ABC, Generic[Op, P]):
    """One variant of the C that computes an operator.

    ``Op`` is the operator, ``P`` what ``pack`` makes.
    """

    ISAS: ClassVar[frozenset[Isa]] = frozenset(Isa)
    """The variants of the library that have it."""

    @abstractmethod
    def suits(self, layer: Layer[Op]) -> bool:
        """Whether it computes layers of these shapes, types and attributes."""

    @abstractmethod
    def pack(self, layer: Layer[Op]) -> P | None:
        """Its constants for a layer that it suits; None where they would not be exact."""

    def packed(self, layer: Layer[Op]) -> P | None:
        """``pack``, remembered: one layer is asked for by every plan and board of a model."""
        constants = tuple(id(tensor.data) for tensor in layer.ins if tensor is not None)
        found: P | None = _remembered(self, layer, constants)
        return found

    @abstractmethod
    def emit(self, layer: Layer[Op], packed: P, e: Emitter) -> str:
        """The C statement that computes the layer, or one row of its output."""

    def emit_layer(
        self, layer: Layer[Op], packed: P, e: Emitter, walk: Mapping[str, CValue]
    ) -> str | None:
        """The C statement that computes all rows; None where there is none. See ``RowOperator``."""
        return None

    def scratch(self, layer: Layer[Op]) -> int:
        """Bytes of scratch that it needs for a layer that it suits."""
        return 0

    def inlining(self, layer: Layer[Op]) -> Inlining | None:
        """What a copy compiled for the layer alone would bring; None where there is none."""
        return None


AnyKernel = Kernel[Any, Any]


@lru_cache(maxsize=4096)
def _remembered(kernel: AnyKernel, layer: Layer[Any], constants: tuple[int, ...]) -> Any:
    """What ``kernel`` packs; room for the layers of a large model, of all instruction sets.

    Args:
        kernel: The kernel.
        layer: The layer; while it is held here its constants live, and keep their identities.
        constants: The identities of its constants, at which tensors are not compared.
    """
    return kernel.pack(layer)


@dataclass(frozen=True, kw_only=True)
class KernelOperator(Operator):
    """An operator whose C is chosen among kernels."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]]
    """The preferred ones first; one at the end suits every layer and packs it."""

    def suiting(self, layer: Layer[Any], isa: Isa) -> Iterator[AnyKernel]:
        """The kernels of ``isa`` that suit a layer, the preferred ones first."""
        return (kernel for kernel in self.KERNELS if isa in kernel.ISAS and kernel.suits(layer))

    def chosen(self, layer: Layer[Any], isa: Isa) -> tuple[AnyKernel, Any]:
        """The kernel that computes a layer, and its constants."""
        for kernel in self.suiting(layer, isa):
            packed = kernel.packed(layer)
            if packed is not None:
                return kernel, packed
        raise AssertionError(f"no kernel computes {self.name} ({self.OP})")

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """That of whichever kernel needs most of those that may be chosen."""
        layer = Layer(self, tuple(ins), tuple(outs))
        return max(kernel.scratch(layer) for kernel in self.suiting(layer, isa))

    def inlining(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Inlining | None:
        """See ``Operator``."""
        layer = Layer(self, tuple(ins), tuple(outs))
        if all(kernel.inlining(layer) is None for kernel in self.suiting(layer, isa)):
            return None
        return self.chosen(layer, isa)[0].inlining(layer)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        layer = Layer(self, *e.tensors)
        kernel, packed = self.chosen(layer, e.isa)
        return kernel.emit(layer, packed, e)

    def emit_layer(self, e: Emitter, walk: Mapping[str, CValue]) -> str | None:
        """See ``RowOperator``."""
        layer = Layer(self, *e.tensors)
        kernel, packed = self.chosen(layer, e.isa)
        return kernel.emit_layer(layer, packed, e, walk)
