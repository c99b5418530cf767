"""Distillation: the float network's probabilities are targets beside the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from quantize.lowbit.methods.method import Method


@dataclass(frozen=True)
class Distillation(Method):
    """Part of the loss is the cross entropy with the float network's softened probabilities.

    Attributes:
        share: Of the loss, 0 .. 1; the rest is that with the classes.
        temperature: Logits are divided by it.
    """

    NAME: ClassVar[str] = "distillation"
    SOURCE: ClassVar[str] = (
        "Hinton et al., Distilling the Knowledge in a Neural Network, 2015; for few bits: Mishra "
        "and Marr, Apprentice, 2018"
    )

    share: float = 0.5
    temperature: float = 2.0

    def loss(self, plain: Any, taught: Any, logits: Any) -> Any:
        """The loss of each sample.

        Args:
            plain: With the classes, (samples,).
            taught: Logits of the float network, (samples, classes).
            logits: Of the network that is trained.
        """
        from keras import ops

        soft = ops.softmax(taught / self.temperature)
        logarithms = ops.log_softmax(logits / self.temperature)
        distance = -ops.sum(soft * logarithms, axis=-1) * self.temperature**2
        return (1.0 - self.share) * plain + self.share * distance
