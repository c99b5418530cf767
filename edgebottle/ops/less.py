"""LESS: whether a is less than b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import ComparisonOperator


@dataclass(frozen=True, kw_only=True)
class Less(ComparisonOperator):
    """Whether a is less than b."""

    OP = "LESS"
    SIGNATURE: ClassVar[Signature] = Signature("LessOptions", 2, 2, version=2)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (True, False, False)
