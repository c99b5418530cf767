"""SPACE_TO_DEPTH: square blocks of pixels become the channels of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Signature, where
from edgebottle.ops.depth_to_space import BlockOperator
from edgebottle.ops.movement import data_input


@dataclass(frozen=True, kw_only=True)
class SpaceToDepth(BlockOperator):
    """A square block of pixels becomes the channels of one pixel.

    Limits:
        4 axes; height and width are multiples of the block's.
    """

    OP: ClassVar[str] = "SPACE_TO_DEPTH"
    SIGNATURE: ClassVar[Signature] = Signature("SpaceToDepthOptions", 1, 1, fields=("i32",))

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import SpaceToDepthOptionsT

        options = SpaceToDepthOptionsT()
        options.blockSize = self.block
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        batch, height, width, channels = data.shape
        if height % self.block or width % self.block:
            raise UnsupportedOp(
                f"{where(self)} takes blocks of {self.block} x {self.block} from "
                f"{height} x {width} pixels"
            )
        shape = (batch, height // self.block, width // self.block, channels * self.block**2)
        return ((shape, data.dtype),)

    def blocks(self, shape: Shape) -> Shape:
        """See ``BlockOperator``."""
        batch, height, width, channels = shape
        rows, columns = height // self.block, width // self.block
        return (batch, rows, self.block, columns, self.block, channels)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        yield from cls.rows_of_cases(
            (
                ("two", (1, 4, 6, 3), 2, DType.I8),
                ("three", (1, 3, 6, 2), 3, DType.I8),
                ("one", (1, 3, 2, 5), 1, DType.I8),
                ("batch", (2, 2, 4, 1), 2, DType.I8),
                ("f32", (1, 4, 4, 2), 2, DType.F32),
            )
        )
