"""ARG_MIN: index of the smallest element along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.arg_max import ArgExtreme
from edgebottle.ops.base import Signature


@dataclass(frozen=True, kw_only=True)
class ArgMin(ArgExtreme):
    """Index of the first of the smallest elements along one axis, which disappears."""

    OP = "ARG_MIN"
    SIGNATURE: ClassVar[Signature] = Signature("ArgMinOptions", 2, 2, fields=("i8",))
    LARGEST: ClassVar[bool] = False
