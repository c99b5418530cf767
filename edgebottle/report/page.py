"""An HTML page: self-contained, opens offline, pictures drawn as SVG, no scripts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgebottle import __version__
from edgebottle.errors import BadInput
from edgebottle.report.style import STYLE
from edgebottle.report.svg import clean

Cell = str | tuple[str, str]
"""The text of a table's cell, and what stands small beside it."""


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


def table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], numeric_from: int
) -> str:
    """A table; columns from ``numeric_from`` on are aligned to the right."""

    def css(index: int) -> str:
        return ' class="n"' if index >= numeric_from else ""

    def cell(index: int, content: Cell) -> str:
        text, small = content if isinstance(content, tuple) else (content, "")
        inner = clean(text) + (f" <small>{clean(small)}</small>" if small else "")
        if index == 0:
            return f'<th scope="row">{inner}</th>'
        return f"<td{css(index)}>{inner}</td>"

    titles = "".join(
        f'<th scope="col"{css(index)}>{clean(name)}</th>' for index, name in enumerate(head)
    )
    body = "\n".join(
        f"<tr>{''.join(cell(index, content) for index, content in enumerate(row))}</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{clean(caption)}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )
