"""TILE: a tensor repeated along its axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_axes,
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
)


@dataclass(frozen=True, kw_only=True)
class Tile(Operator):
    """As many copies side by side along each axis as input 1 says.

    Limits:
        At most 6 axes, neighbours that are alike counted as one, each repeated one twice. The
        numbers of copies are constants, none of them 0.

    Attributes:
        multiples: Copies along each axis.
    """

    OP: ClassVar[str] = "TILE"
    MOVES: ClassVar[bool] = True
    SIGNATURE: ClassVar[Signature] = Signature("TileOptions", 2, 2)

    multiples: tuple[int, ...]

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
        multiples = constant_ints(ins[1], f"{name} ({cls.OP})")
        return cls(name=name, inputs=inputs, outputs=outputs, multiples=multiples)

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        if len(self.multiples) != len(data.shape) or min(self.multiples, default=1) < 1:
            raise UnsupportedOp(
                f"{where(self)} repeats the shape {list(data.shape)} {list(self.multiples)} times"
            )
        pairs = zip(data.shape, self.multiples, strict=True)
        return ((tuple(dim * count for dim, count in pairs), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)
        check_axes(self, *self._copy(data_input(ins)))

    def _copy(self, data: Tensor) -> tuple[Layout, Layout]:
        """The input, read as often as it is repeated, and the output, in the same axes."""
        pairs = zip(data.shape, self.multiples, strict=True)
        shape = tuple(size for dim, count in pairs for size in (count, dim))
        places = [axis for number in range(len(data.shape)) for axis in (None, number)]
        source = data.layout.permuted(places)
        for number, count in enumerate(self.multiples):
            source = source.repeated(2 * number, count)
        return source, Layout.contiguous(shape, data.dtype.bits)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (np.tile(values[0], self.multiples),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        source, target = self._copy(data_input(e.tensors[0]))
        return copy_call(copy_params(e, source, target), e.input(0), 0, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, multiples, dtype in _CASES:
            node = cls(name="tile", inputs=("x", "n"), outputs=("y",), multiples=multiples)
            data = activation("x", shape, dtype)
            ((out_shape, _),) = node.infer([data])
            output = activation("y", out_shape, dtype)
            yield one_node_graph(f"tile_{case}", node, [data, indices("n", *multiples), output])


_CASES: tuple[tuple[str, Shape, tuple[int, ...], DType], ...] = (
    ("channels", (1, 2, 3, 4), (1, 1, 1, 3), DType.I8),
    ("rows", (1, 2, 3, 4), (1, 3, 1, 1), DType.I8),
    ("broadcast", (1, 1, 1, 4), (1, 3, 5, 1), DType.I8),
    ("all", (2, 3, 2), (2, 2, 3), DType.I8),
    ("once", (2, 3), (1, 1), DType.I8),
    ("vector", (3,), (4,), DType.I8),
    ("f32", (2, 3), (2, 2), DType.F32),
    ("i32", (2, 2), (3, 1), DType.I32),
)
