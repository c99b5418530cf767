"""What quantizing cost: for the terminal."""

from __future__ import annotations

from edgebottle.report.columns import FittedTable
from edgebottle.report.terminal import Part, add_row, new_table
from quantize.post.report import Accuracy, LayerReport, QuantizationReport


def quantization_parts(report: QuantizationReport) -> tuple[Part, ...]:
    """The figures of the whole network, what was tried, then the layers in order."""
    parts: list[Part] = []
    if report.accuracy is not None:
        parts.append(_accuracy_table(report.model, report.accuracy))
    parts += [_steps_table(report), _layer_table(report), dearest_words(report)]
    if report.kept_float:
        parts.append(float_words(report))
    return tuple(part for part in parts if part)


def dearest_words(report: QuantizationReport) -> str:
    """The layers that cost most, in words; empty where none costs anything."""
    named = ", ".join(f"{layer.name} {layer.cost or 0:.0%}" for layer in report.dearest)
    return f"most of the noise comes from {named}" if named else ""


def float_words(report: QuantizationReport) -> str:
    """The layers that stay in floating point, in words."""
    names = ", ".join(f"{layer.name} ({layer.op})" for layer in report.kept_float)
    return f"without an int8 form, left in floating point: {names}"


def accuracy_rows(accuracy: Accuracy) -> list[tuple[str, str, str, str]]:
    """What, of the float network, of the quantized one, and the difference."""
    rows = []
    if accuracy.before is not None and accuracy.after is not None:
        lost = f"{100 * (accuracy.before - accuracy.after):+.2f} points"
        rows.append(("accuracy", f"{accuracy.before:.2%}", f"{accuracy.after:.2%}", lost))
    if accuracy.same is not None:
        rows.append(("same answer", "", f"{accuracy.same:.2%}", ""))
    rows.append(("signal to noise", "", f"{accuracy.sqnr:.1f} dB", ""))
    return rows


def layer_cells(layer: LayerReport) -> tuple[str, ...]:
    """Cost, noise, observer, range and cut of a layer, as text."""
    bounds = "-" if layer.bounds is None else f"{layer.bounds[0]:.3g} .. {layer.bounds[1]:.3g}"
    return (
        "-" if layer.cost is None else f"{layer.cost:.1%}",
        _decibels(layer.output_sqnr),
        _decibels(layer.weights_sqnr),
        "float" if layer.is_float else layer.observer or "-",
        bounds,
        "-" if layer.saturated is None else f"{layer.saturated:.3%}",
    )


def _accuracy_table(name: str, accuracy: Accuracy) -> FittedTable:
    title = f"{name}, {accuracy.samples:,} test samples"
    table = new_table(title, "", "float>", "quantized>", "lost>")
    for row in accuracy_rows(accuracy):
        add_row(table, *row)
    return table


def _steps_table(report: QuantizationReport) -> FittedTable:
    title = "Tried on calibration samples; dB of the outputs (before a softmax)"
    table = new_table(title, "", "dB>", "")
    for step in report.steps:
        add_row(table, step.name, f"{step.sqnr:.1f}", "kept" if step.kept else "")
    return table


def _layer_table(report: QuantizationReport) -> FittedTable:
    table = new_table(
        "Layers",
        "layer",
        "operator",
        "cost>",
        "output dB>",
        "weights dB?>",
        "observer",
        "range?>",
        "cut?>",
    )
    for layer in report.layers:
        add_row(table, layer.name, layer.op, *layer_cells(layer))
    return table


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
