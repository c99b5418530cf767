"""The benchmark beside its peers: a table per figure and board, engines down, networks across.

One run fills the lines called ``ours``; the others come from ``peers.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.peers import PEERS
from tests.bench.rows import Row

NETWORKS = ("ad", "kws", "ic", "vww", "mcunet_vww")
SCHEDULES = ("auto", "min-ram", "rows")
PLAN_ONLY = ("rows",)
"""Schedules of which the RAM is wanted alone."""

FIGURES = {
    "instructions": "Instructions per inference (exact)",
    "cycles": "Cycles per inference (ours modelled, the others measured)",
    "code": "Bytes of code beside the weights",
    "ram": "Bytes of RAM, the arena with input and output (exact)",
}
"""Fields of ``Row``, metrics of ``Peer``, in the order of the tables, with their titles."""

Line = tuple[str, dict[str, int]]
"""An engine, and its figure for each network it has one for."""


def tables(rows: Sequence[Row]) -> list[str]:
    """All tables, as lines of text; what could not be measured is said at the end."""
    text: list[str] = []
    networks = tuple(name for name in NETWORKS if any(row.model == name for row in rows))
    for board in dict.fromkeys(row.board for row in rows):
        here = [row for row in rows if row.board == board]
        for metric, title in FIGURES.items():
            lines = [*_peers(metric, board, networks), *_ours(metric, here)]
            text += [f"{title}, {board}", *_table(lines, networks), ""]
    text += [
        f"{row.model}, {row.schedule}, {row.board}, {row.toolchain}: {row.reason}"
        for row in rows
        if row.reason
    ]
    return text


def _peers(metric: str, board: str, networks: Sequence[str]) -> list[Line]:
    lines: dict[str, dict[str, int]] = {}
    for peer in PEERS:
        if peer.metric == metric and peer.board in ("", board) and peer.model in networks:
            lines.setdefault(peer.engine, {})[peer.model] = peer.value
    return list(lines.items())


def _ours(metric: str, rows: Iterable[Row]) -> list[Line]:
    """One line per schedule and compiler; the arena is the plan's, whatever the compiler."""
    lines: dict[str, dict[str, int]] = {}
    for row in rows:
        if metric != "ram" and row.schedule in PLAN_ONLY:
            continue
        compiler = "" if metric == "ram" else f", {row.toolchain}"
        figures = lines.setdefault(f"ours, {row.schedule}{compiler}", {})
        value = getattr(row, metric)
        if value is not None:
            figures[row.model] = value
    return list(lines.items())


def _table(lines: Sequence[Line], networks: Sequence[str]) -> list[str]:
    cells = [["engine", *networks]]
    cells += [
        [engine, *(f"{figures[n]:,}" if n in figures else "-" for n in networks)]
        for engine, figures in lines
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
