"""A whole and its parts: a bar, and the figures below it."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.markup import clean, percent

Part = tuple[str, int, str]
"""Name, bytes and class of the colour."""


def parts_bar(name: str, parts: Sequence[Part]) -> str:
    """The parts side by side, to scale; the legend says how many bytes each has."""
    total = sum(size for _, size, _ in parts)
    pieces, entries = [], []
    for what, size, css in parts:
        share = size / total if total else 0.0
        if size > 0:
            pieces.append(f'<i class="{css}" style="width:{percent(share)}"></i>')
        entries.append(
            f'<li><i class="{css}"></i>{clean(what)}<b>{size:,}</b><span>{share:.1%}</span></li>'
        )
    listed = ", ".join(f"{what} {size:,}" for what, size, _ in parts)
    label = clean(f"{name}: {listed} bytes")
    return f"""<figure class="parts"><h3>{clean(name)} <b>{total:,}</b> bytes</h3>
<div class="stack" role="img" aria-label="{label}">{"".join(pieces)}</div>
<ul>{"".join(entries)}</ul></figure>"""
