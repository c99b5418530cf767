"""Records as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgebottle.boards import board_ids, load_board
from edgebottle.report.memory import ArenaView, Role
from edgebottle.report.page import Cell, page, table, write_page
from edgebottle.report.profile import mac_limit
from edgebottle.report.profile_page import rates_figure
from edgebottle.report.published import SUITE, Comparison
from edgebottle.report.svg import (
    Bar,
    arena_map,
    bar_chart,
    clean,
    layer_bars,
    mac_rates,
    stacked_bar,
    trend,
)
from edgebottle.report.terminal import agreement, kilobytes, milliseconds, moment, number, place
from hil.records import Record


def render(records: Sequence[Record], published: Sequence[Comparison] = ()) -> str:
    """The page: the newest record, the comparison of all, then the older ones, folded.

    Args:
        records: At least one, oldest first.
        published: What to set beside published results.
    """
    newest = records[-1]
    parts = [f"<h1>{clean(_title(newest))}</h1>", _record(newest)]
    if published:
        parts.append(_published(published))
    if len(records) > 1:
        parts.append(_comparison(records))
        parts += [
            f"<details><summary>{clean(_title(record))}, {clean(moment(record))}</summary>"
            f"{_record(record)}</details>"
            for record in reversed(records[:-1])
        ]
    return page(_title(newest), "\n".join(parts))


def write_html(records: Sequence[Record], path: Path, published: Sequence[Comparison] = ()) -> None:
    """Writes the page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    write_page(render(records, published), path)


def _title(record: Record) -> str:
    return f"{record.model} on {place(record)}"


def _record(record: Record) -> str:
    view = ArenaView.of(record.memory, record.step_names, record.ram.arena)
    facts = (
        f"{moment(record)} · {record.compiler} {record.flags} · model {record.model_hash[:12]} · "
        f"image {record.image_hash} · outputs {record.output_crc} · schedule {record.schedule}"
    )
    ram, flash = record.ram, record.flash
    ram_parts = [
        ("arena", ram.arena, "a0"),
        ("stack", ram.stack, "output"),
        ("other", ram.static, "code"),
    ]
    flash_parts = [("weights", flash.weights, "a0"), ("code", flash.code, "code")]
    return f"""<p class="facts">{clean(facts)}</p>
<ul class="cards">{_cards(record)}</ul>
<section><h2>Memory over time</h2>
{_memory(view, record)}</section>
{_costs(record)}
<section><h2>RAM and flash by part</h2>
<h3>RAM: {ram.bytes:,} bytes</h3><figure>{stacked_bar("RAM", ram_parts)}</figure>
<h3>Flash: {flash.bytes:,} bytes</h3><figure>{stacked_bar("Flash", flash_parts)}</figure>
</section>
<section><h2>Layers</h2>
{_layers(record)}</section>"""


def _memory(view: ArenaView, record: Record) -> str:
    if not view.blocks or not view.steps:
        return "<p>This record has no map of the arena.</p>"
    bound = (
        "equal to the lower bound of this order"
        if record.lower_bound == view.arena
        else f"the lower bound of this order is {record.lower_bound:,}"
    )
    roles = [role for role in Role if any(view.role(block) is role for block in view.blocks)]
    css = {Role.ACTIVATION: "a0"}
    legend = "".join(
        f'<li><i class="{css.get(role, role.value)}"></i>{role.value}</li>' for role in roles
    )
    peaks = ", ".join(view.layers[step] for step in view.peaks())
    return f"""<figure>{arena_map(view)}
<ul class="legend">{legend}</ul>
<figcaption>Bytes of the arena upwards, layers to the right; each box is a tensor or scratch, from
the layer that writes it to the last that reads it. The arena has {view.arena:,} bytes (exact),
{bound}. Peak: {clean(peaks)}.</figcaption></figure>"""


def _costs(record: Record) -> str:
    unit = _unit(record)
    if unit is None:
        return ""
    kind = clean(record.cycles_kind or "measured") if unit == "cycles" else "exact"
    return f"""<section><h2>{unit.capitalize()} per layer</h2>
<figure>{layer_bars(record.layers)}
<ul class="legend"><li><i class="a0"></i>multiplies and accumulates</li>
<li><i class="code"></i>no multiply-accumulates</li></ul>
<figcaption>{unit.capitalize()} of one run, {kind}.</figcaption></figure>
{_rates(record)}</section>"""


def _rates(record: Record) -> str:
    """The layers under the limit of the core, where both are known."""
    is_counted = any(layer.macs and layer.instructions for layer in record.layers)
    if not is_counted or record.board not in board_ids():
        return ""
    limit = mac_limit(load_board(record.board))
    figure = rates_figure(mac_rates(record.layers, limit), limit)
    return f"<h3>MACs per instruction</h3>{figure}"


def _unit(record: Record) -> str | None:
    """What the layers were counted in."""
    if any(layer.cycles is not None for layer in record.layers):
        return "cycles"
    if any(layer.instructions is not None for layer in record.layers):
        return "instructions"
    return None


def _cards(record: Record) -> str:
    low, middle, high = (value / 1000 for value in record.latency_us)
    ram, flash = record.ram, record.flash
    cards = []
    if record.accuracy is not None:
        share = f"{record.correct:,} of {record.samples:,} samples"
        cards.append(("", "accuracy", f"{record.accuracy:.1%}", share))
    word, what = agreement(record)
    cards.append(("good" if record.match else "bad", "outputs", word, what))
    parts = f"arena {ram.arena:,}, stack {ram.stack:,}, other {ram.static:,}"
    cards.append(("", "RAM", kilobytes(ram.bytes), parts))
    parts = f"weights {flash.weights:,}, code {flash.code:,}"
    cards.append(("", "flash", kilobytes(flash.bytes), parts))
    if record.instructions is not None:
        per = f", {record.instructions / record.macs:.2f} per MAC" if record.macs else ""
        cards.append(("", "instructions", number(record.instructions), f"exact, one run{per}"))
    cards.append(("", "MACs", number(record.macs), "exact, one run"))
    if record.cycles is not None:
        per = f", {record.cycles / record.macs:.2f} per MAC" if record.macs else ""
        what = f"{record.cycles_kind}, one run{per}"
        cards.append(("", "cycles", number(record.cycles), what))
    spread = f"; {low:.3f} to {high:.3f} ms" if high > low else ""
    cards.append(("", "latency", f"{middle:.3f} ms", f"{record.latency_kind}{spread}"))
    return "".join(
        f'<li class="{css}"><span>{clean(name)}</span><b>{clean(big)}</b>'
        f"<span>{clean(small)}</span></li>"
        for css, name, big, small in cards
    )


def _layers(record: Record) -> str:
    unit = _unit(record)
    head = ["layer", "operator", "MACs", "output bytes"]
    if unit is not None:
        head[3:3] = [unit, "per MAC"]
    both = unit == "cycles" and any(layer.instructions is not None for layer in record.layers)
    if both:
        head[3:3] = ["instructions"]
    timed = unit == "cycles" and record.clock_hz is not None
    if timed:
        head[-2:-2] = ["ms"]
    rows: list[list[Cell]] = []
    for layer in record.layers:
        row: list[Cell] = [layer.name, layer.op, number(layer.macs), number(layer.output_bytes)]
        if unit is not None:
            cost = layer.cycles if unit == "cycles" else layer.instructions
            row[3:3] = [number(cost), f"{cost / layer.macs:.2f}" if cost and layer.macs else "-"]
        if both:
            row[3:3] = [number(layer.instructions)]
        if timed:
            row[-2:-2] = [milliseconds(record, layer)]
        rows.append(row)
    return table("Every layer, in the order of the run.", head, rows, numeric_from=2)


def _published(comparisons: Sequence[Comparison]) -> str:
    """Our cycles beside those that others published for the same network and chip."""
    parts = [f"<section><h2>Beside published results: {SUITE}</h2>"]
    for found in comparisons:
        record = found.record
        if not found.results:
            parts.append(f"<p>{clean(f'{_title(record)}: {found.reason}')}.</p>")
            continue
        chip = found.results[0]
        rounds = ", ".join(dict.fromkeys(result.round for result in found.results))
        where = f"{_title(record)} ({record.compiler}): {found.network}"
        bars = [Bar("edgebottle", record.cycles or 0, f"{number(record.cycles)} {found.kind}")]
        for result in found.results:
            ratio = found.ratio(result)
            ours = "" if ratio is None else f"; ours are {ratio:.2f} of them"
            figure = f"{result.cycles:,} measured{ours}"
            bars.append(Bar(result.label, result.cycles, figure, "code"))
        parts.append(
            f"<h3>{clean(where)}</h3><figure>{bar_chart(bars, f'Cycles: {where}', 330, 300)}"
            f"<figcaption>Cycles of one inference on {clean(chip.chip)}, {clean(chip.core)} at "
            f"{chip.clock_hz / 1e6:g} MHz. Ours are {found.kind}; the published ones are measured: "
            f"latency times clock. Round: {clean(rounds)}.</figcaption></figure>"
        )
    return "\n".join([*parts, "</section>"])


def _comparison(records: Sequence[Record]) -> str:
    groups: dict[tuple[str, str, bool], list[Record]] = {}
    rows: list[list[Cell]] = []
    for record in records:
        group = groups.setdefault((record.model, record.board, record.virtual), [])
        old = group[-1] if group else None
        group.append(record)
        rows.append(
            [
                moment(record),
                record.model,
                place(record),
                _change(record.ram.bytes, old.ram.bytes if old else None),
                _change(record.flash.bytes, old.flash.bytes if old else None),
                _change(record.instructions, old.instructions if old else None),
                (f"{record.latency_us[1] / 1000:.3f} ms", record.latency_kind),
                "-" if record.accuracy is None else f"{record.accuracy:.1%}",
                record.compiler,
            ]
        )
    columns = ["time", "model", "board", "RAM", "flash", "instructions", "latency", "accuracy"]
    caption = "Oldest first; changes against the record before of the same model and board."
    every = table(caption, [*columns, "compiler"], rows, numeric_from=3)
    trends = "".join(_trends(group) for group in groups.values() if len(group) > 1)
    return f"<section><h2>Records over time</h2>{trends}{every}</section>"


def _trends(group: Sequence[Record]) -> str:
    """Small charts of one model on one board."""
    figures = [
        ("RAM, bytes", [record.ram.bytes for record in group]),
        ("flash, bytes", [record.flash.bytes for record in group]),
    ]
    counted = [record.instructions for record in group if record.instructions is not None]
    if len(counted) == len(group):
        figures.append(("instructions", counted))
    else:
        figures.append(("latency, µs", [round(record.latency_us[1]) for record in group]))
    charts = "".join(
        f"<figure><h3>{name}: {values[-1]:,}</h3>"
        + trend(
            name,
            values,
            [f"{v:,} on {moment(r)}" for v, r in zip(values, group, strict=True)],
        )
        + "</figure>"
        for name, values in figures
    )
    return f'<h3>{clean(_title(group[-1]))}</h3><div class="trends">{charts}</div>'


def _change(value: int | None, before: int | None) -> Cell:
    if value is None or not before or value == before:
        return number(value)
    return f"{value:,}", f"{value / before - 1:+.1%}"
