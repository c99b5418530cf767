"""``edgebottle search rank``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.search_options import chosen_training, settings_argument, training_options
from edgebottle.cli.voice import note, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebottle.search.candidate_training import CandidateTraining
    from edgebottle.search.settings import SearchSettings
    from edgebottle.search.trials import SearchTrial
    from quantize.search.ranking import Ranking


@click.command("rank")
@settings_argument
@click.option(
    "--count",
    type=click.IntRange(min=3),
    metavar="N",
    default=8,
    show_default=True,
    help="Networks that are trained, evenly from the best of the search to its worst.",
)
@click.option(
    "--best", is_flag=True, help="Train the best ones instead, to choose the one that is taken."
)
@training_options
@json_option
def rank(
    settings: Path,
    count: int,
    best: bool,
    epochs: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Check how well the search has ranked: train some of its networks by themselves.

    Says Kendall's rank correlation between what the search saw and what training gives, and how far
    the best of the search is below the best of these. Each network is trained to its bits as `take`
    would; what counts is LiteRT on the samples by which the search chose. Ctrl-C stops it, and the
    same command goes on.

    \b
    Examples:
      edgebottle search rank
      edgebottle search rank search.toml --count 12 --epochs 20 --json
      edgebottle search rank --best --count 3
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.search.ranking import best_of, spread
    from edgebottle.search.settings import read_settings
    from edgebottle.search.sharing import workplace
    from edgebottle.search.study import SearchStudy

    said = read_settings(settings)
    with workplace(said.place, said.name) as place:
        known = SearchStudy(said, place, create=False).trials()
    trials = (best_of if best else spread)(known, count)
    training = chosen_training(said, epochs, seed)
    ranking = _ranked(said, training, trials, quiet=as_json)
    if as_json:
        print_json(ranking.to_json())
        return
    from edgebottle.report.ranking import ranking_parts
    from edgebottle.report.terminal import show as shown

    shown(*ranking_parts(ranking))


def _ranked(
    settings: SearchSettings,
    training: CandidateTraining,
    trials: Sequence[SearchTrial],
    *,
    quiet: bool,
) -> Ranking:
    from edgebottle.search.ranking import RankCheck

    try:
        with progress_bar(quiet=quiet) as progress:
            progress("load Keras", 0, 0)
            return RankCheck(settings, training).run(trials, progress)
    except KeyboardInterrupt:
        if not quiet:
            note("stopped; the same command goes on behind the networks that are trained")
        raise
