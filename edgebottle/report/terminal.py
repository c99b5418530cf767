"""Tables for the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hil.records import LayerRecord, Record

PIPE_WIDTH = 120
"""Columns of a table that is not written to a terminal."""


def show(*parts: Table | Text | str) -> None:
    """Prints tables and lines on standard output; plain text in a pipe."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    if width is None and "COLUMNS" not in os.environ:
        width = shutil.get_terminal_size().columns
    console = Console(width=width, highlight=False, soft_wrap=False)
    for part in parts:
        if isinstance(part, Table):
            console.print(part)
        else:
            console.print(part, soft_wrap=True, markup=False)


def new_table(title: str, *columns: str) -> Table:
    """A table; columns whose name ends with ``>`` are aligned to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if right else "left", overflow="fold")
    return table


def kilobytes(count: int) -> str:
    """``49152`` as ``48.0 kB`` (1 kB = 1024 bytes), small numbers as bytes."""
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} kB"


def number(value: int | None) -> str:
    """With thousands separated; a dash for none."""
    return "-" if value is None else f"{value:,}"


def record_tables(record: Record) -> tuple[Table | Text | str, ...]:
    """One measurement: the figures, then the layers."""
    where = "virtual " if record.virtual else ""
    table = new_table(f"{record.model} on {where}{record.board}", "", ">", "")
    if record.accuracy is not None:
        table.add_row(
            "accuracy", f"{record.accuracy:.3f}", f"{record.correct} of {record.samples} samples"
        )
    table.add_row(
        "outputs",
        "exact" if record.match else "DIFFER",
        f"{record.samples} samples, bit for bit the NumPy reference",
    )
    ram, flash = record.ram, record.flash
    parts = f"arena {ram.arena:,}, stack used {ram.stack:,}, other {ram.static:,}"
    table.add_row("RAM", number(ram.bytes), parts)
    table.add_row("flash", number(flash.bytes), f"weights {flash.weights:,}, code {flash.code:,}")
    if record.instructions is not None:
        per_mac = f"{record.instructions / record.macs:.2f} per MAC" if record.macs else ""
        table.add_row("instructions", number(record.instructions), f"exact, one run; {per_mac}")
    low, middle, high = (value / 1000 for value in record.latency_us)
    table.add_row(
        "latency", f"{middle:.3f} ms", f"{record.latency_kind}; {low:.3f} to {high:.3f} ms"
    )
    return table, layers_table(record.layers)


def layers_table(layers: Sequence[LayerRecord]) -> Table:
    """Instructions or cycles per layer."""
    cycles = any(layer.cycles is not None for layer in layers)
    what = "cycles" if cycles else "instructions"
    table = new_table("Layers", "layer", "operator", "MACs>", f"{what}>", "share>", "output bytes>")
    costs = [(layer.cycles if cycles else layer.instructions) or 0 for layer in layers]
    total = sum(costs) or 1
    for layer, cost in zip(layers, costs, strict=True):
        table.add_row(
            layer.name,
            layer.op,
            number(layer.macs),
            number(cost),
            f"{cost / total:.1%}",
            number(layer.output_bytes),
        )
    return table


def comparison_table(records: Sequence[Record]) -> Table:
    """One row per record, each compared with the one before of the same model and board."""
    table = new_table(
        "Records",
        "time",
        "model",
        "board",
        "RAM>",
        "flash>",
        "instructions>",
        "change>",
        "latency>",
        "accuracy>",
    )
    before: dict[tuple[str, str, bool], Record] = {}
    for record in records:
        key = (record.model, record.board, record.virtual)
        old = before.get(key)
        change = "-"
        if old is not None and old.instructions and record.instructions:
            change = f"{record.instructions / old.instructions - 1:+.1%}"
        before[key] = record
        table.add_row(
            record.time.replace("+00:00", "Z"),
            record.model,
            ("virtual " if record.virtual else "") + record.board,
            number(record.ram.bytes),
            number(record.flash.bytes),
            number(record.instructions),
            change,
            f"{record.latency_us[1] / 1000:.3f} ms {record.latency_kind}",
            "-" if record.accuracy is None else f"{record.accuracy:.3f}",
        )
    return table
