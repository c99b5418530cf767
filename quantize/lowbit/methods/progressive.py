"""Progressive bits: a network is trained to more bits before it is trained to few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.methods.method import Method

FIRST_BITS = 4
"""More are no step on the way: a float network comes to 4 bits at once."""


@dataclass(frozen=True)
class ProgressiveBits(Method):
    """Twice the bits first, and before that twice again, up to 4.

    Attributes:
        share: Of the epochs, for each of these stages.
    """

    NAME: ClassVar[str] = "progressive"
    SOURCE: ClassVar[str] = (
        "Zhuang et al., Towards Effective Low-bitwidth Convolutional Neural Networks, 2018"
    )

    share: float = 0.2

    def before(self, bits: Bits) -> tuple[Bits, ...]:
        """What comes before ``bits``, in order."""
        stages: list[Bits] = []
        while (wider := _doubled(bits)) != bits:
            stages.insert(0, wider)
            bits = wider
        return tuple(stages)


def _doubled(bits: Bits) -> Bits:
    layers = {name: _doubled_layer(one) for name, one in bits.layers.items()}
    return Bits(_doubled_layer(bits.default), layers)


def _doubled_layer(bits: LayerBits) -> LayerBits:
    return LayerBits(_doubled_width(bits.weights), _doubled_width(bits.activations))


def _doubled_width(width: int) -> int:
    return min(2 * width, FIRST_BITS) if width < FIRST_BITS else width
