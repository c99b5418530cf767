"""Tables and pictures for the terminal; plain text in a pipe."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

from edgebottle.report.columns import FittedTable
from edgebottle.report.confusion import confusion_tables
from edgebottle.report.detection import detection_tables, precision_text
from edgebottle.report.memory import ArenaView, Role, span
from edgebottle.report.published import SUITE, Comparison
from hil.energy_record import microjoules
from hil.records import LayerRecord, Record

PIPE_WIDTH = 80
"""Columns of a table that is not written to a terminal."""

CHART_COLUMNS = 48
"""Characters that the arena takes at most in the chart of memory over time."""

CHART_FRAME = 20
"""Characters around it: edges, the bytes of the step, and "peak"."""

Part = FittedTable | Text | str


class _Console(Console):
    """Leaves a broken pipe to the command line, which knows that it is no failure."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(stream: TextIO) -> Console:
    """What writes to ``stream``: styled on a terminal, plain in a pipe or where NO_COLOR is set."""
    # rich would keep bold and italic.
    colors: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return _Console(
        file=stream, width=_width(stream), color_system=colors, highlight=False, soft_wrap=False
    )


def _width(stream: TextIO) -> int:
    """Columns of a terminal, as COLUMNS or it itself says; ``PIPE_WIDTH`` in a pipe."""
    chosen = os.environ.get("COLUMNS", "")
    if chosen.isdigit() and int(chosen):
        return int(chosen)
    return shutil.get_terminal_size().columns if stream.isatty() else PIPE_WIDTH


def show(*parts: Part) -> None:
    """Prints tables and lines on standard output."""
    out = console(sys.stdout)
    for part in parts:
        if isinstance(part, FittedTable):
            out.print(part, crop=False)
        else:
            out.print(part, soft_wrap=True, markup=False)


def new_table(title: str, *columns: str) -> FittedTable:
    """A table; the marks behind the columns' names are those of ``report.columns``."""
    return FittedTable(printable(title), columns)


def add_row(table: FittedTable, *cells: str) -> None:
    """A row of plain text: names from a model or a file are never read as markup."""
    table.rows.append(tuple(printable(cell) for cell in cells))


def printable(text: str) -> str:
    """``text`` without the control characters that could steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def number(value: int | None) -> str:
    """With thousands separated; a dash for none."""
    return "-" if value is None else f"{value:,}"


def milliseconds(record: Record, layer: LayerRecord) -> str:
    """Of a layer; a dash where they are unknown."""
    value = record.milliseconds(layer.cycles)
    return "-" if value is None else f"{value:.3f}"


def moment(record: Record) -> str:
    """When, for people: ``2026-03-01 14:05:09 UTC``."""
    return record.time.replace("T", " ").replace("+00:00", " UTC")


def place(record: Record) -> str:
    """Where: ``virtual stm32f746``, or ``nrf52840dk of lab`` for a board of another computer."""
    host = f" of {record.host}" if record.host else ""
    return ("virtual " if record.virtual else "") + record.board + host


def agreement(record: Record) -> tuple[str, str]:
    """How the outputs compare with the reference: one word, and what it stands for."""
    samples = f"{record.samples:,} sample{'s' if record.samples != 1 else ''}"
    reference = f"{record.reference}'s reference kernels"
    if record.reference.startswith("NumPy"):
        reference = "the NumPy reference"
        if record.litert_refusal:
            reference += f" ({record.litert_refusal})"
    if not record.match:
        return "differ", f"{samples}, not those of {reference}"
    if record.exact:
        return "exact", f"{samples}, bit for bit {reference}"
    return "close", f"{samples}, within the tolerance of floating point {reference}"


def record_tables(record: Record) -> tuple[Part, ...]:
    """One measurement: the figures, then the layers."""
    table = new_table(f"{record.model} on {place(record)}", "", ">", "~")
    if record.accuracy is not None:
        share = f"{record.correct} of {record.samples} samples"
        add_row(table, "accuracy", f"{record.accuracy:.1%}", share)
    precision = precision_text(record)
    if precision is not None:
        add_row(
            table, "mean precision", precision, f"{record.samples} images, at an overlap of 0.5"
        )
    add_row(table, "outputs", *agreement(record))
    ram, flash = record.ram, record.flash
    stack = f"stack used {ram.stack:,}" if ram.stack else "stack not measured"
    parts = f"arena {ram.arena:,}, {stack}, other {ram.static:,}"
    add_row(table, "RAM", number(ram.bytes), parts)
    parts = f"weights {flash.weights:,}, code {flash.code:,}"
    add_row(table, "flash", number(flash.bytes), parts)
    if record.instructions is not None:
        per_mac = f"; {record.instructions / record.macs:.2f} per MAC" if record.macs else ""
        add_row(table, "instructions", number(record.instructions), f"exact, one run{per_mac}")
    if record.system is not None and record.system.instructions is not None:
        counted = number(record.system.instructions)
        add_row(table, "instructions", counted, "measured by the CPU's counter, one run")
    if record.cycles is not None:
        per_mac = f"; {record.cycles / record.macs:.2f} per MAC" if record.macs else ""
        add_row(table, "cycles", number(record.cycles), f"{record.cycles_kind}, one run{per_mac}")
    low, middle, high = (value / 1000 for value in record.latency_us)
    spread = f"; {low:.3f} to {high:.3f} ms" if high > low else ""
    add_row(table, "latency", f"{middle:.3f} ms", f"{record.latency_kind}{spread}")
    if len(record.windows_us) > 1:
        usual = statistics.median(record.windows_us)
        deviation = statistics.stdev(record.windows_us) / usual if usual else 0.0
        words = f"median of {len(record.windows_us)}; standard deviation {deviation:.2%}"
        add_row(table, "windows", f"{usual / 1000:.3f} ms", words)
    if record.energy is not None:
        add_row(table, "energy", microjoules(record.energy.median_joules), record.energy.words)
    for text in record.remarks:
        add_row(table, "remark", "", text)
    for step in record.recovery:
        add_row(table, "recovery", step.step, f"{step.did}: {step.saw}")
    return table, *confusion_tables(record), *detection_tables(record), layers_table(record)


def layers_table(record: Record) -> FittedTable:
    """Each layer, with its instructions, cycles and milliseconds where there are such."""
    layers = record.layers
    cycles = any(layer.cycles is not None for layer in layers)
    both = cycles and any(layer.instructions is not None for layer in layers)
    costs = [layer.cycles if cycles else layer.instructions for layer in layers]
    total = sum(cost or 0 for cost in costs)
    columns = ["layer", "operator", "MACs?>", "output bytes?>"]
    if total:
        columns[3:3] = ["cycles>" if cycles else "instructions>", "share>", "per MAC?>"]
    timed = cycles and record.clock_hz is not None
    if timed:
        columns[4:4] = ["ms>"]
    if both:
        columns[3:3] = ["instructions?>"]
    table = new_table("Layers", *columns)
    for layer, cost in zip(layers, costs, strict=True):
        cells = [layer.name, layer.op, number(layer.macs), number(layer.output_bytes)]
        if total:
            per_mac = f"{cost / layer.macs:.2f}" if cost and layer.macs else "-"
            cells[3:3] = [number(cost), f"{(cost or 0) / total:.1%}", per_mac]
        if timed:
            cells[4:4] = [milliseconds(record, layer)]
        if both:
            cells[3:3] = [number(layer.instructions)]
        add_row(table, *cells)
    return table


def comparison_table(records: Sequence[Record]) -> FittedTable:
    """One row per record, each beside the one before of its model, board and schedule."""
    table = new_table(
        "Records",
        "time",
        "model",
        "board",
        "RAM?>",
        "flash?>",
        "instructions?>",
        "change?>",
        "latency>",
        "accuracy>",
    )
    before: dict[tuple[str, str, bool, str], Record] = {}
    for record in records:
        key = (record.model, record.board, record.virtual, record.schedule)
        old = before.get(key)
        change = "-"
        if old is not None and old.instructions and record.instructions:
            change = f"{record.instructions / old.instructions - 1:+.1%}"
        before[key] = record
        add_row(
            table,
            moment(record)[: len("2026-03-01 14:05")],
            record.model,
            place(record),
            number(record.ram.bytes),
            number(record.flash.bytes),
            number(record.instructions),
            change,
            f"{record.latency_us[1] / 1000:.3f} ms {record.latency_kind}",
            "-" if record.accuracy is None else f"{record.accuracy:.1%}",
        )
    return table


def published_parts(comparisons: Sequence[Comparison]) -> tuple[Part, ...]:
    """Our cycles beside those published; one line for each record without a counterpart."""
    parts: list[Part] = []
    for found in comparisons:
        record = found.record
        where = f"{record.model} on {place(record)}"
        if not found.results:
            parts.append(printable(f"{where}: {found.reason}"))
            continue
        chip = found.results[0]
        title = f"{where} beside {SUITE}: {found.network}, {chip.chip}"
        table = new_table(title, "engine", "by?", "round?", "cycles>", "kind", "ours / theirs>")
        mine = f"edgebottle, {record.compiler}"
        add_row(table, mine, "-", "-", number(record.cycles), found.kind, "")
        for result in found.results:
            ratio = found.ratio(result)
            add_row(
                table,
                result.engine,
                result.submitter,
                result.round,
                number(result.cycles),
                "measured",
                "-" if ratio is None else f"{ratio:.2f}",
            )
        parts.append(table)
    return tuple(parts)


_BLOCKS = {"written": "█", "scratch": "▒", "held": "░", "free": " ", "edge": "│"}
_ASCII = {"written": "#", "scratch": "+", "held": "-", "free": " ", "edge": "|"}
_STYLES = {"written": "cyan", "scratch": "yellow", "held": "blue", "free": "", "edge": "dim"}


def memory_chart(view: ArenaView, columns: int | None = None) -> Text:
    """Memory over time: one line per layer, the arena's addresses from left to right.

    Args:
        view: The arena.
        columns: Characters that the arena takes; None for what the terminal has.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    signs = _BLOCKS if encoding.startswith("utf") else _ASCII
    text = Text("Memory over time", style="italic")
    if not view.steps or not view.blocks:
        return text.append(": this model needs no arena", style="not italic")
    text.append(f" (the arena's {view.arena:,} bytes from left to right)\n")
    names = min(max(len(name) for name in view.layers), 30)
    if columns is None:
        columns = min(CHART_COLUMNS, max(20, _width(sys.stdout) - names - CHART_FRAME))
    peaks = view.peaks()
    lines = Text(style="not italic")
    for step, name in enumerate(view.layers):
        lines.append(f" {_shortened(printable(name), names):{names}} ")
        lines.append(signs["edge"], _STYLES["edge"])
        for kind in _cells(view, step, columns):
            lines.append(signs[kind], _STYLES[kind])
        lines.append(signs["edge"], _STYLES["edge"])
        lines.append(f" {view.live_bytes(step):>9,}")
        if step in peaks:
            lines.append(" peak", "bold red")
        lines.append("\n")
    lines.append(" " * (names + 2))
    for kind, what in (("written", "written"), ("held", "kept"), ("scratch", "scratch")):
        lines.append(f" {signs[kind]}", _STYLES[kind])
        lines.append(f" {what}  ")
    return text.append_text(lines)


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 2] + ".."


def _cells(view: ArenaView, step: int, columns: int) -> list[str]:
    """What each of ``columns`` equal pieces of the arena is used for during ``step``."""
    cells = ["free"] * columns
    rank = {"free": 0, "held": 1, "scratch": 2, "written": 3}
    for block in view.at(step):
        kind = "written" if block.first == step else "held"
        if view.role(block) is Role.SCRATCH:
            kind = "scratch"
        start, end = span(block)
        first = start * columns // max(view.arena, 1)
        last = -(-end * columns // max(view.arena, 1))
        for cell in range(first, min(max(last, first + 1), columns)):
            if rank[kind] > rank[cells[cell]]:
                cells[cell] = kind
    return cells
