"""RELU6: min(max(0, x), 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebottle.ops.base import Activation, Signature
from edgebottle.ops.relu import Relu


@dataclass(frozen=True, kw_only=True)
class Relu6(Relu):
    """min(max(0, x), 6), as RELU does it."""

    OP = "RELU6"
    SIGNATURE: ClassVar[Signature] = Signature("", 1, 1)
    ACTIVATION: ClassVar[Activation] = Activation.RELU6
