"""What the commands of `edgebottle search` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from edgebottle.search.candidate_training import CandidateTraining
    from edgebottle.search.settings import SearchSettings

F = TypeVar("F", bound=Callable[..., Any])

FILE = "search.toml"

settings_argument = click.argument(
    "settings",
    metavar="[SEARCH.TOML]",
    type=click.Path(path_type=Path, readable=False),
    default=FILE,
)


def training_options(function: F) -> F:
    """--epochs and --seed, of the training of a network that the search has found."""
    with_seed = click.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        help="Of its training (default: the search's).",
    )(function)
    return click.option(
        "--epochs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Passes over the samples with floats (default: final_epochs of SEARCH.TOML).",
    )(with_seed)


def chosen_training(
    settings: SearchSettings, epochs: int | None, seed: int | None
) -> CandidateTraining:
    """What ``training_options`` say, or else the settings."""
    from edgebottle.search.candidate_training import CandidateTraining

    return CandidateTraining(
        epochs or settings.training.final_epochs,
        settings.seed if seed is None else seed,
        settings.training.augmentation,
    )
