"""LESS_EQUAL: whether a is not more than b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import ComparisonOperator


@dataclass(frozen=True, kw_only=True)
class LessEqual(ComparisonOperator):
    """Whether a is not more than b."""

    OP = "LESS_EQUAL"
    SIGNATURE: ClassVar[Signature] = Signature("LessEqualOptions", 2, 2, version=2)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (True, True, False)
