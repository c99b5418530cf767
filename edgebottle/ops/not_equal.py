"""NOT_EQUAL: whether a is not b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import Equality


@dataclass(frozen=True, kw_only=True)
class NotEqual(Equality):
    """Whether a is not b."""

    OP = "NOT_EQUAL"
    SIGNATURE: ClassVar[Signature] = Signature("NotEqualOptions", 2, 2, version=3)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (True, False, True)
