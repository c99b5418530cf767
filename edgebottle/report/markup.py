"""Small pieces of HTML that all parts of the report are made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def clean(text: str) -> str:
    """``text`` for HTML and SVG: escaped, and without characters that no document may hold."""
    return escape("".join(c if c.isprintable() else "�" for c in text))


def section(title: str, body: str) -> str:
    """A part of the page under its heading; nothing where there is no body."""
    return f"<section><h2>{clean(title)}</h2>\n{body}</section>" if body else ""


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """What colours stand for: class and meaning of each."""
    items = "".join(f'<li><i class="{css}"></i>{clean(text)}</li>' for css, text in entries)
    return f'<ul class="legend">{items}</ul>'


def percent(part: float) -> str:
    """A share, 0 .. 1, as a CSS length."""
    return f"{min(max(part, 0.0), 1.0) * 100:.3f}%"
