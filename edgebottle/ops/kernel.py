"""Kernels as objects: a variant of an operator's C says what it suits and needs, and its call.

An operator lists its kernels, the preferred ones first. A new instruction set or bit width is a new
kernel in that list, not a new branch in the operator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor, Tensors
from edgebottle.ops.base import (
    AccumulatingOperator,
    CValue,
    Emitter,
    Isa,
    Operator,
)
from edgebottle.ops.inlining import Inlining
from edgebottle.ops.read_again import ReadAgain

Op = TypeVar("Op", bound=Operator)
P = TypeVar("P")

MAX_REMEMBERED = 64 << 20
"""Bytes of constants, as they were and packed, that are remembered: several large models."""


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

    ISAS: frozenset[Isa] = frozenset(Isa)
    """The variants of the library that have it."""
    WRITES_FEW: ClassVar[bool] = False
    """It may be asked for layers whose output is stored with less than 8 bits."""

    @abstractmethod
    def suits(self, layer: Layer[Op]) -> bool:
        """Whether it computes layers of these shapes, types and attributes."""

    @abstractmethod
    def pack(self, layer: Layer[Op]) -> P | None:
        """Its constants for a layer that it suits; None where they would not be exact."""

    def packed(self, layer: Layer[Op]) -> P | None:
        """``pack``, remembered: one layer is asked for by every plan and board of a model."""
        found: P | None = _packed.of(self, layer)
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

    def read_again(self, layer: Layer[Op], packed: P) -> ReadAgain | None:
        """What ``emit_layer`` can have copied to RAM first; None where it cannot."""
        return None

    def inlining(self, layer: Layer[Op]) -> Inlining | None:
        """What a copy compiled for the layer alone would bring; None where there is none."""
        return None

    def gains_by_few(self, layer: Layer[Op]) -> bool:
        """Whether an input of less than 8 bits is read so much faster that to pack it pays.

        Where it is packed for want of memory, this kernel reads it even if it is not.
        """
        return True


@dataclass(frozen=True)
class TypedKernel(Kernel[Op, tuple[()]]):
    """A kernel for certain types, without constants to pack.

    Attributes:
        types: Of input 0 and of output 0; the latter is left out where it is the former.
        function: In C.
    """

    types: tuple[DType, ...]
    function: str

    def suits(self, layer: Layer[Op]) -> bool:
        """The types."""
        data = layer.ins[0]
        return (
            data is not None and (data.dtype, layer.output.dtype)[: len(self.types)] == self.types
        )

    def pack(self, layer: Layer[Op]) -> tuple[()]:
        """Nothing."""
        return ()

    def packed(self, layer: Layer[Op]) -> tuple[()]:
        """Nothing, which need not be remembered."""
        return ()


@dataclass(frozen=True)
class AccumulatingKernel(TypedKernel[Op]):
    """A kernel whose input may come row by row: see ``AccumulatingOperator``.

    Attributes:
        begin: The function before the first row.
        first: C literal of what it sets the accumulator to.
        accumulate: The function that takes a row.
        end: The function that writes the output row.
    """

    begin: str
    first: str
    accumulate: str
    end: str

    def emit_begin(self, layer: Layer[Op], e: Emitter) -> str:
        """See ``AccumulatingOperator``: one value for each element of the output."""
        e.include("eb_accumulate.h")
        return f"{self.begin}({e.accumulator()}, {layer.output.size}, {self.first});"

    @abstractmethod
    def emit_accumulate(self, layer: Layer[Op], e: Emitter) -> str:
        """See ``AccumulatingOperator``."""

    @abstractmethod
    def emit_end(self, layer: Layer[Op], e: Emitter) -> str:
        """See ``AccumulatingOperator``."""


AnyKernel = Kernel[Any, Any]


class PackedConstants:
    """What kernels packed, until it takes too many bytes: what was not asked for longest goes."""

    def __init__(self, most: int) -> None:
        """Remembers nothing yet, and ``most`` bytes at most."""
        self.nbytes = 0
        self._most = most
        self._found: OrderedDict[Any, tuple[Any, int]] = OrderedDict()

    def of(self, kernel: AnyKernel, layer: Layer[Any]) -> Any:
        """``kernel.pack(layer)``.

        Tensors are not compared by their constants, so the key has the identities of these; it
        holds the layer as well, that no other array gets them.
        """
        constants = [tensor.data for tensor in layer.ins if tensor is not None]
        key = kernel, layer, tuple(map(id, constants))
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key][0]
        packed = kernel.pack(layer)
        nbytes = sum(map(_array_bytes, (*constants, packed)))
        self._found[key] = packed, nbytes
        self.nbytes += nbytes
        while self.nbytes > self._most:
            _, (_, dropped) = self._found.popitem(last=False)
            self.nbytes -= dropped
        return packed


def _array_bytes(value: Any) -> int:
    """Bytes of an array, or of those in a dataclass."""
    if is_dataclass(value):
        return sum(_array_bytes(getattr(value, field.name)) for field in fields(value))
    return value.nbytes if isinstance(value, np.ndarray) else 0


_packed = PackedConstants(MAX_REMEMBERED)


@dataclass(frozen=True, kw_only=True)
class KernelOperator(Operator):
    """An operator whose C is chosen among kernels."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]]
    """The preferred ones first; one at the end suits every layer and packs it."""

    def suiting(self, layer: Layer[Any], isa: Isa) -> Iterator[AnyKernel]:
        """The kernels of ``isa`` that suit a layer, the preferred ones first."""
        is_few = layer.output.dtype.bits < 8
        return (
            kernel
            for kernel in self.KERNELS
            if isa in kernel.ISAS and (kernel.WRITES_FEW or not is_few) and kernel.suits(layer)
        )

    def chosen(self, layer: Layer[Any], isa: Isa) -> tuple[AnyKernel, Any]:
        """The kernel that computes a layer, and its constants."""
        found = self._found(layer, isa)
        assert found is not None, f"no kernel computes {self.name} ({self.OP})"
        return found

    def computes(self, layer: Layer[Any], isa: Isa) -> bool:
        """Whether a kernel computes a layer as it is: with an input of few bits, not all do."""
        return self._found(layer, isa) is not None

    def _found(self, layer: Layer[Any], isa: Isa) -> tuple[AnyKernel, Any] | None:
        for kernel in self.suiting(layer, isa):
            packed = kernel.packed(layer)
            if packed is not None:
                return kernel, packed
        return None

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

    def read_again(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> ReadAgain | None:
        """See ``Operator``."""
        layer = Layer(self, tuple(ins), tuple(outs))
        kernel, packed = self.chosen(layer, isa)
        return kernel.read_again(layer, packed)

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


@dataclass(frozen=True, kw_only=True)
class AccumulatingKernelOperator(KernelOperator, AccumulatingOperator):
    """An operator whose kernels can take its input row by row."""

    def emit_begin(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        layer, kernel = self._accumulating(e)
        return kernel.emit_begin(layer, e)

    def emit_accumulate(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        layer, kernel = self._accumulating(e)
        return kernel.emit_accumulate(layer, e)

    def emit_end(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        layer, kernel = self._accumulating(e)
        return kernel.emit_end(layer, e)

    def _accumulating(self, e: Emitter) -> tuple[Layer[Any], AccumulatingKernel[Any]]:
        layer = Layer(self, *e.tensors)
        kernel, _ = self.chosen(layer, e.isa)
        assert isinstance(kernel, AccumulatingKernel), f"{self.name} does not accumulate"
        return layer, kernel
