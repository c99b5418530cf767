"""The drawing of a network: layers downwards, branches side by side, stages on a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.report import lanes
from edgebottle.report.lanes import Row, Vertex
from edgebottle.report.layers import (
    MULTIPLIES,
    OTHER,
    element_type,
    layer_numbers,
    main_weights,
    quantization,
    shape,
)
from edgebottle.report.markup import clean, legend
from edgebottle.units import kilobytes
from hil.network import Network, NodeRecord, TensorRecord
from hil.records import LayerRecord

ROW = 48
"""Pixels from one layer to the next; the style sheet has it from here."""

EDGE = 11
"""Pixels from the sides of the drawing to the first and the last lane."""

LANE, LANES = 15, 110
"""Pixels from lane to lane where there are few, and for all lanes together where there are many."""


@dataclass(frozen=True)
class _Item:
    """A vertex, and what stands beside it."""

    vertex: Vertex
    css: str
    title: str
    name: str
    second: str
    number: int | None = None
    stage: int | None = None
    badge: str = ""


def network_drawing(network: Network, layers: Sequence[LayerRecord]) -> str:
    """The whole network in the order of the run; folds into columns on a wide screen."""
    items = _items(network, {layer.name for layer in layers if layer.macs})
    drawn = lanes.rows([item.vertex for item in items])
    count = lanes.width(drawn)
    step = min(LANE, LANES / max(count - 1, 1))
    gutter = 2 * EDGE + (count - 1) * step
    parts = []
    for number, (item, row) in enumerate(zip(items, drawn, strict=True)):
        before = items[number - 1].stage if number else None
        after = items[number + 1].stage if number + 1 < len(items) else None
        parts.append(_row(item, row, step, gutter, (before, after)))
    used = {item.css for item in items}
    words = [
        ("macs", "multiplies and accumulates"),
        ("other", "does not multiply"),
        ("view", "view: costs nothing"),
        ("end", "input or output"),
    ]
    words = [(css, text) for css, text in words if css in used]
    if any(item.stage is not None for item in items):
        words.append(("stage", "stage: its layers run row by row, interleaved"))
    size = f"--row:{ROW}px;--gutter:{gutter:.0f}px"
    return f"""<ol class="network" style="{size}">{"".join(parts)}</ol>
{legend(words)}"""


def _items(network: Network, multiplying: set[str]) -> list[_Item]:
    tensors = {tensor.name: tensor for tensor in network.tensors}
    numbers = layer_numbers(network)
    counts: dict[int | None, int] = {}
    for node in network.nodes:
        counts[node.step] = counts.get(node.step, 0) + 1
    stages = [step for step, layers in counts.items() if step is not None and layers > 1]
    items = [_end("input", name, tensors, Vertex((), (name,))) for name in network.inputs]
    started: set[int] = set()
    for node in network.nodes:
        stage, badge = None, ""
        if node.step in stages and node.step is not None:
            stage = stages.index(node.step) + 1
            badge = f"stage {stage}" if stage not in started else ""
            started.add(stage)
        css = "view" if node.step is None else MULTIPLIES if node.name in multiplying else OTHER
        outs = [tensors[name] for name in node.outputs if name in tensors]
        title, second = _words(node, outs)
        vertex, number = Vertex(node.inputs, node.outputs), numbers.get(node.name)
        items.append(_Item(vertex, css, title, node.name, second, number, stage, badge))
    items += [_end("output", name, tensors, Vertex((name,), ())) for name in network.outputs]
    return items


def _end(kind: str, name: str, tensors: dict[str, TensorRecord], vertex: Vertex) -> _Item:
    tensor = tensors.get(name)
    second = f"{kind} · {shape(tensor)} {element_type(tensor)}" if tensor else kind
    title = f"{kind} {name}: {quantization(tensor)}" if tensor else name
    return _Item(vertex, "end", title, name, second)


def _words(node: NodeRecord, outs: Sequence[TensorRecord]) -> tuple[str, str]:
    """What is shown when pointed at, and the second line."""
    out = ", ".join(f"{shape(tensor)}" for tensor in outs)
    second = f"{node.op} → {out}"
    if node.flash_bytes:
        second += f" · {kilobytes(node.flash_bytes)}"
    title = [f"{node.name}: {node.op}"]
    title += [f"output {shape(tensor)}, {quantization(tensor)}" for tensor in outs]
    weights = main_weights(node)
    if weights is not None:
        title.append(f"weights {shape(weights)}, {quantization(weights)}")
    title.append(f"kernel {node.kernel}" if node.kernel else "a view: costs nothing")
    return "; ".join(title), second


def _row(
    item: _Item, row: Row, step: float, gutter: float, around: tuple[int | None, int | None]
) -> str:
    """A layer: its lines at the left, its words at the right.

    Args:
        item: The layer.
        row: Its lines.
        step: Pixels from lane to lane.
        gutter: Pixels for all lanes.
        around: Stages of the layers before and after it.
    """
    css = "" if item.stage is None else " stage"
    if item.stage is not None:
        css += " first" if around[0] != item.stage else ""
        css += " last" if around[1] != item.stage else ""
    badge = f"<em>{clean(item.badge)}</em>" if item.badge else ""
    number = f"<i>{item.number}</i>" if item.number else ""
    return f"""<li class="{item.css}{css}" title="{clean(item.title)}">{_lines(row, step, gutter)}
<div><b>{number}{clean(item.name)}</b>{badge}<span>{clean(item.second)}</span></div></li>"""


def _lines(row: Row, step: float, gutter: float) -> str:
    """The lanes of one row as SVG, with the dot of its layer."""
    middle = ROW / 2

    def x(lane: int) -> str:
        return f"{EDGE + lane * step:.1f}".removesuffix(".0")

    paths = [f"M{x(lane)} 0V{ROW}" for lane in row.passing]
    own = x(row.lane)
    for lane in row.above:
        bend = f"M{x(lane)} 0C{x(lane)} {middle:g} {own} 4 {own} {middle:g}"
        paths.append(f"M{own} 0V{middle:g}" if lane == row.lane else bend)
    for lane in row.below:
        bend = f"M{own} {middle:g}C{own} {ROW - 4} {x(lane)} {middle:g} {x(lane)} {ROW}"
        paths.append(f"M{own} {middle:g}V{ROW}" if lane == row.lane else bend)
    return (
        f'<svg width="{gutter:.0f}" height="{ROW}" aria-hidden="true"><path d="{"".join(paths)}"/>'
        f'<circle cx="{own}" cy="{middle:g}" r="5"/></svg>'
    )
