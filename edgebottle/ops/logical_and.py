"""LOGICAL_AND: whether both a and b are true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.logical import LogicalOperator


@dataclass(frozen=True, kw_only=True)
class LogicalAnd(LogicalOperator):
    """Whether both a and b are true."""

    OP = "LOGICAL_AND"
    SIGNATURE: ClassVar[Signature] = Signature("LogicalAndOptions", 2, 2, version=1)
    TRUTH: ClassVar[tuple[bool, bool, bool, bool]] = (False, False, False, True)
