"""Tables for the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgebottle.boards import Board
from hil.records import LayerRecord, Record

if TYPE_CHECKING:
    from edgebottle.build.doctor import Check
    from edgebottle.inspection import Inspection
    from edgebottle.pipeline import Built
    from edgebottle.verify import Verification
    from edgebottle.zoo import Network

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


def _table(title: str, *columns: str) -> Table:
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


def boards_table(boards: Sequence[Board]) -> Table:
    """All boards."""
    table = _table("Boards", "id", "name", "CPU", "clock>", "RAM>", "flash>", "virtual", "hardware")
    for board in boards:
        host = board.is_host
        table.add_row(
            board.id,
            board.name,
            board.cpu + (" +DSP" if board.dsp else "") + (" +FPU" if board.fpu else ""),
            "-" if host else f"{board.clock_hz / 1e6:g} MHz",
            "-" if host else kilobytes(board.region("ram").size),
            "-" if host else kilobytes(board.region("flash").size),
            "yes" if board.virtual else "-",
            "tried" if board.tried_on_hardware else "untried",
        )
    return table


def build_table(built: Built) -> Table:
    """RAM and flash of a build."""
    table = _table(f"{built.model.name} on {built.board.id} ({built.compiler})", "", "bytes>", "")
    ram, flash, plan = built.ram, built.flash, built.plan
    table.add_row("RAM", number(ram.bytes), _of(ram.bytes, built.board, "ram"))
    bound = (
        "equal to the lower bound of this order"
        if plan.arena_bytes == plan.lower_bound
        else f"lower bound of this order {plan.lower_bound:,}"
    )
    table.add_row("  arena", number(ram.arena), f"exact; {bound}")
    table.add_row("  stack", number(ram.stack), "reserved; `measure` shows what is used")
    table.add_row("  other", number(ram.static), "serial line and bench application")
    table.add_row("flash", number(flash.bytes), _of(flash.bytes, built.board, "flash"))
    table.add_row("  weights", number(flash.weights), "")
    table.add_row("  code", number(flash.code), "kernels, start-up, bench application")
    return table


def _of(used: int, board: Board, region: str) -> str:
    if board.is_host:
        return ""
    size = board.region(region).size
    return f"{used / size:.1%} of {kilobytes(size)}"


def record_tables(record: Record) -> tuple[Table | Text | str, ...]:
    """One measurement: the figures, then the layers."""
    where = "virtual " if record.virtual else ""
    table = _table(f"{record.model} on {where}{record.board}", "", ">", "")
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
    table = _table("Layers", "layer", "operator", "MACs>", f"{what}>", "share>", "output bytes>")
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


def verification_lines(result: Verification) -> tuple[Table | Text | str, ...]:
    """What ``verify`` found."""
    names = " = ".join(result.implementations)
    how = "to the last bit" if result.exact else "within the tolerance of floating point"
    if result.difference is not None:
        return (Text(f"MISMATCH: {result.difference}", style="bold red"),)
    head = f"match: {names}, {how}, {result.samples} samples"
    tail = ""
    if result.instructions is not None:
        tail = f"{result.instructions:,} instructions (exact), {result.stack:,} bytes of stack used"
    return (Text(head, style="bold green"), *([tail] if tail else []))


def comparison_table(records: Sequence[Record]) -> Table:
    """One row per record, each compared with the one before of the same model and board."""
    table = _table(
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


def inspection_tables(found: Inspection) -> tuple[Table | Text | str, ...]:
    """A model, layer by layer, and the boards it fits."""
    model, plan = found.model, found.plan
    head = _table(f"{model.name} ({model.path})", "", "")
    for kind, names in (("input", model.graph.inputs), ("output", model.graph.outputs)):
        for name in names:
            tensor = model.graph.tensors[name]
            quant = ""
            if tensor.quant is not None:
                quant = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}"
            shape = "x".join(map(str, tensor.shape))
            head.add_row(kind, f"{name}: {shape} {tensor.dtype.label}{quant}")
    head.add_row("operators", ", ".join(f"{op} {count}" for op, count in found.operators))
    head.add_row("MACs", number(model.macs()))
    head.add_row("weights", f"{found.weights:,} bytes of constants")
    bound = f"lower bound of this order {plan.lower_bound:,}"
    head.add_row("RAM", f"{plan.arena_bytes:,} bytes of arena ({bound})")
    layers = _table(
        "Layers (* sets the peak)", "layer", "operator", "output", "MACs>", "weights>", "RAM>", ""
    )
    for layer in found.layers:
        layers.add_row(
            layer.name,
            layer.op,
            "x".join(map(str, layer.output_shape)) + f" {layer.output_dtype}",
            number(layer.macs),
            number(layer.weights),
            number(layer.live_bytes),
            "*" if layer.peak else ("free" if layer.elided else ""),
        )
    fits = _table("Boards", "board", "fits", "")
    for fit in found.boards:
        fits.add_row(fit.board, "yes" if fit.fits else "no", fit.reason)
    return head, layers, fits


def doctor_table(checks: Sequence[Check]) -> Table:
    """The checks of ``doctor``."""
    table = _table("Doctor", "check", "", "found", "remedy")
    for check in checks:
        state = "ok" if check.ok else ("MISSING" if check.required else "optional")
        table.add_row(check.name, state, check.detail, "" if check.ok else check.remedy)
    return table


def zoo_table(networks: Sequence[Network]) -> Table:
    """The networks of the zoo."""
    table = _table("Zoo", "name", "task", "accuracy>", "spread", "description")
    for network in networks:
        spread = network.spread
        table.add_row(
            network.name,
            network.task,
            f"{network.accuracy:.4f}",
            f"{spread.low:.4f} to {spread.high:.4f} ({spread.seeds} seeds)",
            network.description,
        )
    return table
