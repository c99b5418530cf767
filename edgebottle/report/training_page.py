"""What training to few bits gave, as one HTML page with its curves."""

from __future__ import annotations

from edgebottle.report.markup import clean, section
from edgebottle.report.page import page, table
from edgebottle.report.svg import trend
from edgebottle.report.training import accuracy_cells, epoch_cells, layer_cells
from quantize.lowbit.report import LowBitReport

_CURVES = (
    ("loss", "mean over the samples that are learned from"),
    ("wrong", "share of the samples that choose the epoch, in the simulation"),
)


def training_page(report: LowBitReport) -> str:
    """The page."""
    title = f"{report.model}: trained to {report.bits}"
    caption = f"{report.test:,} test samples, which no choice has seen."
    accuracy = table(caption, ("", "float>", "LiteRT>", "lost>"), [accuracy_cells(report)])
    epochs = [epoch_cells(one) for one in report.epochs]
    head = ("epoch>", "bits", "loss>", "accuracy>", "validation>", "frozen>", "")
    layers = [layer_cells(one) for one in report.layers]
    layer_head = ("layer", "operator", "weights>", "values>", "output bits>")
    layer_caption = "Values: how many different ones the weights have."
    body = f"""<h1>{clean(title)}</h1>
<ul class="facts"><li><span>file</span> {report.bytes:,} bytes</li>
<li><span>methods</span> {clean(", ".join(report.methods) or "none")}</li>
<li><span>learned from</span> {report.samples:,} samples</li>
<li><span>chosen by</span> {report.validation:,} others</li></ul>
{section("Accuracy", accuracy)}
{section("Curves", _curves(report))}
{section("Layers", table(layer_caption, layer_head, layers))}
{section("Epochs", table("Accuracies are those of the simulation.", head, epochs))}"""
    return page(title, body)


def _curves(report: LowBitReport) -> str:
    if len(report.epochs) < 2:
        return ""
    values = {
        "loss": [one.loss for one in report.epochs],
        "wrong": [1.0 - one.validation for one in report.epochs],
    }
    figures = []
    for name, meaning in _CURVES:
        labels = [
            f"epoch {epoch.number} ({epoch.bits}): {value:.4f}"
            for epoch, value in zip(report.epochs, values[name], strict=True)
        ]
        line = trend(name, values[name], labels, of="epochs")
        figures.append(f"<figure><h4><b>{name}</b> {clean(meaning)}</h4>{line}</figure>")
    return f'<div class="trends">{"".join(figures)}</div>'
