"""REDUCE_ALL: whether all elements along some axes are true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.reduce_any import BoolReduction


@dataclass(frozen=True, kw_only=True)
class ReduceAll(BoolReduction):
    """Whether all elements along ``axes`` are true."""

    OP: ClassVar[str] = "REDUCE_ALL"
    LARGER: ClassVar[bool] = False
