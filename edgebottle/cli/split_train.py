"""``edgebottle split train``."""

from __future__ import annotations

import functools
from dataclasses import asdict
from pathlib import Path

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.training_options import TrainingOptions, training_options

METHODS = ("bottlefit", "bottlefit-frozen", "entropic", "distilled", "autoencoder", "naive")
"""Values of ``SplitMethod``, which cannot be imported before it is needed."""


def _groups(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Channels of each group, from how many each rate sends."""
    try:
        sent = [int(one) for one in value.split(",")]
    except ValueError:
        sent = []
    groups = tuple(after - before for before, after in zip([0, *sent], sent, strict=False))
    if not groups or min(groups) < 1:
        raise click.BadParameter(
            f"{value!r} are no rising numbers of channels such as 1,2,4,8", context, parameter
        )
    return groups


def _share(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A share in percent."""
    from edgebottle.errors import BadInput
    from edgebottle.split.link import parse_share

    try:
        return None if value is None else parse_share(value)
    except BadInput as error:
        raise click.BadParameter(str(error), context, parameter) from error


@click.command("train")
@click.argument("model", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--channels",
    "groups",
    default="1,2,4,8",
    callback=_groups,
    metavar="N,N,...",
    help="How many channels of the bottleneck each rate sends, the most important first "
    "(default 1,2,4,8).",
)
@click.option(
    "--bits",
    type=click.IntRange(1, 4),
    default=2,
    metavar="1..4",
    help="Of each element of the bottleneck (default 2).",
)
@click.option(
    "--width",
    type=click.IntRange(1, 256),
    default=8,
    metavar="N",
    help="Channels of the head's first convolution; they double with each stride, up to four "
    "times as many (default 8). A wider head sees more, and takes more flash and time.",
)
@click.option(
    "--at",
    metavar="LAYER",
    help="The layer of MODEL whose output the server makes of the bottleneck (default: the first "
    "of its smallest feature map of at least 4 rows).",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="bottlefit",
    help="How it is trained (default bottlefit); docs/split.md says what each does.",
)
@click.option(
    "--early-exit",
    metavar="SHARE",
    callback=_share,
    help="Let the device answer by itself what it is sure of, so that this share of its answers is "
    "right, such as 99%, on samples that nothing is learned from (default: no early exit).",
)
@training_options
@click.option(
    "--out",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="The .tflite to write (default: MODEL with _split behind its name, here).",
)
@json_option
def train(
    model: Path,
    groups: tuple[int, ...],
    bits: int,
    width: int,
    at: str | None,
    method: str,
    early_exit: float | None,
    training: TrainingOptions,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make a network that can be split of the float Keras network MODEL.

    Its first layers become a small head that ends in a bottleneck of few channels and bits; a
    device runs the head and sends what it computes, range-coded, in a frame. The rest runs on a
    server. Channels are ordered by importance: one head serves all rates, the fewer channels the
    coarser.

    The result is one ordinary int8 .tflite, the whole network. `edgebottle serve` runs its tail.
    The table shows accuracy, of both halves in LiteRT, and bytes for each rate.

    \b
    Examples:
      edgebottle split train model.keras --data train.npz --test test.npz
      edgebottle split train model.keras --data photos/ --scale 0..1 --channels 2,4,8 --bits 2
      edgebottle split train model.keras --data photos/ --scale 0..1 --early-exit 99%
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.split_training import LEARNING_RATE, SplitMethod, train_split
    from quantize.split.student import SplitPlan, student_of, usual_place

    recipe = training.recipe(learning_rate=LEARNING_RATE)
    target = out or Path(f"{model.stem}_split.tflite")
    training.check(target)
    training.begin(target)
    network, samples = training.read(model, recipe.seed, quiet=as_json)
    plan = SplitPlan(at or usual_place(network), groups, bits, width)
    student_of(network, plan, 0)  # refuses what cannot be split before anything is trained
    how = (network, samples, plan, SplitMethod(method), recipe)
    report = training.train(
        functools.partial(train_split, *how, early_exit=early_exit), target, quiet=as_json
    )
    if as_json:
        print_json({"file": str(target), **asdict(report)})
        return
    from edgebottle.report.split import split_parts
    from edgebottle.report.terminal import show

    show(*split_parts(report))
    show(f"{target}: {report.bytes:,} bytes")
