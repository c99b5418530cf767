"""The emitter of an operator on int8 some of whose tensors are stored with fewer bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgebottle.ir.graph import Array, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Operator, RowOperator
from edgebottle.ops.width import Width

STRUCT = "eb_bits"

UNPACK_ROW = {4: "eb_unpack_row_4", 2: "eb_unpack_row_2", 1: "eb_unpack_row_1"}
UNPACK_ROWS = {4: "eb_unpack_rows_4", 2: "eb_unpack_rows_2", 1: "eb_unpack_rows_1"}
PACK_ROW = {4: "eb_pack_row_4", 2: "eb_pack_row_2", 1: "eb_pack_row_1"}
"""The C functions of each number of bits."""


@dataclass(frozen=True)
class ScratchPlaces:
    """Bytes of the scratch at which int8 tensors begin.

    Attributes:
        inputs: By the index of the input.
        output: Of output 0; None where it is not narrow.
        accumulator: Where one has its place if there is none outside of the scratch.
        nbytes: All of the scratch.
    """

    inputs: Mapping[int, int]
    output: int | None
    accumulator: int
    nbytes: int


@dataclass
class UnpackingEmitter:
    """The ``Emitter`` that ``inner`` talks to: narrow tensors lie unpacked in the scratch.

    Attributes:
        inner: What talks to it.
        read: How each input is stored, None for one that ``inner`` reads as it is.
        written: The same of output 0.
        outer: The emitter of the code generator.
        tensors: As ``inner`` sees them.
        places: Where they lie.
        turn: C text of the number of the row that is taken, where they are taken in turn.
        in_scratch: The accumulator lies in the scratch.
    """

    inner: Operator
    read: tuple[Width | None, ...]
    written: Width | None
    outer: Emitter
    tensors: tuple[Tensors, Sequence[Tensor]]
    places: ScratchPlaces
    turn: str | None = None
    in_scratch: bool = False
    _before: list[str] = field(default_factory=list)
    _after: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What is compiled for is the same."""
        self.isa, self.inlined = self.outer.isa, self.outer.inlined

    def include(self, header: str) -> None:
        """See ``Emitter``."""
        self.outer.include(header)

    def constant(self, suffix: str, values: Array) -> str:
        """See ``Emitter``."""
        return self.outer.constant(suffix, values)

    def params(self, struct: str, fields: Mapping[str, CValue]) -> str:
        """See ``Emitter``."""
        return self.outer.params(struct, fields)

    def input(self, index: int) -> str:
        """See ``Emitter``."""
        width = self.read[index]
        if width is None:
            return self.outer.input(index)
        place = self._place(self.places.inputs[index])
        layout = self._input(index).layout
        bits = self._bits(width, layout.rows * layout.pixels, layout.pixel_elements)
        source = self.outer.input(index)
        self._before.append(f"{UNPACK_ROW[width.bits]}({bits}, {source}, {place});")
        return f"(const int8_t *){place}"

    def output(self, index: int = 0) -> str:
        """See ``Emitter``."""
        if index != 0 or self.written is None or self.places.output is None:
            return self.outer.output(index)
        layout = self.tensors[1][0].layout
        return self._packed(self.outer.output(index), layout.rows * layout.pixels, None)

    def rows(self, index: int) -> str:
        """See ``Emitter``."""
        width, in_turn = self.read[index], "" if self.turn is None else f" + {self.turn}"
        if width is None:
            return self.outer.rows(index) + in_turn
        assert isinstance(self.inner, RowOperator)
        count = len(self.inner.input_rows(index, 0, *self.tensors)) or 1
        layout = self._input(index).layout
        bits = self._bits(width, layout.pixels, layout.pixel_elements)
        place = self._place(self.places.inputs[index])
        rows, name = self.outer.rows(index) + in_turn, f"wide{index}"
        if in_turn:
            count = 1
        if f"const void *{name}[{count}];" not in self._before:
            self._before += [
                f"const void *{name}[{count}];",
                f"{UNPACK_ROWS[width.bits]}({bits}, {rows}, {count}, {place}, {name});",
            ]
        return name

    def row(self, index: int) -> str:
        """See ``Emitter``."""
        if self.read[index] is None and self.turn is None:
            return self.outer.row(index)
        return f"(const {self._input(index).dtype.c} *)({self.rows(index)})[0]"

    def out_row(self) -> str:
        """See ``Emitter``."""
        if self.written is None or self.places.output is None:
            return self.outer.out_row()
        pixels = self.tensors[1][0].layout.pixels
        return self._packed(self.outer.out_row(), pixels, self.outer.out_pixel_stride())

    def _packed(self, target: str, pixels: int, stride: int | None) -> str:
        """Where int8 values are to be written that are then packed to ``target``.

        Args:
            target: C text of the pointer.
            pixels: How many.
            stride: Bytes from one to the next; None where they have no gaps.
        """
        width, offset = self.written, self.places.output
        assert width is not None and offset is not None
        layout = width.narrow(self.tensors[1][0]).layout
        stride = layout.pixel_bytes if stride is None else stride
        is_dense = stride == layout.pixel_bytes
        bits = self._bits(width, pixels, layout.pixel_elements, is_dense=is_dense)
        place = self._place(offset)
        pack = f"{PACK_ROW[width.bits]}({bits}, {place}, {target}, {stride});"
        if pack not in self._after:
            self._after.append(pack)
        return place

    def out_pixel_stride(self) -> int:
        """See ``Emitter``."""
        if self.written is None:
            return self.outer.out_pixel_stride()
        return self.tensors[1][0].layout.pixel_elements

    def y(self) -> str:
        """See ``Emitter``."""
        return self.outer.y()

    def accumulator(self) -> str:
        """See ``Emitter``."""
        if self.in_scratch:
            return f"(void *){self._place(self.places.accumulator)}"
        return self.outer.accumulator()

    def scratch(self) -> str:
        """See ``Emitter``."""
        return self.outer.scratch()

    def scratch_place(self) -> str:
        """See ``Emitter``."""
        return self.outer.scratch_place()

    def copy_place(self, nbytes: int) -> None:
        """See ``Emitter``; nothing is copied for the rows that are unpacked one by one."""

    def around(self, call: str) -> str:
        """The call with what must happen before and after it."""
        if not self._before and not self._after:
            return call
        self.include("eb_bits.h")
        lines = [*self._before, call, *self._after]
        return "\n".join(["{", *(f"    {line}" for line in lines), "}"])

    def _input(self, index: int) -> Tensor:
        tensor = self.tensors[0][index]
        assert tensor is not None
        return tensor

    def _place(self, offset: int) -> str:
        return f"((int8_t *){self.outer.scratch()} + {offset})"

    def _bits(self, width: Width, pixels: int, channels: int, *, is_dense: bool = True) -> str:
        """The parameters of a row; without gaps between its pixels it is one long pixel."""
        if is_dense and channels * width.bits % 8 == 0:
            pixels, channels = 1, pixels * channels
        fields: dict[str, CValue] = {
            "pixels": pixels,
            "channels": channels,
            "lowest": width.lowest,
        }
        return self.outer.params(STRUCT, fields)
