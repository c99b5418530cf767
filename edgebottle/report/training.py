"""What training to few bits gave: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table
from quantize.lowbit.report import EpochRecord, LayerWidths, LowBitReport


def training_parts(report: LowBitReport) -> tuple[Part, ...]:
    """The layers, the epochs in order, and the accuracy."""
    layers = new_table("Layers", "layer", "operator", "weights>", "values>", "output bits>")
    for layer in report.layers:
        add_row(layers, *layer_cells(layer))
    columns = ("epoch>", "bits?", "loss>", "accuracy>", "validation>", "frozen?>", "")
    epochs = new_table("Epochs, in the simulation", *columns)
    for epoch in report.epochs:
        add_row(epochs, *epoch_cells(epoch))
    title = f"{report.model} at {report.bits}, {report.test:,} test samples"
    accuracy = new_table(title, "", "float>", "LiteRT>", "lost>")
    add_row(accuracy, *accuracy_cells(report))
    return layers, epochs, accuracy


def accuracy_cells(report: LowBitReport) -> tuple[str, ...]:
    """What, of the float network, of the file, and the difference."""
    lost = f"{report.lost_points:+.2f} points"
    return "accuracy", f"{report.before:.2%}", f"{report.after:.2%}", lost


def epoch_cells(epoch: EpochRecord) -> tuple[str, ...]:
    """An epoch, as text."""
    return (
        str(epoch.number),
        epoch.bits,
        f"{epoch.loss:.4f}",
        f"{epoch.accuracy:.2%}",
        f"{epoch.validation:.2%}",
        "-" if epoch.frozen is None else f"{epoch.frozen:.1%}",
        "best so far" if epoch.is_best else "",
    )


def layer_cells(layer: LayerWidths) -> tuple[str, ...]:
    """A layer of the file, as text."""
    weights = f"{layer.weights:,}" if layer.weights else "-"
    values = str(layer.weight_values) if layer.weights else "-"
    return layer.name, layer.op, weights, values, str(layer.output_bits)
