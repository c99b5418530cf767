"""EQUAL: whether a is b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Signature
from edgebottle.ops.comparison import Equality


@dataclass(frozen=True, kw_only=True)
class Equal(Equality):
    """Whether a is b."""

    OP = "EQUAL"
    SIGNATURE: ClassVar[Signature] = Signature("EqualOptions", 2, 2, version=3)
    ORDERS: ClassVar[tuple[bool, bool, bool]] = (False, True, False)
