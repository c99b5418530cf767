"""The line of a figure over time, as SVG text. Colours are CSS variables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.report.markup import clean

WIDTH, HEIGHT, TOP = 330.0, 96.0, 12.0
"""Pixels of a chart, and above its largest value."""

DOTS = 24
"""More records than these get smaller dots."""

SCATTER_HEIGHT, SCATTER_LEFT = 200.0, 52.0
"""Pixels of a chart of dots, its axis not included, and of what names the axis upwards."""


@dataclass(frozen=True)
class Dot:
    """A place in a chart.

    Attributes:
        across: From left to right, 0 or more.
        up: From bottom to top, a share, 0 .. 1.
        css: Class of its colour.
        label: Shown when pointed at.
    """

    across: float
    up: float
    css: str
    label: str


def scatter(name: str, dots: Sequence[Dot], limit: float | None = None) -> str:
    """Dots by two figures; across from zero, upwards between the least and the most.

    Args:
        name: What is shown.
        dots: At least one; the last lie above.
        limit: Of what goes across: a dashed line, where it is not far from the dots.
    """
    widest = max(one.across for one in dots) or 1.0
    if limit is not None and limit <= 2 * widest:
        widest = max(widest, limit)
    low, high = min(one.up for one in dots), max(one.up for one in dots)
    span = high - low or 1.0

    def across(value: float) -> float:
        return SCATTER_LEFT + (WIDTH - 6 - SCATTER_LEFT) * value / widest

    def down(value: float) -> float:
        return SCATTER_HEIGHT - 8 - (SCATTER_HEIGHT - 16) * (value - low) / span

    parts = [f'<path class="grid" d="M{SCATTER_LEFT} 0V{SCATTER_HEIGHT}H{WIDTH}"/>']
    if limit is not None and limit <= widest:
        at = across(limit)
        parts.append(f'<path class="limit" d="M{at:.1f} 0V{SCATTER_HEIGHT}"/>')
    for one in dots:
        circle = f'<circle cx="{across(one.across):.1f}" cy="{down(one.up):.1f}" r="4" '
        parts.append(f'{circle}class="{one.css}"><title>{clean(one.label)}</title></circle>')
    below = SCATTER_HEIGHT + 13
    most = f"{widest:,.0f}" if widest >= 100 else f"{widest:.3g}"
    ends = f'<text x="{SCATTER_LEFT}" y="{below}">0</text>'
    ends += f'<text x="{WIDTH}" y="{below}" text-anchor="end">{most}</text>'
    ends += f'<text x="0" y="11">{high:.2%}</text>'
    ends += f'<text x="0" y="{SCATTER_HEIGHT - 4}">{low:.2%}</text>'
    summary = f"{name} of {len(dots)}: {low:.2%} to {high:.2%}"
    return (
        f'<svg class="trend scatter" viewBox="0 0 {WIDTH:.0f} {below + 3:.0f}" role="img" '
        f'aria-label="{clean(summary)}">{"".join(parts)}{ends}</svg>'
    )


def trend(name: str, values: Sequence[float], labels: Sequence[str], of: str = "records") -> str:
    """A line through the values of successive records, the axis from zero.

    Args:
        name: What is shown.
        values: At least two, oldest first.
        labels: Of each value, shown when pointed at.
        of: What has the values.
    """
    largest = max(values) or 1

    def point(index: int, value: float) -> tuple[float, float]:
        along = index / max(len(values) - 1, 1)
        return 6 + along * (WIDTH - 12), HEIGHT - (HEIGHT - TOP) * value / largest

    points = [point(index, value) for index, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    radius = 4 if len(points) <= DOTS else 2
    parts = [
        f'<path class="grid" d="M0 {HEIGHT}H{WIDTH}M0 {TOP}H{WIDTH}"/>',
        f'<polyline points="{path}" class="line"/>',
    ]
    for (x, y), label in zip(points, labels, strict=True):
        dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="dot">'
        parts.append(f"{dot}<title>{clean(label)}</title></circle>")
    summary = f"{name} over {len(values)} {of}: {', '.join(labels)}"
    return (
        f'<svg class="trend" viewBox="0 0 {WIDTH:.0f} {HEIGHT + 5:.0f}" role="img" '
        f'aria-label="{clean(summary)}">{"".join(parts)}</svg>'
    )
