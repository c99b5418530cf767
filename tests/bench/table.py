"""The benchmark as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tests.bench.peers import Peer, peers_of
from tests.bench.rows import Row

HEADER = (
    *("model", "schedule", "board", "compiler"),
    *("RAM", "MACs", "instructions", "cycles", "code", "planning s"),
)
WIDTHS = (16, 9, 14, 8, 9, 12, 13, 13, 8, 10)
WORDS = 4
"""Columns that hold words; the others hold figures."""

UNITS = {
    "instructions": "instructions",
    "cycles": "cycles",
    "ram": "bytes of RAM",
    "code": "bytes of code",
}
"""Metrics of the peers, as they are read."""


def header() -> str:
    """The names of the columns."""
    return _line(HEADER)


def line(row: Row) -> str:
    """One row; where there is a reason, it follows the figures that are known."""
    figures = (row.ram, row.macs, row.instructions, row.cycles, row.code)
    cells = [f"{value:,}" if value is not None else "-" for value in figures]
    seconds = "-" if row.planning_s is None else f"{row.planning_s:.2f}"
    text = _line((row.model, row.schedule, row.board, row.toolchain, *cells, seconds))
    return f"{text}  {row.reason}" if row.reason else text


def peers_lines(model: str) -> list[str]:
    """The peers' figures for a model, one per line."""
    return [_peer_line(peer) for peer in peers_of(model)]


def to_json(rows: Iterable[Row]) -> dict[str, Any]:
    """Rows and the peers' figures of their models."""
    rows = list(rows)
    models = dict.fromkeys(row.model for row in rows)
    return {
        "rows": [asdict(row) for row in rows],
        "peers": [asdict(peer) for model in models for peer in peers_of(model)],
    }


def _peer_line(peer: Peer) -> str:
    what = f"{peer.value:,} {UNITS[peer.metric]}"
    where = f" ({peer.board})" if peer.board else ""
    return f"    {peer.engine}{where}: {what} - {peer.source}"


def _line(cells: Sequence[str]) -> str:
    padded = [
        cell.ljust(width) if index < WORDS else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    return " ".join(padded)
