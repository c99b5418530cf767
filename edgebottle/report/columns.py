"""Tables that fit their terminal: what matters less is left out, and no name is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

RIGHT, PROSE, OPTIONAL = ">", "~", "?"
"""Behind the name of a column: aligned to the right; text that may wrap; left out if need be."""

PROSE_WIDTH = 16
"""Characters that a column of text gets at least, if it has as many."""

_GAP = 2


@dataclass
class FittedTable:
    """A table that knows which of its columns can be spared.

    Attributes:
        title: Plain text.
        columns: Names, each with the marks ``RIGHT``, ``PROSE``, ``OPTIONAL`` behind it.
        rows: Plain text, a cell for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, of the columns that fit; the rightmost go first.

        Where names need more than the width the table is wider: a terminal wraps it, but nobody
        has to piece a name together.
        """
        shown = list(range(len(self.columns)))
        spare = [index for index in shown if OPTIONAL in self._marks(index)]
        while spare and self._width(shown) > options.max_width:
            shown.remove(spare.pop())
        wide = options.update(width=max(options.max_width, self._width(shown)))
        yield Text(self.title, "italic", no_wrap=True, overflow="ignore")
        yield from console.render(self._table(shown, wide.max_width), wide)
        left_out = [self._name(index) for index in range(len(self.columns)) if index not in shown]
        if left_out:
            yield Text(f"({', '.join(left_out)}: in a wider terminal, or with --json)")
        yield Text("")

    def _table(self, shown: Sequence[int], width: int) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            show_header=any(self._name(index) for index in shown),
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        free = width - self._width(shown)
        for index in shown:
            least = self._least(index)
            more = max(0, min(free, self._natural(index) - least))
            free -= more
            justify: Literal["right", "left"] = "right" if RIGHT in self._marks(index) else "left"
            table.add_column(self._name(index), justify=justify, width=least + more)
        for row in self.rows:
            table.add_row(*(Text(row[index]) for index in shown))
        return table

    def _name(self, index: int) -> str:
        return self.columns[index].rstrip(RIGHT + PROSE + OPTIONAL)

    def _marks(self, index: int) -> str:
        return self.columns[index][len(self._name(index)) :]

    def _width(self, shown: Sequence[int]) -> int:
        """Characters that these columns need, gaps included, one behind the last as well."""
        return sum(self._least(index) + _GAP for index in shown) - 1

    def _texts(self, index: int) -> list[str]:
        return [self._name(index), *(row[index] for row in self.rows)]

    def _natural(self, index: int) -> int:
        return max(map(cell_len, self._texts(index)))

    def _least(self, index: int) -> int:
        if PROSE not in self._marks(index):
            return self._natural(index)
        words = [cell_len(word) for text in self._texts(index) for word in text.split()]
        return min(self._natural(index), max(PROSE_WIDTH, *words, 0))
