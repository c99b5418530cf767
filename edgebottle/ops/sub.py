"""SUB: elementwise difference of two tensors, broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ir.graph import Graph
from edgebottle.ops.add import Add
from edgebottle.ops.base import Signature
from edgebottle.ops.elementwise_cases import binary_cases


@dataclass(frozen=True, kw_only=True)
class Sub(Add):
    """a - b: ADD's arithmetic; the second operand is subtracted after its rounding."""

    OP = "SUB"
    SIGNATURE: ClassVar[Signature] = Signature("SubOptions", 2, 2, fields=("i8", "bool"))
    SIGN: ClassVar[int] = -1

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Broadcasts, activations, scales; int8, int32, float32."""
        yield from binary_cases(cls, product=False, few=True)
        yield from cls.shifted_cases()
