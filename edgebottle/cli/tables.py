"""Tables of the commands that show something other than records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from edgebottle.fit import flash_allowed, ram_allowed
from edgebottle.report.columns import FittedTable
from edgebottle.report.memory import ArenaView
from edgebottle.report.terminal import (
    add_row,
    memory_chart,
    new_table,
    number,
    printable,
)
from edgebottle.units import kilobytes, room

if TYPE_CHECKING:
    from edgebottle.boards import Board
    from edgebottle.build.cache_use import CachedFiles
    from edgebottle.build.doctor import Check
    from edgebottle.codegen.kernels import KernelChoice
    from edgebottle.gate import Fitted
    from edgebottle.inspection import Inspection
    from edgebottle.onnx_oracle import OnnxCheck
    from edgebottle.passes.dead_channels import DeadChannelReport
    from edgebottle.pipeline import Built
    from edgebottle.plan.plan import Plan
    from edgebottle.verify import Verification
    from edgebottle.zoo import ZooNetwork
    from hil.records import MemoryBlock


def boards_table(boards: Sequence[Board]) -> tuple[FittedTable | str, ...]:
    """All boards, and which of them somebody has tried."""
    columns = ("id", "name?", "CPU", "MHz>", "RAM>", "flash>", "virtual?", "hardware?")
    table = new_table("Boards (RAM and flash in kB)", *columns)
    for board in boards:
        host = board.is_computer
        add_row(
            table,
            board.id,
            board.name,
            board.cpu + (" DSP" if board.processor.dsp else "") + (" FPU" if board.fpu else ""),
            "-" if board.is_host or board.processor.kinds else f"{board.clock_hz / 1e6:g}",
            "-" if host else f"{board.region('ram').size / 1024:g}",
            "-" if host else f"{board.region('flash').size / 1024:g}",
            "yes" if board.virtual else "-",
            "tried" if board.tried_on_hardware else "untried",
        )
    tried = ", ".join(board.id for board in boards if board.tried_on_hardware)
    return table, f"Tried on hardware: {tried}; the others untried, on their virtual boards only."


def cores_table(cores: Sequence[Board]) -> FittedTable:
    """The cores to build a library for."""
    table = new_table("Cores (the library alone, for a project of your own)", "id", "for~")
    for core in cores:
        add_row(table, core.id, core.name)
    return table


def build_table(built: Built) -> FittedTable:
    """RAM and flash of a build."""
    table = new_table(
        f"{built.model.name} on {built.board.id} ({built.compiler})", "", "bytes>", "~"
    )
    ram, flash, plan = built.ram, built.flash, built.plan
    bound = (
        "equal to the lower bound of this order"
        if plan.arena_bytes == plan.lower_bound
        else f"lower bound of this order {plan.lower_bound:,}"
    )
    if built.board.is_core:
        add_row(table, "arena", number(ram.arena), f"RAM, exact; {bound}")
        add_row(table, "weights", number(flash.weights), "flash; code and stack come on top")
        add_row(table, "schedule", "", _schedule(plan, built.model.macs(), built.extra_macs))
        return table
    add_row(table, "RAM", number(ram.bytes), _of(ram.bytes, ram_allowed(built.board, built.wish)))
    add_row(table, "  arena", number(ram.arena), f"exact; {bound}")
    add_row(table, "  stack", number(ram.stack), "reserved; `measure` shows what is used")
    add_row(table, "  other", number(ram.static), "serial line and bench application")
    allowed = None if built.board.is_computer else flash_allowed(built.board, built.wish)
    add_row(table, "flash", number(flash.bytes), _of(flash.bytes, allowed))
    add_row(table, "  weights", number(flash.weights), "")
    add_row(table, "  code", number(flash.code), "kernels, start-up, bench application")
    add_row(table, "schedule", "", _schedule(plan, built.model.macs(), built.extra_macs))
    return table


def fit_table(found: Fitted) -> FittedTable:
    """What a model that fits takes, and of how much."""
    verdict = found.verdict
    alone = " (the library alone)" if verdict.board.is_core else ""
    title = f"{found.model.name} fits {verdict.board.id}{alone}"
    table = new_table(title, "", "bytes>", "~")
    wish = verdict.wish
    for name, need, budget in (("RAM", found.ram, wish.ram), ("flash", found.flash, wish.flash)):
        most = need.bounds.most
        bound = "" if need.bounds.least == most else "<= "
        allowed = budget if verdict.board.is_core else need.allowed
        add_row(table, name, bound + number(most), _of(most, allowed))
    add_row(table, "  arena", number(verdict.plan.arena_bytes), "of RAM, exact")
    add_row(table, "  weights", number(verdict.source.weight_bytes), "of flash, exact")
    chosen = verdict.chosen
    text = _schedule(chosen.plan, chosen.graph.macs(), chosen.extra_macs)
    add_row(table, "schedule", "", text)
    return table


def kernels_table(choices: Sequence[KernelChoice]) -> FittedTable:
    """The kernel of each layer; estimates of what one of its own saves where there could be."""
    table = new_table(
        "Kernels (estimated: what one compiled for the layer alone saves and takes)",
        "layer",
        "kernel",
        "code?",
        "instructions?>",
        "bytes?>",
    )
    for choice in choices:
        could = choice.nbytes > 0
        add_row(
            table,
            choice.layer,
            choice.kernel,
            "its own" if choice.inlined else "shared",
            f"-{choice.saved:,}" if could else "",
            f"+{choice.nbytes:,}" if could else "",
        )
    return table


def _schedule(plan: Plan, macs: int, extra_macs: int) -> str:
    """The schedule, what of it runs row by row, what is copied, and what is computed twice."""
    stages = [step.stage for step in plan.steps if step.stage is not None]
    text = plan.schedule.value
    if stages:
        text += f": {sum(len(stage.nodes) for stage in stages)} layers in {len(stages)} stages"
    if extra_macs:
        text += f", {extra_macs:+,} MACs ({extra_macs / (macs - extra_macs):+.1%})"
    copying = sum(step.copy_bytes > 0 for step in plan.steps)
    if copying:
        text += f"; weights of {copying} of {len(plan.steps)} layers copied to RAM"
    return text


def _of(used: int, allowed: int | None) -> str:
    """The part of the board, or of the budget, that is taken."""
    return "" if allowed is None else f"{used / allowed:.1%} of {room(allowed)}"


def verification_lines(result: Verification) -> tuple[FittedTable | Text | str, ...]:
    """What ``verify`` found."""
    names = " = ".join(result.implementations)
    how = "to the last bit" if result.exact else "within the tolerance of floating point"
    tail = []
    if result.litert_refusal is not None:
        tail = [printable(f"NumPy is the reference, not LiteRT: {result.litert_refusal}")]
    if result.onnx is not None:
        tail += _onnx_lines(result.onnx)
    if result.difference is not None:
        return (Text(printable(f"MISMATCH: {result.difference}"), style="bold red"), *tail)
    head = f"match: {names}, {how}, {result.samples} samples"
    if result.instructions is not None:
        stack = f", {result.stack:,} bytes of stack used" if result.stack else ""
        tail.append(f"{result.instructions:,} instructions (exact){stack}")
    return (Text(head, style="bold green"), *tail)


def _onnx_lines(check: OnnxCheck) -> list[str]:
    """What to know of the comparison with onnxruntime, where it is no plain match."""
    if check.refusal is not None:
        return [printable(f"not compared with onnxruntime: {check.refusal}")]
    if check.unstable:
        return [
            f"of {check.unstable} samples the outputs hang on rounding: onnxruntime's own move as "
            "far as ours when it computes in another order"
        ]
    if not check.values:
        return []
    return [
        f"onnxruntime rounds in other places: of {check.values:,} outputs {check.one_step:,} "
        f"differ by one step, {check.more:,} by more"
    ]


def inspection_tables(
    found: Inspection, memory: Sequence[MemoryBlock]
) -> tuple[FittedTable | Text | str, ...]:
    """A model, layer by layer, its memory over time, and the boards it fits."""
    model, plan = found.model, found.plan
    head = new_table(f"{model.name} ({model.path})", "", "~")
    for kind, names in (("input", model.graph.inputs), ("output", model.graph.outputs)):
        for name in names:
            tensor = model.graph.tensors[name]
            quant = ""
            if tensor.quant is not None:
                quant = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}"
            shape = "x".join(map(str, tensor.shape))
            add_row(head, kind, f"{name}: {shape} {tensor.dtype.label}{quant}")
    add_row(head, "operators", ", ".join(f"{op} {count}" for op, count in found.operators))
    add_row(head, "MACs", number(model.macs()))
    add_row(head, "weights", f"{found.weights:,} bytes of constants")
    if found.dead.channels:
        add_row(head, "dead channels", _dead(found.dead))
    bound = f"lower bound of this order {plan.lower_bound:,}"
    add_row(head, "RAM", f"{plan.arena_bytes:,} bytes of arena ({bound})")
    layers = new_table(
        "Layers (* sets the peak)",
        "layer",
        "operator",
        "output?",
        "MACs?>",
        "weights?>",
        "RAM>",
        "",
    )
    for layer in found.layers:
        add_row(
            layers,
            layer.name,
            layer.op,
            "x".join(map(str, layer.output_shape))
            + f" {layer.output_dtype}"
            + (" packed" if layer.packed else ""),
            number(layer.macs),
            number(layer.weights) + (f" of u{layer.weight_bits}" if layer.weight_bits else ""),
            number(layer.live_bytes),
            "*" if layer.peak else ("free" if layer.elided else ""),
        )
    schedules = new_table("Schedules", "schedule", "arena>", "extra MACs?>", "layers in stages>")
    for view in found.schedules:
        stages = f"{view.streamed} in {view.stages}" if view.stages else "-"
        add_row(schedules, view.name, number(view.arena), number(view.extra_macs), stages)
        if view.packed:
            add_row(schedules, f"  {view.packed} tensors of few bits packed", "", "", "")
        for cut in view.cuts:
            name = f"  {cut.layers[0]} .. {cut.layers[-1]}"
            add_row(schedules, name, "", "", f"{cut.parts} parts of its {cut.axis}")
    fits = new_table("Boards", "board", "fits", "schedule", "~")
    for fit in found.boards:
        answer = "yes" if fit.fits else "maybe" if fit.may_fit else "no"
        add_row(fits, fit.board, answer, fit.schedule, fit.reason)
    running = [layer.name for layer in found.layers if not layer.elided]
    chart = memory_chart(ArenaView.of(memory, running, plan.arena_bytes))
    return head, layers, chart, "", schedules, fits


def _dead(report: DeadChannelReport) -> str:
    return (
        f"{report.channels:,} removed: MACs {report.macs_before:,} -> {report.macs_after:,}, "
        f"weights {report.weights_before:,} -> {report.weights_after:,} bytes"
    )


def inspection_json(found: Inspection) -> dict[str, Any]:
    """What ``inspect --json`` prints: the fields of all commands, null where only a build knows."""
    data = found.to_json()
    data["ram"] = {
        "bytes": None,
        **data["ram"],
        "stack": None,
        "static": None,
    }
    data["flash"] = {"bytes": None, **data["flash"], "code": None}
    return data


def doctor_table(checks: Sequence[Check]) -> FittedTable:
    """The checks of ``doctor``."""
    table = new_table("Doctor", "check~", "", "found~", "remedy~")
    for check in checks:
        state = "ok" if check.ok else ("MISSING" if check.required else "optional")
        add_row(table, check.name, state, check.detail, "" if check.ok else check.remedy)
    return table


def cache_table(title: str, kinds: Sequence[CachedFiles]) -> FittedTable:
    """What is in the cache, or was."""
    table = new_table(title, "kind", "files>", "size>", "what~")
    for kind in kinds:
        add_row(table, kind.name, number(kind.files), kilobytes(kind.nbytes), kind.what)
    return table


def zoo_table(networks: Sequence[ZooNetwork]) -> FittedTable:
    """The networks of the zoo."""
    table = new_table("Zoo", "name", "task~", "accuracy>", "spread~", "description~")
    for network in networks:
        spread = network.spread
        add_row(
            table,
            network.name,
            network.task,
            f"{network.accuracy:.4f}",
            f"{spread.low:.4f} to {spread.high:.4f} ({spread.seeds} seeds)",
            network.description,
        )
    return table
