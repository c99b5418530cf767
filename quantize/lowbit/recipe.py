"""How a network is trained: a recipe, as data, also in a TOML file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from edgebottle.errors import BadInput
from edgebottle.files import read_file
from edgebottle.zoo.augmentation import Augmentation
from quantize.lowbit.levels import ActivationLevels
from quantize.lowbit.methods.dampening import Dampening
from quantize.lowbit.methods.distillation import Distillation
from quantize.lowbit.methods.fixed_step import FixedStep
from quantize.lowbit.methods.freezing import Freezing
from quantize.lowbit.methods.gradient_scale import GradientScale
from quantize.lowbit.methods.learned_clip import LearnedClip
from quantize.lowbit.methods.learned_offset import LearnedOffset
from quantize.lowbit.methods.learned_step import LearnedStep
from quantize.lowbit.methods.method import Method, StepMethod
from quantize.lowbit.methods.norm_estimation import NormEstimation
from quantize.lowbit.methods.progressive import ProgressiveBits
from quantize.lowbit.methods.statistical_step import StatisticalStep

M = TypeVar("M", bound=Method)
D = TypeVar("D")

METHODS: Mapping[str, type[Method]] = {
    kind.NAME: kind
    for kind in (
        *(LearnedStep, LearnedOffset, StatisticalStep, LearnedClip, GradientScale),
        *(Dampening, Freezing, NormEstimation, Distillation, ProgressiveBits),
    )
}
"""All that a recipe may name."""

DEFAULT_METHODS: tuple[Method, ...] = (
    *(LearnedStep(), LearnedOffset(), GradientScale()),
    *(Dampening(), Freezing(), NormEstimation(), Distillation(), ProgressiveBits()),
)

_MAX_RECIPE_BYTES = 1 << 20

_NUMBERS: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "batch_size": (1, 1 << 20),
    "learning_rate": (1e-12, 10.0),
    "validation": (0.001, 0.5),
    "seed": (0, (1 << 32) - 1),
}
"""What each number of a recipe may be."""


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that decides what training gives, apart from network, bits and data.

    Attributes:
        methods: At most one of each; of several that have the same steps the last counts.
        epochs: Passes over the training samples.
        batch_size: Samples for each update.
        learning_rate: At the first update; falls to zero along a cosine.
        validation: Share of the samples by which the best epoch is chosen, up to 0.5.
        seed: Of the order of samples, their split and their augmentation.
        augmentation: Random changes of images; nothing for what is no image.
    """

    methods: tuple[Method, ...] = DEFAULT_METHODS
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    validation: float = 0.1
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

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

    def without(self, names: Sequence[str]) -> TrainingRecipe:
        """The same without methods of these names; raises ``BadInput`` for one it does not have."""
        known = [one.NAME for one in self.methods]
        for name in names:
            if name not in known:
                raise BadInput(
                    f"the recipe has no method {name!r} to leave out: it has {', '.join(known)}"
                )
        return replace(self, methods=tuple(one for one in self.methods if one.NAME not in names))

    def to_json(self) -> dict[str, Any]:
        """What ``of_table`` reads."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        methods = {one.NAME: asdict(one) for one in self.methods}
        return {**numbers, "augmentation": asdict(self.augmentation), "methods": methods}

    @classmethod
    def read(cls, path: Path) -> TrainingRecipe:
        """The recipe of a TOML file; raises ``BadInput``."""
        content = read_file(path, _MAX_RECIPE_BYTES).decode(errors="replace")
        try:
            return cls.of_table(tomllib.loads(content), str(path))
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"{path}: {error}") from error

    @classmethod
    def of_table(cls, table: Mapping[str, Any], where: str) -> TrainingRecipe:
        """The recipe of what a TOML file says.

        Numbers by the names of the attributes, tables ``[methods.NAME]`` with what those methods
        take, and ``[augmentation]``. What is not said is as in the default recipe; but where there
        are methods, there are no others.

        Args:
            table: What the file says.
            where: The file, for messages.

        Raises:
            BadInput: it says something else.
        """
        given = dict(table)
        methods, changes = given.pop("methods", None), given.pop("augmentation", {})
        recipe = filled(cls, given, where, known=tuple(_NUMBERS))
        for name, (least, most) in _NUMBERS.items():
            if not least <= getattr(recipe, name) <= most:
                raise BadInput(f"{where}: {name} is from {least:g} to {most:g}")
        augmentation = filled(Augmentation, _table(changes, f"{where}: augmentation"), where)
        if methods is not None:
            made = tuple(_method(name, one, where) for name, one in _table(methods, where).items())
            recipe = replace(recipe, methods=made)
        return replace(recipe, augmentation=augmentation)


def _method(name: str, table: object, where: str) -> Method:
    kind = METHODS.get(name)
    if kind is None:
        raise BadInput(
            f"{where}: there is no method {name!r}; the methods are {', '.join(METHODS)}"
        )
    what = f"{where}: methods.{name}"
    return filled(kind, _table(table, what), what)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{where} is a table of names and values")
    return value


def filled(
    kind: type[D], table: Mapping[str, Any], where: str, known: Sequence[str] | None = None
) -> D:
    """A dataclass with the numbers of a table in the place of its defaults.

    Args:
        kind: The class, whose fields all have defaults.
        table: Values by the names of fields.
        where: The file, for messages.
        known: The fields that a table may name; None for all.

    Raises:
        BadInput: there is no such field, or its value is of another type.
    """
    plain = kind()
    names = [one.name for one in fields(plain)] if known is None else list(known)  # type: ignore[arg-type]
    values = {}
    for name, value in table.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
            raise BadInput(f"{where}: there is no {name!r}; {hint}")
        default = getattr(plain, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(default, float) and is_number:
            value = float(value)
        if type(value) is not type(default):
            raise BadInput(f"{where}: {name} is {value!r}, not such as {default!r}")
        values[name] = value
    return kind(**values)
