"""What became of a network that was taken from a search: for the terminal."""

from __future__ import annotations

from edgebottle.report.search import NAMES, UNITS, figure
from edgebottle.report.terminal import Part, add_row, new_table, printable
from quantize.search.taken import TakenNetwork


def taken_parts(taken: TakenNetwork) -> tuple[Part, ...]:
    """Accuracy, what it takes of its board, and what it is."""
    table = new_table(f"{taken.file} on {taken.board}", "", "here>", "at most>", "by")
    add_row(
        table, taken.metric, f"{taken.accuracy:.2%}", "", f"LiteRT, {taken.tested:,} test samples"
    )
    add_row(table, "validation", f"{taken.validation:.2%}", "", "LiteRT, nothing learned from them")
    if taken.searched is not None:
        add_row(table, "searched", f"{taken.searched:.2%}", "", "what the search saw of it")
    for name, by in (("ram", "the build"), ("flash", "the build"), ("ms", "modelled")):
        limit = taken.limits.get(name)
        most = "" if limit is None else figure(limit, name)
        add_row(table, NAMES[name], figure(getattr(taken, name), name), most, by)
    how = ", row by row" if taken.row_fed else ""
    how += ", built with --optimize size" if taken.optimize == "size" else ""
    words = [
        f"{taken.bits}, {taken.schedule}{how}, {taken.macs:,} MACs: {taken.network}",
        f"{taken.verified} inputs: the same to the last bit in LiteRT, NumPy, C here and on the "
        "virtual board.",
    ]
    return (table, *map(printable, words))


def excess_words(taken: TakenNetwork) -> str:
    """What it breaks, in a line; empty where it keeps to all."""
    over = taken.excess
    if not over:
        return ""
    words = " and ".join(
        f"{figure(amount, name)}{'' if name == 'ms' else f' {UNITS[name]}'}"
        for name, amount in over.items()
    )
    return f"it breaks its budgets by {words}: take another one with --trial"
