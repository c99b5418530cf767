"""``edgebottle train``."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.options import check_writable, json_option, print_json
from edgebottle.cli.voice import note, progress_bar

if TYPE_CHECKING:
    from quantize.lowbit.report import LowBitReport


@click.command("train")
@click.argument("model", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--bits",
    required=True,
    metavar="BITS",
    help="Of weights and activations, such as w4a8, w4a4, w2a2 or w1a1; or a .toml or .json file "
    "with bits for each layer.",
)
@click.option(
    "--data",
    required=True,
    metavar="SOURCE",
    help="Samples with their classes: an .npz file, a folder of images (folder/class/*.png), or "
    "module:name, a Python function that returns them.",
)
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
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the samples.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Of the order of samples (default 0)."
)
@click.option(
    "--out",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="The .tflite to write (default: MODEL with its bits behind its name, here).",
)
@json_option
def command(
    model: Path,
    bits: str,
    data: str,
    test: str | None,
    labels: Path | None,
    scale: str | None,
    epochs: int | None,
    seed: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train the float Keras network MODEL down to few bits, and show what it costs.

    MODEL is a trained .keras or .h5 file; `pip install 'edgebottle[train]'` brings what trains it.
    The result is an ordinary int8 .tflite whose tensors take few values: LiteRT runs it, and
    `edgebottle build` stores it with few bits. The accuracy that is shown is LiteRT's on that file.

    \b
    Examples:
      edgebottle train model.keras --bits w4a4 --data train.npz --test test.npz
      edgebottle train model.keras --bits w2a2 --data photos/ --scale 0..1 --epochs 40
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.files import write_file
    from edgebottle.sample_sources import PixelScale
    from edgebottle.training import read_trained, read_training_data, train_low_bits
    from quantize.lowbit.bits import Bits
    from quantize.lowbit.recipe import TrainingRecipe

    plan = Bits.parse(bits)
    target = out or Path(f"{model.stem}_{Path(bits).stem}.tflite")
    check_writable(target)
    recipe = TrainingRecipe()
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    if seed is not None:
        recipe = replace(recipe, seed=seed)
    with progress_bar(quiet=as_json) as progress:
        progress(f"load {model.name} with Keras", 0, 0)
        network = read_trained(model)
    pixels = PixelScale(scale) if scale else None
    samples = read_training_data(
        network, data, test=test, labels=labels, scale=pixels, seed=recipe.seed
    )
    for text in () if as_json else samples.notes:
        note(text)
    with progress_bar(quiet=as_json) as progress:
        file, report = train_low_bits(network, samples, plan, recipe, progress, lambda epoch: None)
    write_file(target, file)
    if as_json:
        print_json({"file": str(target), **asdict(report)})
    else:
        _show(target, report)


def _show(target: Path, report: LowBitReport) -> None:
    from edgebottle.report.terminal import show
    from edgebottle.report.training import training_parts

    show(*training_parts(report))
    show(f"{target}: {report.bytes:,} bytes")
