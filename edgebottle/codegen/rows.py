"""Which rows of an input the rows of an output read, and how C says so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgebottle.ir.access import AxisMap, Listed
from edgebottle.ir.graph import Array


@dataclass(frozen=True)
class RowReads:
    """The rows of an input that each of the output's rows reads, as many for each.

    Attributes:
        along: The relation of the rows.
        height: Rows of the output, at least one.
    """

    along: AxisMap
    height: int

    @property
    def first(self) -> tuple[int, ...]:
        """Those of output row 0."""
        return self.along.reads(0)

    def table(self) -> Array:
        """int16, (``height``, rows): those of each output row."""
        return np.array([self.along.reads(y) for y in range(self.height)], dtype=np.int16)

    @cached_property
    def affine(self) -> tuple[int, int, int] | None:
        """(slope, start, step): row k of output y is slope * y + start + k * step; None if not.

        All relations but lists are so by what they are; no row of theirs need be looked at.
        """
        first = self.first
        if not first:
            return None
        start, step = first[0], first[1] - first[0] if len(first) > 1 else 1
        slope = self.along.reads(1)[0] - start if self.height > 1 else 0
        if isinstance(self.along, Listed):
            listed = np.array(self.along.places[: self.height], dtype=np.int64)
            y, k = np.arange(self.height)[:, None], np.arange(len(first))
            if not np.array_equal(listed, slope * y + start + k * step):
                return None
        return slope, start, step

    def is_one_of(self, rows: int) -> bool:
        """Whether each output row reads one row, regularly, of ``rows`` and none of the padding."""
        if self.affine is None or len(self.first) != 1:
            return False
        slope, start, _ = self.affine
        last = start + slope * (self.height - 1)
        return min(start, last) >= 0 and max(start, last) < rows
