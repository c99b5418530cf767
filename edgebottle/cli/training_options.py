"""What the commands that train a network have in common: samples, recipe, and going on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgebottle.cli.options import check_writable, data_option
from edgebottle.cli.voice import note, progress_bar, warn

if TYPE_CHECKING:
    from edgebottle.training import TrainingData
    from quantize.lowbit.network import FloatNetwork
    from quantize.lowbit.recipe import TrainingRecipe
    from quantize.lowbit.report import EpochRecord

F = TypeVar("F", bound=Any)
R = TypeVar("R")


@dataclass(frozen=True)
class TrainingOptions:
    """What was asked of a training.

    Attributes:
        data: Where the samples are.
        test: Where those for the test are; None to part them from ``data``.
        labels: Classes of the samples of ``data``, where those do not hold them.
        scale: The real values of pixels 0 and 255.
        recipe_file: How it is trained; None for the usual way.
        without: Methods that are left out.
        epochs: None for the recipe's.
        seed: None for the recipe's.
        resume: Go on with one that was stopped.
        restart: Forget one that was stopped.
    """

    data: str
    test: str | None
    labels: Path | None
    scale: str | None
    recipe_file: Path | None
    without: tuple[str, ...]
    epochs: int | None
    seed: int | None
    resume: bool
    restart: bool

    def recipe(self, **usual: Any) -> TrainingRecipe:
        """That of the file, or the usual one, with what the command line says.

        Args:
            usual: What the usual one has otherwise.
        """
        from quantize.lowbit.recipe import TrainingRecipe

        given = self.recipe_file
        recipe = TrainingRecipe(**usual) if given is None else TrainingRecipe.read(given)
        numbers = {"epochs": self.epochs, "seed": self.seed}
        changes: dict[str, Any] = {name: one for name, one in numbers.items() if one is not None}
        return replace(recipe, **changes).without(self.without)

    def check(self, *written: Path | None) -> None:
        """Says what is missing or cannot be written before Keras is loaded, which takes a while."""
        from edgebottle.sample_sources import check_source

        for path in filter(None, written):
            check_writable(path)
        for source in filter(None, (self.data, self.test)):
            check_source(source)

    def begin(self, target: Path) -> None:
        """Prepares the folder of epochs; raises ``BadInput`` where another training left one."""
        from quantize.lowbit.checkpoint import begin

        begin(epochs_folder(target), resume=self.resume, restart=self.restart)

    def read(self, model: Path, seed: int, *, quiet: bool) -> tuple[FloatNetwork, TrainingData]:
        """The float network and its samples, parted by ``seed``; says what was taken for what."""
        from edgebottle.sample_sources import PixelScale
        from edgebottle.training import doubt, read_trained, read_training_data

        with progress_bar(quiet=quiet) as progress:
            progress(f"load {model.name} with Keras", 0, 0)
            network = read_trained(model)
        samples = read_training_data(
            network,
            self.data,
            test=self.test,
            labels=self.labels,
            scale=PixelScale(self.scale) if self.scale else None,
            seed=seed,
        )
        for text in () if quiet else samples.notes:
            note(text)
        doubts = doubt(network, samples.samples)
        if doubts:
            warn(doubts)
        return network, samples

    def train(self, work: Callable[..., tuple[bytes, R]], target: Path, *, quiet: bool) -> R:
        """Trains, and writes the file; where it is interrupted, says how it goes on.

        Args:
            work: ``train_low_bits`` or ``train_split``, with all that is told before ``progress``.
            target: The file.
            quiet: Show no progress.

        Returns:
            The report.
        """
        from edgebottle.files import write_file
        from quantize.lowbit.checkpoint import forget

        folder = epochs_folder(target)
        done: list[EpochRecord] = []
        try:
            with progress_bar(quiet=quiet) as progress:
                file, report = work(progress, done.append, folder=folder, resume=self.resume)
        except KeyboardInterrupt:
            if done:
                number = done[-1].number
                note(f"stopped behind epoch {number}; the same command with --resume goes on")
            raise
        write_file(target, file)
        forget(folder)
        return report


def epochs_folder(target: Path) -> Path:
    """Where each epoch is kept."""
    return target.with_suffix(".training")


_TRAINING_OPTIONS = (
    data_option,
    click.option(
        "--test",
        metavar="SOURCE",
        help="Other samples, for accuracy alone: nothing is chosen by them (default: a tenth of "
        "--data, from which nothing is learned).",
    ),
    click.option(
        "--labels",
        metavar="FILE",
        type=click.Path(path_type=Path, readable=False),
        help="Classes of the samples of --data, where those do not hold them: .npy, .npz, or a "
        "number on each line.",
    ),
    click.option(
        "--scale",
        type=click.Choice(["0..1", "-1..1", "0..255"]),
        help="The real values of pixels 0 and 255, as the float network was trained.",
    ),
    click.option(
        "--recipe",
        "recipe_file",
        metavar="FILE",
        type=click.Path(path_type=Path, readable=False),
        help="How it is trained: a .toml file (docs/lowbit.md).",
    ),
    click.option(
        "--without",
        multiple=True,
        metavar="METHOD",
        help="Leave out a method of the recipe, such as dampening; may be given more than once.",
    ),
    click.option(
        "--epochs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Passes over the samples (default: the recipe's, 20).",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        help="Of the order of samples (default 0).",
    ),
    click.option("--resume", is_flag=True, help="Go on with a training that was stopped."),
    click.option("--restart", is_flag=True, help="Begin anew, and forget one that was stopped."),
)


def training_options(function: F) -> F:
    """The options of ``TrainingOptions``, handed over as one ``training``."""

    @functools.wraps(function)
    def with_options(*args: Any, **options: Any) -> Any:
        own = {name: options.pop(name) for name in TrainingOptions.__dataclass_fields__}
        return function(*args, training=TrainingOptions(**own), **options)

    wrapped: Any = with_options
    for decorator in reversed(_TRAINING_OPTIONS):
        wrapped = decorator(wrapped)
    return wrapped  # type: ignore[no-any-return]
