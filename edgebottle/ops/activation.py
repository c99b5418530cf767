"""The activations that TFLite fuses into a layer."""

from __future__ import annotations

from enum import Enum

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import FLOAT_LIMIT


class Activation(Enum):
    """Fused activation, by its code in TFLite's schema."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3

    @classmethod
    def from_tflite(cls, code: int, where: str) -> Activation:
        """The activation of a schema code; raises ``UnsupportedOp`` for TANH and others."""
        try:
            return cls(code)
        except ValueError:
            raise UnsupportedOp(f"{where} uses the fused activation {code}") from None

    def float_range(self) -> tuple[float, float]:
        """Bounds of the activation on float32, at most the finite ones: LiteRT clamps to them."""
        return {
            Activation.NONE: (-FLOAT_LIMIT, FLOAT_LIMIT),
            Activation.RELU: (0.0, FLOAT_LIMIT),
            Activation.RELU_N1_TO_1: (-1.0, 1.0),
            Activation.RELU6: (0.0, 6.0),
        }[self]
