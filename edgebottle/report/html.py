"""Records as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgebottle.boards import load_board, target_ids
from edgebottle.report.arena import arena_map
from edgebottle.report.comparison import beside_published, over_time, title_of
from edgebottle.report.confusion import confusion_section
from edgebottle.report.detection import detection_section, precision_text
from edgebottle.report.drawing import network_drawing
from edgebottle.report.layers import cost_table, cost_unit, plain_table, rate_table, shape_table
from edgebottle.report.markup import clean, section
from edgebottle.report.memory import ArenaView
from edgebottle.report.page import page, write_page
from edgebottle.report.parts import parts_bar
from edgebottle.report.profile import mac_limit
from edgebottle.report.profile_page import rates_caption
from edgebottle.report.published import Comparison
from edgebottle.report.recovery import recovery_section
from edgebottle.report.terminal import agreement, moment, number
from edgebottle.units import kilobytes
from hil.energy_record import microjoules
from hil.network import Network
from hil.records import Record


def render(records: Sequence[Record], published: Sequence[Comparison] = ()) -> str:
    """The page: the newest record, the comparison of all, then the older ones, folded.

    Args:
        records: At least one, oldest first.
        published: What to set beside published results.
    """
    newest = records[-1]
    seen: set[Network] = set()
    parts = [f"<h1>{clean(title_of(newest))}</h1>", _record(newest, seen)]
    if published:
        parts.append(beside_published(published))
    if len(records) > 1:
        parts.append(over_time(records))
        parts += [
            f"<details><summary>{clean(title_of(record))}<small>{clean(moment(record))}</small>"
            f"</summary>{_record(record, seen)}</details>"
            for record in reversed(records[:-1])
        ]
    return page(title_of(newest), "\n".join(parts))


def write_html(records: Sequence[Record], path: Path, published: Sequence[Comparison] = ()) -> None:
    """Writes the page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    write_page(render(records, published), path)


def _record(record: Record, seen: set[Network]) -> str:
    """One record.

    Args:
        record: The record.
        seen: Networks that the page has drawn already; a record of one of them does not repeat it.
    """
    facts = [
        ("time", moment(record)),
        ("compiler", f"{record.compiler} {record.flags}"),
        ("schedule", record.schedule),
        ("model", record.model_hash[:12]),
        ("image", record.image_hash),
        ("outputs", record.output_crc),
        *([("inputs", record.inputs)] if record.inputs else []),
        *([("line", f"{record.baud} baud")] if record.baud is not None else []),
        *(("remark", text) for text in record.remarks),
    ]
    ram, flash = record.ram, record.flash
    ram_parts = [
        ("arena", ram.arena, "arena-part"),
        ("stack", ram.stack, "stack-part"),
        ("other", ram.static, "rest-part"),
    ]
    flash_parts = [
        ("weights", flash.weights, "weights-part"),
        ("code", flash.code, "code-part"),
    ]
    parts = parts_bar("RAM", ram_parts) + parts_bar("Flash", flash_parts)
    listed = "".join(f"<li><span>{name}</span> {clean(text)}</li>" for name, text in facts)
    return f"""<ul class="facts">{listed}</ul>
<ul class="cards">{_cards(record)}</ul>
{recovery_section(record)}{confusion_section(record)}{detection_section(record)}{_costs(record)}
{section("Memory over time", _memory(record))}
{section("RAM and flash by part", f'<div class="pair">{parts}</div>')}
{_layers(record, seen)}"""


def _memory(record: Record) -> str:
    view = ArenaView.of(record.memory, record.step_names, record.ram.arena)
    if not view.blocks or not view.steps:
        return "<p>This record has no map of the arena.</p>"
    bound = (
        "equal to the lower bound of this order"
        if record.lower_bound == view.arena
        else f"the lower bound of this order is {record.lower_bound:,}"
    )
    return f"""<p>Each box is a tensor or scratch, from the step that writes it down to the last
that reads it; its bytes in the arena run from left to right. The arena has {view.arena:,} bytes
(exact), {bound}. At the right: bytes in use.</p>
<figure>{arena_map(view)}</figure>"""


def _costs(record: Record) -> str:
    unit = cost_unit(record.layers)
    if unit is None:
        return ""
    # A board may count cycles by layer alone; they are what its clock is.
    kind = (record.cycles_kind or record.latency_kind) if unit == "cycles" else "exact"
    caption = f"{unit.capitalize()} of one run, {kind}."
    if unit == "cycles" and any(layer.instructions is not None for layer in record.layers):
        caption += " Instructions and MACs are exact."
    costs = cost_table(record.layers, caption, record.clock_hz)
    return section(f"{unit.capitalize()} per layer", costs) + _rates(record)


def _rates(record: Record) -> str:
    """The layers under the limit of the core, where both are known."""
    is_counted = any(layer.macs and layer.instructions for layer in record.layers)
    if not is_counted or record.board not in target_ids():
        return ""
    limit = mac_limit(load_board(record.board))
    rates = rate_table(record.layers, limit, rates_caption(limit))
    return section("MACs per instruction", rates)


def _layers(record: Record, seen: set[Network]) -> str:
    network = record.network
    if network is None:
        return "" if cost_unit(record.layers) else section("Layers", plain_table(record.layers))
    if network in seen:
        return "<p>Its layers are those of a newer record above.</p>"
    seen.add(network)
    drawing = network_drawing(network, record.layers)
    return section("Network", drawing) + section("Layers", shape_table(network))


def _cards(record: Record) -> str:
    """The figures that matter most, latency before all."""
    low, middle, high = (value / 1000 for value in record.latency_us)
    ram, flash = record.ram, record.flash
    spread = f"; {low:.3f} to {high:.3f} ms" if high > low else ""
    cards = [("", "latency", f"{middle:,.3f} ms", f"{record.latency_kind}{spread}")]
    if record.energy is not None:
        energy = record.energy
        cards.append(("", "energy", microjoules(energy.median_joules), energy.words))
    if record.accuracy is not None:
        share = f"{record.correct:,} of {record.samples:,} samples"
        cards.append(("", "accuracy", f"{record.accuracy:.1%}", share))
    precision = precision_text(record)
    if precision is not None:
        images = f"{record.samples:,} images, at an overlap of 0.5"
        cards.append(("", "mean average precision", precision, images))
    word, what = agreement(record)
    cards.append(("good" if record.match else "bad", "outputs", word, what))
    stack = f"stack {ram.stack:,}" if ram.stack else "stack not measured"
    parts = f"arena {ram.arena:,}, {stack}, other {ram.static:,}"
    cards.append(("", "RAM", kilobytes(ram.bytes), parts))
    parts = f"weights {flash.weights:,}, code {flash.code:,}"
    cards.append(("", "flash", kilobytes(flash.bytes), parts))
    if record.cycles is not None:
        per = f", {record.cycles / record.macs:.2f} per MAC" if record.macs else ""
        what = f"{record.cycles_kind}, one run{per}"
        cards.append(("", "cycles", number(record.cycles), what))
    if record.instructions is not None:
        per = f", {record.instructions / record.macs:.2f} per MAC" if record.macs else ""
        cards.append(("", "instructions", number(record.instructions), f"exact, one run{per}"))
    cards.append(("", "MACs", number(record.macs), "exact, one run"))
    return "".join(
        f'<li class="{css}"><span>{clean(name)}</span><b>{clean(big)}</b>'
        f"<span>{clean(small)}</span></li>"
        for css, name, big, small in cards
    )
