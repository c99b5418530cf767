"""Our modelled cycles beside the best that anyone has published, on every chip with results.

``python -m tests.bench --published`` builds and runs the networks of MLPerf Tiny on a virtual board
of each chip. The published results are those of ``edgebottle report --published``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgebottle.boards import all_boards
from edgebottle.report.published import Published, published_results
from tests.bench.rows import BOARDS, measure_row

NETWORKS = ("ad", "kws", "ic", "vww")

HEADER = ("chip", "network", "ours", "published", "ratio", "", "published by")
WIDTHS = (10, 8, 12, 12, 6, 6, 0)
WORDS = (0, 1, 5, 6)
"""Columns that hold words; the others hold figures."""


@dataclass(frozen=True)
class PublishedRow:
    """A network on a chip.

    Attributes:
        board: The virtual board that has the chip.
        best: The fewest cycles that anyone has published.
        cycles: Ours, modelled; None where there are none.
        instructions: Ours, exact.
        reason: Why there are none, empty if there are.
    """

    board: str
    best: Published
    cycles: int | None
    instructions: int | None
    reason: str = ""

    @property
    def ratio(self) -> float | None:
        """Our cycles for each published one."""
        return None if self.cycles is None else self.cycles / self.best.cycles

    @property
    def is_above(self) -> bool:
        """Ours are more."""
        return self.ratio is not None and self.ratio > 1

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "ratio": self.ratio, "above": self.is_above}


def best_results() -> tuple[Published, ...]:
    """The fewest published cycles of each chip and network, in the order of the chips."""
    best: dict[tuple[str, str], Published] = {}
    for result in published_results():
        key = result.chip, result.network
        if key not in best or result.cycles < best[key].cycles:
            best[key] = result
    chips = dict.fromkeys(chip for chip, _ in best)
    return tuple(best[chip, network] for chip in chips for network in NETWORKS)


def board_of(chip: str) -> str:
    """The virtual board that has ``chip``: the benchmark's own, or the first."""
    found = [board.id for board in all_boards() if board.virtual and board.mcu.startswith(chip)]
    return min(found, key=lambda name: name not in BOARDS)


def published_boards() -> tuple[str, ...]:
    """That of each chip."""
    return tuple(dict.fromkeys(board_of(best.chip) for best in best_results()))


def published_rows(
    models: Sequence[str] = (), boards: Sequence[str] = ()
) -> Iterator[PublishedRow]:
    """Each row as soon as it is measured.

    Args:
        models: None but these networks; all where there are none.
        boards: The same of boards.
    """
    for best in best_results():
        board = board_of(best.chip)
        if (models and best.network not in models) or (boards and board not in boards):
            continue
        row, _ = measure_row(best.network, "auto", board, plan_only=False)
        yield PublishedRow(board, best, row.cycles, row.instructions, row.reason)


def published_header() -> str:
    """The names of the columns."""
    return _line(HEADER)


def published_line(row: PublishedRow) -> str:
    """One row; where there is a reason, it follows."""
    ours = "-" if row.cycles is None else f"{row.cycles:,}"
    ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
    mark = "above" if row.is_above else ""
    best = row.best
    text = _line((best.chip, best.network, ours, f"{best.cycles:,}", ratio, mark, best.label))
    return f"{text}  {row.reason}" if row.reason else text


def published_summary(rows: Sequence[PublishedRow]) -> str:
    """How many are at or under the published cycles."""
    measured = [row for row in rows if row.ratio is not None]
    under = sum(not row.is_above for row in measured)
    return f"{under} of {len(measured)} at or under the best (ours modelled, theirs measured)"


def _line(cells: Sequence[str]) -> str:
    padded = [
        cell.ljust(width) if index in WORDS else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    return " ".join(padded).rstrip()
