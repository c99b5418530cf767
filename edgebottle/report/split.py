"""What a network that was made to be split gives at each rate: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table
from edgebottle.report.training import epoch_cells
from quantize.split.report import Rate, SplitReport


def split_parts(report: SplitReport) -> tuple[Part, ...]:
    """The epochs in order, and the rates."""
    columns = ("epoch>", "bits?", "loss>", "accuracy>", "validation>", "frozen?>", "")
    epochs = new_table("Epochs, in the simulation", *columns)
    for epoch in report.epochs:
        add_row(epochs, *epoch_cells(epoch))
    height, width, channels = report.shape
    title = (
        f"{report.model} split at {report.at}, {report.method}: a bottleneck of {height} x "
        f"{width} x {channels} with {report.bits} bits, {report.test:,} test samples in LiteRT; "
        f"the float network {report.teacher:.2%}"
    )
    rates = new_table(
        *(title, "rate>", "channels>", "accuracy>", "lost>"),
        *("bytes of a frame>", "the longest>", "not coded>"),
    )
    for rate in report.rates:
        add_row(rates, *_cells(rate, report.teacher))
    return epochs, rates


def _cells(rate: Rate, teacher: float) -> tuple[str, ...]:
    return (
        str(rate.number),
        str(rate.channels),
        f"{rate.accuracy:.2%}",
        f"{100 * (teacher - rate.accuracy):+.2f} points",
        f"{rate.bytes:.1f}",
        str(rate.most_bytes),
        str(rate.packed_bytes),
    )
