"""What it brings to compile a kernel for one layer alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inlining:
    """What a kernel compiled for one layer alone brings, against one that layers share.

    Attributes:
        instructions: Saved in one run; estimated.
        nbytes: Of flash it takes; estimated.
    """

    instructions: int
    nbytes: int
