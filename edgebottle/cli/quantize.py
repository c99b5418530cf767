"""``edgebottle quantize``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.options import (
    check_writable,
    choose,
    json_option,
    print_json,
    reading_options,
)
from edgebottle.cli.voice import note, progress_bar, warn

if TYPE_CHECKING:
    from edgebottle.quantization import SamplePlan
    from quantize.post.report import QuantizationReport

WEIGHT_BITS = {"w8a8": 8, "w4a8": 4}


@click.command("quantize")
@click.argument("model")
@reading_options
@click.option(
    "--data",
    required=True,
    metavar="SOURCE",
    help="Samples for calibration: an .npz or .npy file, a folder of images (folder/class/*.png), "
    "or module:name, a Python function that returns them.",
)
@click.option(
    "--test",
    metavar="SOURCE",
    help="Other samples, for accuracy alone: nothing is chosen by them (default: samples of --data "
    "that do not serve for calibration).",
)
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Classes of the test samples, where those do not hold them: .npy, .npz, or a number on "
    "each line.",
)
@click.option(
    "--scale",
    type=click.Choice(["0..1", "-1..1", "0..255"]),
    help="The real values of pixels 0 and 255, as in training.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=512,
    metavar="N",
    help="The most samples for calibration (default 512).",
)
@click.option(
    "--bits",
    type=click.Choice(list(WEIGHT_BITS)),
    default="w8a8",
    help="Bits of weights and activations (default w8a8).",
)
@click.option(
    "--effort",
    type=click.Choice(["normal", "high"]),
    default="normal",
    help="high: weights are rounded adaptively (with w4a8: longer), which takes some minutes more.",
)
@click.option(
    "--io",
    type=click.Choice(["int8", "float"]),
    default="int8",
    help="Type of the inputs and outputs (default int8).",
)
@click.option(
    "--out",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="The .tflite to write (default: MODEL with _int8 behind its name, here).",
)
@click.option(
    "--accept-loss",
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="Exit with 1 where accuracy falls by more percentage points than this.",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write the report as a page as well, with histograms.",
)
@json_option
def command(
    model: str,
    data: str,
    test: str | None,
    labels: Path | None,
    scale: str | None,
    samples: int,
    bits: str,
    effort: str,
    io: str,
    out: Path | None,
    accept_loss: float | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Make an int8 network of the float network MODEL, and show what it costs.

    Samples show which values occur in each layer. What is left of them, or --test, shows how much
    accuracy is lost. The file is an ordinary .tflite: LiteRT runs it, `edgebottle build` compiles
    it.

    \b
    Examples:
      edgebottle quantize model.tflite --data train.npz --test test.npz
      edgebottle quantize model.h5 --data photos/ --scale 0..1 --accept-loss 1.0
      edgebottle quantize model.onnx --data train.npz --bits w4a8 --html report.html
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.files import write_file
    from edgebottle.quantization import plan_samples, quantize_model
    from edgebottle.sample_sources import PixelScale
    from quantize.post.quantizer import Options

    loaded = choose(model).load(quiet=as_json)
    target = out or Path(f"{Path(model).stem}_{bits if bits == 'w4a8' else 'int8'}.tflite")
    for path in filter(None, (target, html)):
        check_writable(path)
    chosen = PixelScale(scale) if scale else None
    plan = plan_samples(loaded, data, test=test, labels=labels, scale=chosen, count=samples)
    if accept_loss is not None and not len(plan.test):
        raise click.UsageError("--accept-loss needs samples to test with: give --test.")
    _say(plan, quiet=as_json)
    options = Options(
        bits=WEIGHT_BITS[bits],
        thorough=effort == "high",
        float_io=io == "float",
        input_bounds={loaded.imported.inputs[0]: chosen.bounds} if chosen else {},
    )
    with progress_bar(quiet=as_json) as progress:
        network, report = quantize_model(loaded, plan, options, progress)
    write_file(target, network)
    if html is not None:
        from edgebottle.report.page import write_page
        from edgebottle.report.quantization_page import quantization_page

        write_page(quantization_page(report), html)
    if as_json:
        print_json(_json(target, report, accept_loss))
    else:
        _show(target, report, accept_loss)
    sys.exit(0 if _accepted(report, accept_loss) else 1)


def _say(plan: SamplePlan, *, quiet: bool) -> None:
    for text in () if quiet else plan.notes:
        note(text)
    for text in plan.warnings:
        warn(text)


def _accepted(report: QuantizationReport, accept_loss: float | None) -> bool:
    lost = report.accuracy.lost_points if report.accuracy else None
    return accept_loss is None or lost is None or lost <= accept_loss


def _show(target: Path, report: QuantizationReport, accept_loss: float | None) -> None:
    from edgebottle.report.quantization import quantization_parts
    from edgebottle.report.terminal import show

    show(*quantization_parts(report))
    show(f"{target}: {report.bytes:,} bytes; in floating point {report.float_bytes:,}")
    if not _accepted(report, accept_loss) and report.accuracy is not None:
        lost = report.accuracy.lost_points
        show(f"lost {lost:.2f} points: more than the {accept_loss:g} that are accepted")


def _json(target: Path, report: QuantizationReport, accept_loss: float | None) -> dict[str, Any]:
    """What ``--json`` prints."""
    result = {"file": str(target), **asdict(report)}
    if report.accuracy is not None:
        result["accuracy"]["lost_points"] = report.accuracy.lost_points
    return {**result, "accept_loss": accept_loss, "accepted": _accepted(report, accept_loss)}
