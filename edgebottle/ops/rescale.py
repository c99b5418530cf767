"""The multiplier of a rescaling, refused where the kernels cannot compute it."""

import math

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Node
from edgebottle.ops.base import where
from edgebottle.ops.fixed_point import quantize_multiplier

LARGEST_SHIFT = 30
"""Of ``eb_requantize``."""


def checked_multiplier(node: Node, ratio: float) -> tuple[int, int]:
    """Multiplier and shift of a ratio of scales.

    Raises:
        UnsupportedOp: the ratio is not positive and finite, or is 2^30 or more.
    """
    if not (math.isfinite(ratio) and 0 < ratio < 2.0**LARGEST_SHIFT):
        raise UnsupportedOp(f"{where(node)} rescales by {ratio:g}, which is out of range")
    return quantize_multiplier(ratio)
