"""What quantizing cost: for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.terminal import Part, add_row, new_table
from quantize.post.report import Accuracy, LayerReport


def quantization_parts(
    name: str, accuracy: Accuracy | None, layers: Sequence[LayerReport]
) -> tuple[Part, ...]:
    """The figures of the whole network, then the layers in order."""
    parts: list[Part] = []
    if accuracy is not None:
        parts.append(_accuracy_table(name, accuracy))
    parts.append(_layer_table(layers))
    floats = [layer for layer in layers if layer.is_float]
    if floats:
        names = ", ".join(f"{layer.name} ({layer.op})" for layer in floats)
        parts.append(f"without an int8 form, left in floating point: {names}")
    return tuple(parts)


def _accuracy_table(name: str, accuracy: Accuracy) -> Part:
    table = new_table(
        f"{name}, {accuracy.samples:,} test samples", "", "float>", "quantized>", "lost>"
    )
    if accuracy.before is not None and accuracy.after is not None:
        lost = f"{accuracy.lost_points:+.2f} points" if accuracy.lost_points is not None else ""
        add_row(table, "accuracy", f"{accuracy.before:.2%}", f"{accuracy.after:.2%}", lost)
    if accuracy.same is not None:
        add_row(table, "same answer", "", f"{accuracy.same:.2%}", "")
    add_row(table, "signal to noise", "", f"{accuracy.sqnr:.1f} dB", "")
    return table


def _layer_table(layers: Sequence[LayerReport]) -> Part:
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
    for layer in layers:
        bounds = "-" if layer.bounds is None else f"{layer.bounds[0]:.3g} .. {layer.bounds[1]:.3g}"
        add_row(
            table,
            layer.name,
            layer.op,
            "-" if layer.cost is None else f"{layer.cost:.1%}",
            _decibels(layer.output_sqnr),
            _decibels(layer.weights_sqnr),
            "float" if layer.is_float else layer.observer or "-",
            bounds,
            "-" if layer.saturated is None else f"{layer.saturated:.2%}",
        )
    return table


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
