"""PADV2: a border of a given value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor, Tensors
from edgebottle.ops.base import Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, constant, quantized
from edgebottle.ops.movement import data_input
from edgebottle.ops.pad import PAD_CASES, Pad, read_paddings


@dataclass(frozen=True, kw_only=True)
class PadV2(Pad):
    """A border of the value of input 2, which is quantized like the output.

    Limits:
        The value is a constant of the output's type, scale and zero point.

    Attributes:
        border: The value, as stored.
    """

    OP: ClassVar[str] = "PADV2"
    SIGNATURE: ClassVar[Signature] = Signature("PadV2Options", 3, 3)

    border: int | float

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
        border = data_input(ins, 2).constant().ravel()[0].item()
        return cls(name=name, inputs=inputs, outputs=outputs, paddings=paddings, border=border)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        super().check(ins, outs)
        border, output = data_input(ins, 2), outs[0]
        if border.dtype is not output.dtype or (
            output.quant is not None and border.quant != output.quant
        ):
            raise UnsupportedOp(f"{where(self)} pads with a value of another quantization")

    def value(self, output: Tensor) -> int | float:
        """See ``Pad``."""
        return self.border

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for index, (case, shape, paddings, zero_point) in enumerate(PAD_CASES):
            data = quantized("x", shape, 0.05, zero_point)
            yield cls._bordered(case, data, paddings, (-128, 127, 17)[index % 3])
        data = activation("x", (1, 4, 3, 2), DType.F32)
        yield cls._bordered("f32", data, ((0, 0), (1, 2), (2, 1), (1, 1)), -1.75)

    @classmethod
    def _bordered(
        cls, case: str, data: Tensor, paddings: tuple[tuple[int, int], ...], border: int | float
    ) -> Graph:
        node = cls(
            name="pad",
            inputs=("x", "paddings", "border"),
            outputs=("y",),
            paddings=paddings,
            border=border,
        )
        ((shape, dtype),) = node.infer([data])
        amounts = constant("paddings", np.array(paddings, dtype=np.int32))
        value = constant("border", np.array([border], dtype=data.dtype.numpy), data.quant)
        output = Tensor("y", shape, dtype, data.quant)
        return one_node_graph(f"pad_v2_{case}", node, [data, amounts, value, output])
