"""How tensors that can take few values are stored with few bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Quant, Tensor

STORED = {4: DType.U4, 2: DType.U2, 1: DType.U1}
"""The type of each number of bits."""


@dataclass(frozen=True)
class Width:
    """How an int8 tensor is stored with fewer bits.

    Attributes:
        bits: 1, 2 or 4.
        lowest: The int8 value that is stored as 0.
    """

    bits: int
    lowest: int

    @property
    def dtype(self) -> DType:
        """What is stored."""
        return STORED[self.bits]

    def narrow(self, tensor: Tensor) -> Tensor:
        """The tensor as it is stored: the same real values."""
        return replace(tensor, dtype=self.dtype, quant=_moved(tensor.quant, -self.lowest))

    def wide(self, tensor: Tensor) -> Tensor:
        """The inverse of ``narrow``."""
        return replace(tensor, dtype=DType.I8, quant=_moved(tensor.quant, self.lowest))

    def stored(self, values: Array) -> Array:
        """int8 values as they are stored; raises ``AssertionError`` where one does not fit."""
        found = values.astype(np.int16) - self.lowest
        assert ((found >= 0) & (found < 1 << self.bits)).all(), "a value is out of its range"
        return found.astype(np.uint8)

    def values(self, stored: Array) -> Array:
        """The inverse of ``stored``."""
        return (stored.astype(np.int16) + self.lowest).astype(np.int8)


def _moved(quant: Quant | None, by: int) -> Quant | None:
    if quant is None:
        return None
    return replace(quant, zero_point=tuple(point + by for point in quant.zero_point))
