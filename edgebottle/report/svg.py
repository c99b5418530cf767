"""The pictures of the report, as SVG text. Colours are CSS variables of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edgebottle.report.memory import ArenaView, Role, span
from hil.records import LayerRecord, MemoryBlock

WIDTH = 1032
_LEFT, _RIGHT = 64, 8
_CHAR = 6.3
"""Pixels that one character takes, about."""


def clean(text: str) -> str:
    """``text`` for HTML and SVG: escaped, and without characters that no document may hold."""
    return escape("".join(c if c.isprintable() else "�" for c in text))


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{clean(text)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, fill: str, title: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{max(height, 1):.1f}" '
        f'rx="2" class="{fill}"><title>{clean(title)}</title></rect>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def _svg(height: float, parts: Sequence[str], label: str, width: float = WIDTH) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{clean(label)}">'
        + "\n".join(parts)
        + "</svg>"
    )


def _fit(text: str, width: float) -> str:
    """As much of ``text``, end included, as fits into ``width``; nothing if that says nothing."""
    room = int(width / _CHAR)
    if len(text) <= room:
        return text
    if room < 5:
        return ""
    end = min(4, (room - 1) // 2)  # where names that differ in a number differ
    return text[: room - 1 - end] + "…" + text[-end:]


def _ticks(top: int) -> list[int]:
    """Round addresses from 0 to ``top``, four to eight of them."""
    step = 1 << max(0, math.ceil(math.log2(max(top, 1) / 8)))
    if top / step > 6:
        step *= 2
    return list(range(0, top + 1, step))


_FILLS = {
    Role.INPUT: ("input",),
    Role.OUTPUT: ("output",),
    Role.STATE: ("state",),
    Role.SCRATCH: ("scratch",),
    Role.RING: ("ring",),
    Role.ACTIVATION: ("a0", "a1", "a2"),
}


def arena_map(view: ArenaView) -> str:
    """Address over time: each tensor a box from its first to its last step.

    The steps that set the peak stand on a band, with the bytes in use above it.
    """
    height, top = 380.0, 22.0
    names = min(max((len(name) for name in view.layers), default=4), 24)
    column = (WIDTH - _LEFT - _RIGHT) / (view.steps + 1)
    scale = (height - top) / max(view.arena, 1)

    def x(step: int) -> float:
        return _LEFT + (step + 1) * column

    def y(address: int) -> float:
        return height - address * scale

    parts = []
    peaks, live = view.peaks(), view.live()
    for step in peaks:
        parts.append(
            f'<rect x="{x(step):.1f}" y="{top - 16}" width="{column:.1f}" '
            f'height="{height - top + 16:.1f}" class="band"/>'
        )
    edge = WIDTH - _RIGHT
    for address in _ticks(view.arena):
        parts.append(_line(_LEFT, y(address), edge, y(address), "grid"))
        parts.append(_text(_LEFT - 6, y(address) + 4, f"{address:,}", "soft", "end"))
    activations = 0
    for block in view.blocks:
        fills = _FILLS[view.role(block)]
        fill = fills[activations % len(fills)]
        activations += view.role(block) is Role.ACTIVATION
        left = x(block.first)
        width = min((block.last - block.first + 1) * column, edge - left)
        parts.append(_block(view, block, (left, width), (y(span(block)[1]), y(block.offset)), fill))
    parts.append(_line(_LEFT, y(view.arena), edge, y(view.arena), "peak"))
    shown = -1.0
    for step in sorted(peaks, key=lambda i: -live[i]):
        if shown < 0 or abs(x(step) - shown) > 60:
            parts.append(_text(x(step) + column / 2, top - 6, f"{live[step]:,}", "bold", "middle"))
            shown = x(step)
    every = max(1, math.ceil(13 / column))
    for step, name in enumerate(view.layers):
        if step % every == 0 or step in peaks:
            css = "bold" if step in peaks else "soft"
            anchor = (x(step) + column / 2 + 3, height + 12)
            parts.append(_slanted(*anchor, _fit(name, names * _CHAR), css))
    label = f"Arena of {view.arena:,} bytes over {view.steps} layers"
    if peaks:
        label += "; the peak is at " + ", ".join(view.layers[i] for i in peaks)
    return _svg(height + 18 + names * _CHAR * 0.78, parts, label)


def _slanted(x: float, y: float, text: str, css: str) -> str:
    return (
        f'<text transform="translate({x:.1f} {y:.1f}) rotate(-50)" class="{css}" '
        f'text-anchor="end">{clean(text)}</text>'
    )


def _block(
    view: ArenaView,
    block: MemoryBlock,
    across: tuple[float, float],
    down: tuple[float, float],
    fill: str,
) -> str:
    """One box, with as much of its name as fits."""
    left, width = across
    upper, lower = down
    first, last = max(block.first, 0), min(block.last, view.steps - 1)
    life = f"layers {first} to {last}"
    if 0 <= first <= last < view.steps:
        life += f" ({view.layers[first]} to {view.layers[last]})"
    title = f"{block.name}\n{block.nbytes:,} bytes at {block.offset:,}, {life}"
    box = _box(left, upper, width, lower - upper, fill, title)
    name = view.label(block)
    label = _fit(name, width - 8)
    if (
        not label
        or lower - upper < 13
        or (view.role(block) in (Role.SCRATCH, Role.RING) and label != name)
    ):
        return box
    return box + _text(left + 4, upper + min((lower - upper) / 2 + 4, 15), label, "inside")


def layer_bars(layers: Sequence[LayerRecord]) -> str:
    """One bar per layer: cycles where there are such, else instructions.

    Layers that multiply and accumulate, and those that only move or bend data, differ in colour.
    """
    cycles = any(layer.cycles is not None for layer in layers)
    costs = [(layer.cycles if cycles else layer.instructions) or 0 for layer in layers]
    total = sum(costs) or 1
    bars = []
    for layer, cost in zip(layers, costs, strict=True):
        per = f", {cost / layer.macs:.2f} per MAC" if layer.macs else ""
        title = f"{layer.name} ({layer.op}): {cost:,}, {layer.macs:,} MACs"
        figure = f"{cost:,} ({cost / total:.1%}{per})"
        bars.append(Bar(layer.name, cost, figure, "a0" if layer.macs else "code", title))
    what = "cycles" if cycles else "instructions"
    return bar_chart(bars, f"{what.capitalize()} of each layer")


def mac_rates(layers: Sequence[LayerRecord], limit: int) -> str:
    """One bar per layer that multiplies: its MACs per instruction, under the core's ``limit``."""
    total = sum(layer.instructions or 0 for layer in layers) or 1
    bars = []
    for layer in layers:
        if layer.macs and layer.instructions:
            rate = layer.macs / layer.instructions
            figure = f"{rate:.2f} ({rate / limit:.0%}) in {layer.instructions / total:.1%} of all"
            title = f"{layer.name} ({layer.op}): {layer.macs:,} MACs, {layer.instructions:,}"
            bars.append(Bar(layer.name, rate, figure, "a0", f"{title} instructions"))
    label = f"MACs per instruction of each layer; the core's limit is {limit}"
    return bar_chart(bars, label, figures=60, limit=limit)


@dataclass(frozen=True)
class Bar:
    """One bar of ``bar_chart``.

    Attributes:
        name: Left of it.
        value: Its length, not negative.
        figure: Right of it.
        fill: Class of its colour.
        title: Shown when pointed at; by default the name and the figure.
    """

    name: str
    value: float
    figure: str
    fill: str = "a0"
    title: str = ""


def bar_chart(
    bars: Sequence[Bar], label: str, names: int = 250, figures: int = 220, limit: float = 0
) -> str:
    """Bars from the left, one below the other.

    Args:
        bars: From the top down.
        label: For those who cannot see the picture.
        names: Pixels for the names.
        figures: Pixels for the figures behind the longest bar.
        limit: Where a dashed line stands, in the unit of the values; 0 for none.
    """
    line = 19
    largest = max([bar.value for bar in bars] + [limit], default=0) or 1
    scale = (WIDTH - names - figures) / largest
    height = max(len(bars) * line, 1) + 4
    parts = []
    for index, bar in enumerate(bars):
        top, width = index * line, bar.value * scale
        title = bar.title or f"{bar.name}: {bar.figure}"
        parts.append(_text(names - 8, top + 13, _fit(bar.name, names - 12), "", "end"))
        parts.append(_box(names, top + 3, width, line - 6, bar.fill, title))
        parts.append(_text(names + max(width, 1) + 6, top + 13, bar.figure, "soft"))
    if limit:
        parts.append(_line(names + limit * scale, 0, names + limit * scale, height, "peak"))
    return _svg(height, parts, label)


def stacked_bar(name: str, parts: Sequence[tuple[str, int, str]]) -> str:
    """Parts of a whole side by side.

    Args:
        name: The whole, such as ``Flash``.
        parts: For each its name, bytes and fill.
    """
    total = sum(size for _, size, _ in parts) or 1
    shapes, left = [], 0.0
    for what, size, fill in parts:
        if size <= 0:
            continue
        width = WIDTH * size / total
        shapes.append(_box(left, 0, width, 30, fill, f"{what}: {size:,} bytes, {size / total:.1%}"))
        shapes.append(_text(left + 8, 19, _fit(f"{what} {size:,}", width - 12), "inside"))
        left += width
    listed = ", ".join(f"{what} {size:,}" for what, size, _ in parts)
    return _svg(31, shapes, f"{name}: {listed} bytes")


def trend(name: str, values: Sequence[float], labels: Sequence[str]) -> str:
    """A line through the values of successive records, the axis from zero.

    Args:
        name: What is shown.
        values: At least two, oldest first.
        labels: Of each value, shown when pointed at.
    """
    width, height, top = 330.0, 110.0, 12.0
    largest = max(values) or 1

    def point(index: int, value: float) -> tuple[float, float]:
        along = index / max(len(values) - 1, 1)
        return 8 + along * (width - 16), height - (height - top) * value / largest

    points = [point(index, value) for index, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        _line(0, height, width, height, "grid"),
        _line(0, top, width, top, "grid"),
        f'<polyline points="{path}" class="line"/>',
    ]
    for (x, y), label in zip(points, labels, strict=True):
        dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot">'
        parts.append(f"{dot}<title>{clean(label)}</title></circle>")
    summary = f"{name} over {len(values)} records: {', '.join(labels)}"
    return _svg(height + 6, parts, summary, width)
