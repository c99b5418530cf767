"""``edgebottle search take``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.search_options import chosen_training, settings_argument, training_options
from edgebottle.cli.voice import note, progress_bar

if TYPE_CHECKING:
    from edgebottle.search.candidate_training import CandidateTraining
    from edgebottle.search.settings import SearchSettings
    from edgebottle.search.take_recipe import TakenCandidate
    from edgebottle.search.taking import Taking
    from quantize.search.taken import TakenNetwork


@click.command("take")
@settings_argument
@click.option("--best", is_flag=True, help="Take the most accurate that was found (the default).")
@click.option(
    "--trial",
    type=click.IntRange(min=0),
    metavar="N",
    help="Take the network of this trial, as `edgebottle search show` numbers them.",
)
@click.option(
    "--out",
    "-o",
    metavar="FOLDER",
    type=click.Path(path_type=Path, readable=False),
    help="Where the result goes (default: the study's name and the trial, here).",
)
@training_options
@click.option(
    "--recipe",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Take what this recipe.json of an earlier result says, without looking at the study.",
)
@click.option("--force", is_flag=True, help="Write over the result of another recipe.")
@json_option
def take(
    settings: Path,
    best: bool,
    trial: int | None,
    out: Path | None,
    epochs: int | None,
    seed: int | None,
    recipe: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Train a network that was found to the end, quantize, verify and build it.

    FOLDER gets the .tflite file, the float network, the PlatformIO project, and what makes all of
    it again: recipe.json and search.toml. Accuracy is LiteRT's on the file and on samples that
    nothing was chosen by; RAM and flash are those of the build. Exit code 1 where they break a
    budget. Ctrl-C stops it, and the same command goes on behind what is finished.

    \b
    Examples:
      edgebottle search take
      edgebottle search take search.toml --trial 17 --epochs 100 -o mine
      edgebottle search take mine/search.toml --recipe mine/recipe.json -o again
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.search.settings import read_settings
    from edgebottle.search.take_recipe import TakeRecipe
    from edgebottle.search.taking import Taking

    if best and trial is not None:
        raise click.UsageError("Give one of --best and --trial.")
    if recipe is not None and (best or trial is not None or epochs or seed is not None):
        raise click.UsageError("--recipe says which network, epochs and seed: give none of them.")
    said = read_settings(settings)
    if recipe is None:
        followed = None
        limits, taken, training = _chosen(said, trial, epochs, seed)
    else:
        followed = TakeRecipe.read(recipe)
        limits, taken, training = followed.limits, followed.taken, followed.training
    which = "network" if taken.trial is None else str(taken.trial)
    with progress_bar(quiet=as_json) as progress:
        progress("load Keras", 0, 0)
        taking = Taking(said, limits, taken, training, out or Path(f"{said.name}-{which}"))
    if followed is not None and recipe is not None:
        taking.recipe.check(followed, recipe)
    for text in () if as_json else taking.notes:
        note(text)
    _show_taken(_taken(taking, force=force, quiet=as_json), as_json)


def _chosen(
    settings: SearchSettings, trial: int | None, epochs: int | None, seed: int | None
) -> tuple[Mapping[str, float], TakenCandidate, CandidateTraining]:
    """The budgets, a network of the study, and how it is trained."""
    from edgebottle.search.sharing import workplace
    from edgebottle.search.study import Limits, SearchStudy
    from edgebottle.search.take_recipe import TakenCandidate
    from edgebottle.search.taking import chosen_trial

    with workplace(settings.place, settings.name) as place:
        trials = SearchStudy(settings, place, create=False).trials()
    chosen = chosen_trial(trials, settings.objectives, trial)
    training = chosen_training(settings, epochs, seed)
    return Limits.of(settings).most, TakenCandidate.of(chosen), training


def _taken(taking: Taking, *, force: bool, quiet: bool) -> TakenNetwork:
    """The result; where it is interrupted, says how it goes on."""
    known = taking.known(force=force)
    if known is not None:
        if not quiet:
            note("this very result is there already")
        return known
    try:
        with progress_bar(quiet=quiet) as progress:
            return taking.run(progress)
    except KeyboardInterrupt:
        if not quiet:
            done = f"behind {taking.finished[-1]}" if taking.finished else "before its end"
            note(f"stopped {done}; the same command goes on with what is finished")
        raise


def _show_taken(taken: TakenNetwork, as_json: bool) -> None:
    if as_json:
        print_json(taken.to_json())
    else:
        from edgebottle.report.taken import excess_words, taken_parts
        from edgebottle.report.terminal import show as shown

        shown(*taken_parts(taken))
        if taken.excess:
            shown(excess_words(taken))
    sys.exit(1 if taken.excess else 0)
