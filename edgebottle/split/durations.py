"""Times in one byte each: what a reply says of how long the server took.

The steps are those of a logarithm, twelve to a doubling: 0 is less than 10 us, 255 is 23 s and
more, and what is between is off by at most 3 %.
"""

from __future__ import annotations

import math

SHORTEST = 1e-5
"""Seconds that 1 stands for."""

STEPS = 12
"""Of a doubling."""

LAST = 255


def coded(seconds: float) -> int:
    """The byte that is nearest to a time."""
    if seconds < SHORTEST:
        return 0
    return min(LAST, 1 + round(STEPS * math.log2(seconds / SHORTEST)))


def seconds_of(code: int) -> float:
    """The time that a byte stands for, in seconds."""
    return SHORTEST * 2 ** ((code - 1) / STEPS) if code else 0.0
