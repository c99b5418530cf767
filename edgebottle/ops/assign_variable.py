"""ASSIGN_VARIABLE: gives a variable the value that the next run finds in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, Operator, Signature, one_node_graph, where
from edgebottle.ops.case_tensors import activation
from edgebottle.ops.movement import check_movable, data_input

STATE, VALUE = range(2)


@dataclass(frozen=True, kw_only=True)
class AssignVariable(Operator):
    """The bytes of input 1 become those of the state that is input 0, for the next run to read.

    The importer makes of VAR_HANDLE, READ_VARIABLE and CALL_ONCE a state tensor that layers read
    like any other. Where nothing reads it any more once the new value is computed, that is
    computed in the memory of the state, and nothing is copied.

    Limits:
        At most 6 axes. All that is read from and assigned to a variable has one shape, type and
        quantization. CALL_ONCE assigns constants.
    """

    OP: ClassVar[str] = "ASSIGN_VARIABLE"
    SIGNATURE: ClassVar[Signature] = Signature("AssignVariableOptions", 2, 2, version=1)

    @property
    def state_inputs(self) -> tuple[int, ...]:
        """See ``Node``."""
        return (STATE,)

    @property
    def assigned(self) -> int:
        """See ``Node``."""
        return VALUE

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        state, value = data_input(ins, STATE), data_input(ins, VALUE)
        if (state.shape, state.dtype) != (value.shape, value.dtype):
            raise UnsupportedOp(
                f"{where(self)} assigns {list(value.shape)} {value.dtype.label} to a variable of "
                f"{list(state.shape)} {state.dtype.label}"
            )
        return ((state.shape, state.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, STATE, VALUE)
        state, value = data_input(ins, STATE), data_input(ins, VALUE)
        if not state.state:
            raise UnsupportedOp(f"{where(self)} assigns to '{state.name}', which is no variable")
        if state.quant != value.quant:
            raise UnsupportedOp(
                f"{where(self)} assigns '{value.name}', whose quantization differs from what is "
                "read from the variable"
            )

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: the state, which is not read."""
        return (STATE,)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        value = values[VALUE]
        assert value is not None
        return value, value

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        e.include("string.h")
        return f"memcpy({e.output()}, {e.input(VALUE)}, {data_input(e.tensors[0], VALUE).nbytes});"

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, dtype in _CASES:
            node = cls(name="assign", inputs=("state", "x"), outputs=("y",))
            state = replace(activation("state", shape, dtype), state=True)
            tensors = [state, activation("x", shape, dtype), activation("y", shape, dtype)]
            yield one_node_graph(f"assign_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, DType], ...] = (
    ("image", (1, 3, 2, 5), DType.I8),
    ("vector", (7,), DType.F32),
    ("i16", (2, 3), DType.I16),
    ("i32", (1,), DType.I32),
)
