"""REDUCE_ANY: whether any element along some axes is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.reduce_max import ExtremesKernel, ReduceExtreme


@dataclass(frozen=True, kw_only=True)
class BoolReduction(ReduceExtreme):
    """The larger or the smaller of false and true."""

    SIGNATURE: ClassVar[Signature] = replace(ReduceExtreme.SIGNATURE, version=1)
    TYPES: ClassVar[tuple[DType, ...]] = (DType.BOOL,)
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        ExtremesKernel((DType.BOOL,), "eb_reduce_extreme_bool"),
    )

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Some axes."""
        yield from islice(super().cases(), 2)


@dataclass(frozen=True, kw_only=True)
class ReduceAny(BoolReduction):
    """Whether any element along ``axes`` is true."""

    OP: ClassVar[str] = "REDUCE_ANY"
    LARGER: ClassVar[bool] = True
