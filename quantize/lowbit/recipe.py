"""How a network is trained: a recipe, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from quantize.lowbit.levels import ActivationLevels
from quantize.lowbit.methods.distillation import Distillation
from quantize.lowbit.methods.fixed_step import FixedStep
from quantize.lowbit.methods.gradient_scale import GradientScale
from quantize.lowbit.methods.learned_step import LearnedStep
from quantize.lowbit.methods.method import Method, StepMethod

M = TypeVar("M", bound=Method)

METHODS: tuple[type[Method], ...] = (LearnedStep, GradientScale, Distillation)
"""All that a recipe may name."""


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that decides what training gives, apart from network, bits, data and seed.

    Attributes:
        methods: At most one of each; of several that have the same steps the last counts.
        epochs: Passes over the training samples.
        batch_size: Samples for each update.
        learning_rate: At the first update; falls to zero along a cosine.
        validation: Share of the samples by which the best epoch is chosen, 0 .. 0.5.
        seed: Of the order of samples and their split.
    """

    methods: tuple[Method, ...] = (LearnedStep(), GradientScale(), Distillation())
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    validation: float = 0.1
    seed: int = 0

    def find(self, kind: type[M]) -> M | None:
        """The method of this class."""
        return next((one for one in self.methods if isinstance(one, kind)), None)

    def weight_method(self) -> StepMethod:
        """Where the steps of weights come from."""
        found = (one for one in reversed(self.methods) if isinstance(one, StepMethod))
        return next((one for one in found if one.OF_WEIGHTS), FixedStep())

    def activation_method(self, levels: ActivationLevels) -> StepMethod:
        """Where the steps of activations of such levels come from."""
        found = (one for one in reversed(self.methods) if isinstance(one, StepMethod))
        return next((one for one in found if one.suits(levels)), FixedStep())
