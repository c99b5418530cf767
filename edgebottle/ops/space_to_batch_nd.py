"""SPACE_TO_BATCH_ND: an image, with a border of zeros, cut into parts of every n-th pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, where
from edgebottle.ops.batching import BatchingOperator, Borders
from edgebottle.ops.movement import data_input
from edgebottle.ops.pad import border_bits


@dataclass(frozen=True, kw_only=True)
class SpaceToBatchND(BatchingOperator):
    """Images to parts; the border holds zeros (the zero point, where quantized)."""

    OP = "SPACE_TO_BATCH_ND"
    SIGNATURE: ClassVar[Signature] = Signature("SpaceToBatchNDOptions", 3, 3)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        batch, *image, channels = data.shape
        sizes = [size + sum(border) for size, border in zip(image, self.borders, strict=True)]
        if any(size % step for size, step in zip(sizes, self.block, strict=True)):
            raise UnsupportedOp(
                f"{where(self)} cuts {sizes} pixels, its border counted, into blocks of "
                f"{list(self.block)}"
            )
        grid = (size // step for size, step in zip(sizes, self.block, strict=True))
        return (((batch * prod(self.block), *grid, channels), data.dtype),)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        borders = ((0, 0), *self.borders, (0, 0))
        return (self.split(np.pad(values[0], borders, constant_values=_border(outs[0]))),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        value = border_bits(_border(outs[0]), outs[0].dtype)
        params = self.params(e, data_input(ins), outs[0], value)
        return f"eb_space_to_batch_all({params}, {e.input(0)}, {e.output()});"

    @classmethod
    def of_images(cls, shape: Shape, block: tuple[int, ...], borders: Borders) -> Shape:
        """See ``BatchingOperator``."""
        return shape


def _border(output: Tensor) -> int:
    return 0 if output.quant is None else output.zero_point
