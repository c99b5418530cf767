"""What a search has found: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table, printable
from quantize.search.report import BudgetPrice, FoundNetwork, SearchReport

UNITS = {"ram": "bytes of RAM", "flash": "bytes of flash", "ms": "ms"}
NAMES = {"ram": "RAM", "flash": "flash", "ms": "time"}

FRONT_HEAD = ("trial>", "accuracy>", "RAM>", "flash>", "ms>", "bits", "run by", "network")
PRICE_HEAD = ("budget", "at most>", "best takes>", "accuracy without>", "gained>", "takes then>")


def search_parts(report: SearchReport) -> tuple[Part, ...]:
    """The front, what the budgets cost, and how it was searched."""
    title = f"{report.name}: the best of {len(report.networks)} networks for {report.board}"
    best = new_table(title, *FRONT_HEAD[:-1], "network~")
    for network in report.front:
        add_row(best, *network_cells(network))
    parts: list[Part] = [best] if report.front else [printable(nothing_words(report))]
    if report.prices:
        prices = new_table("What the budgets cost", *PRICE_HEAD)
        for price in report.prices:
            add_row(prices, *price_cells(price, report))
        parts.append(prices)
    return (*parts, *map(printable, search_words(report)))


def network_cells(network: FoundNetwork) -> tuple[str, ...]:
    """A network, as text."""
    return (
        str(network.number),
        f"{network.accuracy:.2%}",
        f"{network.ram:,}",
        f"{network.flash:,}",
        f"{network.ms:.2f}",
        network.bits,
        network.schedule + (", row by row" if network.row_fed else ""),
        network.network,
    )


def price_cells(price: BudgetPrice, report: SearchReport) -> tuple[str, ...]:
    """A budget, as text; dashes where nobody has looked what there is without it."""
    cells = [NAMES[price.name], figure(price.limit, price.name), figure(price.taken, price.name)]
    if price.accuracy is None or price.takes is None:
        return (*cells, "-", "-", "-")
    gained = (price.accuracy - max(one.accuracy for one in report.networks)) * 100
    cells += [f"{price.accuracy:.2%}", f"{gained:+.2f} points"]
    return (*cells, figure(price.takes, price.name))


def figure(value: float, name: str) -> str:
    """Bytes or milliseconds."""
    return f"{value:,.2f} ms" if name == "ms" else f"{value:,.0f}"


def search_words(report: SearchReport) -> list[str]:
    """How it was searched, and what may be done further."""
    ended = ", ".join(f"{count:,} {what}" for what, count in sorted(report.outcomes.items()))
    seconds = report.seconds
    time = f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 3600:,.1f} h"
    workers = f"{report.workers} worker{'s' if report.workers != 1 else ''}"
    words = [f"{report.sampler}: {ended or 'nothing yet'}; {time} of {workers}."]
    assessed = len(report.history)
    if assessed < report.wanted:
        words.append(
            f"{assessed:,} of {report.wanted:,} candidates: `edgebottle search run` goes on."
        )
    elif report.front:
        words.append("`edgebottle search take` trains the best to the end, and builds it.")
    unknown = [price.name for price in report.prices if price.accuracy is None]
    if unknown:
        words.append(
            "What a budget costs is known once it was searched without it: "
            f"`edgebottle search run --without {unknown[0]}`."
        )
    return words


def nothing_words(report: SearchReport) -> str:
    """Where there is no network to show."""
    return f"{report.name}: no network has been assessed yet"
