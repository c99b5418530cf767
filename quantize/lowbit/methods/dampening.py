"""Dampening: weights are drawn to the middle of the level that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from quantize.lowbit.methods.method import Method


@dataclass(frozen=True)
class Dampening(Method):
    """A weight at the edge between two levels jumps between them; this takes it from there.

    The squared distance of the weights from their levels is added to the loss, with a factor that
    grows along a half cosine, so that weights are free at first.

    Attributes:
        strength: The factor at the end.
    """

    NAME: ClassVar[str] = "dampening"
    SOURCE: ClassVar[str] = (
        "Nagel et al., Overcoming Oscillations in Quantization-Aware Training, 2022"
    )

    strength: float = 1e-2

    def loss(self, kernel: Any, on_levels: Any, reach: Any, moment: Any) -> Any:
        """What is added to the loss.

        Args:
            kernel: The real weights.
            on_levels: Those on their levels.
            reach: The largest level, in real numbers: further out there is nothing to dampen.
            moment: How far training is, 0 .. 1.
        """
        from keras import ops

        factor = self.strength * 0.5 * (1.0 - ops.cos(moment * 3.14159265))
        distance = ops.stop_gradient(on_levels) - ops.clip(kernel, -reach, reach)
        return factor * ops.sum(ops.square(distance))
