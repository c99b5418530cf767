"""Tables of the commands that show something other than records."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from edgebottle.boards import Board
from edgebottle.build.doctor import Check
from edgebottle.inspection import Inspection
from edgebottle.pipeline import Built
from edgebottle.report.terminal import kilobytes, new_table, number
from edgebottle.verify import Verification
from edgebottle.zoo import Network


def boards_table(boards: Sequence[Board]) -> Table:
    """All boards."""
    table = new_table(
        "Boards", "id", "name", "CPU", "clock>", "RAM>", "flash>", "virtual", "hardware"
    )
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
    table = new_table(
        f"{built.model.name} on {built.board.id} ({built.compiler})", "", "bytes>", ""
    )
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


def inspection_tables(found: Inspection) -> tuple[Table | Text | str, ...]:
    """A model, layer by layer, and the boards it fits."""
    model, plan = found.model, found.plan
    head = new_table(f"{model.name} ({model.path})", "", "")
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
    layers = new_table(
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
    fits = new_table("Boards", "board", "fits", "")
    for fit in found.boards:
        fits.add_row(fit.board, "yes" if fit.fits else "no", fit.reason)
    return head, layers, fits


def doctor_table(checks: Sequence[Check]) -> Table:
    """The checks of ``doctor``."""
    table = new_table("Doctor", "check", "", "found", "remedy")
    for check in checks:
        state = "ok" if check.ok else ("MISSING" if check.required else "optional")
        table.add_row(check.name, state, check.detail, "" if check.ok else check.remedy)
    return table


def zoo_table(networks: Sequence[Network]) -> Table:
    """The networks of the zoo."""
    table = new_table("Zoo", "name", "task", "accuracy>", "spread", "description")
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
