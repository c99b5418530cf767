"""GREATER: whether a is more than b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import ComparisonOperator


@dataclass(frozen=True, kw_only=True)
class Greater(ComparisonOperator):
    """Whether a is more than b."""

    OP = "GREATER"
    SIGNATURE: ClassVar[Signature] = Signature("GreaterOptions", 2, 2, version=2)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (False, False, True)
