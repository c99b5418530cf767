"""Arithmetic progressions that the values of constants lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = (1, 2, 4)
"""Numbers of bits that constants are packed with."""


@dataclass(frozen=True)
class Levels:
    """int8 values that are few: value = lowest + step * code.

    Attributes:
        bits: Of a code: 1, 2 or 4.
        lowest: The value of code 0, -128 .. 127.
        step: From one value to the next, 1 .. 255.
    """

    bits: int
    lowest: int
    step: int

    def codes(self, values: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Values as codes, 0 .. 2^bits - 1; raises ``AssertionError`` where one has none."""
        codes, rest = np.divmod(values.astype(np.int16) - self.lowest, self.step)
        assert not rest.any() and ((codes >= 0) & (codes < 1 << self.bits)).all()
        return codes.astype(np.uint8)


def levels_of(values: NDArray[np.int8]) -> Levels | None:
    """The longest steps, and by them the fewest bits, that all of ``values`` lie on.

    Args:
        values: int8, of any shape.

    Returns:
        None where a code would need more than 4 bits.
    """
    found = np.unique(values).astype(np.int64)
    if not found.size or found.size > 1 << max(BITS):
        return None
    step = int(np.gcd.reduce(np.diff(found))) or 1
    top = int(found[-1] - found[0]) // step
    fitting = [bits for bits in BITS if top < 1 << bits]
    return Levels(fitting[0], int(found[0]), step) if fitting else None
