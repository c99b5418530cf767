"""The arena map of the report: memory over time, layers downwards, addresses to the right."""

from __future__ import annotations

import math

from edgebottle.report.markup import clean, legend, percent
from edgebottle.report.memory import ArenaView, Role, span
from hil.records import MemoryBlock

ROW_PIXELS = ((24, 26), (60, 20))
"""Up to so many layers, rows are so high; below ``LEAST_PIXELS`` no text can be read."""

LEAST_PIXELS = 15


def arena_map(view: ArenaView) -> str:
    """Each tensor a box, from its first to its last step; peaks stand on a band.

    Made of boxes that the browser lays out, so that it takes the width there is and cuts a name
    at the end of its box.
    """
    rows, peaks, live = view.steps, view.peaks(), view.live()
    height = next((pixels for most, pixels in ROW_PIXELS if rows <= most), LEAST_PIXELS)
    label = f"Arena of {view.arena:,} bytes over {rows} steps"
    if peaks:
        label += "; the peak is at " + ", ".join(view.layers[step] for step in peaks)
    names, figures, bands = [], [], []
    for step, name in enumerate(view.layers):
        css = ' class="peak"' if step in peaks else ""
        names.append(
            f'<li{css} title="{clean(name)}"><span class="no">{step + 1}</span>{clean(name)}</li>'
        )
        figures.append(f"<li{css}>{live[step]:,}</li>")
        if step in peaks:
            bands.append(f'<i class="band" style="{_down(view, step, step)}"></i>')
    ticks = "".join(
        f'<i class="tick" style="left:{percent(address / max(view.arena, 1))}">'
        f"<b>{address:,}</b></i>"
        for address in _ticks(view.arena)
    )
    boxes = "\n".join(_box(view, block) for block in view.blocks)
    roles = [role for role in Role if any(view.role(block) is role for block in view.blocks)]
    words = [(role.value, role.value) for role in roles]
    return f"""<div class="arena" style="--row:{height}px;--rows:{rows}">
<ol class="names">{"".join(names)}</ol>
<div class="map" role="img" aria-label="{clean(label)}">{"".join(bands)}{ticks}
{boxes}</div>
<ol class="live">{"".join(figures)}</ol></div>
{legend([*words, ("band", "sets the peak")] if peaks else words)}"""


def _ticks(top: int) -> list[int]:
    """Round addresses from 0 to below ``top``, two to four of them."""
    step = 1 << max(0, math.ceil(math.log2(max(top, 1) / 4)))
    return [address for address in range(0, top, step) if address <= top * 0.9]


def _down(view: ArenaView, first: int, last: int) -> str:
    """Where the steps from ``first`` to ``last`` stand, as CSS."""
    top, end = max(first, 0), min(last + 1, view.steps)
    return f"top:{percent(top / view.steps)};height:{percent((end - top) / view.steps)}"


def _box(view: ArenaView, block: MemoryBlock) -> str:
    first, last = max(block.first, 0), min(block.last, view.steps - 1)
    life = f"steps {first + 1} to {last + 1}"
    if first <= last:
        life += f" ({view.layers[first]} to {view.layers[last]})"
    title = f"{block.name}: {block.nbytes:,} bytes at {block.offset:,}, {life}"
    left, end = (min(byte / max(view.arena, 1), 1.0) for byte in span(block))
    place = f"left:{percent(left)};width:{percent(end - left)};{_down(view, first, last)}"
    text = f"<span>{clean(view.label(block))}</span>"
    css = f"block {view.role(block).value}"
    return f'<div class="{css}" style="{place}" title="{clean(title)}">{text}</div>'
