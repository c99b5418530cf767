"""What training to few bits gave: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table
from quantize.lowbit.report import LowBitReport


def training_parts(report: LowBitReport) -> tuple[Part, ...]:
    """The accuracy, and the epochs in order."""
    title = f"{report.model} at {report.bits}, {report.test:,} test samples"
    accuracy = new_table(title, "", "float>", "LiteRT>", "lost>")
    lost = 100 * (report.before - report.after)
    cells = (f"{report.before:.2%}", f"{report.after:.2%}", f"{lost:+.2f} points")
    add_row(accuracy, "accuracy", *cells)
    epochs = new_table("Epochs", "epoch>", "loss>", "accuracy>", "validation>", "")
    for epoch in report.epochs:
        cells = (f"{epoch.loss:.4f}", f"{epoch.accuracy:.2%}", f"{epoch.validation:.2%}")
        add_row(epochs, str(epoch.number), *cells, "best so far" if epoch.is_best else "")
    return accuracy, epochs
