"""GREATER_EQUAL: whether a is not less than b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import ComparisonOperator


@dataclass(frozen=True, kw_only=True)
class GreaterEqual(ComparisonOperator):
    """Whether a is not less than b."""

    OP = "GREATER_EQUAL"
    SIGNATURE: ClassVar[Signature] = Signature("GreaterEqualOptions", 2, 2, version=2)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (False, True, True)
