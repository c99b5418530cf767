"""LOGICAL_OR: whether a or b is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.logical import LogicalOperator


@dataclass(frozen=True, kw_only=True)
class LogicalOr(LogicalOperator):
    """Whether a or b is true."""

    OP = "LOGICAL_OR"
    SIGNATURE: ClassVar[Signature] = Signature("LogicalOrOptions", 2, 2, version=1)
    TRUTH: ClassVar[tuple[bool, bool, bool, bool]] = (False, True, True, True)
