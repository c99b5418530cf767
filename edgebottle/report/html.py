"""Records as one HTML file: self-contained, opens offline, pictures drawn as SVG."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from edgebottle import __version__
from edgebottle.errors import BadInput
from edgebottle.report.svg import arena_map, flash_bar, layer_bars
from edgebottle.report.terminal import kilobytes, number
from hil.records import Record

_STYLE = """
:root { --ink: #16202b; --soft: #5b6875; --line: #dde3e9; --paper: #ffffff; --card: #f5f7f9;
  --c0: #2f6fb3; --c1: #d9822b; --c2: #3f8f5f; --c3: #8a5fb0; --c4: #b3503f; --c5: #4a98a3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #33404c;
  --paper: #131a21; --card: #1c252e; --c0: #6aa5e0; --c1: #e6a35c; --c2: #6dbb8b; --c3: #b592d6;
  --c4: #dd8070; --c5: #77c0ca; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1080px; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 32px 0 4px; }
p, figcaption { color: var(--soft); margin: 4px 0 12px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin: 20px 0; }
.card { background: var(--card); border-radius: 8px; padding: 12px 14px; }
.card b { display: block; font-size: 21px; } .card span { color: var(--soft); font-size: 13px; }
figure { margin: 0; overflow-x: auto; } svg { display: block; max-width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .inside { fill: #ffffff; }
svg .grid { stroke: var(--line); } svg .peak { stroke: var(--c4); stroke-dasharray: 5 4; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right;
  font-variant-numeric: tabular-nums; }
details { margin: 28px 0; } summary { cursor: pointer; font-weight: 600; }
"""


def render(records: Sequence[Record]) -> str:
    """The page: the comparison of all records, then each record, the newest open.

    Args:
        records: At least one, oldest first.
    """
    newest = records[-1]
    parts = [_record(newest)]
    if len(records) > 1:
        parts.insert(0, _comparison(records))
        parts += [
            f"<details><summary>{escape(_title(record))}</summary>{_record(record)}</details>"
            for record in reversed(records[:-1])
        ]
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>edgebottle: {escape(newest.model)} on {escape(newest.board)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
<p>edgebottle {__version__}. <i>Exact</i> is proven, <i>measured</i> was on hardware,
<i>modelled</i> comes from a model.</p>
</body>
</html>
"""


def write_html(records: Sequence[Record], path: Path) -> None:
    """Writes the page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    text = render(records)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


def _title(record: Record) -> str:
    where = "virtual " if record.virtual else ""
    return f"{record.model} on {where}{record.board}, {record.time.replace('+00:00', ' UTC')}"


def _record(record: Record) -> str:
    hidden = sum(1 for block in record.memory if block.nbytes == 0)
    peak = max((block.offset + block.nbytes for block in record.memory), default=0)
    bound = (
        "which is the lower bound of this order"
        if record.lower_bound == record.ram.arena
        else f"lower bound of this order {record.lower_bound:,}"
    )
    unit = (
        "cycles, measured"
        if any(x.cycles is not None for x in record.layers)
        else ("instructions, exact")
    )
    return f"""<h1>{escape(_title(record))}</h1>
<p>{escape(record.compiler)} {escape(record.flags)}; image {escape(record.image_hash)};
model {escape(record.model_hash[:12])}; schedule {escape(record.schedule)}</p>
<div class="cards">{_cards(record)}</div>
<h2>Memory over time</h2>
<figure>{arena_map(record.memory, [layer.name for layer in record.layers], record.ram.arena)}
<figcaption>The arena, byte by byte: {record.ram.arena:,} bytes, {bound}. Each box is a tensor or
scratch; boxes that touch share memory one after the other. Highest byte used: {peak:,}
{f"({hidden} empty tensors not drawn)" if hidden else ""}</figcaption></figure>
<h2>Cost per layer</h2>
<figure>{layer_bars(record.layers)}<figcaption>{unit}, of one run.</figcaption></figure>
<h2>Flash</h2>
<figure>{flash_bar(record.flash)}</figure>
<h2>Layers</h2>
{_layers(record)}"""


def _cards(record: Record) -> str:
    low, middle, high = (value / 1000 for value in record.latency_us)
    ram, flash = record.ram, record.flash
    cards = [
        ("exact" if record.match else "differs", f"outputs of {record.samples} samples"),
        (
            kilobytes(ram.bytes),
            f"RAM: arena {ram.arena:,}, stack {ram.stack:,}, other {ram.static:,}",
        ),
        (kilobytes(flash.bytes), f"flash: weights {flash.weights:,}, code {flash.code:,}"),
        (f"{middle:.3f} ms", f"latency, {record.latency_kind} ({low:.3f} to {high:.3f})"),
    ]
    if record.instructions is not None:
        per = f", {record.instructions / record.macs:.2f} per MAC" if record.macs else ""
        cards.insert(3, (number(record.instructions), f"instructions, exact{per}"))
    if record.accuracy is not None:
        share = f"accuracy: {record.correct} of {record.samples}"
        cards.insert(0, (f"{record.accuracy:.3f}", share))
    return "".join(
        f'<div class="card"><b>{escape(big)}</b><span>{escape(small)}</span></div>'
        for big, small in cards
    )


def _layers(record: Record) -> str:
    cycles = any(layer.cycles is not None for layer in record.layers)
    rows = []
    for layer in record.layers:
        cost = layer.cycles if cycles else layer.instructions
        per = f"{cost / layer.macs:.2f}" if cost and layer.macs else "-"
        rows.append(
            [
                layer.name,
                layer.op,
                number(layer.macs),
                number(cost),
                per,
                number(layer.output_bytes),
            ]
        )
    head = [
        "layer",
        "operator",
        "MACs",
        "cycles" if cycles else "instructions",
        "per MAC",
        "output bytes",
    ]
    return _table(head, rows, numeric_from=2)


def _comparison(records: Sequence[Record]) -> str:
    before: dict[tuple[str, str, bool], Record] = {}
    rows = []
    for record in records:
        key = (record.model, record.board, record.virtual)
        old = before.get(key)
        before[key] = record
        rows.append(
            [
                record.time.replace("+00:00", "Z"),
                record.model,
                ("virtual " if record.virtual else "") + record.board,
                _change(record.ram.bytes, old.ram.bytes if old else None),
                _change(record.flash.bytes, old.flash.bytes if old else None),
                _change(record.instructions, old.instructions if old else None),
                f"{record.latency_us[1] / 1000:.3f} ms {record.latency_kind}",
                "-" if record.accuracy is None else f"{record.accuracy:.3f}",
            ]
        )
    head = ["time", "model", "board", "RAM", "flash", "instructions", "latency", "accuracy"]
    return f"<h1>Records</h1>{_table(head, rows, numeric_from=3)}"


def _change(value: int | None, before: int | None) -> str:
    if value is None or not before or value == before:
        return number(value)
    return f"{value:,} ({value / before - 1:+.1%})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric_from: int) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if index >= numeric_from else ''}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(row)
        )

    lines = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', head)}</tr>\n{lines}</table>"
