"""BATCH_TO_SPACE_ND: the parts of an image put together, and its border cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, where
from edgebottle.ops.batching import BatchingOperator, Borders
from edgebottle.ops.movement import data_input


@dataclass(frozen=True, kw_only=True)
class BatchToSpaceND(BatchingOperator):
    """Parts to images."""

    OP = "BATCH_TO_SPACE_ND"
    SIGNATURE: ClassVar[Signature] = Signature("BatchToSpaceNDOptions", 3, 3)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        batch, *grid, channels = data.shape
        if batch % prod(self.block):
            raise UnsupportedOp(
                f"{where(self)} puts blocks of {list(self.block)} together from {batch} parts"
            )
        sizes = tuple(
            size * step - sum(border)
            for size, step, border in zip(grid, self.block, self.borders, strict=True)
        )
        if min(sizes) < 1:
            raise UnsupportedOp(f"{where(self)} cuts off the whole image")
        return (((batch // prod(self.block), *sizes, channels), data.dtype),)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        sizes = outs[0].shape[1:-1]
        kept = tuple(
            slice(before, before + size)
            for (before, _), size in zip(self.borders, sizes, strict=True)
        )
        return (self.joined(values[0])[(slice(None), *kept)],)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        params = self.params(e, outs[0], data_input(ins), "0u")
        return f"eb_batch_to_space_all({params}, {e.input(0)}, {e.output()});"

    @classmethod
    def of_images(cls, shape: Shape, block: tuple[int, ...], borders: Borders) -> Shape:
        """See ``BatchingOperator``."""
        grid = (
            (size + sum(border)) // step
            for size, step, border in zip(shape[1:-1], block, borders, strict=True)
        )
        return (shape[0] * prod(block), *grid, shape[-1])
