"""An operator some of whose tensors are stored with fewer than 8 bits.

The operator itself sees int8: what it reads is unpacked into its scratch before each call, what it
writes is packed after it. So every operator, in every variant, computes on narrow tensors. Where
one of its kernels reads input 0 or writes output 0 with its few bits, that one stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from edgebottle.ir.access import Access, AxisMap
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import (
    AccumulatingOperator,
    Emitter,
    Isa,
    Operator,
    RowOperator,
    works_by_rows,
)
from edgebottle.ops.inlining import Inlining
from edgebottle.ops.kernel import KernelOperator, Layer
from edgebottle.ops.unpacking import ScratchPlaces, UnpackingEmitter
from edgebottle.ops.width import Width

Read = tuple[Width | None, ...]
"""How each input is stored; None for one that is read as it is."""


@dataclass(frozen=True)
class Moved:
    """What is copied between few bits and int8.

    Attributes:
        read: How each input is stored that is unpacked, None for the others.
        written: The same of output 0, where it is packed.
    """

    read: Read
    written: Width | None


@dataclass(frozen=True, kw_only=True)
class Narrowed(AccumulatingOperator):
    """``inner`` between tensors of fewer bits.

    Attributes:
        inner: The operator on int8, with the same name, inputs and outputs.
        read: How each input is stored, None for one that ``inner`` reads as it is.
        written: The same of output 0.
    """

    inner: Operator
    read: Read
    written: Width | None

    def __post_init__(self) -> None:
        """It goes by the name of what it computes, and keeps ``inner`` in step with itself.

        What it packs may have gaps between its pixels, whatever ``inner`` can do.
        """
        object.__setattr__(self, "OP", self.inner.OP)
        strided = isinstance(self.inner, RowOperator) and (
            self.inner.STRIDED_OUTPUT or self.written is not None
        )
        object.__setattr__(self, "STRIDED_OUTPUT", strided)
        same = replace(self.inner, name=self.name, inputs=self.inputs, outputs=self.outputs)
        object.__setattr__(self, "inner", same)

    def _ins(self, ins: Tensors, read: Read | None = None) -> tuple[Tensor | None, ...]:
        """The inputs as ``inner`` sees them, all of them or those of ``read`` unpacked."""
        pairs = zip(ins, read or self.read, strict=True)
        return tuple(width.wide(one) if width and one else one for one, width in pairs)

    def _outs(self, outs: Sequence[Tensor], moved: Moved | None = None) -> tuple[Tensor, ...]:
        """The outputs as ``inner`` sees them: output 0 as int8, or as it is stored."""
        if self.written is None:
            return tuple(outs)
        wide, lowest = self.written.wide(outs[0]), self.written.lowest
        if moved is None or moved.written is not None:
            return (wide, *outs[1:])
        bounds = self.inner.clamp(wide) or (-128, 127)
        highest = (1 << self.written.bits) - 1
        low, high = (min(max(bound - lowest, 0), highest) for bound in bounds)
        return (replace(outs[0], bounds=(low, high)), *outs[1:])

    def _moved(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Moved:
        """What is unpacked and packed: not what a kernel reads or writes as it is stored."""
        if isinstance(self.inner, KernelOperator):
            stored: Read = (None, *self.read[1:])
            for read, written in product((stored, self.read), (None, self.written)):
                moved = Moved(read, written)
                layer = Layer(self.inner, self._ins(ins, read), self._outs(outs, moved))
                if self.inner.computes(layer, isa):
                    return moved
        return Moved(self.read, self.written)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        (shape, dtype), *rest = self.inner.infer(self._ins(ins))
        return ((shape, self.written.dtype if self.written else dtype), *rest)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        self.inner.check(self._ins(ins), self._outs(outs))

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        wide = [
            width.values(value) if width and value is not None else value
            for value, width in zip(values, self.read, strict=True)
        ]
        first, *rest = self.inner.reference(wide, self._ins(ins), self._outs(outs))
        return (self.written.stored(first) if self.written else first, *rest)

    def macs(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``Node``."""
        return self.inner.macs(self._ins(ins), self._outs(outs))

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: where both are stored alike."""
        found = self.inner.overwrites(self._ins(ins), self._outs(outs))
        wanted = self.written.bits if self.written else 8
        bits = [width.bits if width else 8 for width in self.read]
        return tuple(index for index in found if bits[index] == wanted)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """See ``Operator``."""
        return self.inner.access(index, self._ins(ins), self._outs(outs))

    def row_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """See ``RowOperator``."""
        if not isinstance(self.inner, RowOperator):
            return None
        return self.inner.row_access(index, self._ins(ins), self._outs(outs))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: channels of fewer bits cannot be taken apart everywhere."""
        return None

    def bordered(self, rows: tuple[int, int], columns: tuple[int, int]) -> Narrowed:
        """See ``RowOperator``."""
        assert isinstance(self.inner, RowOperator)
        return replace(self, inner=self.inner.bordered(rows, columns))

    def inlining(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Inlining | None:
        """See ``Operator``."""
        moved = self._moved(ins, outs, isa)
        return self.inner.inlining(self._ins(ins, moved.read), self._outs(outs, moved), isa)

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """That of ``inner``, and what is unpacked for a call of it."""
        moved = self._moved(ins, outs, isa)
        tensors = self._ins(ins, moved.read), self._outs(outs, moved)
        inner = self.inner.scratch_bytes(*tensors, isa)
        return self._places(ins, outs, moved, aligned(inner)).nbytes

    def accumulates(self, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        """See ``AccumulatingOperator``."""
        if not isinstance(self.inner, AccumulatingOperator):
            return False
        return self.inner.accumulates(self._ins(ins), self._outs(outs))

    def accumulator_bytes(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``AccumulatingOperator``."""
        assert isinstance(self.inner, AccumulatingOperator)
        return self.inner.accumulator_bytes(self._ins(ins), self._outs(outs))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``; rows that could be taken one by one are, with room for one."""
        if self.accumulates(*e.tensors):
            return self._emit_rows_in_turn(e)
        inside = self._inside(e)
        return inside.around(self.inner.emit(inside))

    def _emit_rows_in_turn(self, e: Emitter) -> str:
        """Takes all rows of the input into an accumulator that lies in the scratch."""
        ins, outs = e.tensors
        assert isinstance(self.inner, AccumulatingOperator)
        count = len(self.input_rows(0, 0, ins, outs))
        taking, ending = self._inside(e), self._inside(e)
        taking.turn = "k"
        ending.in_scratch = taking.in_scratch = True
        take = taking.around(self.inner.emit_accumulate(taking))
        lines = [
            self.inner.emit_begin(ending),
            f"for (int32_t k = 0; k < {count}; ++k) {take}",
            ending.around(self.inner.emit_end(ending)),
        ]
        return "\n".join(["{", *(f"    {line}" for line in lines), "}"])

    def emit_begin(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        assert isinstance(self.inner, AccumulatingOperator)
        return self.inner.emit_begin(self._inside(e))

    def emit_accumulate(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        assert isinstance(self.inner, AccumulatingOperator)
        inside = self._inside(e)
        inside.turn = "0"
        return inside.around(self.inner.emit_accumulate(inside))

    def emit_end(self, e: Emitter) -> str:
        """See ``AccumulatingOperator``."""
        assert isinstance(self.inner, AccumulatingOperator)
        inside = self._inside(e)
        return inside.around(self.inner.emit_end(inside))

    def _inside(self, e: Emitter) -> UnpackingEmitter:
        ins, outs = e.tensors
        moved = self._moved(ins, outs, e.isa)
        tensors = self._ins(ins, moved.read), self._outs(outs, moved)
        inner = self.inner.scratch_bytes(*tensors, e.isa)
        places = self._places(ins, outs, moved, aligned(inner))
        return UnpackingEmitter(self.inner, moved.read, moved.written, e, tensors, places)

    def _places(
        self, ins: Tensors, outs: Sequence[Tensor], moved: Moved, first: int
    ) -> ScratchPlaces:
        """Where in the scratch, from byte ``first`` on, int8 inputs and outputs lie."""
        wide_ins, wide_outs = self._ins(ins), self._outs(outs)
        by_rows = works_by_rows(self.inner, wide_ins, wide_outs)
        counts: dict[int, int] = {}
        for index, width in enumerate(moved.read):
            one = wide_ins[index]
            if width is None or one is None:
                continue
            read = self.input_rows(index, 0, ins, outs) if by_rows else ()
            if by_rows and self.accumulates(ins, outs):
                read = (0,)
            rows = len(read) if read else one.rows
            counts[index] = rows * one.layout.row_bytes
        inputs: dict[int, int] = {}
        for index, count in counts.items():
            inputs[index] = first
            first = aligned(first + count)
        accumulator = first
        if self.accumulates(ins, outs):
            first = aligned(first + self.accumulator_bytes(ins, outs))
        if moved.written is None:
            return ScratchPlaces(inputs, None, accumulator, first)
        layout = wide_outs[0].layout
        count = layout.row_bytes if by_rows else layout.nbytes
        return ScratchPlaces(inputs, first, accumulator, aligned(first + count))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """None of its own: every case of an operator can be narrowed (``passes.narrow``)."""
        return iter(())
