"""An HTML page: self-contained, opens offline, pictures drawn as SVG, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebottle import __version__
from edgebottle.files import write_file
from edgebottle.report.markup import clean, percent
from edgebottle.report.style import STYLE


@dataclass(frozen=True)
class Bar:
    """A cell that shows a share as a bar.

    Attributes:
        share: 0 .. 1, of the width of the column.
        css: Class of its colour.
        title: Shown when pointed at.
    """

    share: float
    css: str
    title: str = ""


@dataclass(frozen=True)
class Numbered:
    """The name of a row, with its number before it.

    Attributes:
        number: From 1 on; None leaves its place empty.
        name: Plain text.
        longest: Characters that are shown of it.
    """

    number: int | None
    name: str
    longest: int = 48


Cell = str | tuple[str, str] | Bar | Numbered
"""The text of a table's cell, and what stands small beside it; a bar; or the name of a row."""


def page(title: str, body: str) -> str:
    """The whole page.

    Args:
        title: Plain text.
        body: HTML.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>edgebottle: {clean(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
<footer><p>edgebottle {__version__}. <b>Exact</b> is counted or proven, <b>measured</b> was on
hardware, <b>modelled</b> comes from a model of the board's timing. 1 kB is 1024 bytes.</p></footer>
</body>
</html>
"""


def write_page(text: str, path: Path) -> None:
    """Writes a page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    write_file(path, text.encode("utf-8", errors="replace"))


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], css: str = "") -> str:
    """A table; on a narrow screen each of its rows becomes a block of its own.

    Args:
        caption: What it shows.
        head: Names of the columns; those that end with ``>`` are aligned to the right. The first
            column names the row.
        rows: As many cells as columns, plain text.
        css: Class; a table of class ``matrix`` stays a table on a narrow screen.
    """
    names = [name.removesuffix(">") for name in head]
    right = [' class="n"' if name.endswith(">") else "" for name in head]
    titles = "".join(
        f'<th scope="col"{align}>{clean(name)}</th>'
        for name, align in zip(names, right, strict=True)
    )
    lines = []
    for row in rows:
        first, *others = (_content(cell) for cell in row)
        cells = [
            _bar_cell(cell)
            if isinstance(cell, Bar)
            # What folds the table needs the name of the column beside each cell.
            else f'<td{align} data-head="{clean(name)}"><span>{inner}</span></td>'
            for cell, inner, name, align in zip(row[1:], others, names[1:], right[1:], strict=True)
        ]
        kind = ' class="numbered"' if isinstance(row[0], Numbered) else ""
        lines.append(f'<tr><th scope="row"{kind}>{first}</th>{"".join(cells)}</tr>')
    body = "\n".join(lines)
    return (
        f'<table class="{css}"><caption>{clean(caption)}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>\n{body}</tbody></table>"
    )


def _content(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return ""
    if isinstance(cell, Numbered):
        name = cell.name
        if len(name) > cell.longest:  # both ends, since names often differ in the last one
            head, tail = cell.longest * 2 // 3, cell.longest // 3
            name = f"{name[:head]}…{name[-tail:]}"
        title = f' title="{clean(cell.name)}"' if name != cell.name else ""
        return f'<span class="no">{cell.number or ""}</span><span{title}>{clean(name)}</span>'
    text, small = cell if isinstance(cell, tuple) else (cell, "")
    return clean(text) + (f" <small>{clean(small)}</small>" if small else "")


def _bar_cell(bar: Bar) -> str:
    fill = f'<i class="{bar.css}" style="width:{percent(bar.share)}"></i>'
    return f'<td class="bar"><span title="{clean(bar.title)}">{fill}</span></td>'
