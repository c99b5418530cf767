"""MIRROR_PAD: a border that mirrors what it surrounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Listed, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.movement import MAX_RANK, check_movable, data_input
from edgebottle.ops.pad import Paddings, read_paddings


@dataclass(frozen=True, kw_only=True)
class MirrorPad(Operator):
    """The input between mirror images of its edges; input 1 holds the amounts.

    Limits:
        At most 6 axes. The amounts are constants, no larger than what there is to mirror.

    Attributes:
        paddings: Elements before and after, for each axis.
        reflects: The mirror is the outermost element, which is there once (REFLECT); else it is
            the edge behind it (SYMMETRIC).
    """

    OP: ClassVar[str] = "MIRROR_PAD"
    SIGNATURE: ClassVar[Signature] = Signature("MirrorPadOptions", 2, 2, fields=("i8",))
    MOVES: ClassVar[bool] = True

    paddings: Paddings
    reflects: bool

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
        paddings = read_paddings(label, ins)
        if options is None or options.mode not in (0, 1):
            raise UnsupportedOp(f"{label} does not say how it mirrors")
        return cls(
            name=name, inputs=inputs, outputs=outputs, paddings=paddings, reflects=options.mode == 0
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import MirrorPadOptionsT

        options = MirrorPadOptionsT()
        options.mode = 0 if self.reflects else 1
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        for dim, pair in zip(data.shape, self.paddings, strict=True):
            if max(pair) > dim - self.reflects:
                raise UnsupportedOp(f"{where(self)} mirrors {max(pair)} of {dim} elements")
        pairs = zip(data.shape, self.paddings, strict=True)
        return ((tuple(before + dim + after for dim, (before, after) in pairs), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """Each index the one that it mirrors."""
        if index != 0:
            return None
        pairs = zip(data_input(ins).shape, self.paddings, strict=True)
        return tuple(self._mirrored(dim, *pair) for dim, pair in pairs)

    def _mirrored(self, dim: int, before: int, after: int) -> AxisMap:
        if (before, after) == (0, 0):
            return Same()
        places = self._padded(np.arange(dim), ((before, after),))
        return Listed(tuple((int(place),) for place in places))

    def _padded(self, values: Array, paddings: Paddings) -> Array:
        if self.reflects:
            return np.pad(values, paddings, mode="reflect")
        return np.pad(values, paddings, mode="symmetric")

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Its own, where channels are not mirrored."""
        return Same() if index == 0 and self.paddings[-1:] == ((0, 0),) else None

    def attribute_operands(self) -> Mapping[int, Sequence[int]]:
        """The paddings."""
        return {1: [amount for pair in self.paddings for amount in pair]}

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        assert values[0] is not None
        return (self._padded(values[0], self.paddings),)

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        ins, outs = e.tensors
        data = data_input(ins)
        missing = MAX_RANK - len(data.shape)
        ones = (1,) * missing
        e.include("eb_mirror_pad.h")
        params = e.params(
            "eb_mirror_pad",
            {
                "element_bytes": data.layout.element_bytes,
                "edge": int(self.reflects),
                "in_shape": (*ones, *data.shape),
                "out_shape": (*ones, *outs[0].shape),
                "before": ((0,) * missing) + tuple(before for before, _ in self.paddings),
            },
        )
        return f"eb_mirror_pad_all({params}, {e.input(0)}, {e.output()});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, paddings, dtype in _CASES:
            for reflects in (True, False):
                node = cls(
                    name="pad",
                    inputs=("x", "paddings"),
                    outputs=("y",),
                    paddings=paddings,
                    reflects=reflects,
                )
                data = activation("x", shape, dtype)
                ((out_shape, _),) = node.infer([data])
                amounts = np.array(paddings, np.int32)
                operand = Tensor("paddings", amounts.shape, DType.I32, data=amounts)
                kind = "reflect" if reflects else "symmetric"
                output = activation("y", out_shape, dtype)
                tensors = [data, operand, output]
                yield one_node_graph(f"mirror_pad_{case}_{kind}", node, tensors)


_CASES: tuple[tuple[str, Shape, Paddings, DType], ...] = (
    ("image", (1, 4, 5, 2), ((0, 0), (1, 2), (3, 1), (0, 0)), DType.I8),
    ("rows", (1, 3, 2, 2), ((0, 0), (2, 2), (0, 0), (0, 0)), DType.I8),
    ("channels", (1, 2, 2, 4), ((0, 0), (0, 0), (0, 0), (2, 3)), DType.I8),
    ("signal", (1, 9, 3), ((0, 0), (8, 4), (0, 0)), DType.I8),
    ("vector", (5,), ((4, 1),), DType.I8),
    ("nothing", (2, 3), ((0, 0), (0, 0)), DType.I8),
    ("f32", (1, 4, 3), ((0, 0), (3, 1), (0, 0)), DType.F32),
)
