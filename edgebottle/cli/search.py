"""``edgebottle search``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.options import (
    board_option,
    bytes_value,
    check_writable,
    data_option,
    json_option,
    print_json,
)
from edgebottle.cli.search_options import FILE, settings_argument
from edgebottle.cli.search_rank import rank
from edgebottle.cli.search_take import take
from edgebottle.cli.voice import note, progress_bar

if TYPE_CHECKING:
    from edgebottle.search.study import SearchStudy
    from edgebottle.search.trials import SearchTrial
    from quantize.search.report import SearchReport


@click.group("search")
def command() -> None:
    """Search a network for one board: its layers, their bits and how it is run, together."""


command.add_command(take)
command.add_command(rank)


@command.command("new")
@data_option
@board_option
@click.option("--ram", metavar="BYTES", callback=bytes_value, help="The most RAM, such as 32k.")
@click.option("--flash", metavar="BYTES", callback=bytes_value, help="The most flash.")
@click.option(
    "--ms",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MS",
    help="The most milliseconds of a run.",
)
@click.option(
    "--scale",
    type=click.Choice(["0..1", "-1..1", "0..255"]),
    help="The real values of pixels 0 and 255; not for data that is real already.",
)
@click.option(
    "--evaluator",
    metavar="NAME",
    default="shared-weights",
    help="What says how accurate a candidate is: shared-weights (the default), short-training, or "
    "module:name, a Python function of yours.",
)
@click.option(
    "--sampler",
    type=click.Choice(["nsga2", "tpe", "random"]),
    help="What draws: evolution (nsga2, the default), a model (tpe), or chance.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Candidates whose accuracy is found out (default 200).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Of all that is drawn (default 0)."
)
@click.option(
    "--out",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    default=FILE,
    help=f"The file to write (default: {FILE}).",
)
@click.option("--force", is_flag=True, help="Write over an existing file.")
@json_option
def new(
    data: str,
    board: str | None,
    ram: int | None,
    flash: int | None,
    ms: float | None,
    evaluator: str,
    out: Path,
    force: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Write a search.toml: what is searched for --board, every line of it explained.

    What the network takes in, and how many classes it tells apart, is read from --data.

    \b
    Examples:
      edgebottle search new --data photos/ -b nucleo_l4r5zi --scale 0..1 --ram 32k --flash 128k
      edgebottle search new --data train.npz -b microbit --ms 50 --evaluator mine:accuracy
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.config import load_config
    from edgebottle.errors import BadInput
    from edgebottle.files import write_file
    from edgebottle.search.beginning import named_from, new_settings
    from edgebottle.search.settings import SearchBudget
    from edgebottle.search.settings_text import settings_text

    if out.exists() and not force:
        raise BadInput(f"{out} exists already: edit it, or write over it with --force")
    check_writable(out)
    board = board or load_config(Path.cwd()).board
    if board is None:
        raise click.UsageError("Give a board with --board ID; `edgebottle boards` lists them.")
    budget = SearchBudget(ram, flash, ms)
    settings = new_settings(data, board, budget, evaluator, name=out.stem)
    # The other options are called as the settings that they change.
    changes = {name: value for name, value in said.items() if value is not None}
    settings = replace(settings, data=named_from(data, out.parent), **changes)
    write_file(out, settings_text(settings).encode())
    if as_json:
        shapes = ["x".join(map(str, shape)) for shape in settings.space.shapes]
        print_json({"settings": str(out), "classes": settings.space.classes, "shapes": shapes})
    else:
        print(f"wrote {out}: read it, change it. Next: edgebottle search run {out}")


@command.command("run")
@settings_argument
@click.option(
    "--worker",
    is_flag=True,
    help="As one of several on the same storage: a line for each trial, and no report at the end.",
)
@click.option(
    "--without",
    type=click.Choice(["ram", "flash", "ms"]),
    help="Search once more without this budget, to see what it costs.",
)
@json_option
def run(settings: Path, worker: bool, without: str | None, as_json: bool) -> None:
    """Search as SEARCH.TOML says (default: search.toml), until enough candidates are assessed.

    Ctrl-C stops it, and the same command goes on where it was. Any number of them may work on one
    storage; what a worker leaves undone another takes up.

    \b
    Examples:
      edgebottle search run
      edgebottle search run search.toml --worker
      edgebottle search run search.toml --without ram
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.search.reporting import report_of
    from edgebottle.search.settings import read_settings
    from edgebottle.search.sharing import workplace
    from edgebottle.search.study import Limits, SearchStudy

    said = read_settings(settings)
    limits = Limits.of(said, without)
    with workplace(said.place, said.name) as place:
        study = SearchStudy(said, place, limits)
        _work(study, is_spoken=worker and not as_json, quiet=as_json)
        if worker and not as_json:
            return
        report = report_of(said, place)
    _tell(report, as_json)


def _work(study: SearchStudy, *, is_spoken: bool, quiet: bool) -> None:
    """Runs a study; where it is interrupted, says how it goes on."""
    from edgebottle.boards import load_board
    from edgebottle.search.costs import Costs
    from edgebottle.search.running import run_study

    settings = study.settings
    board = load_board(settings.board)
    costs = Costs(board)
    if costs.times_of != board.id and not quiet:
        is_alike = load_board(costs.times_of).cpu == board.cpu
        kind = "of the same core" if is_alike else "of another core: they are rough"
        note(f"{board.id} was never measured: times are those of {costs.times_of}, {kind}")
    try:
        with progress_bar(quiet=quiet or is_spoken) as progress:

            def told(trial: SearchTrial) -> None:
                if is_spoken:
                    note(trial.words())
                what = f"assess candidates, best {study.best:.2%}"
                progress(what, study.assessed, settings.trials)

            run_study(study, costs, progress, told)
    except KeyboardInterrupt:
        if not quiet:
            done = f"{study.assessed} of {settings.trials} candidates"
            note(f"stopped behind {done}; the same command goes on")
        raise


@command.command("show")
@settings_argument
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write a page as well, with a chart of accuracy and what it takes.",
)
@json_option
def show(settings: Path, html: Path | None, as_json: bool) -> None:
    """Show what a search has found so far: the best networks, and what each budget costs.

    \b
    Examples:
      edgebottle search show
      edgebottle search show search.toml --html search.html
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.search.reporting import report_of
    from edgebottle.search.settings import read_settings
    from edgebottle.search.sharing import workplace

    if html is not None:
        check_writable(html)
    said = read_settings(settings)
    with workplace(said.place, said.name) as place:
        report = report_of(said, place)
    if html is not None:
        from edgebottle.report.page import write_page
        from edgebottle.report.search_page import search_page

        write_page(search_page(report), html)
    _tell(report, as_json)


def _tell(report: SearchReport, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = report.to_json()
        print_json(told)
        return
    from edgebottle.report.search import search_parts
    from edgebottle.report.terminal import show as shown

    shown(*search_parts(report))
