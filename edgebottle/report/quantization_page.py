"""What quantizing cost, as one HTML page with a histogram of each layer."""

from __future__ import annotations

import math

from edgebottle.report.markup import clean, legend, section
from edgebottle.report.page import Bar, Cell, Numbered, page, table
from edgebottle.report.quantization import (
    accuracy_rows,
    dearest_words,
    float_words,
    layer_cells,
)
from edgebottle.report.svg import HEIGHT, TOP, WIDTH
from quantize.post.report import LayerReport, QuantizationReport

_HEAD = (
    "layer",
    "",
    "operator",
    "cost>",
    "output dB>",
    "weights dB>",
    "observer",
    "range>",
    "cut>",
)

_CAPTION = (
    "Cost: what this layer alone, quantized, does to the outputs, as a share of what all do. "
    "Output dB: signal to noise of its output with all layers quantized. Cut: values beyond the "
    "range."
)


def quantization_page(report: QuantizationReport) -> str:
    """The page."""
    title = f"{report.model}: quantized to {report.bits}-bit weights, 8-bit activations"
    accuracy = ""
    if report.accuracy is not None:
        caption = f"{report.accuracy.samples:,} test samples, which no choice has seen."
        head = ("", "float>", "quantized>", "lost>")
        rows = [[cell or "-" for cell in row] for row in accuracy_rows(report.accuracy)]
        accuracy = table(caption, head, rows)
    words = [dearest_words(report), float_words(report) if report.kept_float else ""]
    notes = "".join(f"<p>{clean(text[0].upper() + text[1:])}.</p>" for text in words if text)
    body = f"""<h1>{clean(title)}</h1>
<ul class="facts"><li><span>file</span> {report.bytes:,} bytes</li>
<li><span>in floating point</span> {report.float_bytes:,} bytes</li>
<li><span>calibration</span> {report.calibration:,} samples</li></ul>
{section("Accuracy", accuracy)}
{section("What was tried", _steps(report))}
{section("Layers", _layers(report) + notes)}
{section("Values of each layer's output", _histograms(report))}"""
    return page(title, body)


def _steps(report: QuantizationReport) -> str:
    caption = "Signal to noise of the outputs (before a softmax) on calibration samples, dB."
    rows = [(step.name, f"{step.sqnr:.1f}", "kept" if step.kept else "") for step in report.steps]
    return table(caption, ("step", "dB>", ""), rows)


def _layers(report: QuantizationReport) -> str:
    largest = max((layer.cost or 0 for layer in report.layers), default=0) or 1
    rows: list[list[Cell]] = []
    for number, layer in enumerate(report.layers, start=1):
        cost, *others = layer_cells(layer)
        bar = Bar((layer.cost or 0) / largest, "macs", f"{layer.name}: {cost}")
        rows.append([Numbered(number, layer.name), bar, layer.op, cost, *others])
    return table(_CAPTION, _HEAD, rows, "bars quantized")


def _histograms(report: QuantizationReport) -> str:
    figures = "".join(
        f"<figure><h4><b>{clean(layer.name)}</b> {clean(layer.observer)}</h4>"
        f"{_histogram(layer)}</figure>"
        for layer in report.layers
        if layer.histogram and layer.seen is not None
    )
    if not figures:
        return ""
    words = [("other", "cut"), ("macs", "within the range that int8 stretches over")]
    return f'<p>The height of a column is the logarithm of how many values it has.</p>\
<div class="trends">{figures}</div>{legend(words)}'


def _histogram(layer: LayerReport) -> str:
    """Columns from the lowest to the highest value that was seen."""
    assert layer.seen is not None and layer.bounds is not None
    low, high = layer.seen
    columns = len(layer.histogram)
    step, width = (high - low) / columns, WIDTH / columns
    tallest = math.log1p(max(layer.histogram)) or 1.0
    parts = []
    for index, count in enumerate(layer.histogram):
        if not count:
            continue
        middle = low + (index + 0.5) * step
        css = "macs" if layer.bounds[0] - step <= middle <= layer.bounds[1] + step else "other"
        height = (HEIGHT - TOP) * math.log1p(count) / tallest
        parts.append(
            f'<rect class="{css}" x="{index * width:.1f}" y="{HEIGHT - height:.1f}" '
            f'width="{width:.1f}" height="{height:.1f}"/>'
        )
    summary = f"{layer.name}: values from {low:.4g} to {high:.4g}, range {layer.bounds[0]:.4g} to \
{layer.bounds[1]:.4g}"
    ends = f'<text x="0" y="{HEIGHT + 13}">{low:.3g}</text>'
    ends += f'<text x="{WIDTH}" y="{HEIGHT + 13}" text-anchor="end">{high:.3g}</text>'
    return (
        f'<svg class="trend histogram" viewBox="0 0 {WIDTH:.0f} {HEIGHT + 16:.0f}" role="img" '
        f'aria-label="{clean(summary)}"><title>{clean(summary)}</title>{"".join(parts)}{ends}</svg>'
    )
