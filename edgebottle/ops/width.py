"""How tensors that can take few values are stored with few bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensor

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
        return self._moved(tensor, self.dtype, -self.lowest)

    def wide(self, tensor: Tensor) -> Tensor:
        """The inverse of ``narrow``."""
        return self._moved(tensor, DType.I8, self.lowest)

    def stored(self, values: Array) -> Array:
        """int8 values as they are stored; raises ``AssertionError`` where one does not fit."""
        found = values.astype(np.int16) - self.lowest
        assert ((found >= 0) & (found < 1 << self.bits)).all(), "a value is out of its range"
        return found.astype(np.uint8)

    def values(self, stored: Array) -> Array:
        """The inverse of ``stored``."""
        return (stored.astype(np.int16) + self.lowest).astype(np.int8)

    @staticmethod
    def _moved(tensor: Tensor, dtype: DType, by: int) -> Tensor:
        """The tensor of another type, with every value and zero point so much larger."""
        quant, bounds = tensor.quant, tensor.bounds
        if quant is not None:
            quant = replace(quant, zero_point=tuple(point + by for point in quant.zero_point))
        if bounds is not None:
            bounds = (bounds[0] + by, bounds[1] + by)
        return replace(tensor, dtype=dtype, quant=quant, bounds=bounds)
