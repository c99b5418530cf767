"""MINIMUM: the smaller of two elements, broadcast against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import Signature
from edgebottle.ops.maximum import Extreme


@dataclass(frozen=True, kw_only=True)
class Minimum(Extreme):
    """The smaller of a and b, as they are stored."""

    OP = "MINIMUM"
    SIGNATURE: ClassVar[Signature] = Signature("MaximumMinimumOptions", 2, 2)
    LARGER: ClassVar[bool] = False

    def combine(self, a: Array, b: Array) -> Array:
        """The smaller; the second where they do not compare."""
        return np.where(a < b, a, b)
