"""Constants that a layer reads many times, which a plan may have copied to RAM."""

from __future__ import annotations

from dataclasses import dataclass

WALK_ROWS = 16
"""``EB_WALK_ROWS`` of ``eb_rows.h``: rows that a window may have where a layer is one call."""


@dataclass(frozen=True)
class ReadAgain:
    """Constants that a layer reads from the first byte to the last, again and again.

    Attributes:
        nbytes: Of them, a multiple of 16.
        times: How often they are read.
    """

    nbytes: int
    times: int
