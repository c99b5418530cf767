"""What every method of training is: frozen data with a name and a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edgebottle.ir.graph import Array
from quantize.lowbit.levels import ActivationLevels, WeightLevels


@dataclass(frozen=True)
class Method:
    """A method that a recipe may have, or not."""

    NAME: ClassVar[str]
    """What a recipe and ``--without`` call it."""

    SOURCE: ClassVar[str]
    """The paper that it comes from."""


@dataclass(frozen=True)
class StepMethod(Method):
    """Where steps come from: those of weights, those of what layers compute, or both.

    A *holder* is the layer of Keras that has the variables; ``create_...`` gives it them.
    """

    OF_WEIGHTS: ClassVar[bool] = False
    """It has steps of weights."""

    def suits(self, levels: ActivationLevels) -> bool:
        """Whether it has steps of activations of such levels."""
        return False

    def create_weights(self, holder: Any, steps: Array, levels: WeightLevels, slope: float) -> None:
        """Gives a holder its variables.

        Args:
            holder: Of the weights of a layer.
            steps: The first steps, one for each channel.
            levels: Of the weights.
            slope: What the gradient of the steps is multiplied with.
        """
        raise NotImplementedError

    def weight_steps(self, holder: Any, kernel: Any, levels: WeightLevels) -> Any:
        """The steps of weights, of the shape that ``create_weights`` was given."""
        raise NotImplementedError

    def create_activation(
        self, holder: Any, step: float, zero: int, levels: ActivationLevels, slope: float
    ) -> None:
        """Gives a holder its variables.

        Args:
            holder: Of what a layer computes.
            step: The first step.
            zero: The first level of zero.
            levels: That it has.
            slope: What the gradient of the step is multiplied with.
        """
        raise NotImplementedError

    def grid(self, holder: Any, levels: ActivationLevels) -> tuple[Any, Any]:
        """The step, and the level of zero: a whole number."""
        raise NotImplementedError

    def on_grid(self, holder: Any, values: Any, levels: ActivationLevels) -> Any:
        """Real values on their grid, with a gradient."""
        raise NotImplementedError
