"""REDUCE_MIN: the smallest element along some axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.reduce_max import ReduceExtreme


@dataclass(frozen=True, kw_only=True)
class ReduceMin(ReduceExtreme):
    """The smallest element along ``axes``."""

    OP: ClassVar[str] = "REDUCE_MIN"
    LARGER: ClassVar[bool] = False
