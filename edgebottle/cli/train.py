"""``edgebottle train``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.mixed import MixedOptions, choose_bits, given_bits, mixed_options
from edgebottle.cli.options import check_writable, data_option, json_option, print_json
from edgebottle.cli.voice import note, progress_bar, warn

if TYPE_CHECKING:
    from edgebottle.training import TrainingData
    from quantize.lowbit.bits import Bits
    from quantize.lowbit.network import FloatNetwork
    from quantize.lowbit.recipe import TrainingRecipe
    from quantize.lowbit.report import EpochRecord, LowBitReport


def _recipe(
    file: Path | None, left_out: tuple[str, ...], numbers: dict[str, int | None]
) -> TrainingRecipe:
    """The recipe of a file, or the usual one, with what the command line says."""
    from quantize.lowbit.recipe import TrainingRecipe

    recipe = TrainingRecipe() if file is None else TrainingRecipe.read(file)
    changes: dict[str, Any] = {name: one for name, one in numbers.items() if one is not None}
    return replace(recipe, **changes).without(left_out)


@click.command("train")
@click.argument("model", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--bits",
    required=True,
    metavar="BITS",
    help="Of weights and activations, such as w4a8, w4a4, w2a2 or w1a1; or a .toml or .json file "
    "with bits for each layer; or mixed, to have them chosen for --board.",
)
@mixed_options
@data_option
@click.option(
    "--test",
    metavar="SOURCE",
    help="Other samples, for accuracy alone: nothing is chosen by them (default: a tenth of "
    "--data, from which nothing is learned).",
)
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Classes of the samples of --data, where those do not hold them: .npy, .npz, or a number "
    "on each line.",
)
@click.option(
    "--scale",
    type=click.Choice(["0..1", "-1..1", "0..255"]),
    help="The real values of pixels 0 and 255, as the float network was trained.",
)
@click.option(
    "--recipe",
    "recipe_file",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="How it is trained: a .toml file (docs/lowbit.md).",
)
@click.option(
    "--without",
    multiple=True,
    metavar="METHOD",
    help="Leave out a method of the recipe, such as dampening; may be given more than once.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Passes over the samples (default: the recipe's, 20).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Of the order of samples (default 0)."
)
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--restart", is_flag=True, help="Begin anew, and forget one that was stopped.")
@click.option(
    "--out",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="The .tflite to write (default: MODEL with its bits behind its name, here).",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write the report as a page as well, with the curves of training.",
)
@json_option
def command(
    model: Path,
    bits: str,
    mixed: MixedOptions,
    data: str,
    test: str | None,
    labels: Path | None,
    scale: str | None,
    recipe_file: Path | None,
    without: tuple[str, ...],
    epochs: int | None,
    seed: int | None,
    resume: bool,
    restart: bool,
    out: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Train the float Keras network MODEL down to few bits, and show what it costs.

    MODEL is a trained .keras or .h5 file; `pip install 'edgebottle[train]'` brings what trains it.
    The result is an ordinary int8 .tflite whose tensors take few values: LiteRT runs it, and
    `edgebottle build` stores it with few bits. The accuracy that is shown is LiteRT's on that file.
    Ctrl-C stops it, --resume goes on.

    --bits mixed gives each layer the bits with which the network loses least within --ram, --flash
    and --ms of --board, and writes them beside the result, as a plan that --bits takes.

    \b
    Examples:
      edgebottle train model.keras --bits w4a4 --data train.npz --test test.npz
      edgebottle train model.keras --bits w2a2 --data photos/ --scale 0..1 --epochs 40
      edgebottle train model.keras --bits mixed --board nucleo_l4r5zi --flash 64k --data train.npz
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.sample_sources import PixelScale
    from edgebottle.training import read_trained, read_training_data
    from quantize.lowbit.checkpoint import begin

    recipe = _recipe(recipe_file, without, {"epochs": epochs, "seed": seed})
    target = out or Path(f"{model.stem}_{Path(bits).stem}.tflite")
    _check_places((target, html), (data, test))
    plan = given_bits(bits, mixed, target, resume=resume)
    begin(_folder(target), resume=resume, restart=restart)
    with progress_bar(quiet=as_json) as progress:
        progress(f"load {model.name} with Keras", 0, 0)
        network = read_trained(model)
    pixels = PixelScale(scale) if scale else None
    samples = read_training_data(
        network, data, test=test, labels=labels, scale=pixels, seed=recipe.seed
    )
    _say(network, samples, quiet=as_json)
    chosen: dict[str, Any] = {}
    if plan is None:
        plan, chosen = choose_bits(model, network, samples, mixed, target, quiet=as_json)
    if mixed.dry_run:
        return
    report = _train(network, samples, plan, recipe, target, resume=resume, quiet=as_json)
    _tell(report, target, html, chosen if as_json else None)


def _tell(
    report: LowBitReport, target: Path, html: Path | None, more: dict[str, Any] | None
) -> None:
    """Writes the page, and shows the report, or prints it as JSON with ``more``."""
    if html is not None:
        from edgebottle.report.page import write_page
        from edgebottle.report.training_page import training_page

        write_page(training_page(report), html)
    if more is None:
        _show(target, report)
        return
    told = {"file": str(target), "lost_points": report.lost_points, **asdict(report)}
    print_json({**told, **more})


def _check_places(written: Sequence[Path | None], read: Sequence[str | None]) -> None:
    """Says what is missing, or cannot be written, before Keras is loaded, which takes a while."""
    from edgebottle.sample_sources import check_source

    for path in filter(None, written):
        check_writable(path)
    for source in filter(None, read):
        check_source(source)


def _say(network: FloatNetwork, samples: TrainingData, *, quiet: bool) -> None:
    from edgebottle.training import doubt

    for text in () if quiet else samples.notes:
        note(text)
    doubts = doubt(network, samples.samples)
    if doubts:
        warn(doubts)


def _folder(target: Path) -> Path:
    """Where each epoch is kept."""
    return target.with_suffix(".training")


def _train(
    network: FloatNetwork,
    samples: TrainingData,
    plan: Bits,
    recipe: TrainingRecipe,
    target: Path,
    *,
    resume: bool,
    quiet: bool,
) -> LowBitReport:
    """Trains, and writes the file; where it is interrupted, says how it goes on."""
    from edgebottle.files import write_file
    from edgebottle.training import train_low_bits
    from quantize.lowbit.checkpoint import forget

    done: list[EpochRecord] = []
    try:
        with progress_bar(quiet=quiet) as progress:
            file, report = train_low_bits(
                *(network, samples, plan, recipe, progress, done.append),
                folder=_folder(target),
                resume=resume,
            )
    except KeyboardInterrupt:
        if done:
            note(f"stopped behind epoch {done[-1].number}; the same command with --resume goes on")
        raise
    write_file(target, file)
    forget(_folder(target))
    return report


def _show(target: Path, report: LowBitReport) -> None:
    from edgebottle.report.terminal import show
    from edgebottle.report.training import training_parts

    show(*training_parts(report))
    show(f"{target}: {report.bytes:,} bytes")
