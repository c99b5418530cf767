"""The pictures of the report, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hil.records import Flash, LayerRecord, MemoryBlock

WIDTH = 1032
_COLORS = 6
_LEFT = 64


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, color: int, title: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{max(height, 1):.1f}" '
        f'rx="2" fill="var(--c{color % _COLORS})" stroke="var(--paper)"><title>{escape(title)}'
        "</title></rect>"
    )


def _svg(height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">'
        + "\n".join(parts)
        + "</svg>"
    )


def _fit(text: str, width: float, char: float = 6.2) -> str:
    """As much of ``text`` as fits into ``width``; nothing if that says nothing."""
    room = int(width / char)
    if len(text) <= room:
        return text
    return text[: room - 1] + "…" if room >= 5 else ""


def arena_map(blocks: Sequence[MemoryBlock], layers: Sequence[str], arena: int) -> str:
    """Address over time: each tensor a box from its first to its last step.

    Args:
        blocks: Tensors and scratch; step -1 is "before the run".
        layers: Names of the steps, for the labels; may be fewer than the steps of the plan.
        arena: Bytes of the arena.
    """
    steps = max((block.last for block in blocks), default=0) + 1
    height, bottom = 340.0, 24.0
    column = (WIDTH - _LEFT - 8) / (steps + 1)
    scale = (height - 20) / max(arena, 1)

    def x(step: int) -> float:
        return _LEFT + (step + 1) * column

    def y(address: int) -> float:
        return height - address * scale

    parts = []
    for quarter in range(5):
        address = arena * quarter // 4
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - 8}" y1="{y(address):.1f}" y2="{y(address):.1f}" '
            'class="grid"/>'
        )
        parts.append(_text(_LEFT - 6, y(address) + 4, f"{address:,}", "soft", "end"))
    for index, block in enumerate(sorted(blocks, key=lambda b: (b.first, b.offset))):
        if not block.nbytes:
            continue
        left, width = x(block.first), (block.last - block.first + 1) * column
        width = min(width, WIDTH - 8 - left)
        top, tall = y(block.offset + block.nbytes), block.nbytes * scale
        life = f"steps {block.first} to {block.last}"
        title = f"{block.name}: {block.nbytes:,} bytes at {block.offset:,}, {life}"
        parts.append(_box(left, top, width, tall, index, title))
        label = _fit(block.name, width - 6)
        if label and tall >= 13:
            parts.append(_text(left + 4, top + min(tall / 2 + 4, 14), label, "inside"))
    every = max(1, round(34 / column))
    for step in range(0, steps, every):
        parts.append(_text(x(step) + column / 2, height + 16, str(step), "soft", "middle"))
    parts.append(_text(_LEFT - 6, height + 16, "step", "soft", "end"))
    edge = f"{y(arena):.1f}"
    line = f'x1="{_LEFT}" x2="{WIDTH - 8}" y1="{edge}" y2="{edge}"'
    parts.append(f'<line {line} class="peak"/>')
    return _svg(height + bottom, parts, f"Arena of {arena} bytes over {len(layers)} layers")


def layer_bars(layers: Sequence[LayerRecord]) -> str:
    """One bar per layer: cycles where they were measured, else instructions."""
    costs = [layer.cycles or layer.instructions or 0 for layer in layers]
    largest, total = max(costs, default=0) or 1, sum(costs) or 1
    line, names = 18, 250
    parts = []
    for index, (layer, cost) in enumerate(zip(layers, costs, strict=True)):
        top = index * line
        width = (WIDTH - names - 190) * cost / largest
        title = f"{layer.name} ({layer.op}): {cost:,}, {layer.macs:,} MACs"
        parts.append(_text(names - 8, top + 13, _fit(layer.name, names - 12), "", "end"))
        parts.append(_box(names, top + 3, width, line - 6, 0 if layer.macs else 5, title))
        parts.append(_text(names + width + 6, top + 13, f"{cost:,} ({cost / total:.1%})", "soft"))
    return _svg(max(len(layers) * line, 1) + 4, parts, "Cost of each layer")


def flash_bar(flash: Flash) -> str:
    """Weights and code side by side."""
    total = flash.bytes or 1
    width = WIDTH * flash.weights / total
    parts = [
        _box(0, 0, width, 30, 0, f"weights: {flash.weights:,} bytes"),
        _box(width, 0, WIDTH - width, 30, 1, f"code: {flash.code:,} bytes"),
        _text(8, 19, _fit(f"weights {flash.weights:,}", width - 12), "inside"),
        _text(width + 8, 19, _fit(f"code {flash.code:,}", WIDTH - width - 12), "inside"),
        _text(
            0, 48, f"{flash.bytes:,} bytes: weights {flash.weights:,}, code {flash.code:,}", "soft"
        ),
    ]
    return _svg(54, parts, "Flash by section")
