"""What a network that was made to be split gives at each rate: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table
from edgebottle.report.training import epoch_cells
from quantize.split.report import ExitReport, Rate, SplitReport


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
    return (epochs, rates) if report.exit is None else (epochs, rates, _exit_part(report.exit))


def _exit_part(leaving: ExitReport) -> Part:
    """What the early exit gives."""
    if leaving.threshold is None:
        return (
            f"no early exit: not even its surest answers are right in {leaving.wanted:.2%} of the "
            "validation samples"
        )
    title = (
        f"Early exit, on the device: confidence of at least {leaving.threshold:.3f}, temperature "
        f"{leaving.temperature:.2f}, calibration error {leaving.calibration_error:.1%}"
    )
    table = new_table(
        *(title, "samples", "answered>", "right of these>", "right of all?>"),
        "bytes of a frame?>",
    )
    share, accuracy = leaving.chosen_share, leaving.chosen_accuracy
    add_row(table, "validation", f"{share:.1%}", f"{accuracy:.2%}", "", "")
    add_row(
        *(table, "test", f"{leaving.share:.1%}", f"{leaving.accuracy:.2%}"),
        *(f"{leaving.accuracy_with:.2%}", f"{leaving.bytes_with:.1f}"),
    )
    return table


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
