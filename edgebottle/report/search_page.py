"""What a search has found, as one HTML page with a chart of the front."""

from __future__ import annotations

from edgebottle.report.markup import clean, legend, section
from edgebottle.report.page import page, table
from edgebottle.report.search import (
    FRONT_HEAD,
    NAMES,
    PRICE_HEAD,
    UNITS,
    figure,
    network_cells,
    nothing_words,
    price_cells,
    search_words,
)
from edgebottle.report.svg import Dot, scatter, trend
from quantize.search.report import FoundNetwork, SearchReport

_FRONT_HEAD = (FRONT_HEAD[0].removesuffix(">"), *FRONT_HEAD[1:])
"""The first cell of a row names it, at the left."""

_LEGEND = (
    ("macs", "the best: no other network is better in every objective"),
    ("other", "other networks that keep to the budgets"),
)


def search_page(report: SearchReport) -> str:
    """The page."""
    facts = [("board", report.board), ("data", report.data), ("sampler", report.sampler)]
    facts += [(NAMES[name], f"at most {figure(most, name)}") for name, most in _limits(report)]
    listed = "".join(f"<li><span>{name}</span> {clean(text)}</li>" for name, text in facts)
    words = "".join(f"<p>{clean(text)}</p>" for text in search_words(report))
    body = f"""<h1>{clean(report.name)}: networks for {clean(report.board)}</h1>
<ul class="facts">{listed}</ul>
{section("The best", _front(report))}
{section("Accuracy and what it takes", _charts(report))}
{section("What the budgets cost", _prices(report))}
{section("How it was searched", words)}"""
    return page(f"search {report.name}", body)


def _limits(report: SearchReport) -> list[tuple[str, float]]:
    return [(name, report.limits[name]) for name in NAMES if name in report.limits]


def _front(report: SearchReport) -> str:
    if not report.front:
        return f"<p>{clean(nothing_words(report))}</p>"
    caption = (
        "RAM and flash in bytes of the whole firmware. Accuracy is what the search went by, "
        "not that of a file."
    )
    return table(caption, _FRONT_HEAD, [network_cells(one) for one in report.front], "records")


def _charts(report: SearchReport) -> str:
    if not report.networks:
        return ""
    figures = []
    for name in NAMES:
        dots = [
            Dot(getattr(one, name), one.accuracy, "macs" if one.is_best else "other", _label(one))
            for one in sorted(report.networks, key=lambda one: one.is_best)
        ]
        chart = scatter(f"accuracy and {UNITS[name]}", dots, report.limits.get(name))
        figures.append(f"<figure><h4><b>{clean(UNITS[name])}</b></h4>{chart}</figure>")
    figures += _history(report)
    words = "<p>Accuracy upwards. The dashed line is the budget, where it lies in the picture.</p>"
    return f'{words}<div class="trends">{"".join(figures)}</div>{legend(_LEGEND)}'


def _label(network: FoundNetwork) -> str:
    return (
        f"trial {network.number}: {network.accuracy:.2%}, {network.ram:,} bytes of RAM, "
        f"{network.flash:,} of flash, {network.ms:.2f} ms; {network.network}"
    )


def _prices(report: SearchReport) -> str:
    if not report.prices:
        return ""
    caption = "The best accuracy that was found without a budget, all others kept."
    return table(caption, PRICE_HEAD, [price_cells(one, report) for one in report.prices])


def _history(report: SearchReport) -> list[str]:
    if len(report.history) < 2:
        return []
    labels = [f"{number}: {value:.2%}" for number, value in enumerate(report.history, start=1)]
    line = trend("best accuracy", report.history, labels, of="networks")
    head = "<h4><b>best accuracy</b> so far, network after network</h4>"
    return [f"<figure>{head}{line}</figure>"]
