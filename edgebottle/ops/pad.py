"""PAD: a border of zeros (of the zero point, where quantized)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Offset
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import packed_bytes
from edgebottle.ops.base import Emitter, RowOperator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, constant, quantized
from edgebottle.ops.channel_range import Range
from edgebottle.ops.movement import (
    Copy,
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
)

Paddings = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Pad(RowOperator):
    """A constant border; input 1 holds the amounts.

    Limits:
        At most 6 axes. The amounts are constants; of 4 axes the batch is not padded.

    Attributes:
        paddings: Elements before and after, for each axis.
    """

    OP: ClassVar[str] = "PAD"
    SIGNATURE: ClassVar[Signature] = Signature("PadOptions", 2, 2)

    paddings: Paddings

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """See ``Operator``."""
        paddings = read_paddings(f"{name} ({cls.OP})", ins)
        return cls(name=name, inputs=inputs, outputs=outputs, paddings=paddings)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        shape = tuple(
            before + dim + after
            for dim, (before, after) in zip(data.shape, self.paddings, strict=True)
        )
        return ((shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0, copies=lambda: [self._copy(ins, outs[0])])
        if len(self.paddings) == 4 and self.paddings[0] != (0, 0):
            raise UnsupportedOp(
                f"{where(self)} pads the batch, which edgebottle does not support yet"
            )

    def value(self, output: Tensor) -> int | float:
        """What the border holds, as stored."""
        return output.zero_point if output.quant is not None else 0

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        return (np.pad(data, self.paddings, constant_values=self.value(outs[0])),)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """The same place behind the padding; the amounts and the value are no data."""
        if index != 0:
            return None
        return tuple(Offset(before) for before, _ in self.paddings)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """That of the input, and the value of the border where there is one."""
        data, value = ranges[0], int(self.value(outs[0]))
        if any(amount for pair in self.paddings[:-1] for amount in pair):
            data = Range.around([data, Range.between(value, value, data.low.size)])
        before, after = (Range.between(value, value, count) for count in self.paddings[-1])
        return Range.joined([before, data, after])

    def bordered(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """See ``RowOperator``."""
        return replace(self, paddings=(self.paddings[0], rows, columns, self.paddings[3]))

    def attribute_operands(self) -> Mapping[int, Sequence[int]]:
        """The paddings."""
        return {1: [amount for pair in self.paddings for amount in pair]}

    def _copy(self, ins: Tensors, output: Tensor) -> Copy:
        """The input, and its place in the output.

        Raises:
            ValueError: the border ends inside a byte.
        """
        data = data_input(ins)
        fills = self.value(output) != 0 and output.shape != data.shape
        if fills and output.layout.pixel_elements % output.layout.in_a_byte:
            raise ValueError("pixels of the border end there, and what follows them is 0")
        return data.layout, output.layout.box([first for first, _ in self.paddings], data.shape)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        data, output = data_input(ins), outs[0]
        size = data.layout.in_bytes.element_bytes
        bits = border_bits(self.value(output), output.dtype)
        _, inner = self._copy(ins, output)
        e.include("eb_pad.h")
        if len(data.shape) != 4:
            fill = f"(void)eb_pad_fill((uint8_t *){e.out_row()}, {output.nbytes}, {bits}, {size});"
            params = copy_params(e, data.layout, inner)
            return f"{fill}\n    {copy_call(params, e.row(0), 0, e.out_row(), inner.offset)}"
        _, _, (left, right), (before, _) = self.paddings
        before = packed_bytes(before, output.dtype.bits)
        params = e.params(
            "eb_pad",
            {
                "width": data.shape[2],
                "pixel_bytes": data.layout.pixel_bytes,
                "left": left,
                "right": right,
                "before": before,
                "after": output.layout.pixel_bytes - before - data.layout.pixel_bytes,
                "element_bytes": size,
                "value": bits,
            },
        )
        return f"eb_pad_row({params}, {e.rows(0)}[0], {e.out_row()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, paddings, zero_point in PAD_CASES:
            data = quantized("x", shape, 0.05, zero_point)
            yield cls._case(case, data, paddings)
        for dtype in (DType.F32, DType.I16, DType.I32):
            data = activation("x", (1, 4, 3, 2), dtype)
            yield cls._case(dtype.label, data, ((0, 0), (1, 2), (2, 1), (1, 1)))

    @classmethod
    def _case(cls, case: str, data: Tensor, paddings: Paddings) -> Graph:
        node = cls(name="pad", inputs=("x", "paddings"), outputs=("y",), paddings=paddings)
        ((shape, dtype),) = node.infer([data])
        amounts = constant("paddings", np.array(paddings, dtype=np.int32))
        return one_node_graph(
            f"pad_{case}", node, [data, amounts, Tensor("y", shape, dtype, data.quant)]
        )


def read_paddings(label: str, ins: Tensors) -> Paddings:
    """The constant amounts of input 1; raises ``UnsupportedOp``."""
    flat = constant_ints(ins[1], label)
    rank = len(data_input(ins).shape)
    if len(flat) != 2 * rank or min(flat, default=0) < 0:
        raise UnsupportedOp(f"{label} has the paddings {list(flat)} for {rank} axes")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def border_bits(value: int | float, dtype: DType) -> str:
    """A stored value as a C literal of its bits; of fewer than 8 as many values as a byte holds."""
    if dtype.bits < 8:
        repeated = sum(int(value) << place for place in range(0, 8, dtype.bits))
        return f"{repeated & 0xFF:#x}u"
    if dtype.bits > 32 and value != 0:
        raise UnsupportedOp(f"a border of {value} in {dtype.label} is not supported")
    stored = np.array([value], dtype=dtype.numpy).tobytes()[:4]
    return f"{int.from_bytes(stored, 'little'):#x}u"


PAD_CASES: tuple[tuple[str, Shape, Paddings, int], ...] = (
    ("image", (1, 5, 4, 3), ((0, 0), (1, 1), (1, 1), (0, 0)), -128),
    ("uneven", (1, 3, 5, 2), ((0, 0), (0, 3), (2, 0), (0, 0)), 127),
    ("channels", (1, 3, 2, 5), ((0, 0), (0, 0), (0, 0), (0, 3)), 4),
    ("all_axes", (1, 3, 2, 5), ((0, 0), (1, 2), (2, 1), (1, 2)), -5),
    ("nothing", (1, 3, 2, 5), ((0, 0), (0, 0), (0, 0), (0, 0)), 0),
    ("batch", (2, 3, 2, 5), ((0, 0), (1, 1), (0, 1), (0, 0)), 9),
    ("vector", (1, 7), ((1, 0), (2, 3)), -9),
    ("rank_3", (2, 3, 4), ((0, 1), (1, 0), (2, 2)), 3),
    ("rank_5", (1, 2, 2, 3, 2), ((1, 0), (0, 1), (1, 1), (0, 0), (2, 1)), 3),
)
