"""``edgebottle train``."""

from __future__ import annotations

import functools
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.mixed import MixedOptions, choose_bits, given_bits, mixed_options
from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.training_options import TrainingOptions, training_options

if TYPE_CHECKING:
    from quantize.lowbit.report import LowBitReport


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
@training_options
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
    training: TrainingOptions,
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
    from edgebottle.training import train_low_bits

    recipe = training.recipe()
    target = out or Path(f"{model.stem}_{Path(bits).stem}.tflite")
    training.check(target, html)
    plan = given_bits(bits, mixed, target, resume=training.resume)
    training.begin(target)
    network, samples = training.read(model, recipe.seed, quiet=as_json)
    chosen: dict[str, Any] = {}
    if plan is None:
        plan, chosen = choose_bits(model, network, samples, mixed, target, quiet=as_json)
    if mixed.dry_run:
        return
    work = functools.partial(train_low_bits, network, samples, plan, recipe)
    report = training.train(work, target, quiet=as_json)
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


def _show(target: Path, report: LowBitReport) -> None:
    from edgebottle.report.terminal import show
    from edgebottle.report.training import training_parts

    show(*training_parts(report))
    show(f"{target}: {report.bytes:,} bytes")
