"""REVERSE_V2: the elements along some axes in the other order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import AxisMap
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import (
    check_movable,
    constant_ints,
    copy_call,
    copy_params,
    data_input,
    normal_axis,
)


@dataclass(frozen=True, kw_only=True)
class ReverseV2(Operator):
    """The input backwards along ``axes``, which input 1 holds.

    Limits:
        At most 6 axes. Those that turn are constants and lie side by side, as LiteRT wants them.

    Attributes:
        axes: From the front, ascending, each once.
    """

    OP: ClassVar[str] = "REVERSE_V2"
    SIGNATURE: ClassVar[Signature] = Signature("ReverseV2Options", 2, 2)
    MOVES: ClassVar[bool] = True

    axes: tuple[int, ...]

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
        label, rank = f"{name} ({cls.OP})", len(data_input(ins).shape)
        axes = {normal_axis(axis, rank, label) for axis in constant_ints(ins[1], label)}
        return cls(name=name, inputs=inputs, outputs=outputs, axes=tuple(sorted(axes)))

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        return ((data.shape, data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)
        if not self.axes or self.axes != tuple(range(self.axes[0], self.axes[-1] + 1)):
            raise UnsupportedOp(
                f"{where(self)} turns the axes {list(self.axes)}; LiteRT turns neighbours"
            )

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None: channels may change places."""
        return None

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (np.flip(values[0], self.axes).copy(),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        source = data_input(ins).layout
        for axis in self.axes:
            source = source.slice(axis, source.shape[axis] - 1, -1, -1)
        params = copy_params(e, source, outs[0].layout)
        return copy_call(params, e.input(0), source.offset, e.output(), 0)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, axes, dtype in _CASES:
            node = cls(name="reverse", inputs=("x", "axes"), outputs=("y",), axes=axes)
            tensors = [activation(name, shape, dtype) for name in "xy"]
            yield one_node_graph(f"reverse_v2_{case}", node, [*tensors, indices("axes", *axes)])


_CASES: tuple[tuple[str, Shape, tuple[int, ...], DType], ...] = (
    ("width", (1, 3, 5, 2), (2,), DType.I8),
    ("image", (2, 3, 4, 3), (1, 2), DType.I16),
    ("channels", (1, 2, 2, 5), (3,), DType.F32),
    ("all", (2, 3, 2, 2, 3), (0, 1, 2, 3, 4), DType.I32),
    ("line", (7,), (0,), DType.BOOL),
)
