"""The line of a figure over time, as SVG text. Colours are CSS variables of the page."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.markup import clean

WIDTH, HEIGHT, TOP = 330.0, 96.0, 12.0
"""Pixels of a chart, and above its largest value."""

DOTS = 24
"""More records than these get smaller dots."""


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
