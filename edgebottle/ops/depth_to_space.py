"""DEPTH_TO_SPACE: the channels of a pixel become a square block of pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.movement import check_movable, copy_call, copy_params, data_input

_ORDER = (0, 1, 3, 2, 4, 5)
"""Of batch, rows, rows of a block, columns, columns of a block and channels: back and forth."""


@dataclass(frozen=True, kw_only=True)
class BlockOperator(Operator):
    """Moves the pixels of square blocks.

    Attributes:
        block: Rows and columns of a block.
    """

    MOVES: ClassVar[bool] = True

    block: int

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
        label = f"{name} ({cls.OP})"
        block = 0 if options is None else int(options.blockSize)
        if block < 1 or len(data_input(ins).shape) != 4:
            raise UnsupportedOp(f"{label} needs an input of 4 axes and blocks, not of {block}")
        return cls(name=name, inputs=inputs, outputs=outputs, block=block)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)

    @abstractmethod
    def blocks(self, shape: Shape) -> Shape:
        """The input as 6 axes, of which those of ``_ORDER`` give the output's."""

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        moved = values[0].reshape(self.blocks(values[0].shape)).transpose(_ORDER)
        return (np.ascontiguousarray(moved).reshape(outs[0].shape),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        data = data_input(e.tensors[0])
        source = Layout.contiguous(self.blocks(data.shape), data.dtype.bits).permuted(_ORDER)
        params = copy_params(e, source, Layout.contiguous(source.shape, data.dtype.bits))
        return copy_call(params, e.input(0), 0, e.output(), 0)

    @classmethod
    def rows_of_cases(cls, rows: Sequence[tuple[str, Shape, int, DType]]) -> Iterator[Graph]:
        """The test cases: name, shape of the input, block and type."""
        for case, shape, block, dtype in rows:
            node = cls(name="blocks", inputs=("x",), outputs=("y",), block=block)
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            output = activation("y", out_shape, dtype)
            yield one_node_graph(f"{cls.OP.lower()}_{case}", node, [data, output])


@dataclass(frozen=True, kw_only=True)
class DepthToSpace(BlockOperator):
    """The channels of a pixel become a square block of pixels.

    Limits:
        4 axes; the channels are a multiple of the block's pixels.
    """

    OP: ClassVar[str] = "DEPTH_TO_SPACE"
    SIGNATURE: ClassVar[Signature] = Signature(
        "DepthToSpaceOptions", 1, 1, fields=("i32",), version=1
    )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import DepthToSpaceOptionsT

        options = DepthToSpaceOptionsT()
        options.blockSize = self.block
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        batch, height, width, channels = data.shape
        if channels % self.block**2:
            raise UnsupportedOp(
                f"{where(self)} makes blocks of {self.block} x {self.block} of {channels} channels"
            )
        shape = (batch, height * self.block, width * self.block, channels // self.block**2)
        return ((shape, data.dtype),)

    def blocks(self, shape: Shape) -> Shape:
        """See ``BlockOperator``."""
        batch, height, width, channels = shape
        return (batch, height, width, self.block, self.block, channels // self.block**2)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        yield from cls.rows_of_cases(
            (
                ("two", (1, 3, 2, 12), 2, DType.I8),
                ("three", (1, 2, 3, 9), 3, DType.I8),
                ("one", (1, 3, 2, 5), 1, DType.I8),
                ("batch", (2, 3, 1, 8), 2, DType.I8),
                ("f32", (1, 2, 2, 8), 2, DType.F32),
            )
        )
