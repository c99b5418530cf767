"""FILL: a tensor that holds one value everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Signature, one_node_graph
from edgebottle.ops.broadcast_to import BroadcastTo
from edgebottle.ops.case_tensors import activation, indices


@dataclass(frozen=True, kw_only=True)
class Fill(BroadcastTo):
    """The element in input 1 everywhere in ``shape``, which input 0 holds."""

    OP: ClassVar[str] = "FILL"
    SIGNATURE: ClassVar[Signature] = Signature("FillOptions", 2, 2, version=3)
    DATA: ClassVar[int] = 1

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for shape, dtype in (((2, 3, 5), DType.I8), ((7,), DType.F32), ((1, 2, 3, 4), DType.I32)):
            node = cls(name="fill", inputs=("shape", "x"), outputs=("y",), shape=shape)
            tensors = [indices("shape", *shape), activation("x", (), dtype)]
            tensors.append(activation("y", shape, dtype))
            yield one_node_graph(f"fill_{dtype.label}", node, tensors)
